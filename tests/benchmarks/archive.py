"""Backup, restore and copy beside the raw limit, in one run.

raw        cp of the database's file, fsync, and sha256 of both: what no verified copy can beat
backup     log ──► lines of JSON, the chain verified, read back and verified again
restore    lines ──► log through the recorder, read back, the whole chain verified once more

python -m tests.benchmarks.archive [--json] [--events 10000] [--folder DIR]
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from adapters.archive.backup import About, BackupSource, back_up, manifest_of
from adapters.archive.carrying import Target, carry
from adapters.archive.databases import database_source, database_target
from adapters.archive.exports import file_source, file_target
from adapters.archive.folders import folder_source, folder_target
from adapters.archive.sources import LogSource, Source
from adapters.memory.recorder import MemoryRecorder
from tests.benchmarks.road import pipeline_on, propose
from tools import realsvc

READ_MODELS = "read_models"


def silent(_reached: int, _aim: int) -> None: ...


def carried(
    source: AbstractContextManager[Source], target: AbstractContextManager[Target]
) -> Callable[[], None]:
    def work() -> None:
        with source as from_, target as to:
            carry(from_, to, silent)

    return work


def copied_and_hashed(path: Path, copy: Path) -> None:
    shutil.copyfile(path, copy)
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    for each in (path, copy):
        with each.open("rb") as file:
            hashlib.file_digest(file, "sha256")


def timed(work: Callable[[], object], events: int) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    return {
        "eventsPerSecond": round(events / took),
        "cpuMicroseconds": round(spent / events * 1e6, 1),
    }


def make_log(folder: Path, events: int) -> None:
    """A log as the pipeline writes it, made in memory because that is quick."""
    recorder = MemoryRecorder()
    pipeline = pipeline_on(recorder)
    n = 0
    while recorder.head() < events:
        propose(pipeline, n)
        n += 1
    carried(nullcontext(LogSource(recorder, "memory")), folder_target(folder, empty_only=True))()


def measure(place: Path, events: int) -> dict[str, Any]:
    data, backup, file = place / "data", place / "backup", place / "log.jsonl"
    make_log(data, events)
    about = About("Bench", "bench", 0)

    def backed_up() -> None:
        with folder_source(data) as log:
            back_up(log, data, backup, about, silent)

    def restored() -> None:
        manifest = manifest_of(backup)
        assert manifest is not None
        with folder_target(place / "restored", empty_only=True) as target:
            carry(BackupSource(backup, manifest), target, silent)

    packed = file.with_suffix(".jsonl.gz")
    works: dict[str, Callable[[], object]] = {
        "raw: cp and sha256": lambda: copied_and_hashed(data / "log.db", place / "raw.db"),
        "backup": backed_up,
        "backup, nothing new": backed_up,
        "restore": restored,
        "copy to .jsonl": carried(folder_source(data), file_target(file, "bench")),
        "copy to .jsonl.gz": carried(folder_source(data), file_target(packed, "bench")),
        "copy from .jsonl": carried(
            nullcontext(file_source(file)), folder_target(place / "third", empty_only=False)
        ),
    }
    server = realsvc.Postgres.create(durable=True, parent=str(place)).start()
    url = server.url()
    works["copy to PostgreSQL"] = carried(
        folder_source(data), database_target(url, empty_only=False, read_models=READ_MODELS)
    )
    works["copy from PostgreSQL"] = carried(
        database_source(url), folder_target(place / "back", empty_only=False)
    )
    try:
        found = {name: timed(work, events) for name, work in works.items()}
    finally:
        server.destroy()
    sizes = {"log.db": data / "log.db", "log.jsonl": file, "log.jsonl.gz": packed}
    found["bytesPerEvent"] = {
        name: round(path.stat().st_size / events) for name, path in sizes.items()
    }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="where everything is put; on a real disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bos-archive-", dir=options.folder) as folder:
        Path(folder).chmod(0o755)
        found = measure(Path(folder), options.events)
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    sizes = found.pop("bytesPerEvent")
    print(f"{options.events} events{'':14}{'events/s':>10}{'CPU µs/event':>14}")
    for name, row in found.items():
        print(f"{name:24}{row['eventsPerSecond']:>14}{row['cpuMicroseconds']:>14}")
    print("bytes per event: " + ", ".join(f"{name} {size}" for name, size in sizes.items()))


if __name__ == "__main__":
    main()

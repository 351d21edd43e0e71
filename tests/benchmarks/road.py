"""The whole road beside the raw limit, on both databases, in one run.

raw        one INSERT and one commit for each, on a table with the same columns: what the disk gives
road       ProposeAction from planner to receipt: 3 events in one guarded append
beside     our own CPU for a command, the store's calls taken out (budget: 50 µs)

python -m tests.benchmarks.road [--json] [--commands 2000] [--folder DIR]
"""

import argparse
import gc
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from adapters.clock import wall_clock
from adapters.codec import Codec
from adapters.dcb import LogRecorder
from adapters.event_store import LogEventStore
from adapters.ids import random_id
from adapters.memory.recorder import MemoryRecorder
from commands.catalog import PLANNERS
from commands.founding import FoundBusiness
from commands.kernel.action import ProposeAction
from commands.kernel.agent import RegisterAgent
from commands.message import Done
from commands.pipeline import Pipeline
from domain.catalog import EVENTS, UPCASTERS
from domain.core.principal import Actor, Role
from domain.kernel.org_unit import ROOT
from tools import realsvc

AGENT = Actor("support", Role.AGENT, ROOT)
ROUNDS = 5
BUDGET_MICROSECONDS = 50.0


def pipeline_on(recorder: LogRecorder) -> Pipeline:
    pipeline = Pipeline(
        LogEventStore(recorder, Codec(EVENTS, UPCASTERS)), wall_clock, random_id, PLANNERS
    )
    pipeline.handle(FoundBusiness(name="Bench"), Actor("bootstrap", Role.SERVICE))
    agent = RegisterAgent(agent_id="support", name="S", tool_permissions=("process_refund",))
    pipeline.handle(agent, Actor("founder", Role.FOUNDER))
    return pipeline


def propose(pipeline: Pipeline, n: int) -> None:
    payload = {"orderId": f"o{n}", "amount": 10, "currency": "USD"}
    receipt = pipeline.handle(ProposeAction(action_type="process_refund", payload=payload), AGENT)
    assert isinstance(receipt, Done)


class Timed:
    """A recorder whose fetch and append are timed, in CPU of this thread."""

    def __init__(self, recorder: LogRecorder) -> None:
        self._recorder = recorder
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recorder, name)

    def _timed(self, call: Callable[[], Any]) -> Any:
        began = time.thread_time()
        try:
            return call()
        finally:
            self.seconds += time.thread_time() - began

    def fetch(self, *args: Any) -> Any:
        return self._timed(lambda: self._recorder.fetch(*args))

    def append(self, *args: Any) -> Any:
        return self._timed(lambda: self._recorder.append(*args))


def beside_the_store(commands: int) -> list[float]:
    """Return our own CPU for a command in microseconds, once a round.

    Without the cyclic garbage collector: it would walk the memory recorder's growing log, which
    no other store keeps in this process, and charge that to the road.
    """
    found = []
    for _ in range(ROUNDS):
        timed = Timed(MemoryRecorder())
        pipeline = pipeline_on(timed)  # type: ignore[arg-type]
        for n in range(200):
            propose(pipeline, n)
        gc.collect()
        gc.disable()
        timed.seconds, began = 0.0, time.thread_time()
        for n in range(commands):
            propose(pipeline, n)
        spent = time.thread_time() - began - timed.seconds
        gc.enable()
        found.append(spent / commands * 1e6)
    return found


def rate(what: Callable[[int], None], count: int) -> float:
    began = time.perf_counter()
    for n in range(count):
        what(n)
    return count / (time.perf_counter() - began)


RAW = "INSERT INTO raw VALUES ({0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0})"
ROW = ("verdict.recorded", 1, 1, "agent:support", "c", "c", "[]", b"x" * 700)
COLUMNS = (
    "position bigint primary key, type text, schema_version int, occurred_at bigint, actor text,"
    " correlation_id text, causation_id text, tags text, data {0}"
)


@contextmanager
def sqlite_pair(folder: Path) -> Iterator[tuple[Callable[[int], None], LogRecorder]]:
    from adapters.sqlite.recorder import SqliteRecorder
    from adapters.sqlite.schema import migrate

    raw = sqlite3.connect(folder / "raw.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute(f"CREATE TABLE raw ({COLUMNS.format('blob')})")
    migrate(folder / "log.db")
    recorder = SqliteRecorder(folder / "log.db")
    counter = iter(range(10**9))
    yield lambda _n: void(raw.execute(RAW.format("?"), (next(counter), *ROW))), recorder
    recorder.close()
    raw.close()


@contextmanager
def postgres_pair(folder: Path) -> Iterator[tuple[Callable[[int], None], LogRecorder]]:
    from adapters.postgres.recorder import PostgresRecorder
    from adapters.postgres.schema import migrate

    server = realsvc.Postgres.create(durable=True, parent=str(folder)).start()
    try:
        migrate(server.url())
        recorder = PostgresRecorder(server.url())
        with psycopg.connect(server.url(), autocommit=True) as raw:
            raw.execute(f"CREATE TABLE raw ({COLUMNS.format('bytea')})")
            counter = iter(range(10**9))
            yield lambda _n: void(raw.execute(RAW.format("%s"), (next(counter), *ROW))), recorder
        recorder.close()
    finally:
        server.destroy()


def void(_result: object) -> None: ...


def measure(folder: Path, commands: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, pair in (("sqlite", sqlite_pair), ("postgres", postgres_pair)):
        with pair(folder) as (raw, recorder):
            pipeline = pipeline_on(recorder)
            raws, roads, cpus = [], [], []
            for _ in range(ROUNDS):  # interleaved, so that both meet the same disk
                raws.append(rate(raw, commands // ROUNDS))
                began = time.process_time()
                roads.append(rate(partial(propose, pipeline), commands // ROUNDS))
                cpus.append((time.process_time() - began) / (commands // ROUNDS) * 1e6)
        best, median = max(roads), statistics.median(roads)
        found[name] = {
            "rawInsertsPerSecond": round(statistics.median(raws)),
            "commandsPerSecond": round(median),
            "bestCommandsPerSecond": round(best),
            "ratio": round(median / statistics.median(raws), 2),
            "cpuMicrosecondsPerCommand": round(statistics.median(cpus)),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--commands", type=int, default=2_000)
    parser.add_argument("--folder", type=Path, help="where the databases are put; on a real disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bos-road-", dir=options.folder) as folder:
        Path(folder).chmod(0o755)
        found = measure(Path(folder), options.commands)
    beside = beside_the_store(options.commands)
    found["besideTheStoreMicroseconds"] = {
        "best": round(min(beside), 1),
        "median": round(statistics.median(beside), 1),
        "budget": BUDGET_MICROSECONDS,
    }
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    print(f"{'':10}{'raw insert/s':>14}{'commands/s':>12}{'ratio':>8}{'CPU µs/command':>16}")
    for name in ("sqlite", "postgres"):
        row = found[name]
        print(
            f"{name:10}{row['rawInsertsPerSecond']:>14}{row['commandsPerSecond']:>12}"
            f"{row['ratio']:>8}{row['cpuMicrosecondsPerCommand']:>16}"
        )
    told = found["besideTheStoreMicroseconds"]
    print(f"our own CPU beside the store: best {told['best']} µs, median {told['median']} µs")
    print(f"budget {told['budget']} µs")


if __name__ == "__main__":
    main()

"""The fence: threads and processes race to append, and are killed in the middle of it.

Nothing is accepted that was decided on what has moved, no position is left out, no batch is torn,
and whatever was acknowledged to anybody, even to a process that was dead a moment later, is there
exactly once. `make faults` races 100,000 accepted appends on each database.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from adapters.chain import verify
from adapters.dcb import LogRow
from adapters.memory.recorder import MemoryRecorder
from tests.contracts.recorders import DATABASES, migrated, opened
from tests.simulation.appender import Appender, audit

LONG: Final = "BOS_FAULTS_MINUTES" in os.environ
SEED: Final = int(os.environ.get("BOS_FAULTS_SEED", "1"))
APPENDS: Final = 100_000 if LONG else 600
KILLS_MIN: Final = 20 if LONG else 2
CONTROL_APPENDS: Final = 200
PROCESSES: Final = 3 if LONG else 2
LIVES_SECONDS: Final = (0.2, 2.5) if LONG else (0.1, 0.4)  # once it has acknowledged something
PAGE: Final = 5_000
ROOT: Final = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(0 if LONG else 120)]


@dataclass(slots=True)
class Race:
    """Processes that append to one log, each with a journal."""

    kind: str
    address: str
    folder: Path
    flags: tuple[str, ...] = ()
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0
    killed: int = 0

    def run(self, appends: int, kills_min: int) -> None:
        """Kill and replace processes until enough was acknowledged."""
        try:
            while len(acknowledgements(self.folder)) < appends or self.killed < kills_min:
                while len(self.running) < PROCESSES:
                    self._start()
                name = self.dice.choice([*self.running])
                self._await_life(name)
                time.sleep(self.dice.uniform(*LIVES_SECONDS))
                self._kill(name)
        finally:
            for name in [*self.running]:
                self._kill(name)

    def _start(self) -> None:
        name = f"p{self.started}"
        self.started += 1
        program = (sys.executable, "-m", "tests.simulation.appender")
        arguments = (self.kind, self.address, name, str(SEED), str(self.folder / name))
        self.running[name] = subprocess.Popen([*program, *arguments, *self.flags], cwd=ROOT)

    def _await_life(self, name: str) -> None:
        journal = self.folder / name
        while not journal.exists() or not journal.stat().st_size:
            assert self.running[name].poll() is None, "an appender ended by itself"
            time.sleep(0.01)

    def _kill(self, name: str) -> None:
        process = self.running.pop(name)
        assert process.poll() is None, "an appender ended by itself"
        process.kill()
        process.wait()
        self.killed += 1

    def rows(self) -> list[LogRow]:
        """Return the whole log."""
        found: list[LogRow] = []
        with closing(opened(self.kind, self.address)) as log:
            while page := log.page(len(found), PAGE):
                found += page
        return found


def acknowledgements(folder: Path) -> Mapping[str, tuple[int, int]]:
    """Return what the journals in a folder say: an append's id, its last position, its size."""
    found = {}
    for path in folder.iterdir():
        for line in path.read_text().splitlines():
            last, size, id = line.split()
            found[id] = (int(last), int(size))
    return found


@pytest.fixture(params=DATABASES)
def race(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Race]:
    kind: str = request.param
    journals = tmp_path / "journals"
    journals.mkdir()
    if kind == "postgres":
        yield Race(kind, migrated(kind, request.getfixturevalue("postgres_url")), journals)
        return
    memory = Path("/dev/shm")  # a kill -9 loses nothing that the system was given
    path = (memory if memory.is_dir() else tmp_path) / f"fence-{os.getpid()}-{tmp_path.name}.db"
    yield Race(kind, migrated(kind, str(path)), journals)
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def test_the_fence_holds(race: Race) -> None:
    race.run(APPENDS, KILLS_MIN)
    rows, acknowledged = race.rows(), acknowledgements(race.folder)
    assert len(acknowledged) >= APPENDS
    assert audit(rows, acknowledged) == [], f"seed {SEED}"
    assert verify(rows) is None
    assert len(rows) >= len(acknowledged)
    assert race.killed >= KILLS_MIN


def test_the_audit_catches_appends_that_forget_what_was_read(race: Race) -> None:
    race.flags = ("--unguarded",)
    race.run(CONTROL_APPENDS, 0)
    rows, acknowledged = race.rows(), acknowledgements(race.folder)
    assert any("was decided on" in each for each in audit(rows, acknowledged))


def test_the_audit_catches_what_is_missing_torn_or_doubled(tmp_path: Path) -> None:
    journal = os.open(tmp_path / "journal", os.O_WRONLY | os.O_CREAT)
    with closing(MemoryRecorder()) as log:
        appender = Appender(log, "a", journal, random.Random(SEED), guarded=True)
        for nth in range(20):
            appender.append(f"a:{nth}")
        rows = log.page(0, PAGE)
    acknowledged = acknowledgements(tmp_path)
    assert audit(rows, acknowledged) == []
    id, (last, _) = next(iter(acknowledged.items()))
    lost = [row for row in rows if not str(row.id).startswith(f"{id}:")]
    dense = [row._replace(position=nth) for nth, row in enumerate(lost, 1)]
    assert any("acknowledged" in each for each in audit(dense, acknowledged))
    assert any("stands at" in each for each in audit(lost, acknowledged))
    assert any("twice" in each for each in audit([*rows, rows[last - 1]], acknowledged))
    torn = next(row for row in rows if row.correlation_id != "1")
    assert any("torn" in each for each in audit([r for r in rows if r != torn], acknowledged))

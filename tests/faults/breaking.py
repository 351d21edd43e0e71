"""Breaking: what the tests of faults share.

BOS_FAULTS_SEED, BOS_FAULTS_MINUTES   from `make faults`; without them each test is short
Writers ──receipts that were acknowledged──► the journal, which the log must agree with
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Final

from adapters.chain import verify
from adapters.dcb import LogRow
from commands.access.user import AddUser
from commands.message import Done, Receipt
from console_api.business import Business
from domain.core.principal import Actor, Role
from domain.ports import BrokenWorld

SEED: Final = int(os.environ.get("BOS_FAULTS_SEED", "1"))
FOUNDER: Final = Actor("founder", Role.FOUNDER)
PATIENCE_SECONDS: Final = 60.0
CALL_SECONDS_MAX: Final = 60.0
"""A call that takes longer hangs, whatever was broken meanwhile."""
PAGE: Final = 1_000


def seconds(short: float) -> float:
    """How long to break things: for as many minutes as were asked for, else a short while."""
    minutes = os.environ.get("BOS_FAULTS_MINUTES")
    return float(minutes) * 60 if minutes else short


def eventually(true: Callable[[], bool], within_seconds: float = PATIENCE_SECONDS) -> None:
    ends = monotonic() + within_seconds
    while not true():
        assert monotonic() < ends, "this did not come true"
        sleep(0.05)


@dataclass
class Writers:
    """Threads that send commands with a key each, again and again until they are answered."""

    business: Business
    threads: int = 4
    tries_again: bool = True
    text: str = ""
    journal: dict[str, Receipt] = field(default_factory=dict)
    errors: list[BrokenWorld] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)
    longest_seconds: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)

    def start(self) -> "Writers":
        self._running = [
            threading.Thread(target=self._write, args=(f"w{nth}",)) for nth in range(self.threads)
        ]
        for each in self._running:
            each.start()
        return self

    def stop(self) -> None:
        """Let each finish what it is at; nobody may hang."""
        assert self.bugs == []
        self._stop.set()
        for each in self._running:
            each.join(CALL_SECONDS_MAX)
            assert not each.is_alive(), "a writer hangs"
        assert self.bugs == []
        assert self.longest_seconds < CALL_SECONDS_MAX

    def ask(self, key: str) -> Receipt:
        """Send the command of a key, or send it again."""
        command = AddUser(user_id=key, name=key + self.text, role="viewer")
        began = monotonic()
        try:
            return self.business.do(command, FOUNDER, key=key)
        finally:
            self.longest_seconds = max(self.longest_seconds, monotonic() - began)

    def _write(self, name: str) -> None:
        try:
            nth = 0
            while not self._stop.is_set():
                nth += 1
                self._until_answered(f"{name}-{nth}")
        except BaseException as bug:
            self.bugs.append(bug)
            raise

    def _until_answered(self, key: str) -> None:
        while not self._stop.is_set():
            try:
                self.journal[key] = self.ask(key)
                return
            except BrokenWorld as error:
                self.errors.append(error)
                if not self.tries_again:
                    self._stop.set()
                self._stop.wait(0.05)

    def check(self) -> None:
        """Nothing that was acknowledged is lost, nothing was done twice."""
        assert self.journal
        assert all(isinstance(each, Done) for each in self.journal.values())
        again = {key: self.ask(key) for key in self.journal}
        assert again == self.journal
        rows = everything(self.business)
        assert [row.position for row in rows] == list(range(1, len(rows) + 1))
        assert verify(rows) is None
        stored = [row.tags[0] for row in rows if row.type == "user.added"]
        assert len(stored) == len(set(stored))
        assert {f"user:{key}" for key in self.journal} <= set(stored)


def everything(business: Business) -> list[LogRow]:
    """Every row of the log."""
    recorder = business.log.recorder
    rows: list[LogRow] = []
    while page := recorder.page(len(rows), PAGE):
        rows += page
    return rows

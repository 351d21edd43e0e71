"""Sources: where rows come from. None is handed on before the chain is verified up to it.

    Source  ◄── LogSource     a log, up to the head that it has now; it may grow meanwhile
            ◄── LinesSource   an export: a file, or a pipe            (exports.py)
            ◄── BackupSource  a backup's parts, one after the other   (backup.py)

Each goes on after a `Tip` that the target already has, and refuses if it has another hash there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from adapters.admission import Tip
from adapters.archive import Damaged, Refused
from adapters.archive.lines import START, Malformed
from adapters.chain import body_digest, link
from adapters.dcb import LogRecorder, LogRow, PersistenceError
from domain.ports import StoreUnavailable

PAGE_ROWS: Final = 1_000


class Source(Protocol):
    """Something that holds a log."""

    name: str

    @property
    def head(self) -> int | None:
        """Return how far it goes, where that can be known beforehand."""
        ...

    def after(self, tip: Tip) -> Iterator[LogRow]:
        """Yield what comes after a place, verified. Raises `Damaged`, `Refused`."""
        ...


class LogSource:
    """A log, up to the head that it has now."""

    def __init__(self, recorder: LogRecorder, name: str) -> None:
        """Take note of the head: a moment between two appends."""
        self.recorder = recorder
        self.name = name
        with handled_log(name):
            self.head = recorder.head()

    def tip(self, position: int) -> Tip:
        """Return a place in this log. Raises `Refused` if it does not reach that far."""
        if position == 0:
            return START
        with handled_log(self.name):
            row = self.recorder.row(position) if position <= self.head else None
        if row is None:
            raise behind(self.name, self.head, position)
        return Tip(position, row.hash)

    def after(self, tip: Tip) -> Iterator[LogRow]:
        """Yield what comes after a place, verified."""
        if self.tip(tip.position) != tip:
            raise differs(self.name, tip.position)
        while tip.position < self.head:
            with handled_log(self.name):
                rows = self.recorder.page(tip.position, PAGE_ROWS, self.head)
            if not rows:
                raise self._damaged(tip.position + 1, Malformed("this event is missing"))
            for row in rows:
                try:
                    tip = follow(row, tip)
                except Malformed as why:
                    raise self._damaged(tip.position + 1, why) from None
                yield row

    def _damaged(self, position: int, why: Malformed) -> Damaged:
        return Damaged(
            f"{self.name}, position {position}: {why}; the log was changed, restore a backup"
            " that verifies",
            position=position,
        )


def follow(row: LogRow, tip: Tip) -> Tip:
    """Return the place of a row that continues a chain. Raises `Malformed` if it does not."""
    if row.position != tip.position + 1:
        raise Malformed(f"position {row.position} stands there instead")
    hash = link(tip.hash, row.position, body_digest(row))
    if hash != row.hash:
        raise Malformed("the event does not have the hash that it says")
    return Tip(row.position, hash)


def differs(name: str, position: int) -> Refused:
    """Return the refusal of a source that tells another history than the target has."""
    return Refused(
        f"{name} and what is already there are different logs: their hashes differ at position"
        f" {position}; name another place"
    )


def behind(name: str, head: int, position: int) -> Refused:
    """Return the refusal of a source that ends before the target does."""
    return Refused(
        f"{name} ends at position {head}, but what is already there reaches position {position}:"
        " it is the newer one"
    )


@contextmanager
def handled_log(name: str) -> Iterator[None]:
    """Translate what a recorder raises."""
    try:
        yield
    except PersistenceError as error:
        raise StoreUnavailable(f"{name} cannot be used: {error}") from error

"""Logs as targets: through the recorder's own append, guarded, read back.

    LogTarget    a log with events: rows are appended to it, on from its tip
    StagedLog    an empty place: a log is filled beside it, verified, and put there by `finish`

Every append is guarded by "nothing after my tip": two writers never mix their histories.
"""

from abc import abstractmethod
from collections.abc import Sequence
from itertools import groupby

from adapters.admission import Tip
from adapters.archive import Damaged, Refused
from adapters.archive.lines import START
from adapters.archive.sources import LogSource, handled_log
from adapters.dcb import (
    DataError,
    DCBAppendCondition,
    DCBQuery,
    IntegrityError,
    LogRecorder,
    LogRow,
)


class LogTarget:
    """A log that is written on."""

    def __init__(self, recorder: LogRecorder, name: str) -> None:
        """Write through a recorder."""
        self.recorder = recorder
        self.name = name

    def tip(self) -> Tip:
        """Return where the log ends."""
        log = LogSource(self.recorder, self.name)
        return log.tip(log.head)

    def add(self, rows: Sequence[LogRow], after: Tip) -> None:
        """Append rows that continue from a tip, and read them back."""
        reached = after.position
        for _, run in groupby(rows, key=lambda row: row.id is None):  # an append has ids, or none
            reached = self._append(list(run), reached)
        with handled_log(self.name):
            stored = self.recorder.page(after.position, len(rows), reached)
        if stored != list(rows):
            wrong = next(n for n, row in enumerate(rows) if stored[n : n + 1] != [row])
            raise Damaged(
                f"{self.name} gave back something else than was written at position"
                f" {rows[wrong].position}: do not use it, and report this",
                position=rows[wrong].position,
            )

    def finish(self, tip: Tip) -> None:
        """Nothing is left to do: what was appended is in the log."""

    def _append(self, rows: Sequence[LogRow], after: int) -> int:
        nothing_since = DCBAppendCondition(DCBQuery(), after=after)
        between = f"between positions {rows[0].position} and {rows[-1].position}"
        with handled_log(self.name):
            try:
                reached = self.recorder.append([row.event() for row in rows], nothing_since)
            except IntegrityError as moved:
                raise Refused(
                    f"somebody else writes to {self.name} ({moved}): stop what runs on it first"
                ) from moved
            except DataError as unfit:
                raise Damaged(
                    f"an event {between} is none that a log may hold: {unfit}",
                    position=rows[0].position,
                ) from unfit
        if reached != rows[-1].position:
            raise Damaged(f"an id {between} was used before", position=rows[0].position)
        return reached


class StagedLog(LogTarget):
    """A log that is made beside its place, and put there when all of it has been verified."""

    def finish(self, tip: Tip) -> None:
        """Verify every event that was stored, then let the log be used."""
        stored, reached = LogSource(self.recorder, self.name), START
        for row in stored.after(START):
            reached = Tip(row.position, row.hash)
        assert reached == tip, "the chain says so"
        self.recorder.close()
        self.settle()

    @abstractmethod
    def settle(self) -> None:
        """Put the log in its place, in one step."""

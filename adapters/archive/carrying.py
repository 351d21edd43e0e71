"""Carrying: rows from a source to a target, in whole appends, from where the target ends.

    source.after(tip) ──► batches ──► target.add ──► … ──► target.finish

A batch ends where an append ended: a target that was left half way never holds a verdict without
the facts that were recorded with it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from adapters.admission import Tip
from adapters.archive.sources import Source
from adapters.dcb import BATCH_EVENTS_MAX, LogRow

BATCH_ROWS: Final = BATCH_EVENTS_MAX

Progress = Callable[[int, int], None]
"""Told the position reached and the position aimed at."""


class Target(Protocol):
    """A place that a log is carried to."""

    def tip(self) -> Tip:
        """Return where to go on."""
        ...

    def add(self, rows: Sequence[LogRow], after: Tip) -> None:
        """Write rows that continue from a tip."""
        ...

    def finish(self, tip: Tip) -> None:
        """Make what was written count: until now, nobody takes it for a whole log."""
        ...


class Carried(NamedTuple):
    """From where to where a log was carried."""

    begin: Tip
    end: Tip


def carry(source: Source, target: Target, progress: Progress) -> Carried:
    """Bring a target to where its source ends. Raises `Damaged`, `Refused`, `StoreUnavailable`."""
    begin = tip = target.tip()
    for batch in batches(source.after(tip)):
        target.add(batch, tip)
        tip = Tip(batch[-1].position, batch[-1].hash)
        progress(tip.position, source.head or tip.position)
    target.finish(tip)
    return Carried(begin, tip)


def batches(rows: Iterable[LogRow]) -> Iterator[list[LogRow]]:
    """Group rows so that no append is divided, unless it alone is too large."""
    batch: list[LogRow] = []
    first: str | None = None
    begins = 0  # where the last append in the batch begins
    for row in rows:
        if first is None or row.causation_id != first:
            first, begins = row.id, len(batch)
        if len(batch) == BATCH_ROWS:
            cut = begins or BATCH_ROWS
            yield batch[:cut]
            batch, begins = batch[cut:], 0
        batch.append(row)
    if batch:
        yield batch

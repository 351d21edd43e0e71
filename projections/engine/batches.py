"""Batches: stretches of the log, and what a picture makes of one.

page(after) ──► events, dense ──► load rows ──► draw ──► save rows and position
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from domain.ports import EventStore, Recorded, StoreUnavailable
from domain.view_store import Edition, ViewStore
from projections.view import View

BATCH: Final = 2_000

Progress = Callable[[int, int], None]
"""Told the position reached and the position aimed at."""


def silent(_reached: int, _aim: int) -> None:
    """Tell nobody."""


def concerned(view: View, events: Sequence[Recorded]) -> Sequence[Recorded]:
    """Return the events that a view is drawn from."""
    return [each for each in events if each.type in view.types] if view.types else events


def page(log: EventStore, *, after: int, upto: int | None = None) -> Sequence[Recorded]:
    """Read the next batch after a position. Raises `StoreUnavailable` if the log has a hole."""
    events = log.page(after=after, limit=BATCH, upto=upto)
    positions = len({each.position for each in events})  # one event may be told as several
    if events and (events[0].position, events[-1].position) != (after + 1, after + positions):
        raise StoreUnavailable(
            f"the log has a hole after position {after}: run `bos audit verify` first"
        )
    return events


def pages(log: EventStore, *, after: int, upto: int | None = None) -> Iterator[Sequence[Recorded]]:
    """Read the log on from a position, a batch at a time; a hole in it stops everything."""
    while events := page(log, after=after, upto=upto):
        yield events
        after = events[-1].position


def continues(edition: Edition, events: Sequence[Recorded]) -> bool:
    """Say whether a stretch comes after what an edition has drawn, and not after something else."""
    return not edition.hash or edition.hash == events[0].previous_hash


def belongs(edition: Edition, log: EventStore, head: int) -> bool:
    """Say whether an edition was drawn from this log, and not from one before a restore."""
    if edition.position == 0 or not edition.hash:
        return edition.position <= head
    last = log.page(after=edition.position - 1, limit=1, upto=edition.position)
    return bool(last) and last[0].hash == edition.hash


class Undrawable(Exception):
    """An event that a view raises at."""

    def __init__(self, recorded: Recorded) -> None:
        """Say which event; the cause says why."""
        super().__init__(f"{recorded.type} at {recorded.position}")
        self.position = recorded.position


def touched(view: View, relevant: Sequence[Recorded]) -> set[str]:
    """Return the keys of the rows that some events touch. Raises `Undrawable`."""
    found: set[str] = set()
    for recorded in relevant:
        try:
            found.update(view.keys(recorded))
        except Exception as error:
            raise Undrawable(recorded) from error
    return found


def touch(view: View, rows: dict[str, Any], relevant: Sequence[Recorded]) -> None:
    """Draw events into rows that are at hand. Raises `Undrawable`; what came before is drawn."""
    for recorded in relevant:
        try:
            view.touch(rows, recorded)
        except Exception as error:
            raise Undrawable(recorded) from error


def drawn(
    view: View, edition: Edition, events: Sequence[Recorded], views: ViewStore
) -> dict[str, Any]:
    """Draw a batch that continues an edition, and return the rows that it touches."""
    relevant = concerned(view, events)
    keys = list(touched(view, relevant))
    rows: dict[str, Any] = dict(views.load(edition, keys)) if keys else {}
    touch(view, rows, relevant)
    return rows


def apply(view: View, edition: Edition, events: Sequence[Recorded], views: ViewStore) -> Edition:
    """Draw a batch that continues an edition; rows and position are stored together."""
    rows = drawn(view, edition, events, views)
    return views.save(edition, rows, events[-1].position, events[-1].hash)

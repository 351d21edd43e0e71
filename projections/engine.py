"""Engine: keep every picture in step with the log, redraw it beside the old one, compare it.

log ──page──► draw ──► rows + position, in one transaction (exactly once)
rebuild: draw in memory ──► fill beside ──► catch up ──► swap
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.ports import Conflict, EventStore, Recorded, StoreUnavailable
from domain.view_store import Edition, Row, ViewStore
from projections.view import View

BATCH: Final = 2_000
SWAPS_TRIED_MAX: Final = 100
COMPARISONS_TRIED_MAX: Final = 5

Progress = Callable[[int, int], None]
"""Told the position reached and the position aimed at."""


def _silent(_reached: int, _aim: int) -> None: ...


def concerned(view: View, events: Sequence[Recorded]) -> Sequence[Recorded]:
    """Return the events that a view is drawn from."""
    return [each for each in events if each.type in view.types] if view.types else events


def pages(log: EventStore, *, after: int, upto: int | None = None) -> Iterator[Sequence[Recorded]]:
    """Read the log on from a position, a batch at a time; a hole in it stops everything."""
    while events := log.page(after=after, limit=BATCH, upto=upto):
        positions = len({each.position for each in events})  # one event may be told as several
        if events[0].position != after + 1 or events[-1].position != after + positions:
            raise StoreUnavailable(
                f"the log has a hole after position {after}: run `bos audit verify` first"
            )
        yield events
        after = events[-1].position


def drawn(
    view: View, edition: Edition, events: Sequence[Recorded], views: ViewStore
) -> dict[str, Any]:
    """Draw a batch that continues an edition, and return the rows that it touches."""
    relevant = concerned(view, events)
    keys = list({key for each in relevant for key in view.keys(each)})
    rows: dict[str, Any] = dict(views.load(edition, keys)) if keys else {}
    for recorded in relevant:
        view.touch(rows, recorded)
    return rows


def apply(view: View, edition: Edition, events: Sequence[Recorded], views: ViewStore) -> Edition:
    """Draw a batch that continues an edition; rows and position are stored together."""
    rows = drawn(view, edition, events, views)
    return views.save(edition, rows, upto=events[-1].position)


def _usable(view: View, live: Edition | None, head: int) -> bool:
    """Say whether a live picture can go on: drawn by this code, and not of a later log."""
    if live is None or live.shape.fingerprint != view.shape.fingerprint:
        return False
    return live.position <= head  # else the log was restored to an earlier day


def catch_up(
    view: View, *, log: EventStore, views: ViewStore, progress: Progress = _silent
) -> Edition:
    """Bring the live picture to the head of the log, drawing it first if it is new or changed."""
    live, head = views.live(view.name), log.head()
    if live is None or not _usable(view, live, head):
        return rebuild(view, log=log, views=views, progress=progress)
    for events in pages(log, after=live.position, upto=head):
        live = apply(view, live, events, views)
        progress(live.position, head)
    return live


def catch_up_all(pictures: Sequence[View], *, log: EventStore, views: ViewStore) -> int:
    """Bring every live picture to the head of the log; return the position all have reached.

    The log is read once for all, and each batch is stored in one transaction.
    """
    head, lives = log.head(), views.lives()
    for view in pictures:
        if not _usable(view, lives.get(view.name), head):
            rebuild(view, log=log, views=views)
    while True:
        lives = views.lives()
        reached = [lives[view.name].position for view in pictures]
        lowest = min(reached)
        if lowest >= head:
            return lowest
        upto = min((each for each in reached if each > lowest), default=head)
        events = next(pages(log, after=lowest, upto=upto))
        behind = [view for view in pictures if lives[view.name].position == lowest]
        batch = [(live := lives[view.name], drawn(view, live, events, views)) for view in behind]
        views.save_together(batch, upto=events[-1].position)


def draw_all(
    view: View, *, log: EventStore, upto: int, progress: Progress = _silent
) -> dict[str, Row]:
    """Draw a picture in memory, from the beginning to a position."""
    rows: dict[str, Any] = {}
    for events in pages(log, after=0, upto=upto):
        for recorded in concerned(view, events):
            view.touch(rows, recorded)
        progress(events[-1].position, upto)
    return {key: row for key, row in rows.items() if row is not None}


def rebuild(
    view: View, *, log: EventStore, views: ViewStore, progress: Progress = _silent
) -> Edition:
    """Draw a picture anew beside the live one, and swap when it has caught up.

    Readers see the old picture until the swap, and never go back to an earlier position.
    """
    aim = log.head()
    edition = views.begin(view.shape)
    rows = draw_all(view, log=log, upto=aim, progress=progress)
    edition = views.fill(edition, list(rows.values()), upto=aim)
    for _ in range(SWAPS_TRIED_MAX):
        head = log.head()
        edition = _follow(view, edition, log, views, upto=head)
        try:
            return views.swap(edition, head=head)
        except Conflict:  # the live one went on meanwhile: follow it
            continue
    raise Conflict(f"{view.name} kept moving while it was drawn anew: try again")


def _follow(
    view: View, edition: Edition, log: EventStore, views: ViewStore, *, upto: int
) -> Edition:
    for events in pages(log, after=edition.position, upto=upto):
        edition = apply(view, edition, events, views)
    return edition


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a live picture compares with the same picture drawn anew."""

    view: str
    position: int
    rows: int
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Say whether both are the same, row by row and column by column."""
        return not self.differences


DIFFERENCES_MAX: Final = 20


def compare(
    view: View, *, log: EventStore, views: ViewStore, progress: Progress = _silent
) -> Comparison:
    """Draw a picture anew as of the live one's position, and say where they differ.

    Raises `Conflict` if the live one moves on each time that it is looked at.
    """
    for _ in range(COMPARISONS_TRIED_MAX):
        live = catch_up(view, log=log, views=views)
        stored = _by_key(view, views.rows(live))
        moved = views.live(view.name)
        if moved is not None and (moved.table, moved.position) == (live.table, live.position):
            return _compared(view, live, stored, log, views, progress)
    raise Conflict(f"{view.name} moved on while it was compared: compare again")


def _by_key(view: View, rows: Iterator[Row]) -> dict[str, Row]:
    return {str(row[view.shape.key]): row for row in rows}


def _compared(
    view: View,
    live: Edition,
    stored: dict[str, Row],
    log: EventStore,
    views: ViewStore,
    progress: Progress,
) -> Comparison:
    rows = draw_all(view, log=log, upto=live.position, progress=progress)
    fresh = views.fill(views.begin(view.shape), list(rows.values()), upto=live.position)
    again = _by_key(view, views.rows(fresh))
    views.discard(fresh)
    differences = [
        f"{name}: live {stored.get(name)}, rebuilt {again.get(name)}"
        for name in sorted(stored.keys() | again.keys())
        if stored.get(name) != again.get(name)
    ]
    return Comparison(view.name, live.position, len(stored), tuple(differences[:DIFFERENCES_MAX]))

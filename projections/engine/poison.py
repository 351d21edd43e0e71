"""Poison: an event that a picture cannot be drawn from, however often it is tried.

batch ──3 tries──► parts ──3 tries──► … ──► one event ──► noted, view degraded
                                              stop: the picture waits before it, and tries again
                                              skip: the picture goes on without it
What the world does (a database that is gone, another runner) is not poison, and is passed on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from domain.core.instant import SECOND, Instant
from domain.ports import Clock, NotStorable, Recorded
from domain.view_store import STOPPED, Edition, Failure, ViewStore
from projections.engine.batches import Undrawable, apply
from projections.view import View

TRIES: Final = 3
ERROR_CHARACTERS_MAX: Final = 500
RETRY_DOUBLINGS_MAX: Final = 8
"""A stopped picture is tried again after 1, 2, 4, … seconds, at last every 256."""
POISON: Final = (Undrawable, NotStorable)
"""What an event is to blame for: a view raises at it, or makes a row of it that has no place."""


def endure(
    view: View,
    edition: Edition,
    events: Sequence[Recorded],
    *,
    views: ViewStore,
    clock: Clock,
) -> Edition:
    """Draw what can be drawn of a batch; note what cannot, and stop before it or skip it.

    A picture that was stopped is no longer, once it has drawn what it was stopped at.
    """
    waiting = [events]
    while waiting:
        stretch = waiting.pop()
        met = _tried(view, edition, stretch, views)
        if isinstance(met, Edition):
            edition = views.recover(met) if met.degraded == STOPPED else met
        elif stretch[0].position < stretch[-1].position:
            waiting += _parts(stretch, met)
        else:
            edition = _noted(view, edition, stretch[0], met, views, clock)
            if not view.skips_poison:
                return edition
    return edition


def _parts(events: Sequence[Recorded], met: Exception) -> list[Sequence[Recorded]]:
    """Cut a stretch around the event that is to blame, or in halves; the first part comes last.

    An event that is told as several facts has one position, and is never cut.
    """
    places = [each.position for each in events]
    if isinstance(met, Undrawable):
        cuts = [0, bisect_left(places, met.position), bisect_right(places, met.position)]
    else:
        half = bisect_left(places, places[len(places) // 2])
        cuts = [0, half or bisect_right(places, places[0])]
    cuts.append(len(events))
    parts = [events[start:end] for start, end in pairwise(cuts)]
    return [part for part in reversed(parts) if part]


def _tried(
    view: View, edition: Edition, events: Sequence[Recorded], views: ViewStore
) -> Edition | Exception:
    for attempt in range(1, TRIES + 1):
        try:
            return apply(view, edition, events, views)
        except POISON as error:
            if attempt == TRIES:
                return error
    raise AssertionError("the last try returns or raises")


def _noted(
    view: View,
    edition: Edition,
    recorded: Recorded,
    error: Exception,
    views: ViewStore,
    clock: Clock,
) -> Edition:
    told = repr(error.__cause__ or error)[:ERROR_CHARACTERS_MAX]
    failure = Failure(view.name, recorded.position, recorded.type, told, clock(), TRIES)
    return views.fail(edition, failure, skip=view.skips_poison, hash=recorded.hash)


def is_time(failure: Failure | None, now: Instant) -> bool:
    """Say whether a stopped picture may be tried again; less and less often."""
    if failure is None:
        return True
    doublings = min(failure.tries // TRIES - 1, RETRY_DOUBLINGS_MAX)
    return not failure.at <= now < failure.at + (SECOND << doublings)

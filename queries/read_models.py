"""How far are the read models, and can each be trusted?"""

from collections.abc import Sequence
from typing import Any, Final

from domain.core.instant import SECOND, Instant, written
from domain.ports import EventStore
from domain.view_store import STOPPED, Edition, Failure, ViewReader
from projections.catalog import VIEWS

NEAR_EVENTS: Final = 5_000
"""A picture that is drawn for the first time is waited for when it lacks no more than this."""


def shown_upto(reader: ViewReader) -> int:
    """Return the position that every read model shows.

    Those that are being drawn anew, or stopped at an event that they cannot draw, stand still
    for longer than anybody waits, and do not hold up the others; they say so themselves.
    """
    editions = reader.editions()
    lives = {each.shape.name: each for each in editions if each.status == "live"}
    building = {each.shape.name: each for each in editions if each.status == "building"}
    if not lives:
        return 0
    furthest = max(live.position for live in lives.values())
    return min(
        (
            lives[view.name].position if view.name in lives else 0
            for view in VIEWS
            if not _stands_still(lives.get(view.name), building.get(view.name), furthest)
        ),
        default=0,
    )


def _stands_still(live: Edition | None, building: Edition | None, furthest: int) -> bool:
    if live is None:
        return building is not None and building.position < furthest - NEAR_EVENTS
    if live.degraded == STOPPED:
        return True
    return building is not None and building.shape.fingerprint != live.shape.fingerprint


def read_models(
    reader: ViewReader, log: EventStore, *, at: Instant, head: int
) -> list[dict[str, Any]]:
    """Return, for each read model, how far it is behind and whether it is whole.

    `rebuilding` is a percentage, or nothing; `degraded` names what could not be drawn first.
    """
    editions, failures = reader.editions(), reader.failures()
    lives = {each.shape.name: each for each in editions if each.status == "live"}
    building = {each.shape.name: each for each in editions if each.status == "building"}
    since: dict[int, int] = {head: 0}
    found = []
    for view in VIEWS:
        live, beside = lives.get(view.name), building.get(view.name)
        position = live.position if live is not None else 0
        if position not in since:
            since[position] = _seconds_behind(log, position, at)
        found.append(
            {
                "view": view.name,
                "position": position,
                "behind": max(0, head - position),
                "secondsBehind": since[position],
                "rebuilding": None if beside is None else _percent(beside.position, head),
                "degraded": _degraded([each for each in failures if each.view == view.name]),
            }
        )
    return found


def _seconds_behind(log: EventStore, position: int, at: Instant) -> int:
    """Return the age of the first event that is not drawn."""
    missing = log.page(after=position, limit=1)
    return max(0, at - missing[0].occurred_at) // SECOND if missing else 0


def _percent(reached: int, aim: int) -> int:
    return min(100, 100 * reached // aim) if aim else 0


def _degraded(failures: Sequence[Failure]) -> dict[str, Any] | None:
    if not failures:
        return None
    first = failures[0]
    return {
        "position": first.position,
        "eventType": first.event_type,
        "error": first.error,
        "at": written(first.at),
        "tries": first.tries,
        "events": len(failures),
    }

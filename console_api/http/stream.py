"""Stream: GET /api/v1/events/stream, the log as server-sent events, from any position on.

request ──may they?──► position, filters ──a seat free?──► Follower ──► EventStream
Last-Event-ID   where a client that comes back goes on (it wins over `after`)
after           the same, for those who write addresses by hand; without either, from now on
type, tag       any of these types, with all of these tags; both may stand several times
follow=false    ends at the head of the log instead of waiting for more
"""

from collections import Counter
from typing import Final

from anyio import CapacityLimiter
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from console_api.access import NotAuthenticated
from console_api.http import describe
from console_api.http.event_stream import READERS_MAX, EventStream, Follower, reset
from console_api.http.problems import Problem
from console_api.http.reads import Reading, number
from console_api.http.routing import API, add
from console_api.tail import Tail, Wanted, wanted_of
from domain.core.principal import Actor
from queries.listing import BadQuestion

OPERATION: Final = "streamEvents"
STREAMS_MAX: Final = 1_000
STREAMS_EACH_MAX: Final = 200
"""Of one user, so that nobody takes every seat."""
RETRY_SECONDS: Final = 5
_PARAMETERS: Final = ("after", "follow", "tag", "type")
_ONCE: Final = ("after", "follow")


class Seats:
    """Who follows the log now. All of it happens in the server's one event loop."""

    def __init__(self) -> None:
        """Start with all seats free."""
        self._taken: Counter[str] = Counter()

    def take(self, name: str) -> None:
        """Take a seat, or say why there is none."""
        retry = {"Retry-After": str(RETRY_SECONDS)}
        if self._taken.total() >= STREAMS_MAX:
            full = f"{STREAMS_MAX} streams are open, no more fit: try again"
            raise Problem(503, "too_many_streams", full, headers=retry)
        if self._taken[name] >= STREAMS_EACH_MAX:
            full = f"{name} has {STREAMS_EACH_MAX} streams open: close one, then try again"
            raise Problem(429, "too_many_streams_of_yours", full, headers=retry)
        self._taken[name] += 1

    def leave(self, name: str) -> None:
        """Give a seat back."""
        self._taken[name] -= 1
        self._taken += Counter()  # forget who has none


def add_stream(app: FastAPI, reading: Reading) -> Tail:
    """Add the stream; whoever stops the server closes the tail that is returned."""
    tail, seats, readers = Tail(reading.business), Seats(), CapacityLimiter(READERS_MAX)

    async def events(request: Request) -> EventStream:
        actor = await run_in_threadpool(reading.reader, request, OPERATION)
        after, follow, wanted = _asked(request)
        returning = _returning(request)
        head = reading.watermark.saw(await run_in_threadpool(tail.head))
        position = head if after is None else after
        if returning is not None:
            position = min(returning, head)

        def may_go_on() -> bool:
            return _is_still(reading, request, actor)

        follower = Follower(tail, wanted, position, may_go_on, readers, None if follow else head)
        opening = reset(head) if returning is not None and returning > head else b""
        seats.take(actor.name)
        return EventStream(follower.parts(opening), lambda: seats.leave(actor.name))

    summary = "Follow the log as server-sent events"
    path, about = f"{API}/events/stream", describe.stream()
    add(app, "GET", path, events, operation=OPERATION, summary=summary, about=about)
    return tail


def _is_still(reading: Reading, request: Request, actor: Actor) -> bool:
    try:
        return reading.reader(request, OPERATION) == actor
    except (NotAuthenticated, Problem):
        return False


def _returning(request: Request) -> int | None:
    """Return the position that a client has seen before its line broke."""
    given = request.headers.getlist("last-event-id")
    if len(given) > 1:
        raise BadQuestion("Last-Event-ID stands there twice")
    return number("Last-Event-ID", given[0]) if given and given[0] else None


def _asked(request: Request) -> tuple[int | None, bool, Wanted]:
    """Return the position, whether to follow, and the filters. Raises `BadQuestion`."""
    query = request.query_params
    if unknown := sorted(query.keys() - set(_PARAMETERS)):
        possible = ", ".join(_PARAMETERS)
        raise BadQuestion(f"{unknown[0][:100]!r} is not a parameter here, only: {possible}")
    if any(len(query.getlist(name)) > 1 for name in _ONCE):
        raise BadQuestion("after and follow stand in the address once at most")
    follow = query.get("follow", "true")
    if follow not in ("true", "false"):
        raise BadQuestion(f"follow is true or false, not {follow[:100]!r}")
    after = number("after", query["after"]) if "after" in query else None
    return after, follow == "true", wanted_of(query.getlist("type"), query.getlist("tag"))

"""Live: one watcher of the log tells every open page that something changed; never what.

log grows ──► read models have drawn it ──► topics ──► every stream: id = position, data = topics
"""

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from console_api import access
from console_api.bells import Bells, rung
from console_api.business import Business
from domain.ports import BrokenWorld, Recorded
from projections.catalog import VIEWS

KEEP_ALIVE_SECONDS: Final = 15.0
STREAMS_MAX: Final = 2_000
BEHIND_MAX: Final = 1_000
DRAWN_SECONDS_MAX: Final = 5.0
LOOK_SECONDS: Final = 0.5

ACCESS: Final = "access"
"""A role, a user or a token changed: every stream looks again whether it may go on."""

TOPICS: Final = {
    "verdict": ("feed", "tiles"),
    "approval": ("approvals", "tiles"),
    "action": ("approvals",),
    "incident": ("incidents", "tiles"),
    "law": ("law", "tiles"),
    "agent": ("agents", "tiles"),
    "order": ("takings",),
    **dict.fromkeys(access.CATEGORIES, (ACCESS,)),
}
"""What may look different on a page, by the category of what happened."""

_log = logging.getLogger(__name__)


def drawn(business: Business, position: int, *, timeout_seconds: float = 2.0) -> bool:
    """Wait until every read model shows a position, whichever process draws them."""
    until = time.monotonic() + timeout_seconds
    while not business.reached(position, timeout_seconds=0.02):
        if position <= _shown(business):
            return True
        if time.monotonic() >= until:
            return False
    return True


def _shown(business: Business) -> int:
    """Return the position that every read model shows."""
    reached = business.views.positions()
    return min(reached.get(view.name, 0) for view in VIEWS)


@dataclass(frozen=True, slots=True)
class News:
    """That pages about some topics are out of date since a position; `reset` means all are."""

    position: int
    topics: frozenset[str]
    reset: bool = False

    def written(self) -> bytes:
        """Write the news as one event of the stream."""
        kind = "reset" if self.reset else "change"
        told = " ".join(sorted(self.topics - {ACCESS}))
        return f"id: {self.position}\nevent: {kind}\ndata: {told}\n\n".encode()


def topics_of(recorded: Recorded) -> frozenset[str]:
    """Return what may look different because of one event."""
    return frozenset(TOPICS.get(recorded.type.partition(".")[0], ()))


EVERYTHING: Final = frozenset(topic for topics in TOPICS.values() for topic in topics)


@dataclass(slots=True)
class Live:
    """The watcher, and the streams that hang on it. It starts with the first page."""

    business: Business
    position: int = 0
    closed: bool = False
    _recent: deque[News] = field(default_factory=lambda: deque(maxlen=BEHIND_MAX))
    _bells: Bells = field(default_factory=Bells)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def seen(self) -> int:
        """Return a position that every read model shows by now."""
        with self._lock:
            if self._thread is None:
                self.position = _shown(self.business)
                self._thread = threading.Thread(target=self._watch, name="live", daemon=True)
                self._thread.start()
        return self.position

    def since(self, position: int) -> News | None:
        """Return what a page drawn at a position has missed, in one piece."""
        now, recent = self.position, list(self._recent)
        if position == now:
            return None
        known = recent[0].position - 1 if recent else now
        topics: set[str] = set()
        for news in reversed(recent):
            if news.position <= position:
                break
            topics |= EVERYTHING if news.reset else news.topics
        is_lost = not known <= position <= now
        return News(now, EVERYTHING if is_lost else frozenset(topics), reset=is_lost)

    async def stream(self, position: int, may_go_on: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Tell one page whenever it is out of date, for as long as its session lasts."""
        with self._bells.hung() as bell:
            yield b"retry: 2000\n\n"
            while not self.closed:
                bell.clear()
                news = self.since(position)
                if news is not None:
                    position, in_doubt = news.position, ACCESS in news.topics
                    yield news.written()
                else:
                    in_doubt = not await rung(bell, KEEP_ALIVE_SECONDS)
                    if in_doubt:
                        yield b": still here\n\n"
                if in_doubt and not await run_in_threadpool(may_go_on):
                    return

    def is_full(self) -> bool:
        """Say whether there are as many streams as we hold."""
        return len(self._bells) >= STREAMS_MAX

    def close(self) -> None:
        """End every stream, and the watch."""
        self._end()
        if self._thread is not None:
            self._thread.join(2 * LOOK_SECONDS)

    def _end(self) -> None:
        self.closed = True
        self._bells.ring()

    def _watch(self) -> None:
        while not self.closed:
            try:
                head = self.business.log.wait(after=self.position, timeout_seconds=LOOK_SECONDS)
                if head > self.position:
                    self._tell(head)
            except BrokenWorld as error:
                _log.warning("live pages wait: %s", error)
                time.sleep(LOOK_SECONDS)
            except Exception:
                if not self.closed:
                    _log.exception("live pages met a bug")
                    time.sleep(LOOK_SECONDS)
            if server_stops():
                self._end()

    def _tell(self, head: int) -> None:
        if not drawn(self.business, head, timeout_seconds=DRAWN_SECONDS_MAX):
            return
        if head - self.position > BEHIND_MAX:
            self._recent.append(News(head, EVERYTHING, reset=True))
        else:
            events = self.business.log.page(after=self.position, limit=BEHIND_MAX, upto=head)
            self._recent.extend(News(each.position, topics_of(each)) for each in events)
        self.position = head
        self._bells.ring()


def server_stops() -> bool:
    """Say whether the web server of this process has been told to stop: it waits for streams."""
    handler: Any = signal.getsignal(signal.SIGTERM)
    return bool(getattr(getattr(handler, "__self__", None), "should_exit", False))

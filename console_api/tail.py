"""Tail: the end of the log, read once for everybody who follows it.

log grows ──► one thread: page, decode, write ──► pages in memory ──bells──► streams at the tip
log ──page(after)──────────────────────────────────────────────────────────► streams behind them

A stream pulls page after page from its own position; nothing waits for it, and nothing is kept
for it. Whoever falls out of the memory reads from the log itself.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from console_api import access
from console_api.bells import Bells
from console_api.business import Business
from console_api.http.answers import written_json
from domain.catalog import EVENTS
from domain.core.instant import written
from domain.ports import BrokenWorld, Recorded
from queries.listing import BadQuestion

PAGE_EVENTS: Final = 500
PAGE_BYTES: Final = 1_000_000
KEPT_BYTES_MAX: Final = 8_000_000
KEPT_PAGES_MAX: Final = 512
LOOK_SECONDS: Final = 0.5
TAGS_MAX: Final = 16
TAG_CHARACTERS_MAX: Final = 255
NEAR_MISSES_MAX: Final = 3
NEAR: Final = 0.5

_log = logging.getLogger(__name__)


def told(recorded: Recorded) -> dict[str, Any]:
    """Return one event of the log as it is shown."""
    return {
        "position": recorded.position,
        "id": recorded.id,
        "type": recorded.type,
        "tags": recorded.tags,
        "occurredAt": written(recorded.occurred_at),
        "actor": recorded.actor,
        "correlationId": recorded.correlation_id,
        "causationId": recorded.causation_id,
        "schemaVersion": recorded.schema_version,
        "hash": recorded.hash,
        "fact": recorded.fact,
    }


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, written down. `data` is one line of JSON."""

    position: int
    type: str
    tags: frozenset[str]
    data: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that happened after one position, up to another."""

    after: int
    upto: int
    frames: tuple[Frame, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for: of one of these types, with all of these tags; empty is any."""

    types: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def __call__(self, frame: Frame) -> bool:
        """Say whether an event is one of them."""
        return (not self.types or frame.type in self.types) and self.tags <= frame.tags


def wanted_of(types: Sequence[str], tags: Sequence[str]) -> Wanted:
    """Return filters by type and tag. Raises `BadQuestion`, naming what may have been meant."""
    for name in types:
        if name not in EVENTS:
            near = get_close_matches(name[:100], EVENTS, NEAR_MISSES_MAX, NEAR)
            meant = f": did you mean {' or '.join(near)}?" if near else ", nor anything like it"
            raise BadQuestion(f"no event is called {name[:100]!r}{meant}")
    if len(tags) > TAGS_MAX:
        raise BadQuestion(f"an event has at most {TAGS_MAX} tags")
    for tag in tags:
        if not 0 < len(tag) <= TAG_CHARACTERS_MAX:
            raise BadQuestion(f"a tag has 1 to {TAG_CHARACTERS_MAX} characters, such as action:ID")
    return Wanted(frozenset(types), frozenset(tags))


@dataclass(slots=True)
class Tail:
    """The thread at the end of the log, and what it has read last. It starts when it is needed.

    `doubts` grows whenever somebody's access may have changed, `resets` when the log was restored
    to an earlier day under the running process.
    """

    business: Business
    position: int = 0
    doubts: int = 0
    resets: int = 0
    closed: bool = False
    trouble: bool = False
    bells: Bells = field(default_factory=Bells)
    _kept: tuple[Page, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def head(self) -> int:
        """Return the head of the log; from now on its growth is noticed.

        Raises `StoreUnavailable`.
        """
        head = self.business.log.head()
        with self._lock:
            if self._thread is None:
                self.position = head
                self._thread = threading.Thread(target=self._watch, name="tail", daemon=True)
                self._thread.start()
        return head

    def kept(self, position: int) -> Page | None:
        """Return what is in memory after a position, in one piece: who lags gets larger ones."""
        pages = self._kept
        if not pages or position < pages[0].after:
            return None
        first = len(pages)
        while first and pages[first - 1].upto > position:
            first -= 1
        return _joined(pages[first:])

    def read(self, position: int) -> Page:
        """Read on from a position, in the log itself. Raises `StoreUnavailable`."""
        upto = max(position, min(position + PAGE_EVENTS, self.position))
        recorded = self.business.log.page(after=position, limit=PAGE_EVENTS, upto=upto)
        return page_of(position, upto, recorded)

    def close(self) -> None:
        """End the thread, and every stream."""
        self.end()
        if self._thread is not None:
            self._thread.join(2 * LOOK_SECONDS)

    def end(self) -> None:
        """Tell every stream to end."""
        self.closed = True
        self.bells.ring()

    def _watch(self) -> None:
        while not self.closed:
            try:
                head = self.business.log.wait(after=self.position, timeout_seconds=LOOK_SECONDS)
                self._look(head)
                self.trouble = False
            except BrokenWorld as error:
                self.trouble = True
                _log.warning("event streams wait: %s", error)
                time.sleep(LOOK_SECONDS)
            except Exception:
                if not self.closed:
                    _log.exception("event streams met a bug")
                    time.sleep(LOOK_SECONDS)

    def _look(self, head: int) -> None:
        if head < self.position:  # the log was restored to an earlier day
            self._kept, self.position = (), head
            self.resets += 1
            self.doubts += 1
            self.bells.ring()
        while self.position < head and not self.closed:
            upto = min(self.position + PAGE_EVENTS, head)
            events = self.business.log.page(after=self.position, limit=PAGE_EVENTS, upto=upto)
            self._keep(page_of(self.position, upto, events))
            self.bells.ring()

    def _keep(self, page: Page) -> None:
        kept = (*self._kept, page)[-KEPT_PAGES_MAX:]
        size = sum(each.bytes for each in kept)
        while size > KEPT_BYTES_MAX and len(kept) > 1:
            size -= kept[0].bytes
            kept = kept[1:]
        if any(frame.type.partition(".")[0] in access.CATEGORIES for frame in page.frames):
            self.doubts += 1
        self._kept, self.position = kept, page.upto


def _joined(pages: Sequence[Page]) -> Page | None:
    """Return pages that follow each other as one, as far as it may be large."""
    if len(pages) < 2:
        return pages[0] if pages else None
    frames: list[Frame] = []
    size, upto = 0, pages[0].after
    for page in pages:
        if size > PAGE_BYTES:
            break
        frames += page.frames
        size, upto = size + page.bytes, page.upto
    return Page(pages[0].after, upto, tuple(frames), size)


def page_of(after: int, upto: int, events: Sequence[Recorded]) -> Page:
    """Write a page down; one that would be too large ends earlier, and never in the middle of one
    position."""
    frames: list[Frame] = []
    size = 0
    for recorded in events:
        if size > PAGE_BYTES and recorded.position > frames[-1].position:
            upto = frames[-1].position
            break
        data = written_json(told(recorded))
        frames.append(Frame(recorded.position, recorded.type, frozenset(recorded.tags), data))
        size += len(data)
    return Page(after, upto, tuple(frames), size)

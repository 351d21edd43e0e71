"""Event stream: one client that follows the log, for as long as it reads and may.

page ──wanted?──► chunk ──send──► client            the next page is pulled when this one is gone
                            └─ READ_SECONDS_MAX without reading ──► hung up

    retry: 2000                       after how many milliseconds to come back
    id: 42                            the position; a block of its own where nothing was wanted
    event: action.proposed            the stored name; `reset` when the log was restored
    data: {"position":42, …}          one line of JSON
    : still here                      a comment, so that nobody in between hangs up
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from console_api.bells import rung
from console_api.http.answers import written_json
from console_api.tail import Frame, Page, Tail, Wanted
from domain.ports import BrokenWorld

MEDIA_TYPE: Final = "text/event-stream"
HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
RETRY_MILLISECONDS: Final = 2_000
KEEP_ALIVE_SECONDS: Final = 15.0
READ_SECONDS_MAX: Final = 30.0
"""How long a client may leave a chunk unread before it is hung up on."""
STREAM_SECONDS_MAX: Final = 3_600.0
"""After this a stream ends and its client comes back: also to another server, if there is one."""
BROKEN_SECONDS: Final = 1.0
CHUNK_BYTES: Final = 65_536
PASSED_OVER_MAX: Final = 10_000
"""Events that nobody wanted before their position is told all the same."""
READERS_MAX: Final = 4
"""Streams that read from the log at the same time; others wait, and the API's threads are free."""
HANG_UP: Final = "bos.hang_up"
"""The extension of an ASGI scope that cuts the line at once (`console_api.http.server`)."""

T = TypeVar("T")


class EventStream(StreamingResponse):
    """An answer that ends when its client goes, or stays but no longer reads."""

    media_type = MEDIA_TYPE

    def __init__(self, parts: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        """Answer with parts; `leave` is called when it is over, however it ends."""
        super().__init__(parts, headers=HEADERS)
        self._leave = leave
        self._hang_up: Callable[[], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._hang_up = scope.get("extensions", {}).get(HANG_UP)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def stream_response(self, send: Send) -> None:
        """Send part after part, each in time."""

        async def in_time(message: Message) -> None:
            async with asyncio.timeout(READ_SECONDS_MAX):
                await send(message)
            await asyncio.sleep(0)  # a quick client gets no more than its turn

        parts: Any = self.body_iterator
        try:
            async with aclosing(parts):
                await super().stream_response(in_time)
        except TimeoutError:
            if self._hang_up is not None:
                self._hang_up()
            await asyncio.sleep(0)  # so that the server knows before this returns


@dataclass(slots=True)
class Follower:
    """Where one client is, and what it wants. `upto` ends the stream at a position."""

    tail: Tail
    wanted: Wanted
    position: int
    may_go_on: Callable[[], bool]
    readers: CapacityLimiter
    upto: int | None = None
    _told: int = field(init=False)
    _written_at: float = 0.0
    _checked_at: float = 0.0
    _doubts: int = field(init=False)
    _resets: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin where the client is."""
        self._told = self.position
        self._doubts, self._resets = self.tail.doubts, self.tail.resets
        self._written_at = self._checked_at = monotonic()

    async def parts(self, opening: bytes = b"") -> AsyncIterator[bytes]:
        """Return what is sent, part by part."""
        ends = monotonic() + STREAM_SECONDS_MAX
        yield b"retry: %d\nid: %d\n\n%s" % (RETRY_MILLISECONDS, self.position, opening)
        with self.tail.bells.hung() as bell:
            while not self.tail.closed and monotonic() < ends:
                bell.clear()
                try:
                    if not await self._is_welcome():
                        yield b": this token does not open the log any more\n\n"
                        return
                    page = await self._next_page()
                except BrokenWorld:  # nothing is sent before both can be known
                    yield self._written(b": the log cannot be read now, still trying\n\n")
                    await asyncio.sleep(BROKEN_SECONDS)
                    continue
                for part in self._parts_of(page):
                    yield part
                if self.upto is not None and self.position >= self.upto:
                    return
                if page is None:
                    await rung(bell, max(0.0, min(ends, self._quiet_until()) - monotonic()))

    async def _is_welcome(self) -> bool:
        """Look again who this is: when somebody's access changed, and now and then."""
        doubts, now = self.tail.doubts, monotonic()
        if doubts == self._doubts and now - self._checked_at < KEEP_ALIVE_SECONDS:
            return True
        welcome = await self._in_thread(self.may_go_on)
        self._doubts, self._checked_at = doubts, now
        return welcome

    async def _next_page(self) -> Page | None:
        """Return what comes after the position, None where that is yet to happen."""
        if self.position >= self.tail.position:
            return None
        position = self.position
        return self.tail.kept(position) or await self._in_thread(lambda: self.tail.read(position))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await to_thread.run_sync(call, limiter=self.readers)

    def _parts_of(self, page: Page | None) -> Iterator[bytes]:
        if self._resets != self.tail.resets:
            self._resets, page = self.tail.resets, None  # what was read may be of the other history
            if self.position > self.tail.position:
                self.position = self.tail.position
                yield self._written(reset(self.position))
        if page is not None:
            new = [each for each in page.frames if each.position > self.position]
            frames = [each for each in new if self.wanted(each)]
            for chunk in _chunks(frames):
                yield self._written(chunk)
            self._told = frames[-1].position if frames else self._told
            self.position = page.upto
        if self.position - self._told >= PASSED_OVER_MAX or self._is_due():
            self._told = self.position
            yield self._written(b": still here\nid: %d\n\n" % self.position)

    def _is_due(self) -> bool:
        if self.upto is not None and self.position >= self.upto:
            return self._told < self.position
        return monotonic() >= self._quiet_until()

    def _quiet_until(self) -> float:
        return self._written_at + KEEP_ALIVE_SECONDS

    def _written(self, part: bytes) -> bytes:
        self._written_at = monotonic()
        return part


def reset(position: int) -> bytes:
    """Write that nothing after a position has happened: the log was restored to that day."""
    data = written_json({"position": position})
    return b"id: %d\nevent: reset\ndata: %s\n\n" % (position, data)


def _chunks(frames: Sequence[Frame]) -> Iterator[bytes]:
    """Write events in chunks. Of several at one position only the last says so: a client that
    goes away between them meets them all again."""
    chunk: list[bytes] = []
    size = 0
    for nth, frame in enumerate(frames):
        is_last = nth + 1 == len(frames) or frames[nth + 1].position > frame.position
        id = b"id: %d\n" % frame.position if is_last else b""
        chunk.append(b"%sevent: %s\ndata: %s\n\n" % (id, frame.type.encode(), frame.data))
        size += len(chunk[-1])
        if size >= CHUNK_BYTES:
            yield b"".join(chunk)
            chunk, size = [], 0
    if chunk:
        yield b"".join(chunk)

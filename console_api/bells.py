"""Bells: coroutines that wait for what happens in a thread.

a coroutine hangs a bell ──► any thread rings ──► every coroutine looks what is new
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Bells:
    """The bells that hang now, each in the event loop of whoever waits for it."""

    def __init__(self) -> None:
        """Start with none."""
        self._hung: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @contextmanager
    def hung(self) -> Iterator[asyncio.Event]:
        """Hang one bell for as long as the running coroutine listens."""
        bell = asyncio.Event()
        self._hung[bell] = asyncio.get_running_loop()
        try:
            yield bell
        finally:
            self._hung.pop(bell, None)

    def ring(self) -> None:
        """Ring all of them, from any thread."""
        for bell, loop in list(self._hung.items()):
            try:
                loop.call_soon_threadsafe(bell.set)
            except RuntimeError:  # its loop is gone, and whoever listened with it
                self._hung.pop(bell, None)

    def __len__(self) -> int:
        """Return how many hang."""
        return len(self._hung)


async def rung(bell: asyncio.Event, seconds: float) -> bool:
    """Wait for a bell for a while; say whether it rang."""
    try:
        await asyncio.wait_for(bell.wait(), seconds)
    except TimeoutError:
        return False
    return True

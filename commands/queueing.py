"""Queueing: those who want the same budget stand in line instead of elbowing each other.

in one process     a lock for each contested history, taken in one order, so that nobody deadlocks
between processes  the append condition decides; the loser waits a little longer each time

Nothing here makes a decision right: the append condition does. It only makes it cheap.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from zlib import crc32

LINES: Final = 256
PAUSE_SECONDS: Final = 0.002
PAUSE_SECONDS_MAX: Final = 0.25
"""Longest pause after a conflict; each is drawn evenly from nothing to twice the one before."""


@dataclass(slots=True)
class Queues:
    """Lines to stand in, a fixed number of them; histories may share one."""

    _lines: tuple[Lock, ...] = field(default_factory=lambda: tuple(Lock() for _ in range(LINES)))

    @contextmanager
    def turn(self, tags: Iterable[str]) -> Iterator[None]:
        """Hold the place of some histories; others of this process wait."""
        with ExitStack() as held:
            for line in sorted({crc32(tag.encode()) % LINES for tag in tags}):
                held.enter_context(self._lines[line])
            yield


def pause_after(command_id: str, attempt: int) -> float:
    """Return how long to wait after a lost attempt, in seconds: full jitter, without dice.

    Exponential backoff with full jitter; the draw is the command's own name, so that a history
    replays alike while no two commands keep colliding.
    """
    longest: float = min(PAUSE_SECONDS * 2**attempt, PAUSE_SECONDS_MAX)
    return longest * crc32(f"{command_id}:{attempt}".encode()) / 2**32

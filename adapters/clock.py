"""Clocks: the wall clock, and one that tests and simulations move by hand."""

import time
from dataclasses import dataclass

from domain.core.instant import Instant


def wall_clock() -> Instant:
    """Return the time now, in unix microseconds."""
    return time.time_ns() // 1_000


@dataclass(slots=True)
class HandClock:
    """A clock that stands still until somebody moves it."""

    now: Instant

    def __call__(self) -> Instant:
        """Return the time it shows."""
        return self.now

    def forward(self, microseconds: int) -> None:
        """Let time pass."""
        self.now += microseconds

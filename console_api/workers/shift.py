"""Shift: of several processes that could do some work, one does it and the others stand by.

hold() ──► True: the work is ours for a while     False: somebody else is at it
It only spares work: what is stored is guarded by position, whoever thinks that it is theirs.
"""

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from domain.core.instant import SECOND
from domain.ports import Clock
from domain.view_store import ViewStore

LEASE_SECONDS: Final = 15
"""How long the work lies still after its holder was killed."""
RENEWED_AFTER_SECONDS: Final = 5.0


def _somebody() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(slots=True)
class Shift:
    """One process's claim to some work."""

    views: ViewStore
    clock: Clock
    work: str
    holder: str = field(default_factory=_somebody)
    _renew_at: float = 0.0

    def hold(self) -> bool:
        """Take the work or keep it; say whether it is ours."""
        if time.monotonic() < self._renew_at:
            return True
        lasting = LEASE_SECONDS * SECOND
        if not self.views.lease(self.work, self.holder, now=self.clock(), lasting=lasting):
            return False
        self._renew_at = time.monotonic() + RENEWED_AFTER_SECONDS
        return True

    def end(self) -> None:
        """Let the next one begin at once."""
        self._renew_at = 0.0
        self.views.release(self.work, self.holder)


@contextmanager
def in_turn(views: ViewStore, clock: Clock) -> Iterator[Shift]:
    """Draw anew only one after the other, also by hand: two would do the same work twice."""
    turn = Shift(views, clock, "redrawing")
    try:
        yield turn
    finally:
        turn.end()

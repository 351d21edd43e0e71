"""Digest: what waits for people, told once a day.   due ──► told (one history per day)"""

from dataclasses import dataclass
from typing import Final

from domain.core.event import event
from domain.core.stream import Decision, Stream


@event("digest.told")
class DigestTold:
    """People were told what waits, in one sentence, on a day of the business's clock."""

    day: str
    waiting: int
    text: str


@dataclass(frozen=True, slots=True)
class Digest:
    """Whether people were told on a day."""

    is_told: bool = False


def evolve(_state: Digest, _fact: DigestTold) -> Digest:
    """Take one fact into account."""
    return Digest(True)


DIGEST: Final[Stream[Digest, DigestTold]] = Stream(
    category="digest", initial=Digest(), evolve=evolve, events=(DigestTold,)
)


def tell(state: Digest, *, day: str, waiting: int, text: str) -> Decision[DigestTold]:
    """Tell what waits; nothing is no news."""
    if state.is_told or not waiting:
        return ()
    return (DigestTold(day=day, waiting=waiting, text=text),)

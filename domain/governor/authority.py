"""Authority: what a person has lately agreed to, counted in money.

yes ──► exercised      one history per person, so that two yeses at once cannot both be the last
A yes counts when it is given, whatever becomes of the request: so much was risked on it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.core.event import event
from domain.core.instant import DAY, Instant
from domain.core.stream import Stream

KEPT: Final = 2 * DAY
"""How far back a history is told; what is asked for is shorter."""


@event("authority.exercised")
class AuthorityExercised:
    """A person agreed to money leaving the business, or somebody did in their name."""

    approval_id: str
    user_id: str
    amount: Decimal
    currency: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Authority:
    """What a person agreed to lately, in order of the log."""

    exercised: tuple[AuthorityExercised, ...] = ()

    def used(self, currency: str, *, since: Instant) -> Decimal:
        """Add up the money in a currency since an instant, clocks that went back included."""
        counted = (each for each in self.exercised if each.at >= since)
        return sum((each.amount for each in counted if each.currency == currency), Decimal(0))


def evolve(state: Authority, fact: AuthorityExercised) -> Authority:
    """Take one yes into account, and forget what is too old to be asked for."""
    horizon = fact.at - KEPT
    kept = tuple(each for each in state.exercised if each.at >= horizon)
    return Authority((*kept, fact))


AUTHORITY: Final[Stream[Authority, AuthorityExercised]] = Stream(
    category="authority",
    initial=Authority(),
    evolve=evolve,
    events=(AuthorityExercised,),
    remembered=True,
)

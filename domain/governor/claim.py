"""Claim: what an agent said of the business, and the log did not bear out.

contradicted, contradicted, contradicted ──► three in 24 hours are an incident
"""

from dataclasses import dataclass
from typing import Final

from domain.core.event import event
from domain.core.instant import DAY, Instant
from domain.core.stream import Stream

STRIKES: Final = 3
STRIKES_WITHIN: Final = DAY
KEPT: Final = 20


@event("claim.contradicted")
class ClaimContradicted:
    """A payload said one thing and the log says another; the log was believed."""

    agent_id: str
    action: str
    name: str
    claimed: object
    found: object
    at: Instant


@dataclass(frozen=True, slots=True)
class Claims:
    """When an agent was last contradicted, oldest first."""

    contradicted_at: tuple[Instant, ...] = ()

    def strikes(self, at: Instant) -> int:
        """Count the contradictions of the day before an instant."""
        return sum(at - STRIKES_WITHIN < each <= at for each in self.contradicted_at)


def evolve(state: Claims, fact: ClaimContradicted) -> Claims:
    """Take one fact into account."""
    return Claims((*state.contradicted_at, fact.at)[-KEPT:])


CLAIM: Final[Stream[Claims, ClaimContradicted]] = Stream(
    category="claim", initial=Claims(), evolve=evolve, events=(ClaimContradicted,)
)

"""Ads: campaigns, what was spent on them of late (adstock), and what the next dollar brings.

spent ──► adstock ──an eighth fades every hour──► …      return falls with adstock
The more was spent of late, the less the next dollar returns: that is saturation.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from adapters.sandbox.dice import Dice
from domain.core.instant import HOUR, Instant

HOURS_REMEMBERED: Final = 72
LIFT_PER_MILLE_MAX: Final = 300
LIFT_HALF_CENTS: Final = 12_000_000
RETURN_PLACES: Final = Decimal("0.01")


class Plan(NamedTuple):
    """A campaign as it was planned. `opening` is its adstock on the first day, % of half."""

    id: str
    name: str
    opening: int


PLANS: Final = (
    Plan("spring-glow", "Spring glow", 15),
    Plan("night-market", "Night market", 60),
    Plan("creator-picks", "Creator picks", 90),
    Plan("home-refresh", "Home refresh", 40),
    Plan("tech-drop", "Tech drop", 140),
    Plan("last-chance", "Last chance", 320),
)


@dataclass(slots=True)
class Campaign:
    """One campaign as it stands; `adstock` is in cents, as of an hour."""

    plan: Plan
    strength: int
    half: int
    adstock: int
    as_of: int

    def lingering(self, at: Instant) -> int:
        """Return how much of what was spent still works, in cents."""
        left = self.adstock
        for _ in range(min(HOURS_REMEMBERED, max(0, at // HOUR - self.as_of))):
            left -= left // 8
        return left

    def roas(self, at: Instant) -> Decimal:
        """Return the revenue that one more unit of spend would bring."""
        permille = self.strength * self.half * 10 // (self.half + self.lingering(at))
        return (Decimal(permille) / 1_000).quantize(RETURN_PLACES)


@dataclass(slots=True)
class Ads:
    """Every campaign, by id."""

    campaigns: dict[str, Campaign]

    def spent(self, campaign_id: str, amount_cents: int, *, at: Instant) -> None:
        """Add to what works."""
        campaign = self.campaigns.get(campaign_id)
        if campaign is not None:
            campaign.adstock = campaign.lingering(at) + amount_cents
            campaign.as_of = at // HOUR

    def lift_per_mille(self, at: Instant) -> int:
        """Return by how much all campaigns together raise demand."""
        works = sum(campaign.lingering(at) for campaign in self.campaigns.values())
        return LIFT_PER_MILLE_MAX * works // (works + LIFT_HALF_CENTS)


def open_ads(dice: Dice, opened_at: Instant) -> Ads:
    """Return the campaigns on the first day: one is fresh, one is worn out."""
    return Ads({plan.id: _campaign(dice, plan, opened_at) for plan in PLANS})


def _campaign(dice: Dice, plan: Plan, opened_at: Instant) -> Campaign:
    half = dice.between(20_000, 50_000, "half", plan.id) * 100
    return Campaign(
        plan=plan,
        strength=dice.between(380, 620, "strength", plan.id),
        half=half,
        adstock=half * plan.opening // 100,
        as_of=opened_at // HOUR,
    )

"""Creators: who sells on air, how well, how tired they are, and what is owed to them.

a show ──► sales ──commission──► balance owed ──payout──► settled
Whoever was on air often of late converts fewer viewers; a new clip wakes them up again.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from adapters.sandbox.dice import Dice
from domain.core.instant import HOUR, Instant


class Creator(NamedTuple):
    """Somebody with an audience. `hours` are when they like to be on air, on the local clock."""

    id: str
    name: str
    conversion: int
    commission_per_mille: int
    risk: int
    hours: tuple[int, int]


ROSTER: Final = (
    Creator("nova", "Nova Lane", 95, 140, 8, (18, 23)),
    Creator("kai", "Kai Moreno", 80, 120, 12, (17, 22)),
    Creator("mira", "Mira Okafor", 88, 150, 6, (10, 15)),
    Creator("juno", "Juno Park", 72, 110, 15, (19, 24)),
    Creator("theo", "Theo Laurent", 60, 100, 22, (8, 13)),
    Creator("lena", "Lena Vogel", 66, 120, 10, (12, 18)),
    Creator("ravi", "Ravi Desai", 58, 110, 28, (6, 11)),
    Creator("sofia", "Sofia Reyes", 84, 130, 9, (20, 24)),
    Creator("bea", "Bea Lindqvist", 52, 100, 18, (0, 6)),
    Creator("omar", "Omar Haddad", 63, 110, 25, (13, 19)),
    Creator("yuki", "Yuki Tanaka", 77, 130, 7, (0, 8)),
    Creator("dash", "Dash Whitaker", 45, 90, 38, (15, 21)),
)

FATIGUE_HOURS: Final = 24
FATIGUE_A_SHOW: Final = 7
CLIP_LASTS: Final = 2 * HOUR


@dataclass(slots=True)
class Stage:
    """All creators, with what is owed to each in cents and when they last published."""

    dice: Dice
    balances: dict[str, int]
    clips: dict[str, Instant] = field(default_factory=dict)
    _seen: tuple[int, int] = (-1, -1)
    _airing: tuple[tuple[Creator, int], ...] = ()

    def on_air(self, hour: int, local_hour: int) -> tuple[tuple[Creator, int], ...]:
        """Return who has a show in an hour, and how well they convert; never nobody."""
        if self._seen != (hour, local_hour):
            self._seen, self._airing = (hour, local_hour), self._cast(hour, local_hour)
        return self._airing

    def _cast(self, hour: int, local_hour: int) -> tuple[tuple[Creator, int], ...]:
        live = [each for each in ROSTER if self._has_show(each, hour, local_hour)]
        if not live:
            live = [ROSTER[self.dice.roll(len(ROSTER), "stand-in", hour)]]
        return tuple((each, self._conversion(each, hour, local_hour)) for each in live)

    def _has_show(self, creator: Creator, hour: int, local_hour: int) -> bool:
        first, end = creator.hours
        likely = 700 if first <= local_hour < end else 60
        return self.dice.chance(likely, "show", creator.id, hour)

    def _conversion(self, creator: Creator, hour: int, local_hour: int) -> int:
        shows = sum(
            self._has_show(creator, hour - ago, (local_hour - ago) % 24)
            for ago in range(1, FATIGUE_HOURS)
        )
        return max(10, creator.conversion - FATIGUE_A_SHOW * shows)

    def weight(self, creator: Creator, conversion: int, at: Instant) -> int:
        """Return how many of the buyers are this creator's now."""
        clip = self.clips.get(creator.id)
        fresh = clip is not None and at - clip < CLIP_LASTS
        return conversion * (130 if fresh else 100) // 100

    def earned(self, creator_id: str, sale_cents: int) -> None:
        """Owe a creator the commission on a sale."""
        for creator in ROSTER:
            if creator.id == creator_id:
                self.balances[creator_id] += sale_cents * creator.commission_per_mille // 1_000

    def paid(self, creator_id: str, amount_cents: int) -> None:
        """Owe a creator less."""
        if creator_id in self.balances:
            self.balances[creator_id] -= amount_cents

    def published(self, creator_id: str, at: Instant) -> None:
        """Let a clip draw viewers for a while."""
        self.clips[creator_id] = at


def open_stage(dice: Dice) -> Stage:
    """Return the creators on the first day, with what is owed to them from before."""
    owed = {each.id: dice.between(30_000, 420_000, "owed", each.id) for each in ROSTER}
    return Stage(dice, owed)

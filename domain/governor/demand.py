"""Demand: whose yes a request needs, and of how many different people.

rules, kill switches ──merged──► (founder x 1, operator x 2) ──met by──► the roles of who said yes
Each demand is met on its own: a founder's yes counts as an admin's and as an operator's, too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from domain.core.principal import DESK, Role, may_stand_in_for

HOURS_DEFAULT: Final = 24
"""How long a request waits for its answer where no rule says otherwise, in hours."""

_HIGHEST_FIRST: Final[tuple[Role, ...]] = (Role.FOUNDER, Role.ADMIN, Role.OPERATOR)
_KNOWN: Final = {role.value: role for role in _HIGHEST_FIRST}


@dataclass(frozen=True, slots=True)
class Demand:
    """So many different people of a role, or of a higher one."""

    role: str
    count: int

    def met_by(self, roles: Iterable[Role]) -> int:
        """Count those of some people who count for this demand."""
        needed = _KNOWN.get(self.role)
        return sum(needed is not None and may_stand_in_for(role, needed) for role in roles)


def merged(demands: Iterable[Demand]) -> tuple[Demand, ...]:
    """Return what meets all of some demands, highest role first, nothing said twice.

    A demand that another one implies is left out. A role that nobody knows is the founder's.
    """
    kept: list[Demand] = []
    wanted = [(_KNOWN.get(each.role, Role.FOUNDER), each.count) for each in demands]
    for role in _HIGHEST_FIRST:
        count = max((count for each, count in wanted if each is role), default=0)
        if count > max((each.count for each in kept), default=0):
            kept.append(Demand(role.value, count))
    return tuple(kept)


def met(demands: Iterable[Demand], roles: Sequence[Role]) -> bool:
    """Say whether people of some roles, each counted once, meet every demand."""
    return all(demand.met_by(roles) >= demand.count for demand in demands)


def may_help(demands: Iterable[Demand], role: Role) -> bool:
    """Say whether the yes of somebody with a role counts for any of some demands."""
    return role in DESK and any(demand.met_by((role,)) for demand in demands)


def next_above(role: str) -> str:
    """Return the role above one; above the founder there is nobody."""
    known = _KNOWN.get(role, Role.FOUNDER)
    above: Role = _HIGHEST_FIRST[max(0, _HIGHEST_FIRST.index(known) - 1)]
    return str(above.value)

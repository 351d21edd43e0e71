"""Principals: who asks. People hold roles; agents and services never approve.

people      founder > admin > operator > viewer
machines    agent (proposes), service (imports, runs effects, keeps clocks)
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Role(Enum):
    """What a principal is to the business."""

    FOUNDER = "founder"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    AGENT = "agent"
    SERVICE = "service"


PEOPLE: Final = frozenset({Role.FOUNDER, Role.ADMIN, Role.OPERATOR, Role.VIEWER})
MANAGERS: Final = frozenset({Role.FOUNDER, Role.ADMIN})
DESK: Final = frozenset({Role.FOUNDER, Role.ADMIN, Role.OPERATOR})
EVERYONE: Final = frozenset(Role)

_RANK: Final = {Role.FOUNDER: 3, Role.ADMIN: 2, Role.OPERATOR: 1}


def may_stand_in_for(role: Role, required: Role) -> bool:
    """Say whether someone with one role may decide what is asked of another."""
    return _RANK.get(role, 0) >= _RANK.get(required, 4)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that asks; `org_unit_id` is where a machine belongs.

    `kind` is `user`, `agent` or `system`; `name` is how the log calls the actor: `user:ada`,
    `agent:support`, `system:importer`.
    """

    id: str
    role: Role
    org_unit_id: str = ""
    kind: str = field(init=False, repr=False, compare=False)
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out once what every record needs."""
        kind = "agent" if self.role is Role.AGENT else "system"
        object.__setattr__(self, "kind", "user" if self.role in PEOPLE else kind)
        object.__setattr__(self, "name", f"{self.kind}:{self.id}")

    def __str__(self) -> str:
        """Name the actor."""
        return self.name

"""Org unit: a business, a department or a team, with a clock and a currency of its own.

created ──► active ◄──► disabled
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.stream import Decision, Refusal, Stream

TYPES: Final = ("business", "department", "team")
DEPTH_MAX: Final = 16
ROOT: Final = "business"
"""The id of the org unit that every business starts with."""


@event("org_unit.created")
class OrgUnitCreated:
    """A part of the business exists. `path` leads from the root to it, itself included.

    `timezone` is an IANA name: hours and days of this unit are counted on that clock.
    """

    org_unit_id: str
    name: str
    type: str
    parent_id: str
    path: tuple[str, ...]
    timezone: str
    currency: str


@event("org_unit.disabled")
class OrgUnitDisabled:
    """Nobody may act for it any more."""

    org_unit_id: str
    reason: str


@event("org_unit.enabled")
class OrgUnitEnabled:
    """It may be acted for again."""

    org_unit_id: str


OrgUnitEvent = OrgUnitCreated | OrgUnitDisabled | OrgUnitEnabled


@dataclass(frozen=True, slots=True)
class OrgUnit:
    """What the history so far amounts to."""

    exists: bool = False
    active: bool = False
    name: str = ""
    path: tuple[str, ...] = ()
    timezone: str = "UTC"
    currency: str = ""


def evolve(state: OrgUnit, fact: OrgUnitEvent) -> OrgUnit:
    """Take one fact into account."""
    match fact:
        case OrgUnitCreated():
            return OrgUnit(True, True, fact.name, fact.path, fact.timezone, fact.currency)
        case OrgUnitDisabled():
            return replace(state, active=False)
        case OrgUnitEnabled():
            return replace(state, active=True)
        case _:
            assert_never(fact)


ORG_UNIT: Final = Stream(
    category="org_unit",
    initial=OrgUnit(),
    evolve=evolve,
    events=get_args(OrgUnitEvent),
    remembered=True,
)


def create(
    state: OrgUnit,
    parent: OrgUnit | None,
    *,
    org_unit_id: str,
    name: str,
    type: str,
    parent_id: str,
    timezone: str,
    currency: str,
) -> Decision[OrgUnitEvent]:
    """Add a part to the business; only the business itself has no parent."""
    if state.exists:
        return Refusal("org_unit_exists", f"org unit {org_unit_id} exists already")
    if type not in TYPES:
        return Refusal("type_unknown", f"{type!r} is not one of {', '.join(TYPES)}")
    if parent is not None and not parent.active:
        return Refusal("parent_unknown", f"org unit {parent_id} does not exist or is disabled")
    path = (*(parent.path if parent is not None else ()), org_unit_id)
    if len(path) > DEPTH_MAX:
        return Refusal("too_deep", f"org units nest at most {DEPTH_MAX} deep")
    return (
        OrgUnitCreated(
            org_unit_id=org_unit_id,
            name=name,
            type=type,
            parent_id=parent_id,
            path=path,
            timezone=timezone,
            currency=currency,
        ),
    )


def disable(state: OrgUnit, *, org_unit_id: str, reason: str) -> Decision[OrgUnitEvent]:
    """Let nobody act for it."""
    if not state.exists:
        return Refusal("org_unit_unknown", f"no org unit is called {org_unit_id}")
    return (OrgUnitDisabled(org_unit_id=org_unit_id, reason=reason),) if state.active else ()


def enable(state: OrgUnit, *, org_unit_id: str) -> Decision[OrgUnitEvent]:
    """Let it be acted for again."""
    if not state.exists:
        return Refusal("org_unit_unknown", f"no org unit is called {org_unit_id}")
    return () if state.active else (OrgUnitEnabled(org_unit_id=org_unit_id),)

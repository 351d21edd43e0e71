"""Law: the policies in force and the kill switches engaged, as amended over time.

drafted ──► active ──► disabled          engaged ──► released
            └─ a new version replaces the one before
Every command reads this history with its subject, so that no verdict can be stale.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, TypeVar, assert_never, get_args

from domain.core.event import event
from domain.core.stream import Decision, Refusal, Stream
from domain.core.upcast import Fields, Stored, upcaster
from domain.governor.policy import Policy, RuleBook

V = TypeVar("V")

EVERYWHERE: Final = "*"
"""The org unit of a kill switch that stops the whole business."""


@event("law.constituted")
class LawConstituted:
    """The business has a law from here on; before, everything is denied."""

    name: str


@event("law.policy_drafted", version=2)
class PolicyDrafted:
    """A version of a policy was written down; it binds nobody yet.

    In version 1 a policy had no facts, tests, bounds, owner and addressees of its own, and a rule
    asked for one approval within a day.
    """

    policy: Policy
    by: str


@upcaster("law.policy_drafted", 1)
def policy_drafted_1(fields: Fields) -> Iterator[Stored]:
    """Say what an older policy left unsaid."""
    unsaid = {"applies_to": [], "actors": [], "owner": "", "bounds": {}, "facts": [], "cases": []}
    rules = [{**rule, "approvals": 1, "expires_hours": 24} for rule in fields["policy"]["rules"]]
    policy = {**fields["policy"], **unsaid, "rules": rules}
    yield "law.policy_drafted", 2, {**fields, "policy": policy}


@event("law.policy_shadowed")
class PolicyShadowed:
    """A version of a policy is asked about everything and decides nothing."""

    policy_id: str
    version: int
    by: str
    reason: str


@event("law.parameter_changed")
class ParameterChanged:
    """A number of an active policy was turned. `backtest` names what was looked at before."""

    policy_id: str
    version: int
    name: str
    before: object
    after: object
    by: str
    reason: str
    backtest: str


@event("law.policy_activated")
class PolicyActivated:
    """A version of a policy is in force, in the place of any earlier one."""

    policy_id: str
    version: int
    by: str
    reason: str


@event("law.policy_disabled")
class PolicyDisabled:
    """A policy is no longer in force."""

    policy_id: str
    by: str
    reason: str


@event("law.kill_switch_engaged")
class KillSwitchEngaged:
    """Somebody stopped everything that is autonomous, in one org unit or everywhere."""

    org_unit_id: str
    engagement_id: str
    by: str
    reason: str


@event("law.kill_switch_released")
class KillSwitchReleased:
    """A founder let work resume."""

    org_unit_id: str
    engagement_id: str
    by: str
    reason: str


LawEvent = (
    LawConstituted
    | PolicyDrafted
    | PolicyShadowed
    | ParameterChanged
    | PolicyActivated
    | PolicyDisabled
    | KillSwitchEngaged
    | KillSwitchReleased
)


@dataclass(frozen=True)
class Law:
    """The rules in force now. `stops` maps an org unit to the engagement that stopped it."""

    name: str = ""
    drafts: Mapping[str, Policy] = field(default_factory=dict)
    active: Mapping[str, Policy] = field(default_factory=dict)
    shadows: Mapping[str, Policy] = field(default_factory=dict)
    stops: Mapping[str, str] = field(default_factory=dict)

    @property
    def constituted(self) -> bool:
        """Say whether there is a law at all."""
        return bool(self.name)

    @cached_property
    def book(self) -> RuleBook:
        """Return the active policies, compiled once for this state."""
        return RuleBook(self.active.values())

    @cached_property
    def shadow_book(self) -> RuleBook:
        """Return the policies that are only watched, compiled once for this state."""
        return RuleBook(self.shadows.values())

    def engagements(self, org_path: tuple[str, ...]) -> tuple[str, ...]:
        """Return the engagements that stop an org unit, given the path from the root to it."""
        if not self.stops:
            return ()
        return tuple(self.stops[unit] for unit in (EVERYWHERE, *org_path) if unit in self.stops)


def evolve(state: Law, fact: LawEvent) -> Law:
    """Take one amendment into account."""
    match fact:
        case LawConstituted():
            return replace(state, name=fact.name)
        case PolicyDrafted():
            return replace(state, drafts={**state.drafts, fact.policy.id: fact.policy})
        case PolicyActivated():
            policy = state.drafts[fact.policy_id]
            return replace(
                state,
                active={**state.active, fact.policy_id: policy},
                shadows=_without(state.shadows, fact.policy_id),
            )
        case PolicyShadowed():
            policy = state.drafts[fact.policy_id]
            return replace(state, shadows={**state.shadows, fact.policy_id: policy})
        case ParameterChanged():
            before = state.active[fact.policy_id]
            parameters = {**before.parameters, fact.name: fact.after}
            turned = replace(before, parameters=parameters)
            return replace(state, active={**state.active, fact.policy_id: turned})
        case PolicyDisabled():
            return replace(
                state,
                active=_without(state.active, fact.policy_id),
                shadows=_without(state.shadows, fact.policy_id),
            )
        case KillSwitchEngaged():
            return replace(state, stops={**state.stops, fact.org_unit_id: fact.engagement_id})
        case KillSwitchReleased():
            return replace(state, stops=_without(state.stops, fact.org_unit_id))
        case _:
            assert_never(fact)


def _without(mapping: Mapping[str, V], key: str) -> dict[str, V]:
    return {name: value for name, value in mapping.items() if name != key}


LAW: Final = Stream(
    category="law",
    initial=Law(),
    evolve=evolve,
    events=get_args(LawEvent),
    remembered=True,
    upcasters=(policy_drafted_1,),
)


def constitute(state: Law, *, name: str, policies: tuple[Policy, ...]) -> Decision[LawEvent]:
    """Give a new business its law: the policies that it starts with, in force at once."""
    if state.constituted:
        return Refusal("already_founded", f"this business is already founded as {state.name}")
    facts: list[LawEvent] = [LawConstituted(name=name)]
    for policy in policies:
        facts.append(PolicyDrafted(policy=policy, by="founding"))
        facts.append(
            PolicyActivated(
                policy_id=policy.id, version=policy.version, by="founding", reason="built in"
            )
        )
    return tuple(facts)


def engage_kill_switch(
    state: Law, *, org_unit_id: str, engagement_id: str, by: str, reason: str
) -> Decision[LawEvent]:
    """Stop everything autonomous. Engaging twice is engaging once."""
    if org_unit_id in state.stops:
        return ()
    return (
        KillSwitchEngaged(
            org_unit_id=org_unit_id, engagement_id=engagement_id, by=by, reason=reason
        ),
    )


def release_kill_switch(
    state: Law, *, org_unit_id: str, by: str, reason: str
) -> Decision[LawEvent]:
    """Let work resume."""
    engagement = state.stops.get(org_unit_id)
    if engagement is None:
        return ()
    return (
        KillSwitchReleased(org_unit_id=org_unit_id, engagement_id=engagement, by=by, reason=reason),
    )

"""Requests to amend the law: policies, and the kill switch."""

from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from commands.facts.declared import undeclared
from commands.governor.incident import filed
from commands.governor.policy_texts import BoundsText, CaseText, RuleText, TallyText
from commands.message import Command, Entry, Plan, Sender
from commands.planning import Errand, Key, Name, Reason, Text, amend, tagged
from domain.core.principal import MANAGERS, PEOPLE, Role
from domain.core.stream import Decision, Refusal
from domain.governor import amendments, cases, incident, law, policy
from domain.governor.fact import Tally
from domain.governor.incident import INCIDENT
from domain.governor.law import EVERYWHERE, LAW
from domain.governor.parameter import Bounds
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import Past

_FOUNDER: Final = frozenset({Role.FOUNDER})


PolicyKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A rule is known as `<policy>@<version>/<rule>`, so neither @ nor / may stand in the first."""


class DraftPolicy(Command):
    """Write down the next version of a policy; it binds nobody until it is activated."""

    policy_id: PolicyKey
    name: Name
    description: Text = ""
    rationale: Text = ""
    scope: Literal["global", "org_unit", "agent", "workflow"] = "global"
    scope_id: Text = ""
    rules: Annotated[tuple[RuleText, ...], Field(min_length=1, max_length=policy.RULES_MAX)]
    parameters: dict[Name, bool | int | Decimal | str] = Field(default_factory=dict)
    applies_to: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    actors: tuple[Literal["user", "agent", "system"], ...] = ()
    owner: Text = ""
    bounds: dict[Name, BoundsText] = Field(default_factory=dict)
    facts: Annotated[tuple[TallyText, ...], Field(max_length=policy.FACTS_MAX)] = ()
    tests: Annotated[tuple[CaseText, ...], Field(max_length=policy.CASES_MAX)] = ()


def policy_of(cmd: DraftPolicy) -> policy.Policy:
    """Return what a draft says as a policy, not yet numbered."""
    return policy.Policy(
        id=cmd.policy_id,
        version=1,
        name=cmd.name,
        description=cmd.description,
        rationale=cmd.rationale,
        scope=cmd.scope,
        scope_id=cmd.scope_id,
        rules=tuple(policy.Rule(**rule.model_dump()) for rule in cmd.rules),
        parameters=cmd.parameters,
        applies_to=cmd.applies_to,
        actors=cmd.actors,
        owner=cmd.owner,
        bounds={name: Bounds(**bounds.model_dump()) for name, bounds in cmd.bounds.items()},
        facts=tuple(Tally(**tally.model_dump()) for tally in cmd.facts),
        cases=tuple(policy.Case(**case.model_dump()) for case in cmd.tests),
    )


def draft_policy(cmd: DraftPolicy, sender: Sender) -> Plan:
    """Plan a draft; a rule that asks for what nobody declares is refused, not obeyed later."""

    def decide(state: law.Law) -> Decision[Any]:
        written = policy_of(cmd)
        decision = amendments.draft_policy(state, policy=written, by=str(sender.actor))
        if not isinstance(decision, Refusal) and (problem := undeclared(written)):
            return Refusal("policy_flawed", problem)
        return decision

    return amend(cmd, sender, permits=MANAGERS, stream=LAW, key=ROOT, decide=decide)


class ActivatePolicy(Command):
    """Put the newest version of a policy in force."""

    policy_id: Key
    reason: Reason


def activate_policy(cmd: ActivatePolicy, sender: Sender) -> Plan:
    """Plan an activation; a policy whose tests do not prove it stays a draft."""

    def decide(state: law.Law) -> Decision[Any]:
        decision = amendments.activate_policy(
            state, policy_id=cmd.policy_id, by=str(sender.actor), reason=cmd.reason
        )
        if isinstance(decision, Refusal) or not decision:
            return decision
        problem = cases.unproven(state.drafts[cmd.policy_id])
        return Refusal("policy_unproven", problem) if problem else decision

    return amend(cmd, sender, permits=_FOUNDER, stream=LAW, key=ROOT, decide=decide)


class DisablePolicy(Command):
    """Take a policy out of force."""

    policy_id: Key
    reason: Reason


def disable_policy(cmd: DisablePolicy, sender: Sender) -> Plan:
    """Plan the end of a policy."""
    decide = partial(
        amendments.disable_policy, policy_id=cmd.policy_id, by=str(sender.actor), reason=cmd.reason
    )
    return amend(cmd, sender, permits=_FOUNDER, stream=LAW, key=ROOT, decide=decide, brake=True)


class ShadowPolicy(Command):
    """Let the newest version of a policy be asked about everything, and decide nothing."""

    policy_id: Key
    reason: Reason


def shadow_policy(cmd: ShadowPolicy, sender: Sender) -> Plan:
    """Plan a trial run of a policy."""
    decide = partial(
        amendments.shadow_policy, policy_id=cmd.policy_id, by=str(sender.actor), reason=cmd.reason
    )
    return amend(cmd, sender, permits=MANAGERS, stream=LAW, key=ROOT, decide=decide)


class ChangeParameter(Command):
    """Turn a number of an active policy, within its bounds."""

    policy_id: Key
    name: Name
    value: bool | int | Decimal | str
    reason: Reason
    backtest: Text = ""


def change_parameter(cmd: ChangeParameter, sender: Sender) -> Plan:
    """Plan the turn of a number."""
    decide = partial(
        amendments.change_parameter,
        policy_id=cmd.policy_id,
        name=cmd.name,
        value=cmd.value,
        by=str(sender.actor),
        reason=cmd.reason,
        backtest=cmd.backtest,
    )
    return amend(cmd, sender, permits=_FOUNDER, stream=LAW, key=ROOT, decide=decide)


class EngageKillSwitch(Command):
    """Stop everything autonomous, everywhere or in one org unit and what is below it."""

    reason: Reason
    org_unit_id: Key | Literal["*"] = "*"


def engage_kill_switch(cmd: EngageKillSwitch, sender: Sender) -> Plan:
    """Plan a stop, with its critical incident in the same append."""
    engagement_id = sender.new_id("kill")
    incident_id = f"inc-{engagement_id}"

    def decide(past: Past) -> Decision[Entry]:
        if cmd.org_unit_id != EVERYWHERE and not past.state(ORG_UNIT, cmd.org_unit_id).exists:
            return Refusal("org_unit_unknown", f"no org unit is called {cmd.org_unit_id}")
        engaged = law.engage_kill_switch(
            past.state(LAW, ROOT),
            org_unit_id=cmd.org_unit_id,
            engagement_id=engagement_id,
            by=str(sender.actor),
            reason=cmd.reason,
        )
        entries = tagged(LAW, ROOT, engaged)
        if isinstance(entries, Refusal) or not entries:
            return entries
        where = "everywhere" if cmd.org_unit_id == EVERYWHERE else f"in {cmd.org_unit_id}"
        unit = "" if cmd.org_unit_id == EVERYWHERE else cmd.org_unit_id
        opened = incident.open_incident(
            past.state(INCIDENT, incident_id),
            incident_id=incident_id,
            kind="kill_switch",
            title=f"Kill switch engaged {where}",
            description=cmd.reason,
            org_unit_id=unit,
            subject=LAW.at(ROOT),
            detected_by=str(sender.actor),
        )
        more = filed(incident_id, unit, opened)
        return more if isinstance(more, Refusal) else (*entries, *more)

    return _about_stop(cmd, sender, permits=PEOPLE | {Role.SERVICE}, decide=decide)


class ReleaseKillSwitch(Command):
    """Let work resume. Only a founder may, and a rule that names it may ask another person."""

    reason: Reason
    org_unit_id: Key | Literal["*"] = "*"


def release_kill_switch(cmd: ReleaseKillSwitch, sender: Sender) -> Plan:
    """Plan the end of a stop."""

    def decide(past: Past) -> Decision[Entry]:
        released = law.release_kill_switch(
            past.state(LAW, ROOT),
            org_unit_id=cmd.org_unit_id,
            by=str(sender.actor),
            reason=cmd.reason,
        )
        return tagged(LAW, ROOT, released)

    return _about_stop(cmd, sender, permits=_FOUNDER, decide=decide)


def _about_stop(
    cmd: EngageKillSwitch | ReleaseKillSwitch,
    sender: Sender,
    *,
    permits: frozenset[Role],
    decide: Any,
) -> Plan:
    incident_id = f"inc-{sender.new_id('kill')}"
    unit = cmd.org_unit_id if cmd.org_unit_id != EVERYWHERE else ROOT
    return Errand(
        command=cmd,
        sender=sender,
        permits=permits,
        subject=LAW.at(ROOT),
        reads=((INCIDENT, incident_id), (ORG_UNIT, unit)),
        decide=decide,
        brake=isinstance(cmd, EngageKillSwitch),
    ).plan()

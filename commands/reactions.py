"""Reactions: what follows from a fact, as more commands. Pure: fact ──► (FollowUp, …)

approval.granted ──► the parked command again, under the approval
approval.amended ──► another command in its place, judged anew
override.granted ──► the denied command again, once
verdict.recorded (an agent was denied by a policy) ──► an incident
claim.contradicted (the third in a day) ──► an incident
Each follow-up is named after the event that caused it, so that doing it twice does it once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from commands.catalog import COMMANDS
from commands.governor.incident import OpenIncident
from commands.message import Command
from domain.access.user import USER
from domain.core.canonical import digest
from domain.core.principal import Actor, Role
from domain.core.stream import Stream
from domain.governor.approval import (
    APPROVAL,
    ApprovalAmended,
    ApprovalGranted,
    ApprovalRequested,
)
from domain.governor.claim import CLAIM, STRIKES, ClaimContradicted
from domain.governor.override import OverrideGranted
from domain.governor.verdict import VERDICT, VerdictRecorded
from domain.kernel.agent import AGENT
from domain.ports import Recorded

GOVERNOR: Final = Actor("governor", Role.SERVICE)

KEY_MAX: Final = 128

Look = Callable[[Stream[Any, Any], str], Any]
"""Returns the state of one history now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A command that follows from a fact."""

    command: Command
    actor: Actor
    command_id: str
    correlation_id: str
    approval_id: str = ""
    amends: str = ""
    override_id: str = ""


def follow_ups(recorded: Recorded, look: Look) -> tuple[FollowUp, ...]:
    """Return what follows from one fact."""
    match recorded.fact:
        case ApprovalGranted() as granted:
            return _resumed(granted, recorded, look)
        case ApprovalAmended() as amended:
            return _amended(amended, recorded, look)
        case OverrideGranted() as override:
            return _overridden(override, recorded, look)
        case VerdictRecorded() as verdict if _is_violation(verdict):
            return (_incident(verdict, recorded),)
        case ClaimContradicted() as claim if _struck_out(claim, look):
            return (_untrustworthy(claim, recorded),)
        case _:
            return ()


def parked_command(request: ApprovalRequested, look: Look) -> tuple[Command, Actor]:
    """Return a parked command as it was kept, and whoever sent it, as they stand now."""
    return sent_again(
        request.request,
        request.requested_by,
        Role(request.requester_role),
        request.requester_org_unit_id,
        look,
    )


def sent_again(
    request: Mapping[str, object], name: str, role: Role, org_unit_id: str, look: Look
) -> tuple[Command, Actor]:
    """Return a command as it was kept, and whoever sent it, as they stand now.

    Somebody who has left since, or was demoted, asks with the role that is left to them.
    """
    wire = {key: value for key, value in request.items() if key != "command"}
    command = COMMANDS[str(request["command"])].model_validate(wire)
    kind, _, actor_id = name.partition(":")
    if kind == "user":
        role = look(USER, actor_id).role or Role.VIEWER
    elif kind == "agent":
        org_unit_id = look(AGENT, actor_id).org_unit_id
    return command, Actor(actor_id, role, org_unit_id)


def _resumed(granted: ApprovalGranted, recorded: Recorded, look: Look) -> tuple[FollowUp, ...]:
    request = look(APPROVAL, granted.approval_id).request
    assert request is not None, "an approval was granted that nobody requested"
    command, actor = parked_command(request, look)
    return (
        FollowUp(
            command=command,
            actor=actor,
            command_id=f"resume-{digest(granted.approval_id)[:24]}",
            correlation_id=recorded.correlation_id,
            approval_id=granted.approval_id,
        ),
    )


def _amended(amended: ApprovalAmended, recorded: Recorded, look: Look) -> tuple[FollowUp, ...]:
    request = look(APPROVAL, amended.approval_id).request
    assert request is not None, "a request was amended that nobody made"
    command, actor = parked_command(replace(request, request=amended.request), look)
    return (
        FollowUp(
            command=command,
            actor=actor,
            command_id=f"amend-{digest(amended.approval_id)[:24]}",
            correlation_id=recorded.correlation_id,
            amends=amended.approval_id,
        ),
    )


def _overridden(granted: OverrideGranted, recorded: Recorded, look: Look) -> tuple[FollowUp, ...]:
    """Send a denied command once more, under the same names, so that it is the same payload."""
    denied: VerdictRecorded = look(VERDICT, granted.command_id)
    assert denied.request is not None, "a denial was overridden whose command was not kept"
    request = denied.request
    if denied.command == "ProposeAction":
        settled = {"actionId": denied.subject.partition(":")[2], "orgUnitId": denied.org_unit_id}
        request = {**request, **settled}
    role = Role(denied.actor_role)
    command, actor = sent_again(request, denied.actor_id, role, denied.org_unit_id, look)
    return (
        FollowUp(
            command=command,
            actor=actor,
            command_id=f"override-{digest(granted.command_id)[:24]}",
            correlation_id=recorded.correlation_id,
            override_id=granted.command_id,
        ),
    )


def _is_violation(verdict: VerdictRecorded) -> bool:
    policy_said_no = any(finding.effect == "deny" for finding in verdict.findings)
    return verdict.outcome == "denied" and policy_said_no and verdict.actor_role == "agent"


def _struck_out(claim: ClaimContradicted, look: Look) -> bool:
    return bool(look(CLAIM, claim.agent_id).strikes(claim.at) >= STRIKES)


def _untrustworthy(claim: ClaimContradicted, recorded: Recorded) -> FollowUp:
    return FollowUp(
        command=OpenIncident(
            incident_id=_named(f"inc-claims-{claim.agent_id}"),
            kind="policy_violation",
            title=f"{claim.agent_id} was contradicted by the log {STRIKES} times in a day"[:200],
            description=f"{claim.action}: {claim.name} was said to be {claim.claimed!r},"
            f" the log says {claim.found!r}"[:2_000],
            subject=CLAIM.at(claim.agent_id),
        ),
        actor=GOVERNOR,
        command_id=f"react-{recorded.id}",
        correlation_id=recorded.correlation_id,
    )


def _named(text: str) -> str:
    """Return a name as it is, or, where it is too long for one, with a digest at its end."""
    return text if len(text) <= KEY_MAX else f"{text[: KEY_MAX - 25]}-{digest(text)[:24]}"


def _incident(verdict: VerdictRecorded, recorded: Recorded) -> FollowUp:
    rule = next(finding.rule for finding in verdict.findings if finding.effect == "deny")
    policy = rule.partition("@")[0]
    agent = verdict.actor_id.partition(":")[2]
    return FollowUp(
        command=OpenIncident(
            incident_id=_named(f"inc-violation-{policy}-{agent}"),
            kind="policy_violation",
            title=f"{agent} was denied {verdict.action}"[:200],
            description="; ".join(verdict.reasons)[:2_000],
            org_unit_id=verdict.org_unit_id,
            subject=verdict.subject,
        ),
        actor=GOVERNOR,
        command_id=f"react-{recorded.id}",
        correlation_id=recorded.correlation_id,
    )

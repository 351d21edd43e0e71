"""Requests about approvals: a person agrees or says no; the clock closes what nobody answered."""

from collections.abc import Callable
from typing import Any

from commands.governor.incident import filed
from commands.kernel.effect import SERVICES
from commands.message import Command, Entry, Plan, Reads, Sender
from commands.planning import Errand, Key, Name, Reason, Text, tagged
from domain.core.principal import DESK, Role
from domain.core.stream import Decision, Refusal
from domain.governor import approval, incident
from domain.governor.approval import APPROVAL
from domain.governor.incident import INCIDENT
from domain.kernel import action
from domain.kernel.action import ACTION
from domain.ports import Past


class GrantApproval(Command):
    """Agree to exactly the payload with this hash."""

    approval_id: Key
    payload_hash: Name
    notes: Text = ""


def grant_approval(cmd: GrantApproval, sender: Sender) -> Plan:
    """Plan a yes. What was parked goes on in a command of its own, judged again."""

    def decide(past: Past) -> Decision[Entry]:
        decision = approval.grant(
            past.state(APPROVAL, cmd.approval_id),
            approval_id=cmd.approval_id,
            by=sender.actor,
            payload_hash=cmd.payload_hash,
            notes=cmd.notes,
            at=sender.at,
        )
        return tagged(APPROVAL, cmd.approval_id, decision)

    return Errand(
        command=cmd,
        sender=sender,
        permits=DESK,
        subject=APPROVAL.at(cmd.approval_id),
        reads=((APPROVAL, cmd.approval_id),),
        decide=decide,
    ).plan()


class RejectApproval(Command):
    """Say no, and why."""

    approval_id: Key
    payload_hash: Name
    reason: Reason


def reject_approval(cmd: RejectApproval, sender: Sender) -> Plan:
    """Plan a no, which reaches the parked action in the same append."""

    def decide(past: Past) -> Decision[Entry]:
        state = past.state(APPROVAL, cmd.approval_id)
        decision = approval.reject(
            state,
            approval_id=cmd.approval_id,
            by=sender.actor,
            payload_hash=cmd.payload_hash,
            reason=cmd.reason,
            at=sender.at,
        )
        told = (f"Rejected by {sender.actor.id}: {cmd.reason}",)
        return _with_action(past, cmd.approval_id, decision, told)

    return _about_approval(cmd, sender, permits=DESK, decide=decide)


class ExpireApproval(Command):
    """Close a request whose time has run out."""

    approval_id: Key


def expire_approval(cmd: ExpireApproval, sender: Sender) -> Plan:
    """Plan the end of a request that nobody answered, with its incident."""

    def decide(past: Past) -> Decision[Entry]:
        state = past.state(APPROVAL, cmd.approval_id)
        decision = approval.expire(state, approval_id=cmd.approval_id, at=sender.at)
        entries = _with_action(past, cmd.approval_id, decision, None)
        if isinstance(entries, Refusal) or not entries:
            return entries
        assert state.request is not None
        incident_id = f"inc-timeout-{cmd.approval_id}"
        opened = incident.open_incident(
            past.state(INCIDENT, incident_id),
            incident_id=incident_id,
            kind="approval_timeout",
            title=f"Nobody answered a request for {state.request.action} in 24 hours",
            description="; ".join(state.request.reasons),
            org_unit_id=state.request.org_unit_id,
            subject=APPROVAL.at(cmd.approval_id),
            detected_by=str(sender.actor),
        )
        more = filed(incident_id, state.request.org_unit_id, opened)
        return more if isinstance(more, Refusal) else (*entries, *more)

    return _about_approval(cmd, sender, permits=SERVICES, decide=decide)


def _waiting(past: Past, approval_id: str) -> str:
    """Return the action that waits for an approval, if an action is what waits."""
    request = past.state(APPROVAL, approval_id).request
    return request.entity_id if request is not None and request.command == "ProposeAction" else ""


def _with_action(
    past: Past, approval_id: str, decision: Decision[Any], told: tuple[str, ...] | None
) -> Decision[Entry]:
    """Carry the end of an approval to the action that waited for it and for no other."""
    entries = tagged(APPROVAL, approval_id, decision)
    action_id = _waiting(past, approval_id)
    if isinstance(entries, Refusal) or not entries or not action_id:
        return entries
    state = past.state(ACTION, action_id)
    if state.approval_id != approval_id:
        return entries
    if told is None:
        end = action.expire(state, action_id=action_id)
    else:
        end = action.turn_down(state, action_id=action_id, reasons=told)
    more = tagged(ACTION, action_id, end)
    return more if isinstance(more, Refusal) else (*entries, *more)


def _about_approval(
    cmd: RejectApproval | ExpireApproval,
    sender: Sender,
    *,
    permits: frozenset[Role],
    decide: Callable[[Past], Decision[Entry]],
) -> Plan:
    def then(past: Past) -> Reads:
        action_id = _waiting(past, cmd.approval_id)
        return ((ACTION, action_id),) if action_id else ()

    return Errand(
        command=cmd,
        sender=sender,
        permits=permits,
        subject=APPROVAL.at(cmd.approval_id),
        reads=((APPROVAL, cmd.approval_id), (INCIDENT, f"inc-timeout-{cmd.approval_id}")),
        then=then,
        decide=decide,
    ).plan()

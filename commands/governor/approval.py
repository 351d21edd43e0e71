"""Requests about approvals: a person agrees or says no; the clock closes what nobody answered."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from commands.governor.incident import filed
from commands.kernel.effect import SERVICES
from commands.message import Command, Entry, Plan, Reads, Sender
from commands.planning import Errand, Key, Name, Reason, Text, tagged
from domain.access.user import USER
from domain.core.instant import HOUR
from domain.core.principal import DESK, PEOPLE, Actor, Role
from domain.core.stream import Decision, Refusal
from domain.governor import approving, incident, mandate
from domain.governor.approval import APPROVAL, ApprovalRequested
from domain.governor.authority import AUTHORITY, AuthorityExercised
from domain.governor.incident import INCIDENT
from domain.governor.mandate import MANDATE
from domain.kernel import action
from domain.kernel.action import ACTION
from domain.kernel.org_unit import ROOT
from domain.ports import Past


def people_reads(names: Iterable[str]) -> Reads:
    """Return the histories that tell what some people (`user:ada`) are now."""
    return tuple((USER, name.partition(":")[2]) for name in sorted(set(names)))


def roles_now(past: Past, names: Iterable[str]) -> dict[str, Role]:
    """Return what some people are now; whoever has left is missing."""
    found = {name: past.state(USER, name.partition(":")[2]).role for name in names}
    return {name: role for name, role in found.items() if role is not None}


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks in whose name, as far as it can be told before anything is read."""

    sender: Sender
    on_behalf_of: str | None

    @property
    def reads(self) -> Reads:
        """Return what tells how far this voice carries."""
        person = self.on_behalf_of or self.sender.actor.id
        return ((MANDATE, ROOT), (USER, person), (AUTHORITY, person))

    @property
    def permits(self) -> frozenset[Role]:
        """Return who may speak: people at the desk, and anybody in the name of one of them."""
        return PEOPLE if self.on_behalf_of else DESK

    def principal(self, past: Past) -> Actor | Refusal | None:
        """Return whoever it is in whose name somebody speaks, None where it is their own."""
        if not self.on_behalf_of:
            return None
        refusal = mandate.objection_to_standing_in(
            past.state(MANDATE, ROOT),
            delegator=self.on_behalf_of,
            delegate_id=self.sender.actor.id,
            at=self.sender.at,
        )
        role = past.state(USER, self.on_behalf_of).role
        if refusal is None and role is None:
            refusal = Refusal("not_delegated", f"{self.on_behalf_of} works here no more")
        return refusal or Actor(self.on_behalf_of, role or Role.VIEWER)

    def exercised(self, past: Past, request: ApprovalRequested, person: Actor) -> Decision[Entry]:
        """Count what a yes allows against the limits of whoever it is given by."""
        if not request.amount:
            return ()
        amount, currency, at = Decimal(request.amount), request.currency, self.sender.at
        used = past.state(AUTHORITY, person.id).used(currency, since=at - mandate.WITHIN)
        limits = past.state(MANDATE, ROOT)
        if refusal := mandate.beyond(
            limits, role=person.role, currency=currency, amount=amount, used=used
        ):
            return refusal
        fact = AuthorityExercised(
            approval_id=request.approval_id,
            user_id=person.id,
            amount=amount,
            currency=currency,
            at=at,
        )
        return (((AUTHORITY.at(person.id),), fact),)


class GrantApproval(Command):
    """Agree to exactly the payload with this hash, in one's own name or in another person's."""

    approval_id: Key
    payload_hash: Name
    notes: Text = ""
    on_behalf_of: Key | None = None


def grant_approval(cmd: GrantApproval, sender: Sender) -> Plan:
    """Plan a yes. What was parked goes on in a command of its own, judged again."""
    voice = Voice(sender, cmd.on_behalf_of)

    def decide(past: Past) -> Decision[Entry]:
        principal = voice.principal(past)
        if isinstance(principal, Refusal):
            return principal
        state = past.state(APPROVAL, cmd.approval_id)
        decision = approving.grant(
            state,
            approval_id=cmd.approval_id,
            by=sender.actor,
            payload_hash=cmd.payload_hash,
            notes=cmd.notes,
            at=sender.at,
            on_behalf_of=principal,
            roles=roles_now(past, state.speakers),
        )
        entries = tagged(APPROVAL, cmd.approval_id, decision)
        if isinstance(entries, Refusal) or not entries:
            return entries
        assert state.request is not None
        counted = voice.exercised(past, state.request, principal or sender.actor)
        return counted if isinstance(counted, Refusal) else (*entries, *counted)

    return Errand(
        command=cmd,
        sender=sender,
        permits=voice.permits,
        subject=APPROVAL.at(cmd.approval_id),
        reads=((APPROVAL, cmd.approval_id), *voice.reads),
        then=lambda past: people_reads(past.state(APPROVAL, cmd.approval_id).speakers),
        decide=decide,
    ).plan()


class RejectApproval(Command):
    """Say no, and why, in one's own name or in another person's."""

    approval_id: Key
    payload_hash: Name
    reason: Reason
    on_behalf_of: Key | None = None


def reject_approval(cmd: RejectApproval, sender: Sender) -> Plan:
    """Plan a no, which reaches the parked action in the same append."""
    voice = Voice(sender, cmd.on_behalf_of)

    def decide(past: Past) -> Decision[Entry]:
        principal = voice.principal(past)
        if isinstance(principal, Refusal):
            return principal
        decision = approving.reject(
            past.state(APPROVAL, cmd.approval_id),
            approval_id=cmd.approval_id,
            by=sender.actor,
            payload_hash=cmd.payload_hash,
            reason=cmd.reason,
            at=sender.at,
            on_behalf_of=principal,
        )
        told = (f"Rejected by {sender.actor.id}: {cmd.reason}",)
        return _with_action(past, cmd.approval_id, decision, told)

    return _about_approval(cmd, sender, permits=voice.permits, more=voice.reads, decide=decide)


class ExpireApproval(Command):
    """Close a request whose time has run out."""

    approval_id: Key


def expire_approval(cmd: ExpireApproval, sender: Sender) -> Plan:
    """Plan the end of a request that nobody answered, with its incident."""

    incident_id = f"inc-timeout-{cmd.approval_id}"

    def decide(past: Past) -> Decision[Entry]:
        state = past.state(APPROVAL, cmd.approval_id)
        decision = approving.expire(state, approval_id=cmd.approval_id, at=sender.at)
        entries = _with_action(past, cmd.approval_id, decision, None)
        if isinstance(entries, Refusal) or not entries:
            return entries
        assert state.request is not None
        asked = state.request
        hours = (asked.expires_at - asked.requested_at) // HOUR
        opened = incident.open_incident(
            past.state(INCIDENT, incident_id),
            incident_id=incident_id,
            kind="approval_timeout",
            title=f"Nobody answered a request for {asked.action} in {hours} hours",
            description="; ".join(asked.reasons),
            org_unit_id=asked.org_unit_id,
            subject=APPROVAL.at(cmd.approval_id),
            detected_by=str(sender.actor),
        )
        more = filed(incident_id, asked.org_unit_id, opened)
        return more if isinstance(more, Refusal) else (*entries, *more)

    reads = ((INCIDENT, incident_id),)
    return _about_approval(cmd, sender, permits=SERVICES, more=reads, decide=decide)


def waiting(past: Past, approval_id: str) -> str:
    """Return the action that waits for an approval, if an action is what waits."""
    request = past.state(APPROVAL, approval_id).request
    return request.entity_id if request is not None and request.command == "ProposeAction" else ""


def _with_action(
    past: Past, approval_id: str, decision: Decision[Any], told: tuple[str, ...] | None
) -> Decision[Entry]:
    """Carry the end of an approval to the action that waited for it and for no other."""
    entries = tagged(APPROVAL, approval_id, decision)
    action_id = waiting(past, approval_id)
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
    more: Reads,
    decide: Callable[[Past], Decision[Entry]],
) -> Plan:
    def then(past: Past) -> Reads:
        action_id = waiting(past, cmd.approval_id)
        return ((ACTION, action_id),) if action_id else ()

    return Errand(
        command=cmd,
        sender=sender,
        permits=permits,
        subject=APPROVAL.at(cmd.approval_id),
        reads=((APPROVAL, cmd.approval_id), *more),
        then=then,
        decide=decide,
    ).plan()

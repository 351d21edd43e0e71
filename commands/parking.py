"""Parking: a command that people must agree to, and how it goes on once they have.

held ──► approval.requested (the command itself is kept) … approval.granted
     ──► the same command again, judged again ──► consumed and carried out | asked again | denied
Whoever agreed is looked at again, too: a yes of somebody who has since lost the role is no yes.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from commands.governor.approval import people_reads, roles_now
from commands.message import Command, Entry, Plan, Reads, Sender
from commands.overriding import override_of
from commands.record import request_of
from domain.core.instant import HOUR
from domain.core.stream import Refusal
from domain.governor import approving
from domain.governor.approval import (
    APPROVAL,
    ApprovalCancelled,
    ApprovalConsumed,
    ApprovalRequested,
)
from domain.governor.effect import Effect
from domain.governor.judge import Ask
from domain.governor.verdict import Verdict
from domain.ports import Past

Weighed: TypeAlias = tuple[str, tuple[Entry, ...], Refusal | None, str]


@dataclass(frozen=True, slots=True)
class Parked:
    """A command with all that was found out about it."""

    sender: Sender
    plan: Plan
    command: Command
    ask: Ask
    verdict: Verdict

    @property
    def settled(self) -> Command:
        """Return the command as it will be sent again."""
        settled = self.plan.settled
        return self.command if settled is None else settled()


STRICTER: Final = "the rules became stricter: it is asked again"
UNMET: Final = "somebody who agreed may not agree any more: it is asked again"


def parked(past: Past, parking: Parked, *, overtaken: str = "", why: str = STRICTER) -> Weighed:
    """Ask people; whatever an earlier approval was for is overtaken by this request."""
    sender, ask, verdict = parking.sender, parking.ask, parking.verdict
    approval_id = sender.new_id("apr")
    waiting = parking.plan.held(past, verdict, approval_id)
    if isinstance(waiting, Refusal):
        return "refused", (), waiting, overtaken
    matter = parking.plan.matter
    requested = ApprovalRequested(
        approval_id=approval_id,
        kind=matter.get("kind", "task"),
        entity_id=ask.subject.partition(":")[2],
        command=ask.command,
        request=request_of(parking.settled),
        action=ask.action,
        requested_by=str(ask.actor),
        requester_role=ask.actor.role.value,
        requester_org_unit_id=ask.actor.org_unit_id,
        org_unit_id=ask.org_unit_id,
        payload_hash=ask.payload_hash,
        law_hash=verdict.law_hash,
        approver_role=verdict.approver_role,
        reasons=verdict.reasons,
        triggers=verdict.triggers,
        amount=matter.get("amount", ""),
        currency=matter.get("currency", ""),
        expires_at=sender.at + verdict.expires_hours * HOUR,
        requested_at=sender.at,
        demands=verdict.demands,
        authors=_authors(past, parking, overtaken),
        override_id=override_of(past, sender),
    )
    cancelled = _cancelled(overtaken, why)
    entries = (
        *cancelled,
        *waiting,
        ((APPROVAL.at(approval_id),), requested),
    )
    return "held", entries, None, approval_id


def _authors(past: Past, parking: Parked, overtaken: str) -> tuple[str, ...]:
    """Return all who had a hand in a request: who sends it, who sent and amended it before."""
    authors = [str(parking.ask.actor)]
    if earlier := overtaken or parking.sender.amends:
        state = past.state(APPROVAL, earlier)
        authors += state.request.authors if state.request is not None else ()
        if parking.sender.amends:
            authors.append(state.decided_by)
    return tuple(dict.fromkeys(authors))


def approver_reads(past: Past, sender: Sender) -> Reads:
    """Return the histories of all whose yes a parked command rests on, as it goes on."""
    if not sender.approval_id:
        return ()
    return people_reads(past.state(APPROVAL, sender.approval_id).speakers)


def resume_with(past: Past, parking: Parked) -> Weighed:
    """Let a parked command go on: the approval must fit, and everything is judged again."""
    approval_id, verdict = parking.sender.approval_id, parking.verdict
    state = past.state(APPROVAL, approval_id)
    hash_now = parking.ask.payload_hash
    if refusal := approving.use(state, payload_hash=hash_now, at=parking.sender.at):
        return "refused", (), refusal, approval_id
    assert state.request is not None
    if verdict.effect is Effect.DENY:
        gone = _cancelled(approval_id, "; ".join(verdict.reasons))
        return "denied", (*gone, *parking.plan.denied(past, verdict)), None, approval_id
    if not set(verdict.triggers) <= set(state.request.triggers):
        return parked(past, parking, overtaken=approval_id)
    if not approving.is_met(state, verdict.demands, roles_now(past, state.speakers)):
        return parked(past, parking, overtaken=approval_id, why=UNMET)
    decision = parking.plan.decide(past)
    if isinstance(decision, Refusal):
        gone = _cancelled(approval_id, decision.because)
        return "refused", gone, decision, approval_id
    consumed = ApprovalConsumed(approval_id=approval_id, command_id=parking.sender.command_id)
    return "done", (((APPROVAL.at(approval_id),), consumed), *decision), None, approval_id


def _cancelled(approval_id: str, reason: str) -> tuple[Entry, ...]:
    if not approval_id:
        return ()
    fact = ApprovalCancelled(approval_id=approval_id, reason=reason)
    return (((APPROVAL.at(approval_id),), fact),)

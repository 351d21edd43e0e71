"""Approval: one parked command, and the person who lets it go on.

pending ──► approved ──► consumed       an approval is for one payload, once, within 24 hours
   ├──────► rejected                    it lifts the triggers its approver saw, never a denial
   ├──────► expired
   └──────► cancelled
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.instant import HOUR, Instant
from domain.core.principal import DESK, Actor, Role, may_stand_in_for
from domain.core.stream import Decision, Refusal, Stream

LIFETIME: Final = 24 * HOUR
REASON_CHARACTERS_MAX: Final = 2_000


@event("approval.requested")
class ApprovalRequested:
    """A command waits for a person. `request` is the command as it was sent."""

    approval_id: str
    kind: str
    entity_id: str
    command: str
    request: dict[str, object]
    action: str
    requested_by: str
    requester_role: str
    requester_org_unit_id: str
    org_unit_id: str
    payload_hash: str
    law_hash: str
    approver_role: str
    reasons: tuple[str, ...]
    triggers: tuple[str, ...]
    amount: str
    currency: str
    expires_at: Instant


@event("approval.granted")
class ApprovalGranted:
    """A person agreed to exactly this payload."""

    approval_id: str
    by: str
    notes: str


@event("approval.rejected")
class ApprovalRejected:
    """A person said no."""

    approval_id: str
    by: str
    reason: str


@event("approval.expired")
class ApprovalExpired:
    """Nobody answered in time, which is a no."""

    approval_id: str


@event("approval.cancelled")
class ApprovalCancelled:
    """The request was overtaken: what it asked for is asked again, or is denied now."""

    approval_id: str
    reason: str


@event("approval.consumed")
class ApprovalConsumed:
    """The parked command went on, once."""

    approval_id: str
    command_id: str


ApprovalEvent = (
    ApprovalRequested
    | ApprovalGranted
    | ApprovalRejected
    | ApprovalExpired
    | ApprovalCancelled
    | ApprovalConsumed
)


class Stage(Enum):
    """How far an approval has come."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CONSUMED = "consumed"


@dataclass(frozen=True, slots=True)
class Approval:
    """What the history so far amounts to."""

    stage: Stage = Stage.UNKNOWN
    request: ApprovalRequested | None = None
    decided_by: str = ""


def evolve(state: Approval, fact: ApprovalEvent) -> Approval:
    """Take one fact into account."""
    match fact:
        case ApprovalRequested():
            return Approval(Stage.PENDING, fact)
        case ApprovalGranted():
            return replace(state, stage=Stage.APPROVED, decided_by=fact.by)
        case ApprovalRejected():
            return replace(state, stage=Stage.REJECTED, decided_by=fact.by)
        case ApprovalExpired():
            return replace(state, stage=Stage.EXPIRED)
        case ApprovalCancelled():
            return replace(state, stage=Stage.CANCELLED)
        case ApprovalConsumed():
            return replace(state, stage=Stage.CONSUMED)
        case _:
            assert_never(fact)


APPROVAL: Final = Stream(
    category="approval",
    initial=Approval(),
    evolve=evolve,
    events=get_args(ApprovalEvent),
)


def objection_to_deciding(state: Approval, *, by: Actor) -> Refusal | None:
    """Say why somebody may not decide an approval: agents never, requesters never, by role."""
    request = state.request
    if request is None:
        return Refusal("approval_unknown", "no such approval")
    if by.role not in DESK:
        return Refusal("not_an_approver", f"a {by.role.value} cannot decide approvals")
    if not may_stand_in_for(by.role, Role(request.approver_role)):
        needed = request.approver_role
        return Refusal("role_too_low", f"this needs the role {needed}, {by.id} is {by.role.value}")
    if str(by) == request.requested_by:
        return Refusal("own_request", "nobody decides on a request of their own")
    return None


def _not_open(state: Approval, *, payload_hash: str, at: Instant) -> Refusal | None:
    request = state.request
    assert request is not None
    if payload_hash != request.payload_hash:
        return Refusal(
            "payload_changed",
            "the payload hash is not the one of this request: look at it again, then decide",
        )
    if at >= request.expires_at or state.stage is Stage.EXPIRED:
        return Refusal("approval_expired", "this request has expired, which counts as a no")
    if state.stage is not Stage.PENDING:
        return Refusal("approval_decided", f"this request is already {state.stage.value}")
    return None


def grant(
    state: Approval, *, approval_id: str, by: Actor, payload_hash: str, notes: str, at: Instant
) -> Decision[ApprovalEvent]:
    """Agree to exactly what was shown."""
    if refusal := objection_to_deciding(state, by=by):
        return refusal
    if state.stage is Stage.APPROVED and state.decided_by == str(by):
        return ()
    if refusal := _not_open(state, payload_hash=payload_hash, at=at):
        return refusal
    return (ApprovalGranted(approval_id=approval_id, by=str(by), notes=notes),)


def reject(
    state: Approval, *, approval_id: str, by: Actor, payload_hash: str, reason: str, at: Instant
) -> Decision[ApprovalEvent]:
    """Say no, and why."""
    if refusal := objection_to_deciding(state, by=by):
        return refusal
    if not reason.strip():
        return Refusal("reason_missing", "a rejection needs a reason")
    if state.stage is Stage.REJECTED and state.decided_by == str(by):
        return ()
    if refusal := _not_open(state, payload_hash=payload_hash, at=at):
        return refusal
    return (ApprovalRejected(approval_id=approval_id, by=str(by), reason=reason),)


def expire(state: Approval, *, approval_id: str, at: Instant) -> Decision[ApprovalEvent]:
    """Close a request that nobody answered, or an approval that nobody used, in time."""
    if state.request is None:
        return Refusal("approval_unknown", "no such approval")
    if state.stage not in (Stage.PENDING, Stage.APPROVED):
        return ()
    if at < state.request.expires_at:
        return Refusal("not_due", "this request has not expired yet")
    return (ApprovalExpired(approval_id=approval_id),)


def use(state: Approval, *, payload_hash: str, at: Instant) -> Refusal | None:
    """Say why an approval cannot be used for a payload now, or nothing if it can."""
    request = state.request
    if request is None:
        return Refusal("approval_unknown", "no such approval")
    if state.stage is not Stage.APPROVED:
        return Refusal("approval_not_granted", f"this approval is {state.stage.value}")
    if payload_hash != request.payload_hash:
        return Refusal("payload_changed", "this approval was given for another payload")
    if at >= request.expires_at:
        return Refusal("approval_expired", "this approval has expired")
    return None

"""Approving: what people decide about a parked command, and what the clock does.

grant   ──► endorsed … granted          reject ──► rejected        expire ──► expired
ask, inform ──► questions, answers      amend ──► amended, cancelled     escalate ──► escalated
Whose yes counts is looked at when it is given, and again whenever the yeses are counted.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from domain.core.instant import Instant
from domain.core.principal import DESK, PEOPLE, Actor, Role
from domain.core.stream import Decision, Refusal
from domain.governor.approval import (
    Approval,
    ApprovalAmended,
    ApprovalCancelled,
    ApprovalEndorsed,
    ApprovalEscalated,
    ApprovalEvent,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRejected,
    InformationGiven,
    InformationRequested,
    Stage,
    Yes,
    step_due_at,
    told_at,
)
from domain.governor.demand import Demand, may_help, met

QUESTIONS_MAX: Final = 20
"""Questions about one request; more is a meeting."""

Roles = Mapping[str, Role]
"""What people are now, by their name in the log; strangers are missing."""

NOBODY: Final[Roles] = MappingProxyType({})
_UNKNOWN: Final = Refusal("approval_unknown", "no such approval")


def objection_to_deciding(
    state: Approval, *, by: Actor, on_behalf_of: Actor | None = None
) -> Refusal | None:
    """Say why somebody may not decide an approval: agents never, requesters never, by role.

    `on_behalf_of` is the person in whose name, and with whose role, they do.
    """
    request, person = state.request, on_behalf_of or by
    if request is None:
        return _UNKNOWN
    if by.role not in PEOPLE or person.role not in DESK:
        return Refusal("not_an_approver", f"a {person.role.value} cannot decide approvals")
    if not may_help(request.demands, person.role):
        needed = request.demands[-1].role if request.demands else request.approver_role
        return Refusal(
            "role_too_low", f"this needs the role {needed}, {person.id} is {person.role.value}"
        )
    if not {str(by), str(person)}.isdisjoint(request.authors):
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
    return _not_pending(state, at=at)


def _not_pending(state: Approval, *, at: Instant) -> Refusal | None:
    if state.request is None:
        return _UNKNOWN
    if at >= state.request.expires_at or state.stage is Stage.EXPIRED:
        return Refusal("approval_expired", "this request has expired, which counts as a no")
    if state.stage is not Stage.PENDING:
        return Refusal("approval_decided", f"this request is already {state.stage.value}")
    return None


def counted(yeses: tuple[Yes, ...], roles: Roles) -> tuple[Role, ...]:
    """Return the roles that some yeses carry now; whoever has left carries none."""
    return tuple(
        roles[yes.principal]
        for yes in yeses
        if yes.principal in roles and roles.get(yes.by) in PEOPLE
    )


def is_met(state: Approval, demands: tuple[Demand, ...], roles: Roles) -> bool:
    """Say whether those who agreed, as they are now, meet some demands."""
    return met(demands, counted(state.yeses, roles))


def grant(
    state: Approval,
    *,
    approval_id: str,
    by: Actor,
    payload_hash: str,
    notes: str,
    at: Instant,
    on_behalf_of: Actor | None = None,
    roles: Roles = NOBODY,
) -> Decision[ApprovalEvent]:
    """Agree to exactly what was shown. `roles` are those of all who have agreed before."""
    if refusal := objection_to_deciding(state, by=by, on_behalf_of=on_behalf_of):
        return refusal
    yes = Yes(str(by), str(on_behalf_of) if on_behalf_of is not None else "")
    if state.stage is Stage.APPROVED and yes in state.yeses:
        return ()
    if refusal := _not_open(state, payload_hash=payload_hash, at=at):
        return refusal
    others = tuple(each for each in state.yeses if each != yes)
    if any(not yes.people.isdisjoint(each.people) for each in others):
        return Refusal("same_person", f"{by.id} has agreed to this already: a person counts once")
    assert state.request is not None
    now = {**roles, str(by): by.role, yes.principal: (on_behalf_of or by).role}
    is_complete = met(state.request.demands, counted((*others, yes), now))
    endorsed = ApprovalEndorsed(
        approval_id=approval_id, by=yes.by, on_behalf_of=yes.on_behalf_of, notes=notes
    )
    granted = ApprovalGranted(approval_id=approval_id, by=yes.by, notes=notes)
    if not is_complete:
        return () if yes in state.yeses else (endorsed,)
    is_told = yes in state.yeses or not yes.on_behalf_of
    return (granted,) if is_told else (endorsed, granted)


def reject(
    state: Approval,
    *,
    approval_id: str,
    by: Actor,
    payload_hash: str,
    reason: str,
    at: Instant,
    on_behalf_of: Actor | None = None,
) -> Decision[ApprovalEvent]:
    """Say no, and why. One no is enough, of anybody whose yes would count."""
    if refusal := objection_to_deciding(state, by=by, on_behalf_of=on_behalf_of):
        return refusal
    if not reason.strip():
        return Refusal("reason_missing", "a rejection needs a reason")
    if state.stage is Stage.REJECTED and state.decided_by == str(by):
        return ()
    if refusal := _not_open(state, payload_hash=payload_hash, at=at):
        return refusal
    return (ApprovalRejected(approval_id=approval_id, by=str(by), reason=reason),)


def ask(
    state: Approval, *, approval_id: str, by: Actor, question: str, at: Instant
) -> Decision[ApprovalEvent]:
    """Ask for more before answering; the clock keeps running."""
    if state.last_said == (str(by), question):
        return ()
    if refusal := _not_pending(state, at=at):
        return refusal
    if not question.strip():
        return Refusal("question_missing", "what do you want to know?")
    if state.questions >= QUESTIONS_MAX:
        because = f"{QUESTIONS_MAX} questions were asked already: decide, or reject it"
        return Refusal("too_many_questions", because)
    return (InformationRequested(approval_id=approval_id, by=str(by), question=question),)


def inform(
    state: Approval, *, approval_id: str, by: Actor, text: str, at: Instant
) -> Decision[ApprovalEvent]:
    """Answer what was asked: whoever requested it, or anybody at the desk."""
    if state.request is not None and not (by.role in DESK or str(by) in state.request.authors):
        return Refusal("not_yours", f"{by} neither asked for this nor works at the desk")
    if state.last_said == (str(by), text):
        return ()
    if refusal := _not_pending(state, at=at):
        return refusal
    if not state.questions:
        return Refusal("nothing_asked", "nobody has asked anything about this request")
    if not text.strip():
        return Refusal("answer_missing", "an answer needs words")
    return (InformationGiven(approval_id=approval_id, by=str(by), text=text),)


def amend(
    state: Approval,
    *,
    approval_id: str,
    by: Actor,
    payload_hash: str,
    request: dict[str, Any],
    at: Instant,
) -> Decision[ApprovalEvent]:
    """Ask for something else in the place of this; whoever amends it cannot agree to it."""
    if refusal := objection_to_deciding(state, by=by):
        return refusal
    if refusal := _not_open(state, payload_hash=payload_hash, at=at):
        return refusal
    assert state.request is not None
    if request == state.request.request:
        return Refusal("nothing_changed", "this is what is asked already")
    return (
        ApprovalAmended(approval_id=approval_id, by=str(by), request=request),
        ApprovalCancelled(approval_id=approval_id, reason=f"amended by {by.id}"),
    )


def escalate(
    state: Approval, *, approval_id: str, step: int, at: Instant
) -> Decision[ApprovalEvent]:
    """Tell whoever a step of the ladder names; steps that were slept through are left out."""
    request = state.request
    if request is None:
        return _UNKNOWN
    if state.stage is not Stage.PENDING or step <= state.step:
        return ()
    due = step_due_at(request.requested_at, request.expires_at, step)
    if due is None or not due <= at < request.expires_at:
        return Refusal("not_due", f"step {step} is not due")
    role = told_at(request, step)
    return (ApprovalEscalated(approval_id=approval_id, step=step, role=role),)


def expire(state: Approval, *, approval_id: str, at: Instant) -> Decision[ApprovalEvent]:
    """Close a request that nobody answered, or an approval that nobody used, in time."""
    if state.request is None:
        return _UNKNOWN
    if state.stage not in (Stage.PENDING, Stage.APPROVED):
        return ()
    if at < state.request.expires_at:
        return Refusal("not_due", "this request has not expired yet")
    return (ApprovalExpired(approval_id=approval_id),)


def use(state: Approval, *, payload_hash: str, at: Instant) -> Refusal | None:
    """Say why an approval cannot be used for a payload now, or nothing if it can."""
    request = state.request
    if request is None:
        return _UNKNOWN
    if state.stage is not Stage.APPROVED:
        return Refusal("approval_not_granted", f"this approval is {state.stage.value}")
    if payload_hash != request.payload_hash:
        return Refusal("payload_changed", "this approval was given for another payload")
    if at >= request.expires_at:
        return Refusal("approval_expired", "this approval has expired")
    return None

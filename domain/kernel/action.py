"""Action: one thing an agent means to do, from proposal to outcome.

proposed ──► authorized ──► running ──► completed
   │              ▲             └─────► failed
   ├──► awaiting_approval ──► expired
   └──► denied        └─────► cancelled
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.stream import Decision, Refusal, Stream


@event("action.proposed")
class ActionProposed:
    """An agent, or a person, asked to act. `arguments` is the payload that the verdict is about."""

    action_id: str
    agent_id: str
    org_unit_id: str
    action_type: str
    arguments: dict[str, object]
    reason: str
    payload_hash: str


@event("action.held")
class ActionHeld:
    """A person must agree first."""

    action_id: str
    approval_id: str
    reasons: tuple[str, ...]


@event("action.authorized")
class ActionAuthorized:
    """The governor said yes.

    `approval_id` names the approval that it needed, if any, and `lifted` the triggers that the
    approval lifted: an action that was not approved under a kill switch does not run under it.
    """

    action_id: str
    approval_id: str
    lifted: tuple[str, ...]


@event("action.denied")
class ActionDenied:
    """The governor, or the person it asked, said no."""

    action_id: str
    reasons: tuple[str, ...]


@event("action.expired")
class ActionExpired:
    """Nobody answered in time."""

    action_id: str


@event("action.cancelled")
class ActionCancelled:
    """Whoever proposed it, or a person, took it back before it ran."""

    action_id: str
    by: str
    reason: str


@event("action.started")
class ActionStarted:
    """A connector is about to change the world; durable before it does."""

    action_id: str
    tool_name: str
    attempt: int


@event("action.completed")
class ActionCompleted:
    """The world changed as intended."""

    action_id: str
    result: dict[str, object]
    latency_ms: int
    cost_usd: str
    retry_count: int


@event("action.failed")
class ActionFailed:
    """The world did not change, or not as intended."""

    action_id: str
    error_message: str
    latency_ms: int
    cost_usd: str
    retry_count: int


_Open = ActionProposed | ActionHeld | ActionAuthorized | ActionStarted
_Over = ActionDenied | ActionExpired | ActionCancelled | ActionCompleted | ActionFailed
ActionEvent = _Open | _Over


class Stage(Enum):
    """How far an action has come."""

    UNKNOWN = "unknown"
    PROPOSED = "proposed"
    AWAITING_APPROVAL = "awaiting_approval"
    AUTHORIZED = "authorized"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Action:
    """What the history so far amounts to."""

    stage: Stage = Stage.UNKNOWN
    proposal: ActionProposed | None = None
    approval_id: str = ""
    lifted: tuple[str, ...] = ()
    attempts: int = 0


def evolve(state: Action, fact: ActionEvent) -> Action:
    """Take one fact into account. Never refuses: facts have already happened."""
    match fact:
        case ActionProposed():
            return Action(Stage.PROPOSED, fact)
        case ActionHeld():
            return replace(state, stage=Stage.AWAITING_APPROVAL, approval_id=fact.approval_id)
        case ActionAuthorized():
            approved = replace(state, approval_id=fact.approval_id, lifted=fact.lifted)
            return replace(approved, stage=Stage.AUTHORIZED)
        case ActionStarted():
            return replace(state, stage=Stage.RUNNING, attempts=fact.attempt)
        case _:
            return replace(state, stage=_final(fact))


def _final(fact: _Over) -> Stage:
    match fact:
        case ActionDenied():
            return Stage.DENIED
        case ActionExpired():
            return Stage.EXPIRED
        case ActionCancelled():
            return Stage.CANCELLED
        case ActionCompleted():
            return Stage.COMPLETED
        case ActionFailed():
            return Stage.FAILED
        case _:
            assert_never(fact)


ACTION: Final = Stream(
    category="action",
    initial=Action(),
    evolve=evolve,
    events=get_args(ActionEvent),
)

OPEN: Final = (Stage.UNKNOWN, Stage.AWAITING_APPROVAL)  # a proposal can still be answered


def _proposal(state: Action, proposal: ActionProposed) -> tuple[ActionEvent, ...]:
    return (proposal,) if state.stage is Stage.UNKNOWN else ()


def _answered(state: Action, action_id: str) -> Refusal:
    return Refusal("action_not_open", f"action {action_id} is {state.stage.value}")


def _closed_to(state: Action, proposal: ActionProposed) -> Refusal | None:
    """Say why a proposal cannot be answered: it was already, or another one bears its id."""
    if state.stage not in OPEN:
        return _answered(state, proposal.action_id)
    if state.proposal is not None and state.proposal.payload_hash != proposal.payload_hash:
        return Refusal("action_id_used", f"another proposal is called {proposal.action_id}")
    return None


def reopened(state: Action) -> Action:
    """Return an action whose denial was overridden as one that can be answered again."""
    return replace(state, stage=Stage.AWAITING_APPROVAL) if state.stage is Stage.DENIED else state


def authorize(
    state: Action, *, proposal: ActionProposed, approval_id: str = "", lifted: tuple[str, ...] = ()
) -> Decision[ActionEvent]:
    """Say yes to a proposal, new or parked."""
    if refusal := _closed_to(state, proposal):
        return refusal
    yes = ActionAuthorized(action_id=proposal.action_id, approval_id=approval_id, lifted=lifted)
    return (*_proposal(state, proposal), yes)


def hold(
    state: Action, *, proposal: ActionProposed, approval_id: str, reasons: tuple[str, ...]
) -> Decision[ActionEvent]:
    """Park a proposal until a person has answered."""
    if refusal := _closed_to(state, proposal):
        return refusal
    held = ActionHeld(action_id=proposal.action_id, approval_id=approval_id, reasons=reasons)
    return (*_proposal(state, proposal), held)


def deny(
    state: Action, *, proposal: ActionProposed, reasons: tuple[str, ...]
) -> Decision[ActionEvent]:
    """Say no to a proposal, new or parked."""
    if refusal := _closed_to(state, proposal):
        return refusal
    no = ActionDenied(action_id=proposal.action_id, reasons=reasons)
    return (*_proposal(state, proposal), no)


def turn_down(state: Action, *, action_id: str, reasons: tuple[str, ...]) -> Decision[ActionEvent]:
    """Let a person's no reach the action that waited for it."""
    if state.stage is not Stage.AWAITING_APPROVAL:
        return ()
    return (ActionDenied(action_id=action_id, reasons=reasons),)


def expire(state: Action, *, action_id: str) -> Decision[ActionEvent]:
    """Let an approval that ran out reach the action that waited for it."""
    if state.stage is not Stage.AWAITING_APPROVAL:
        return ()
    return (ActionExpired(action_id=action_id),)


def cancel(state: Action, *, action_id: str, by: str, reason: str) -> Decision[ActionEvent]:
    """Take an action back before it runs."""
    if state.stage is Stage.CANCELLED:
        return ()
    if state.stage not in (Stage.AWAITING_APPROVAL, Stage.AUTHORIZED):
        return _answered(state, action_id)
    return (ActionCancelled(action_id=action_id, by=by, reason=reason),)


def start(state: Action, *, action_id: str, tool_name: str, attempt: int) -> Decision[ActionEvent]:
    """Claim an authorized action, or, after a crash, a running one for its next attempt."""
    if state.stage not in (Stage.AUTHORIZED, Stage.RUNNING):
        return _answered(state, action_id)
    if attempt != state.attempts + 1:
        return Refusal("attempt_taken", f"attempt {attempt} of {action_id} is already taken")
    return (ActionStarted(action_id=action_id, tool_name=tool_name, attempt=attempt),)


def complete(
    state: Action, *, action_id: str, result: dict[str, object], latency_ms: int, cost_usd: str
) -> Decision[ActionEvent]:
    """Record that the world changed as intended."""
    completed = ActionCompleted(
        action_id=action_id,
        result=result,
        latency_ms=latency_ms,
        cost_usd=cost_usd,
        retry_count=max(state.attempts - 1, 0),
    )
    return _ended(state, Stage.COMPLETED, completed)


def fail(
    state: Action, *, action_id: str, error_message: str, latency_ms: int, cost_usd: str
) -> Decision[ActionEvent]:
    """Record that the world did not change as intended."""
    failed = ActionFailed(
        action_id=action_id,
        error_message=error_message,
        latency_ms=latency_ms,
        cost_usd=cost_usd,
        retry_count=max(state.attempts - 1, 0),
    )
    return _ended(state, Stage.FAILED, failed)


def _ended(
    state: Action, stage: Stage, fact: ActionCompleted | ActionFailed
) -> Decision[ActionEvent]:
    if state.stage is stage:
        return ()
    if state.stage is not Stage.RUNNING:
        because = f"action {fact.action_id} is {state.stage.value}"
        return Refusal("action_not_running", because)
    return (fact,)

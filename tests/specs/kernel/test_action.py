"""What an action may become."""

from dataclasses import replace

import pytest

from domain.core.stream import Refusal
from domain.kernel.action import (
    ACTION,
    Action,
    ActionAuthorized,
    ActionCancelled,
    ActionCompleted,
    ActionDenied,
    ActionEvent,
    ActionExpired,
    ActionFailed,
    ActionHeld,
    ActionProposed,
    ActionStarted,
    Stage,
    authorize,
    cancel,
    complete,
    deny,
    expire,
    fail,
    hold,
    start,
    turn_down,
)
from tests.spec import spec

given = spec(ACTION)

PROPOSED = ActionProposed(
    action_id="a1",
    agent_id="support",
    org_unit_id="business",
    action_type="process_refund",
    arguments={"orderId": "1001", "amount": 900},
    reason="broken on arrival",
    payload_hash="hash of 900",
)
SMALLER = replace(PROPOSED, arguments={"orderId": "1001", "amount": 9}, payload_hash="hash of 9")
HELD = ActionHeld(action_id="a1", approval_id="apr1", reasons=("amount exceeds $500",))
AUTHORIZED = ActionAuthorized(action_id="a1", approval_id="", lifted=())
APPROVED = ActionAuthorized(action_id="a1", approval_id="apr1", lifted=("refunds@1/amount",))
DENIED = ActionDenied(action_id="a1", reasons=("no",))
EXPIRED = ActionExpired(action_id="a1")
CANCELLED = ActionCancelled(action_id="a1", by="agent:support", reason="customer changed her mind")
STARTED = ActionStarted(action_id="a1", tool_name="sandbox", attempt=1)
STARTED_AGAIN = ActionStarted(action_id="a1", tool_name="sandbox", attempt=2)
COMPLETED = ActionCompleted(
    action_id="a1", result={"reference": "r1"}, latency_ms=12, cost_usd="0.1", retry_count=0
)
FAILED = ActionFailed(
    action_id="a1", error_message="bank closed", latency_ms=12, cost_usd="0", retry_count=0
)

NEW: tuple[ActionEvent, ...] = ()
PARKED = (PROPOSED, HELD)
READY = (PROPOSED, AUTHORIZED)
RUNNING = (*READY, STARTED)
OVER: dict[str, tuple[ActionEvent, ...]] = {
    "denied": (PROPOSED, DENIED),
    "expired": (*PARKED, EXPIRED),
    "cancelled": (*PARKED, CANCELLED),
    "completed": (*RUNNING, COMPLETED),
    "failed": (*RUNNING, FAILED),
}
AUTHORIZED_OR_LATER = {"authorized": READY, "running": RUNNING, **OVER}

over = pytest.mark.parametrize("history", OVER.values(), ids=OVER)
answered = pytest.mark.parametrize("history", AUTHORIZED_OR_LATER.values(), ids=AUTHORIZED_OR_LATER)
not_running = pytest.mark.parametrize(
    "history",
    [NEW, PARKED, READY, OVER["denied"], OVER["expired"], OVER["cancelled"]],
    ids=["new", "parked", "ready", "denied", "expired", "cancelled"],
)


# ── the governor's answer ──


def test_a_new_proposal_is_authorized() -> None:
    given().when(authorize, proposal=PROPOSED).then(PROPOSED, AUTHORIZED)


def test_a_parked_proposal_is_authorized_without_proposing_it_again() -> None:
    given(*PARKED).when(
        authorize, proposal=PROPOSED, approval_id="apr1", lifted=("refunds@1/amount",)
    ).then(APPROVED)


@answered
def test_an_answered_proposal_is_not_authorized_again(history: tuple[ActionEvent, ...]) -> None:
    given(*history).when(authorize, proposal=PROPOSED).then_refused("action_not_open")


def test_another_proposal_under_the_same_id_does_not_authorize_what_was_parked() -> None:
    assert isinstance(authorize(ACTION.fold(PARKED), proposal=SMALLER), Refusal)


def test_a_new_proposal_is_held() -> None:
    given().when(
        hold, proposal=PROPOSED, approval_id="apr1", reasons=("amount exceeds $500",)
    ).then(PROPOSED, HELD)


def test_a_parked_proposal_waits_for_the_newer_approval() -> None:
    newer = ActionHeld(action_id="a1", approval_id="apr2", reasons=("stricter now",))
    given(*PARKED).when(
        hold, proposal=PROPOSED, approval_id="apr2", reasons=("stricter now",)
    ).then(newer)
    assert ACTION.fold([*PARKED, newer]).approval_id == "apr2"


@answered
def test_an_answered_proposal_is_not_held(history: tuple[ActionEvent, ...]) -> None:
    given(*history).when(hold, proposal=PROPOSED, approval_id="apr1", reasons=()).then_refused(
        "action_not_open"
    )


def test_another_proposal_under_the_same_id_is_not_held() -> None:
    parked = ACTION.fold(PARKED)
    again = hold(parked, proposal=SMALLER, approval_id="apr2", reasons=())
    assert isinstance(again, Refusal)


def test_a_new_proposal_is_denied() -> None:
    given().when(deny, proposal=PROPOSED, reasons=("no",)).then(PROPOSED, DENIED)


def test_a_parked_proposal_is_denied() -> None:
    given(*PARKED).when(deny, proposal=PROPOSED, reasons=("no",)).then(DENIED)


@answered
def test_an_answered_proposal_is_not_denied(history: tuple[ActionEvent, ...]) -> None:
    given(*history).when(deny, proposal=PROPOSED, reasons=("no",)).then_refused("action_not_open")


def test_another_proposal_under_the_same_id_does_not_deny_what_was_parked() -> None:
    assert isinstance(deny(ACTION.fold(PARKED), proposal=SMALLER, reasons=("no",)), Refusal)


# ── the person's answer ──


def test_a_no_reaches_the_parked_action() -> None:
    given(*PARKED).when(turn_down, action_id="a1", reasons=("no",)).then(DENIED)


@pytest.mark.parametrize("history", [NEW, READY, RUNNING, *OVER.values()])
def test_a_no_changes_nothing_for_an_action_that_does_not_wait(
    history: tuple[ActionEvent, ...],
) -> None:
    given(*history).when(turn_down, action_id="a1", reasons=("no",)).then_nothing()


def test_silence_reaches_the_parked_action() -> None:
    given(*PARKED).when(expire, action_id="a1").then(EXPIRED)


@pytest.mark.parametrize("history", [NEW, READY, RUNNING, *OVER.values()])
def test_silence_changes_nothing_for_an_action_that_does_not_wait(
    history: tuple[ActionEvent, ...],
) -> None:
    given(*history).when(expire, action_id="a1").then_nothing()


# ── taking it back ──


@pytest.mark.parametrize("history", [PARKED, READY], ids=["parked", "authorized"])
def test_an_action_is_taken_back_before_it_runs(history: tuple[ActionEvent, ...]) -> None:
    given(*history).when(
        cancel, action_id="a1", by="agent:support", reason="customer changed her mind"
    ).then(CANCELLED)


def test_cancelling_twice_is_cancelling_once() -> None:
    given(*PARKED, CANCELLED).when(
        cancel, action_id="a1", by="user:grace", reason="again"
    ).then_nothing()


@pytest.mark.parametrize(
    "history", [NEW, RUNNING, OVER["denied"], OVER["expired"], OVER["completed"], OVER["failed"]]
)
def test_what_runs_or_is_over_is_not_taken_back(history: tuple[ActionEvent, ...]) -> None:
    given(*history).when(cancel, action_id="a1", by="user:grace", reason="x").then_refused(
        "action_not_open"
    )


# ── carrying it out ──


def test_an_authorized_action_starts() -> None:
    given(*READY).when(start, action_id="a1", tool_name="sandbox", attempt=1).then(STARTED)


def test_a_running_action_starts_its_next_attempt() -> None:
    given(*RUNNING).when(start, action_id="a1", tool_name="sandbox", attempt=2).then(STARTED_AGAIN)


@pytest.mark.parametrize(("history", "attempt"), [(READY, 2), (RUNNING, 1), (RUNNING, 3)])
def test_each_attempt_is_taken_once_and_in_order(
    history: tuple[ActionEvent, ...], attempt: int
) -> None:
    given(*history).when(start, action_id="a1", tool_name="sandbox", attempt=attempt).then_refused(
        "attempt_taken"
    )


@pytest.mark.parametrize("history", [NEW, PARKED, *OVER.values()])
def test_only_what_is_authorized_starts(history: tuple[ActionEvent, ...]) -> None:
    given(*history).when(start, action_id="a1", tool_name="sandbox", attempt=1).then_refused(
        "action_not_open"
    )


def test_a_running_action_is_completed() -> None:
    given(*RUNNING).when(
        complete, action_id="a1", result={"reference": "r1"}, latency_ms=12, cost_usd="0.1"
    ).then(COMPLETED)


def test_a_completion_counts_its_retries() -> None:
    given(*RUNNING, STARTED_AGAIN).when(
        complete, action_id="a1", result={"reference": "r1"}, latency_ms=12, cost_usd="0.1"
    ).then(replace(COMPLETED, retry_count=1))


def test_completing_twice_is_completing_once() -> None:
    given(*RUNNING, COMPLETED).when(
        complete, action_id="a1", result={"reference": "r2"}, latency_ms=1, cost_usd="9"
    ).then_nothing()


@not_running
def test_only_what_runs_is_completed(history: tuple[ActionEvent, ...]) -> None:
    given(*history).when(
        complete, action_id="a1", result={}, latency_ms=1, cost_usd="0"
    ).then_refused("action_not_running")


def test_what_failed_is_not_completed() -> None:
    given(*RUNNING, FAILED).when(
        complete, action_id="a1", result={}, latency_ms=1, cost_usd="0"
    ).then_refused("action_not_running")


def test_a_running_action_fails() -> None:
    given(*RUNNING).when(
        fail, action_id="a1", error_message="bank closed", latency_ms=12, cost_usd="0"
    ).then(FAILED)


def test_a_failure_counts_its_retries() -> None:
    given(*RUNNING, STARTED_AGAIN).when(
        fail, action_id="a1", error_message="bank closed", latency_ms=12, cost_usd="0"
    ).then(replace(FAILED, retry_count=1))


def test_failing_twice_is_failing_once() -> None:
    given(*RUNNING, FAILED).when(
        fail, action_id="a1", error_message="again", latency_ms=1, cost_usd="0"
    ).then_nothing()


@not_running
def test_only_what_runs_fails(history: tuple[ActionEvent, ...]) -> None:
    given(*history).when(
        fail, action_id="a1", error_message="x", latency_ms=1, cost_usd="0"
    ).then_refused("action_not_running")


def test_what_completed_does_not_fail() -> None:
    given(*RUNNING, COMPLETED).when(
        fail, action_id="a1", error_message="x", latency_ms=1, cost_usd="0"
    ).then_refused("action_not_running")


# ── what a history amounts to ──


def test_an_action_remembers_what_was_proposed_and_what_was_lifted() -> None:
    state = ACTION.fold([*PARKED, APPROVED, STARTED])
    assert state == Action(Stage.RUNNING, PROPOSED, "apr1", ("refunds@1/amount",), 1)


@over
def test_what_is_over_stays_over_for_everybody(history: tuple[ActionEvent, ...]) -> None:
    state = ACTION.fold(history)
    assert state.stage.value in OVER
    assert state.proposal == PROPOSED

"""Actions: one row from proposal to outcome."""

from decimal import Decimal
from typing import Any, Final

import pytest

from domain.governor.law import LawConstituted
from domain.kernel.action import (
    ActionAuthorized,
    ActionCancelled,
    ActionCompleted,
    ActionDenied,
    ActionExpired,
    ActionFailed,
    ActionHeld,
    ActionProposed,
    ActionStarted,
)
from projections.actions import ACTIONS
from tests.picture import at, by, changed, columns, command, given, spec, stamps

ARGUMENTS: Final[dict[str, object]] = {"orderId": "o-1", "amount": Decimal("612.50")}
PROPOSED: Final = ActionProposed(
    action_id="act-1",
    agent_id="support",
    org_unit_id="commerce",
    action_type="process_refund",
    arguments=ARGUMENTS,
    reason="broken on arrival",
    payload_hash="abc",
)
HELD: Final = ActionHeld(action_id="act-1", approval_id="apr-1", reasons=("amount exceeds $500",))
AUTHORIZED: Final = ActionAuthorized(action_id="act-1", approval_id="", lifted=())
APPROVED: Final = ActionAuthorized(action_id="act-1", approval_id="apr-1", lifted=("r",))
STARTED: Final = ActionStarted(action_id="act-1", tool_name="stripe", attempt=1)
AGAIN: Final = ActionStarted(action_id="act-1", tool_name="stripe", attempt=2)
COMPLETED: Final = ActionCompleted(
    action_id="act-1",
    result={"reference": "refund-000001"},
    latency_ms=412,
    cost_usd="0.0125",
    retry_count=1,
)
FAILED: Final = ActionFailed(
    action_id="act-1", error_message="card closed", latency_ms=7, cost_usd="0", retry_count=0
)

NEW: Final[dict[str, Any]] = {
    "id": "act-1",
    "task_id": None,
    "run_id": None,
    "step_id": None,
    "agent_id": "support",
    "org_unit_id": "commerce",
    "action_type": "process_refund",
    "tool_name": "process_refund",
    "operation": "execute",
    "arguments": ARGUMENTS,
    "reason": "broken on arrival",
    "requested_by": "agent:support",
    "status": "proposed",
    "result": None,
    "error_message": None,
    "latency_ms": None,
    "cost_usd": None,
    "retry_count": 0,
    "attempts": 0,
    "verdict_id": "c1:0",
    "approval_id": None,
    "payload_hash": "abc",
    "started_at": None,
    "completed_at": None,
}
PROPOSAL: Final = by("agent:support", PROPOSED)


def test_every_column_of_the_spec_exists() -> None:
    assert columns(ACTIONS) >= spec(
        "id task_id run_id step_id agent_id action_type tool_name operation arguments result"
        " error_message latency_ms cost_usd retry_count verdict_id approval_id payload_hash"
        " started_at completed_at status"
    )


def test_a_proposal_is_a_row() -> None:
    assert given(PROPOSAL).row(ACTIONS, "act-1") == NEW | stamps(updated=1)


def test_what_was_allowed_runs_is_tried_again_and_completes() -> None:
    row = given(PROPOSAL, AUTHORIZED, STARTED, AGAIN, COMPLETED).row(ACTIONS, "act-1")
    assert row == changed(
        NEW,
        status="completed",
        result={"reference": "refund-000001"},
        latency_ms=412,
        cost_usd=Decimal("0.0125"),
        retry_count=1,
        attempts=2,
        verdict_id="c2:0",
        started_at=at(4),
        completed_at=at(5),
        **stamps(updated=5),
    )


def test_what_a_person_must_agree_to_waits_and_names_its_approval() -> None:
    held = given(PROPOSAL, HELD)
    waiting = changed(NEW, status="awaiting_approval", approval_id="apr-1")
    assert held.row(ACTIONS, "act-1") == waiting | stamps(updated=2)


def test_what_a_person_agreed_to_keeps_its_approval() -> None:
    row = given(PROPOSAL, HELD, APPROVED).row(ACTIONS, "act-1")
    assert row == changed(
        NEW, status="authorized", approval_id="apr-1", verdict_id="c3:0", **stamps(updated=3)
    )


def test_a_failure_says_why() -> None:
    row = given(PROPOSAL, AUTHORIZED, STARTED, FAILED).row(ACTIONS, "act-1")
    assert row == changed(
        NEW,
        status="failed",
        error_message="card closed",
        latency_ms=7,
        cost_usd=Decimal(0),
        attempts=1,
        verdict_id="c2:0",
        started_at=at(3),
        completed_at=at(4),
        **stamps(updated=4),
    )


@pytest.mark.parametrize(
    ("end", "difference"),
    [
        (
            ActionDenied(action_id="act-1", reasons=("no", "never")),
            {"status": "denied", "error_message": "no; never"},
        ),
        (ActionExpired(action_id="act-1"), {"status": "expired", "completed_at": at(3)}),
        (
            ActionCancelled(action_id="act-1", by="user:ada", reason="not needed"),
            {"status": "cancelled", "error_message": "not needed", "completed_at": at(3)},
        ),
    ],
)
def test_what_never_runs_says_so(end: object, difference: dict[str, Any]) -> None:
    row = given(PROPOSAL, HELD, end).row(ACTIONS, "act-1")
    assert row == {**NEW, "approval_id": "apr-1", **difference, **stamps(updated=3)}


def test_facts_of_one_command_share_its_verdict_and_its_time() -> None:
    told = command("c7", LawConstituted(name="in the place of a verdict"), PROPOSED, AUTHORIZED)
    row = given(told).row(ACTIONS, "act-1")
    assert (row["verdict_id"], row["last_position"], row["updated_at"]) == ("c7:0", 3, at(1))


def test_each_action_has_its_own_row() -> None:
    other = ActionProposed(
        action_id="act-2",
        agent_id="",
        org_unit_id="business",
        action_type="reorder_stock",
        arguments={},
        reason="",
        payload_hash="def",
    )
    rows = given(PROPOSAL, by("user:ada", other), AUTHORIZED).rows(ACTIONS)
    assert {key: row["status"] for key, row in rows.items()} == {
        "act-1": "authorized",
        "act-2": "proposed",
    }
    assert (rows["act-2"]["requested_by"], rows["act-2"]["agent_id"]) == ("user:ada", "")


def test_a_fact_about_what_nobody_proposed_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match=r"action\.started of an action that nobody proposed"):
        given(STARTED).rows(ACTIONS)

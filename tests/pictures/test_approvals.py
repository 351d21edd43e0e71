"""Approvals: what waits for a person, what they were shown, what they said."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.core.instant import DAY, HOUR, written
from domain.governor.approval import (
    ApprovalCancelled,
    ApprovalConsumed,
    ApprovalEndorsed,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalRequested,
    InformationGiven,
    InformationRequested,
)
from domain.governor.demand import Demand
from projections.approvals import APPROVALS
from tests.picture import at, changed, columns, given, spec, stamps

COMMAND: Final[dict[str, object]] = {
    "command": "ProposeAction",
    "payload": {"amount": Decimal("612.50")},
}
REQUESTED: Final = ApprovalRequested(
    approval_id="apr-1",
    kind="action",
    entity_id="act-1",
    command="ProposeAction",
    request=COMMAND,
    action="process_refund",
    requested_by="agent:support",
    requester_role="agent",
    requester_org_unit_id="commerce",
    org_unit_id="commerce",
    payload_hash="abc",
    law_hash="def",
    approver_role="founder",
    reasons=("amount exceeds $500", "new customer"),
    triggers=("refund-approval-limits@1/amount",),
    amount="612.50",
    currency="USD",
    expires_at=at(1) + DAY,
    requested_at=at(1),
    demands=(Demand("founder", 1),),
    authors=("agent:support",),
    override_id="",
)
GRANTED: Final = ApprovalGranted(approval_id="apr-1", by="user:ada", notes="seen the photo")
REJECTED: Final = ApprovalRejected(approval_id="apr-1", by="user:ada", reason="no photo")

NEW: Final[dict[str, Any]] = {
    "id": "apr-1",
    "type": "action",
    "entity_id": "act-1",
    "action": "process_refund",
    "status": "pending",
    "requested_by": "agent:support",
    "org_unit_id": "commerce",
    "approver_role": "founder",
    "reason": "amount exceeds $500; new customer",
    "risk_factors": ["amount exceeds $500", "new customer"],
    "triggering_policies": ["refund-approval-limits@1/amount"],
    "context": COMMAND,
    "amount": Decimal("612.50"),
    "currency": "USD",
    "payload_hash": "abc",
    "expires_at": at(1) + DAY,
    "decided_by": None,
    "decided_at": None,
    "notes": None,
    "info_requests": [],
    "demands": [{"role": "founder", "count": 1}],
    "authors": ["agent:support"],
    "endorsements": [],
    "requested_at": at(1),
    "escalation_step": 0,
    "next_step_at": at(1) + 4 * HOUR,
}
DECIDED: Final = {"decided_by": "user:ada", "decided_at": at(2), "next_step_at": None}


def yes(by: str, nth: int, notes: str = "", for_: str = "") -> dict[str, str]:
    return {"by": by, "onBehalfOf": for_, "notes": notes, "at": written(at(nth))}


def test_every_column_of_the_spec_exists() -> None:
    assert columns(APPROVALS) >= spec(
        "id type entity_id requested_by approver_role reason risk_factors triggering_policies"
        " context payload_hash expires_at decided_by decided_at notes info_requests status"
    )


def test_a_request_shows_all_that_a_person_decides_on() -> None:
    assert given(REQUESTED).row(APPROVALS, "apr-1") == NEW | stamps(updated=1)


def test_a_request_without_money_has_no_amount() -> None:
    plain = replace(REQUESTED, amount="", currency="")
    row = given(plain).row(APPROVALS, "apr-1")
    assert row == changed(NEW, amount=None, currency="", **stamps(updated=1))


def test_a_yes_names_who_said_it_and_is_used_once() -> None:
    approved = {"status": "approved", "notes": "seen the photo", **DECIDED}
    approved["endorsements"] = [yes("user:ada", 2, "seen the photo")]
    assert given(REQUESTED, GRANTED).row(APPROVALS, "apr-1") == NEW | approved | stamps(updated=2)
    consumed = ApprovalConsumed(approval_id="apr-1", command_id="resume-1")
    row = given(REQUESTED, GRANTED, consumed).row(APPROVALS, "apr-1")
    assert row == NEW | approved | {"status": "consumed"} | stamps(updated=3)


def test_the_first_of_two_yeses_is_shown_and_the_request_stays_open() -> None:
    endorsed = ApprovalEndorsed(
        approval_id="apr-1", by="user:vera", on_behalf_of="user:ada", notes="she told me"
    )
    row = given(REQUESTED, endorsed).row(APPROVALS, "apr-1")
    first = yes("user:vera", 2, "she told me", "user:ada")
    assert row == changed(NEW, endorsements=[first], **stamps(updated=2))
    last = replace(GRANTED, by="user:bob")
    row = given(REQUESTED, endorsed, last).row(APPROVALS, "apr-1")
    assert row is not None
    assert row["endorsements"] == [first, yes("user:bob", 3, "seen the photo")]
    assert (row["status"], row["decided_by"]) == ("approved", "user:bob")


def test_a_last_yes_in_somebody_else_s_name_is_shown_once() -> None:
    endorsed = ApprovalEndorsed(
        approval_id="apr-1", by="user:ada", on_behalf_of="user:bob", notes="seen the photo"
    )
    row = given(REQUESTED, endorsed, GRANTED).row(APPROVALS, "apr-1")
    assert row is not None
    assert row["endorsements"] == [yes("user:ada", 2, "seen the photo", "user:bob")]


def test_questions_are_shown_with_their_answers() -> None:
    asked = InformationRequested(approval_id="apr-1", by="user:ada", question="which order?")
    given_ = InformationGiven(approval_id="apr-1", by="agent:support", text="1001")
    row = given(REQUESTED, asked, asked, given_).row(APPROVALS, "apr-1")
    assert row is not None
    plain = {"by": "user:ada", "question": "which order?"}
    answer = {"by": "agent:support", "text": "1001", "at": written(at(4))}
    assert row["info_requests"] == [
        {**plain, "at": written(at(2)), "answers": []},
        {**plain, "at": written(at(3)), "answers": [answer]},
    ]
    assert row["status"] == "pending"


def test_each_step_of_the_ladder_names_the_next() -> None:
    steps = [ApprovalEscalated(approval_id="apr-1", step=step, role="founder") for step in (1, 3)]
    row = given(REQUESTED, steps[0]).row(APPROVALS, "apr-1")
    due = {"escalation_step": 1, "next_step_at": at(1) + 12 * HOUR}
    assert row == changed(NEW, **due, **stamps(updated=2))
    row = given(REQUESTED, *steps).row(APPROVALS, "apr-1")
    assert row == changed(NEW, escalation_step=3, next_step_at=None, **stamps(updated=3))


def test_a_no_names_who_said_it_and_why() -> None:
    row = given(REQUESTED, REJECTED).row(APPROVALS, "apr-1")
    assert row == changed(NEW, status="rejected", notes="no photo", **DECIDED, **stamps(updated=2))


def test_what_nobody_answered_expires_without_anybody() -> None:
    row = given(REQUESTED, ApprovalExpired(approval_id="apr-1")).row(APPROVALS, "apr-1")
    over = {"status": "expired", "decided_at": at(2), "next_step_at": None}
    assert row == changed(NEW, **over, **stamps(updated=2))


def test_a_yes_that_was_overtaken_is_still_told() -> None:
    overtaken = ApprovalCancelled(approval_id="apr-1", reason="the rules became stricter")
    row = given(REQUESTED, GRANTED, overtaken).row(APPROVALS, "apr-1")
    told = {"status": "cancelled", "notes": "the rules became stricter", **DECIDED}
    told["endorsements"] = [yes("user:ada", 2, "seen the photo")]
    assert row == NEW | told | stamps(updated=3)


def test_an_answer_to_what_nobody_asked_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match="nobody requested"):
        given(GRANTED).rows(APPROVALS)

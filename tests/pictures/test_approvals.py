"""Approvals: what waits for a person, what they were shown, what they said."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.core.instant import DAY
from domain.governor.approval import (
    ApprovalCancelled,
    ApprovalConsumed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalRequested,
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
}
DECIDED: Final = {"decided_by": "user:ada", "decided_at": at(2)}


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
    assert given(REQUESTED, GRANTED).row(APPROVALS, "apr-1") == NEW | approved | stamps(updated=2)
    consumed = ApprovalConsumed(approval_id="apr-1", command_id="resume-1")
    row = given(REQUESTED, GRANTED, consumed).row(APPROVALS, "apr-1")
    assert row == NEW | approved | {"status": "consumed"} | stamps(updated=3)


def test_a_no_names_who_said_it_and_why() -> None:
    row = given(REQUESTED, REJECTED).row(APPROVALS, "apr-1")
    assert row == changed(NEW, status="rejected", notes="no photo", **DECIDED, **stamps(updated=2))


def test_what_nobody_answered_expires_without_anybody() -> None:
    row = given(REQUESTED, ApprovalExpired(approval_id="apr-1")).row(APPROVALS, "apr-1")
    assert row == changed(NEW, status="expired", decided_at=at(2), **stamps(updated=2))


def test_a_yes_that_was_overtaken_is_still_told() -> None:
    overtaken = ApprovalCancelled(approval_id="apr-1", reason="the rules became stricter")
    row = given(REQUESTED, GRANTED, overtaken).row(APPROVALS, "apr-1")
    told = {"status": "cancelled", "notes": "the rules became stricter", **DECIDED}
    assert row == NEW | told | stamps(updated=3)


def test_an_answer_to_what_nobody_asked_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match="nobody requested"):
        given(GRANTED).rows(APPROVALS)

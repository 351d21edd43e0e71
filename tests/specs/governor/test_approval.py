"""Who may agree to what, until when, and once."""

from dataclasses import replace
from typing import Any

import pytest

from domain.core.principal import Actor, Role
from domain.core.stream import Refusal
from domain.governor.approval import (
    APPROVAL,
    LIFETIME,
    Approval,
    ApprovalCancelled,
    ApprovalConsumed,
    ApprovalEvent,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalRequested,
    Stage,
    Yes,
)
from domain.governor.approving import expire, grant, reject, use
from domain.governor.demand import Demand
from tests.examples import FOUNDER, GRACE, IMPORTER, NOON, OLGA, SUPPORT, VERA
from tests.spec import spec

given = spec(APPROVAL)

END = NOON + LIFETIME
REQUESTED = ApprovalRequested(
    approval_id="apr1",
    kind="action",
    entity_id="a1",
    command="ProposeAction",
    request={"command": "ProposeAction", "actionType": "process_refund"},
    action="process_refund",
    requested_by="agent:support",
    requester_role="agent",
    requester_org_unit_id="business",
    org_unit_id="business",
    payload_hash="hash of 900",
    law_hash="hash of the law",
    approver_role="admin",
    reasons=("amount exceeds $500",),
    triggers=("refunds@1/amount",),
    amount="900",
    currency="USD",
    expires_at=END,
    requested_at=NOON,
    demands=(Demand("admin", 1),),
    authors=("agent:support",),
    override_id="",
)


def demanding(role: str, count: int = 1) -> ApprovalRequested:
    """The request, as it asks for so many people of a role."""
    return replace(REQUESTED, approver_role=role, demands=(Demand(role, count),))


GRANTED = ApprovalGranted(approval_id="apr1", by="user:grace", notes="fine")
REJECTED = ApprovalRejected(approval_id="apr1", by="user:grace", reason="too much")
EXPIRED = ApprovalExpired(approval_id="apr1")
CANCELLED = ApprovalCancelled(approval_id="apr1", reason="asked again")
CONSUMED = ApprovalConsumed(approval_id="apr1", command_id="c9")

OVER: dict[str, tuple[ApprovalEvent, ...]] = {
    "approved": (REQUESTED, GRANTED),
    "rejected": (REQUESTED, REJECTED),
    "cancelled": (REQUESTED, CANCELLED),
    "consumed": (REQUESTED, GRANTED, CONSUMED),
}
decided = pytest.mark.parametrize("history", OVER.values(), ids=OVER)

YES: dict[str, Any] = {
    "approval_id": "apr1",
    "payload_hash": "hash of 900",
    "notes": "fine",
    "at": NOON,
}
NO: dict[str, Any] = {
    "approval_id": "apr1",
    "payload_hash": "hash of 900",
    "reason": "too much",
    "at": NOON,
}


# ── granting ──


def test_an_admin_grants() -> None:
    given(REQUESTED).when(grant, by=GRACE, **YES).then(GRANTED)


def test_a_founder_stands_in_for_an_admin() -> None:
    given(REQUESTED).when(grant, by=FOUNDER, **YES).then(replace(GRANTED, by="user:founder"))


def test_granting_twice_is_granting_once() -> None:
    given(REQUESTED, GRANTED).when(grant, by=GRACE, **YES).then_nothing()


def test_what_was_never_asked_is_not_granted() -> None:
    given().when(grant, by=FOUNDER, **YES).then_refused("approval_unknown")


@pytest.mark.parametrize("machine", [SUPPORT, IMPORTER], ids=str)
def test_machines_never_grant(machine: Actor) -> None:
    given(REQUESTED).when(grant, by=machine, **YES).then_refused("not_an_approver")


def test_a_viewer_never_grants() -> None:
    given(REQUESTED).when(grant, by=VERA, **YES).then_refused("not_an_approver")


def test_a_role_below_the_one_asked_for_does_not_grant() -> None:
    given(REQUESTED).when(grant, by=OLGA, **YES).then_refused("role_too_low")


def test_an_admin_does_not_stand_in_for_a_founder() -> None:
    asked = demanding("founder")
    given(asked).when(grant, by=GRACE, **YES).then_refused("role_too_low")


def test_an_operator_grants_what_asks_for_an_operator() -> None:
    asked = demanding("operator")
    given(asked).when(grant, by=OLGA, **YES).then(replace(GRANTED, by="user:olga"))


@pytest.mark.parametrize("requester", [GRACE, FOUNDER], ids=str)
def test_nobody_grants_a_request_of_their_own(requester: Actor) -> None:
    own = replace(REQUESTED, authors=(str(requester),))
    given(own).when(grant, by=requester, **YES).then_refused("own_request")


def test_only_the_payload_that_was_shown_is_granted() -> None:
    given(REQUESTED).when(grant, by=GRACE, **{**YES, "payload_hash": "hash of 9"}).then_refused(
        "payload_changed"
    )


def test_a_request_is_granted_until_the_moment_it_expires() -> None:
    given(REQUESTED).when(grant, by=GRACE, **{**YES, "at": END - 1}).then(GRANTED)
    given(REQUESTED).when(grant, by=GRACE, **{**YES, "at": END}).then_refused("approval_expired")


def test_what_was_closed_for_lack_of_an_answer_is_not_granted() -> None:
    given(REQUESTED, EXPIRED).when(grant, by=GRACE, **YES).then_refused("approval_expired")


@decided
def test_what_is_decided_is_not_granted_by_somebody_else(
    history: tuple[ApprovalEvent, ...],
) -> None:
    given(*history).when(grant, by=FOUNDER, **YES).then_refused("approval_decided")


# ── rejecting ──


def test_an_admin_rejects() -> None:
    given(REQUESTED).when(reject, by=GRACE, **NO).then(REJECTED)


def test_rejecting_twice_is_rejecting_once() -> None:
    given(REQUESTED, REJECTED).when(reject, by=GRACE, **NO).then_nothing()


def test_what_was_never_asked_is_not_rejected() -> None:
    given().when(reject, by=FOUNDER, **NO).then_refused("approval_unknown")


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_a_rejection_has_a_reason(blank: str) -> None:
    given(REQUESTED).when(reject, by=GRACE, **{**NO, "reason": blank}).then_refused(
        "reason_missing"
    )


@pytest.mark.parametrize(
    ("by", "code"),
    [(SUPPORT, "not_an_approver"), (VERA, "not_an_approver"), (OLGA, "role_too_low")],
    ids=str,
)
def test_whoever_may_not_grant_may_not_reject(by: Actor, code: str) -> None:
    given(REQUESTED).when(reject, by=by, **NO).then_refused(code)


def test_nobody_rejects_a_request_of_their_own() -> None:
    own = replace(REQUESTED, authors=(str(GRACE),))
    given(own).when(reject, by=GRACE, **NO).then_refused("own_request")


def test_only_the_payload_that_was_shown_is_rejected() -> None:
    given(REQUESTED).when(reject, by=GRACE, **{**NO, "payload_hash": "hash of 9"}).then_refused(
        "payload_changed"
    )


def test_an_expired_request_is_not_rejected_as_well() -> None:
    given(REQUESTED).when(reject, by=GRACE, **{**NO, "at": END}).then_refused("approval_expired")


@decided
def test_what_is_decided_is_not_rejected_by_somebody_else(
    history: tuple[ApprovalEvent, ...],
) -> None:
    given(*history).when(reject, by=FOUNDER, **NO).then_refused("approval_decided")


def test_whoever_granted_cannot_reject_later() -> None:
    given(REQUESTED, GRANTED).when(reject, by=GRACE, **NO).then_refused("approval_decided")


# ── expiring ──


@pytest.mark.parametrize(
    "history", [(REQUESTED,), (REQUESTED, GRANTED)], ids=["unanswered", "unused"]
)
def test_what_runs_out_is_closed(history: tuple[ApprovalEvent, ...]) -> None:
    given(*history).when(expire, approval_id="apr1", at=END).then(EXPIRED)


def test_nothing_is_closed_before_its_time() -> None:
    given(REQUESTED).when(expire, approval_id="apr1", at=END - 1).then_refused("not_due")


def test_what_was_never_asked_does_not_expire() -> None:
    given().when(expire, approval_id="apr1", at=END).then_refused("approval_unknown")


@pytest.mark.parametrize(
    "history",
    [(REQUESTED, EXPIRED), OVER["rejected"], OVER["cancelled"], OVER["consumed"]],
    ids=["expired", "rejected", "cancelled", "consumed"],
)
def test_what_is_over_does_not_expire_as_well(history: tuple[ApprovalEvent, ...]) -> None:
    given(*history).when(expire, approval_id="apr1", at=END).then_nothing()


# ── using ──


def refused_use(
    history: tuple[ApprovalEvent, ...], payload_hash: str = "hash of 900", at: int = NOON
) -> str:
    """The code of the refusal, or nothing where an approval can be used."""
    refusal = use(APPROVAL.fold(history), payload_hash=payload_hash, at=at)
    return refusal.code if isinstance(refusal, Refusal) else ""


def test_an_approval_is_used_for_its_payload_in_time() -> None:
    assert refused_use((REQUESTED, GRANTED)) == ""
    assert refused_use((REQUESTED, GRANTED), at=END - 1) == ""


def test_an_approval_is_not_used_for_another_payload() -> None:
    assert refused_use((REQUESTED, GRANTED), payload_hash="hash of 9") == "payload_changed"


def test_an_approval_is_not_used_after_its_time() -> None:
    assert refused_use((REQUESTED, GRANTED), at=END) == "approval_expired"


def test_an_approval_that_nobody_knows_is_not_used() -> None:
    assert refused_use(()) == "approval_unknown"


@pytest.mark.parametrize(
    "history",
    [
        (REQUESTED,),
        (REQUESTED, EXPIRED),
        (REQUESTED, GRANTED, EXPIRED),
        OVER["rejected"],
        OVER["cancelled"],
        OVER["consumed"],
    ],
    ids=["pending", "expired", "expired unused", "rejected", "cancelled", "consumed"],
)
def test_only_what_is_approved_now_is_used(history: tuple[ApprovalEvent, ...]) -> None:
    assert refused_use(history) == "approval_not_granted"


def test_an_approval_remembers_who_decided() -> None:
    assert APPROVAL.fold(OVER["consumed"]) == Approval(
        Stage.CONSUMED, REQUESTED, "user:grace", (Yes("user:grace"),)
    )


def test_a_role_that_nobody_knows_is_met_by_no_approver() -> None:
    asked = demanding(Role.VIEWER.value)
    given(asked).when(grant, by=FOUNDER, **YES).then_refused("role_too_low")

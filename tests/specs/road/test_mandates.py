"""Several people, each within their mandate: on the whole road, with everybody's role of today."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import pytest

from commands.access.user import AddUser, ChangeUserRole, RemoveUser
from commands.governor.amendment import AmendRequest
from commands.governor.approval import GrantApproval, RejectApproval
from commands.governor.inquiry import GiveInformation, RequestInformation
from commands.governor.law import ActivatePolicy, ReleaseKillSwitch
from commands.governor.mandate import DelegateApprovals, SetApprovalLimit, WithdrawDelegation
from commands.kernel.org_unit import CreateOrgUnit
from commands.message import Command, Done, Held, Receipt, Refused
from domain.core.instant import DAY, HOUR
from domain.core.principal import Actor, Role
from domain.governor.approval import (
    ApprovalCancelled,
    ApprovalEndorsed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRequested,
)
from domain.governor.authority import AuthorityExercised
from domain.governor.demand import Demand
from domain.governor.law import LAW
from domain.kernel.org_unit import ROOT, OrgUnitCreated
from tests.examples import FOUNDER, GRACE, OLGA, SUPPORT, VERA, Shop, founded, house_rule, refund

CAP: Final = "action == 'process_refund' && data.amount > 100"
BOB: Final = Actor("bob", Role.ADMIN)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        shop.must(AddUser(user_id="bob", name="Bob", role="admin"))
        yield shop


def refused(receipt: Receipt) -> str:
    assert isinstance(receipt, Refused), receipt
    return receipt.code


def grant(shop: Shop, held: Held, by: Actor, for_: str | None = None) -> Receipt:
    shown = shop.request(held.approval_id).payload_hash
    command = GrantApproval(approval_id=held.approval_id, payload_hash=shown, on_behalf_of=for_)
    return shop.do(command, by)


def two_admins(shop: Shop) -> Held:
    shop.enact(CAP, approver_role="admin", approvals=2)
    return shop.held(refund(200))


def limit(shop: Shop, **most: Any) -> None:
    shop.must(SetApprovalLimit(role="admin", currency="USD", reason="new here", **most))


def delegate(shop: Shop, by: Actor, to: str, until: str = "2030-02-01T12:00") -> Receipt:
    return shop.do(DelegateApprovals(delegate=to, until=until, reason="holidays"), by)


# ── quorum ──


def test_two_people_agree_and_then_it_goes_on(shop: Shop) -> None:
    held = two_admins(shop)
    assert shop.request(held.approval_id).demands == (Demand("admin", 2),)
    assert isinstance(grant(shop, held, GRACE), Done)
    shop.settle()
    assert shop.approval_status(held.approval_id) == "pending"
    assert shop.till.arguments == []
    assert isinstance(grant(shop, held, GRACE), Done)
    assert len(shop.facts(ApprovalEndorsed)) == 1
    assert isinstance(grant(shop, held, BOB), Done)
    shop.settle()
    assert shop.status(held) == "completed"
    assert [each.by for each in shop.facts(ApprovalGranted)] == ["user:bob"]


@pytest.mark.parametrize(
    "change",
    [ChangeUserRole(user_id="grace", role="operator"), RemoveUser(user_id="grace")],
    ids=["demoted", "left"],
)
def test_whoever_has_lost_the_role_before_the_last_yes_does_not_count(
    shop: Shop, change: Command
) -> None:
    held = two_admins(shop)
    grant(shop, held, GRACE)
    shop.must(change)
    grant(shop, held, BOB)
    assert shop.approval_status(held.approval_id) == "pending"
    grant(shop, held, FOUNDER)
    shop.settle()
    assert shop.status(held) == "completed"


@pytest.mark.parametrize("who", ["grace", "bob"])
def test_whoever_has_lost_the_role_before_it_goes_on_does_not_count(shop: Shop, who: str) -> None:
    held = two_admins(shop)
    grant(shop, held, GRACE)
    grant(shop, held, BOB)
    shop.must(ChangeUserRole(user_id=who, role="viewer"))
    shop.settle()
    assert shop.till.arguments == []
    assert shop.approval_status(held.approval_id) == "cancelled"
    assert "may not agree any more" in shop.facts(ApprovalCancelled)[-1].reason
    again = shop.facts(ApprovalRequested)[-1]
    assert again.approval_id != held.approval_id
    assert again.authors == ("agent:support",)


def test_of_several_rules_everybody_is_asked_within_the_shortest_time(shop: Shop) -> None:
    shop.enact(CAP, approver_role="operator", approvals=2, expires_hours=48)
    shop.enact(CAP, policy_id="quick", approver_role="admin", expires_hours=6)
    held = shop.held(refund(900))
    request = shop.request(held.approval_id)
    assert request.demands == (Demand("founder", 1), Demand("operator", 2))
    assert request.expires_at - request.requested_at == 6 * HOUR
    shop.clock.forward(6 * HOUR)
    shop.settle()
    assert len(shop.facts(ApprovalExpired)) == 1


def test_a_rule_that_became_stricter_asks_again_from_the_start(shop: Shop) -> None:
    held = two_admins(shop)
    grant(shop, held, GRACE)
    grant(shop, held, BOB)
    shop.enact("action == 'process_refund'", policy_id="more", approver_role="operator")
    shop.settle()
    again = shop.facts(ApprovalRequested)[-1]
    assert shop.approval_status(again.approval_id) == "pending"
    assert shop.till.arguments == []


# ── limits ──


def test_a_yes_above_the_limit_waits_for_somebody_higher(shop: Shop) -> None:
    shop.enact(CAP, approver_role="admin")
    limit(shop, each=Decimal(150))
    held = shop.held(refund(200))
    before = shop.head()
    assert refused(grant(shop, held, GRACE)) == "above_limit"
    assert shop.types(before) == ["verdict.recorded"]
    assert shop.approval_status(held.approval_id) == "pending"
    assert isinstance(grant(shop, held, FOUNDER), Done)


def test_what_was_agreed_to_within_a_day_adds_up(shop: Shop) -> None:
    shop.enact(CAP, approver_role="admin")
    limit(shop, per_day=Decimal("400.00"))
    first, second, third = (shop.held(refund(200)) for _ in range(3))
    assert isinstance(grant(shop, first, GRACE), Done)
    assert isinstance(grant(shop, second, GRACE), Done)
    assert refused(grant(shop, third, GRACE)) == "above_limit"
    shown = shop.request(third.approval_id).payload_hash
    no = RejectApproval(approval_id=third.approval_id, payload_hash=shown, reason="enough")
    shop.clock.forward(DAY - 1)
    fourth = shop.held(refund(200))
    assert refused(grant(shop, fourth, GRACE)) == "above_limit"
    assert isinstance(shop.do(no, GRACE), Done)
    shop.clock.forward(2)
    assert isinstance(grant(shop, fourth, GRACE), Done)


def test_money_in_another_currency_is_no_way_around(shop: Shop) -> None:
    shop.enact(CAP, approver_role="admin")
    limit(shop, each=Decimal(1_000))
    held = shop.held(refund(200, currency="EUR"))
    assert refused(grant(shop, held, GRACE)) == "above_limit"


def test_a_purchase_counts_with_what_it_costs_in_all(shop: Shop) -> None:
    shop.enact("action == 'reorder_stock'", approver_role="admin")
    limit(shop, each=Decimal(150))
    order = {"productId": "mug", "supplierId": "s", "quantity": 100, "unitCost": 2}
    held = shop.held({**order, "currency": "USD"}, action_type="reorder_stock")
    assert shop.request(held.approval_id).amount == "200"
    assert refused(grant(shop, held, GRACE)) == "above_limit"


def test_a_limit_holds_however_many_agree_at_once(shop: Shop) -> None:
    """Twelve threads say yes as one person, each to another request, and five fit."""
    shop.enact(CAP, approver_role="admin")
    limit(shop, per_day=Decimal(1_000))
    waiting = [shop.held(refund(200)) for _ in range(12)]
    answers: list[Receipt] = []
    threads = [
        threading.Thread(target=lambda one=each: answers.append(grant(shop, one, GRACE)))
        for each in waiting
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, Done) for each in answers) == 5
    assert {each.code for each in answers if isinstance(each, Refused)} == {"above_limit"}
    assert sum(each.amount for each in shop.facts(AuthorityExercised)) == 1_000


# ── in another's name ──


def test_a_delegate_decides_until_the_end_and_not_after(shop: Shop) -> None:
    shop.enact(CAP, approver_role="admin")
    first, second = shop.held(refund(200)), shop.held(refund(300))
    assert refused(grant(shop, first, VERA, "grace")) == "not_delegated"
    assert isinstance(delegate(shop, GRACE, "vera", "2030-01-31T13:00"), Done)
    assert isinstance(grant(shop, first, VERA, "grace"), Done)
    (said,) = shop.facts(ApprovalEndorsed)
    assert (said.by, said.on_behalf_of) == ("user:vera", "user:grace")
    shop.settle()
    assert shop.status(first) == "completed"
    shop.clock.forward(HOUR)
    assert refused(grant(shop, second, VERA, "grace")) == "delegation_over"


def test_a_delegation_gives_the_role_and_the_limits_of_today(shop: Shop) -> None:
    shop.enact(CAP, approver_role="admin")
    limit(shop, per_day=Decimal(450))
    shop.must(DelegateApprovals(delegate="olga", until="2030-02-01", reason="r"), GRACE)
    held = [shop.held(refund(200)) for _ in range(4)]
    grant(shop, held[0], GRACE)
    assert isinstance(grant(shop, held[1], OLGA, "grace"), Done)
    assert refused(grant(shop, held[2], OLGA, "grace")) == "above_limit"
    assert [each.user_id for each in shop.facts(AuthorityExercised)] == ["grace", "grace"]
    shop.must(ChangeUserRole(user_id="grace", role="operator"))
    assert refused(grant(shop, held[3], OLGA, "grace")) == "role_too_low"
    shop.must(RemoveUser(user_id="grace"))
    assert refused(grant(shop, held[3], OLGA, "grace")) == "not_delegated"


def test_a_delegation_does_not_go_further_and_can_be_withdrawn(shop: Shop) -> None:
    shop.enact(CAP, approver_role="admin")
    held = shop.held(refund(200))
    delegate(shop, GRACE, "olga")
    delegate(shop, OLGA, "vera")
    assert refused(grant(shop, held, VERA, "grace")) == "not_delegated"
    assert refused(grant(shop, held, VERA, "olga")) == "role_too_low"
    shop.must(WithdrawDelegation(delegate="olga", reason="back"), GRACE)
    assert refused(grant(shop, held, OLGA, "grace")) == "not_delegated"


def test_a_loop_of_delegations_is_one_person(shop: Shop) -> None:
    held = two_admins(shop)
    delegate(shop, GRACE, "bob")
    delegate(shop, BOB, "grace")
    assert isinstance(grant(shop, held, GRACE, "bob"), Done)
    for by, for_ in ((BOB, "grace"), (BOB, None), (GRACE, None)):
        assert refused(grant(shop, held, by, for_)) == "same_person"
    assert shop.approval_status(held.approval_id) == "pending"


def test_nobody_decides_for_themselves_through_a_delegate(shop: Shop) -> None:
    shop.enact(CAP, approver_role="admin")
    held = shop.held(refund(200), GRACE)
    delegate(shop, GRACE, "olga")
    delegate(shop, BOB, "grace")
    assert refused(grant(shop, held, OLGA, "grace")) == "own_request"
    assert refused(grant(shop, held, GRACE, "bob")) == "own_request"


@pytest.mark.parametrize("by", [SUPPORT, VERA], ids=str)
def test_only_people_at_the_desk_delegate(shop: Shop, by: Actor) -> None:
    assert refused(delegate(shop, by, "olga")) == "role_not_permitted"


def test_a_machine_is_nobody_s_delegate(shop: Shop) -> None:
    assert refused(delegate(shop, GRACE, "support")) == "delegate_unknown"
    held = two_admins(shop)
    assert refused(grant(shop, held, SUPPORT, "grace")) == "role_not_permitted"


# ── questions, amendments ──


def test_a_question_is_answered_by_the_agent_that_asked(shop: Shop) -> None:
    held = shop.held(refund(900))
    ask = RequestInformation(approval_id=held.approval_id, question="which parcel?")
    tell = GiveInformation(approval_id=held.approval_id, text="the blue one")
    assert refused(shop.do(tell, SUPPORT)) == "nothing_asked"
    shop.must(ask, OLGA)
    assert refused(shop.do(tell, Actor("buyer", Role.AGENT, ROOT))) == "not_yours"
    shop.must(tell, SUPPORT)
    assert isinstance(shop.grant(held.approval_id), Done)


def amend(shop: Shop, held: Held, payload: dict[str, Any], by: Actor = FOUNDER) -> Receipt:
    shown = shop.request(held.approval_id).payload_hash
    command = AmendRequest(approval_id=held.approval_id, payload_hash=shown, payload=payload)
    return shop.do(command, by)


def test_an_amended_request_is_another_one_judged_anew(shop: Shop) -> None:
    held = shop.held(refund(900))
    assert isinstance(amend(shop, held, refund(600)), Done)
    shop.settle()
    assert (shop.status(held), shop.approval_status(held.approval_id)) == ("cancelled",) * 2
    again = shop.facts(ApprovalRequested)[-1]
    assert (again.amount, again.requested_by) == ("600", "agent:support")
    assert again.authors == ("agent:support", "user:founder")
    assert refused(shop.grant(again.approval_id)) == "own_request"
    shop.must(AddUser(user_id="partner", name="P", role="founder"))
    assert isinstance(shop.grant(again.approval_id, Actor("partner", Role.FOUNDER)), Done)
    shop.settle()
    assert [each["amount"] for each in shop.till.arguments] == [600]


def test_what_was_amended_into_what_is_allowed_goes_on_alone(shop: Shop) -> None:
    held = shop.held(refund(900))
    amend(shop, held, refund(400))
    shop.settle()
    assert [each["amount"] for each in shop.till.arguments] == [400]
    assert len(shop.facts(ApprovalRequested)) == 1


def test_an_amendment_that_makes_no_sense_leaves_the_request_open(shop: Shop) -> None:
    held = shop.held(refund(900))
    assert refused(amend(shop, held, refund("900"))) == "invalid_payload"
    assert refused(amend(shop, held, refund(900))) == "nothing_changed"
    assert refused(amend(shop, held, refund(1), GRACE)) == "role_too_low"
    assert shop.approval_status(held.approval_id) == "pending"


def test_authors_stay_authors_when_it_is_asked_again(shop: Shop) -> None:
    held = two_admins(shop)
    amend(shop, held, refund(300), GRACE)
    shop.settle()
    second = shop.facts(ApprovalRequested)[-1]
    shop.do(GrantApproval(approval_id=second.approval_id, payload_hash=second.payload_hash))
    shop.do(GrantApproval(approval_id=second.approval_id, payload_hash=second.payload_hash), BOB)
    shop.enact("action == 'process_refund'", policy_id="more", approver_role="admin")
    shop.settle()
    third = shop.facts(ApprovalRequested)[-1]
    assert third.approval_id != second.approval_id
    assert third.authors == ("agent:support", "user:grace")


def test_any_other_command_is_amended_field_by_field(shop: Shop) -> None:
    shop.enact("action == 'create_org_unit'", approver_role="admin")
    held = shop.do(CreateOrgUnit(org_unit_id="eu", name="Europe"), FOUNDER)
    assert isinstance(held, Held)
    assert refused(amend(shop, held, {"colour": "red"}, GRACE)) == "invalid_payload"
    assert isinstance(amend(shop, held, {"name": "EMEA"}, GRACE), Done)
    shop.settle()
    again = shop.facts(ApprovalRequested)[-1]
    assert refused(shop.grant(again.approval_id, GRACE)) == "own_request"
    shop.grant(again.approval_id, BOB)
    shop.settle()
    assert shop.facts(OrgUnitCreated)[-1].name == "EMEA"


# ── any command ──


def test_letting_work_resume_can_ask_a_second_person(shop: Shop) -> None:
    shop.enact("action == 'release_kill_switch'", approver_role="admin")
    shop.stop()
    held = shop.do(ReleaseKillSwitch(reason="aired"))
    assert isinstance(held, Held)
    assert shop.business.state(LAW, ROOT).stops
    shop.grant(held.approval_id, GRACE)
    shop.settle()
    assert not shop.business.state(LAW, ROOT).stops


def test_a_change_of_the_law_can_ask_two_more_people(shop: Shop) -> None:
    shop.enact("action == 'activate_policy'", approver_role="admin", approvals=2)
    shop.must(house_rule(CAP, policy_id="cap"))
    held = shop.do(ActivatePolicy(policy_id="cap", reason="spring"))
    assert isinstance(held, Held)
    shop.grant(held.approval_id, GRACE)
    shop.settle()
    assert "cap" not in shop.business.state(LAW, ROOT).active
    shop.grant(held.approval_id, BOB)
    shop.settle()
    assert "cap" in shop.business.state(LAW, ROOT).active

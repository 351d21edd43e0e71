"""Facts beat claims: what the log says of a request, and what follows when an agent says otherwise.

A shop in memory ──► agents propose ──► rules on facts answer
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from commands.facts.known import FACTS
from commands.governor.incident import OpenIncident, UpdateIncident
from commands.governor.law import ActivatePolicy, DraftPolicy
from commands.kernel.action import CancelAction
from commands.kernel.order import Line, RecordOrder
from commands.message import Done, Held, Receipt, Refused
from domain.core.instant import HOUR, MINUTE
from domain.governor.claim import CLAIM, ClaimContradicted
from domain.governor.verdict import VERDICT, VerdictRecorded
from domain.view_store import Listing, Where
from tests.examples import BUYER, FOUNDER, IMPORTER, SUPPORT, Shop, founded, price, refund


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        shop.hire(BUYER)
        yield shop


def rule(
    shop: Shop, condition: str, action: str = "deny", facts: tuple[Mapping[str, Any], ...] = ()
) -> None:
    draft = DraftPolicy.model_validate(
        {
            "policyId": "facts",
            "name": "Facts",
            "rules": [{"id": "r", "condition": condition, "action": action, "message": "no"}],
            "facts": facts,
        }
    )
    for command in (draft, ActivatePolicy(policy_id="facts", reason="a test")):
        receipt = shop.do(command, FOUNDER)
        assert isinstance(receipt, Done), receipt


def sold(shop: Shop, order_id: str, customer: str, amount: int = 100) -> None:
    order = RecordOrder(
        order_id=order_id,
        customer_id=customer,
        currency="USD",
        placed_at="2030-01-31T09:00:00Z",
        lines=(Line(sku="mug", quantity=1, unit_price=Decimal(amount)),),
    )
    assert isinstance(shop.do(order, IMPORTER), Done)


def verdict(shop: Shop, receipt: Receipt) -> VerdictRecorded:
    found = shop.business.state(VERDICT, receipt.command_id)
    assert isinstance(found, VerdictRecorded)
    return found


def reasons(shop: Shop, receipt: Receipt) -> str:
    assert isinstance(receipt, Refused), receipt
    return "; ".join(receipt.reasons)


def findings(shop: Shop, receipt: Receipt) -> str:
    return "; ".join(finding.message for finding in verdict(shop, receipt).findings)


def violations(shop: Shop) -> list[Mapping[str, Any]]:
    where = (Where("type", "=", "policy_violation"),)
    return list(shop.business.views.find("incidents", Listing(where)))


# ── windows ──


def test_a_limit_counts_the_request_itself(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.refunds24hAgent > 100")
    assert isinstance(shop.propose(refund(60)), Done)
    assert isinstance(shop.propose(refund(40)), Done)
    over = shop.propose(refund(1))
    assert isinstance(over, Refused)
    readings = {each.path: (each.source, each.value) for each in verdict(shop, over).readings}
    assert readings["facts.refunds24hAgent"] == ("fact", 101)


def test_a_window_moves_on(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.refunds24hAgent > 100")
    assert isinstance(shop.propose(refund(100)), Done)
    shop.clock.forward(24 * HOUR)
    assert isinstance(shop.propose(refund(1)), Refused)
    shop.clock.forward(1)
    assert isinstance(shop.propose(refund(100)), Done)


def test_today_begins_at_midnight_on_the_clock_of_the_org_unit(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.spendTodayBusiness > 100")
    assert isinstance(shop.propose(refund(100)), Done)
    shop.clock.forward(11 * HOUR + 59 * MINUTE)
    assert isinstance(shop.propose(refund(1)), Refused)
    shop.clock.forward(MINUTE)
    assert isinstance(shop.propose(refund(100)), Done)


def test_customers_are_counted_apart(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.refundCount24hCustomer > 1")
    ada, ben = {"customerId": "ada"}, {"customerId": "ben"}
    assert isinstance(shop.propose(refund(1, orderId="o1", **ada)), Done)
    assert isinstance(shop.propose(refund(1, orderId="o2", **ben)), Done)
    assert isinstance(shop.propose(refund(1, orderId="o3", **ada)), Refused)


def test_what_is_cancelled_makes_room_again(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.refunds24hAgent > 100")
    first = shop.propose(refund(100))
    assert isinstance(shop.propose(refund(100)), Refused)
    action_id = first.subject.partition(":")[2]
    assert isinstance(shop.do(CancelAction(action_id=action_id, reason="no"), SUPPORT), Done)
    assert isinstance(shop.propose(refund(100)), Done)
    assert isinstance(shop.propose(refund(1)), Refused)


def test_what_waits_is_counted_when_it_is_approved_and_judged_again_then(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.refunds24hAgent > 1000")
    held = shop.propose(refund(900))
    assert isinstance(held, Held)
    assert isinstance(shop.propose(refund(500)), Done)
    shop.grant(held.approval_id)
    shop.settle()
    assert shop.status(held) == "denied"


def test_another_currency_is_another_sum(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.refunds24hAgent > 100")
    assert isinstance(shop.propose(refund(100)), Done)
    assert isinstance(shop.propose(refund(100, currency="EUR")), Done)
    assert isinstance(shop.propose(refund(1, currency="EUR")), Refused)


# ── sequences ──


def test_a_price_may_not_change_twice_in_an_hour(shop: Shop) -> None:
    rule(shop, "data.action == 'update_price' && facts.priceChanges1hProduct > 1")
    assert isinstance(shop.propose(price(1), BUYER, action_type="update_price"), Done)
    assert isinstance(
        shop.propose(price(1, productId="cup"), BUYER, action_type="update_price"), Done
    )
    assert isinstance(shop.propose(price(1), BUYER, action_type="update_price"), Refused)
    shop.clock.forward(HOUR + 1)
    assert isinstance(shop.propose(price(1), BUYER, action_type="update_price"), Done)


def test_no_payout_within_a_day_of_a_change_of_account(shop: Shop) -> None:
    condition = (
        "data.action == 'process_payout' && has(facts.hoursSinceAccountChange)"
        " && facts.hoursSinceAccountChange < 24"
    )
    rule(shop, condition)
    pay = {"payeeId": "maya", "amount": 5, "currency": "USD", "reconciled": True, "riskScore": 0}
    assert isinstance(shop.propose(pay, action_type="process_payout"), Done)
    change = {"payeeId": "maya", "accountRef": "acct-2"}
    assert isinstance(shop.propose(change, action_type="change_payee_account"), Done)
    assert isinstance(shop.propose(pay, action_type="process_payout"), Refused)
    assert isinstance(shop.propose({**pay, "payeeId": "noor"}, action_type="process_payout"), Done)
    shop.clock.forward(24 * HOUR)
    assert isinstance(shop.propose(pay, action_type="process_payout"), Done)


def test_a_policy_declares_facts_of_its_own(shop: Shop) -> None:
    own = {"name": "same", "measure": "count", "over": ["publish_content"], "same": "channel"}
    rule(
        shop,
        "data.action == 'publish_content' && facts.same > 2",
        facts=({**own, "within": "30m"},),
    )
    post = {"contentId": "c", "channel": "blog", "title": "Mugs"}
    assert isinstance(shop.propose(post, action_type="publish_content"), Done)
    assert isinstance(shop.propose(post, action_type="publish_content"), Done)
    assert isinstance(shop.propose(post, action_type="publish_content"), Refused)
    shop.clock.forward(30 * MINUTE + 1)
    assert isinstance(shop.propose(post, action_type="publish_content"), Done)


# ── what cannot be told ──


def test_a_fact_that_cannot_be_told_denies(shop: Shop) -> None:
    rule(shop, "facts.refundCount24hCustomer > 5")
    denied = shop.propose(
        {"contentId": "c", "channel": "b", "title": "M"}, action_type="publish_content"
    )
    assert isinstance(denied, Refused)
    assert "publish_content names no customer" in findings(shop, denied)


def test_a_fact_that_nobody_knows_cannot_be_asked_for(shop: Shop) -> None:
    draft = DraftPolicy.model_validate(
        {
            "policyId": "facts",
            "name": "Facts",
            "rules": [
                {
                    "id": "r",
                    "condition": "facts.refunds24hAgents > 1",
                    "action": "deny",
                    "message": "",
                }
            ],
        }
    )
    receipt = shop.do(draft, FOUNDER)
    assert "refunds24hAgent?" in reasons(shop, receipt)


def test_the_rule_that_cannot_be_told_does_not_depend_on_what_stands_beside_it(shop: Shop) -> None:
    rule(shop, "data.amount > 1000000 && facts.refundCount24hCustomer > 5")
    assert isinstance(shop.propose(refund(1)), Refused)


# ── what the log knows of orders and incidents ──


def test_nobody_gets_back_more_than_was_paid(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && data.amount > facts.orderAmount")
    sold(shop, "o1", "ada", 100)
    assert isinstance(shop.propose(refund(100, orderId="o1")), Done)
    assert isinstance(shop.propose(refund(101, orderId="o1")), Refused)
    assert isinstance(shop.propose(refund(1, orderId="unheard-of")), Refused)


def test_critical_incidents_can_stop_actions(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.criticalIncidents > 0")
    assert isinstance(shop.propose(refund(1)), Done)
    opened = OpenIncident(incident_id="i1", kind="system_error", title="smoke")
    assert isinstance(shop.do(opened, FOUNDER), Done)
    assert isinstance(shop.propose(refund(1)), Refused)
    done = {"incident_id": "i1", "root_cause": "fire", "resolution": "water"}
    shop.do(UpdateIncident(status="resolved", **done), FOUNDER)
    assert isinstance(shop.propose(refund(1)), Done)
    shop.do(UpdateIncident(incident_id="i1", status="investigating"), FOUNDER)
    assert isinstance(shop.propose(refund(1)), Refused)


# ── claims ──


def test_the_log_is_believed_and_the_claim_is_kept(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && data.customerId == 'ada'")
    sold(shop, "o1", "ada")
    denied = shop.propose(refund(1, orderId="o1", customerId="ben"))
    assert isinstance(denied, Refused)
    readings = {each.path: (each.source, each.value) for each in verdict(shop, denied).readings}
    assert readings["data.customerId"] == ("fact", "ada")
    assert shop.types()[-1] == "claim.contradicted"
    (claim,) = shop.facts(ClaimContradicted)
    assert (claim.agent_id, claim.name, claim.claimed, claim.found) == (
        "support", "customerId", "ben", "ada",
    )  # fmt: skip


def test_limits_of_a_customer_cannot_be_dodged_by_naming_another(shop: Shop) -> None:
    rule(shop, "data.action == 'process_refund' && facts.refundCount24hCustomer > 1")
    sold(shop, "o1", "ada")
    sold(shop, "o2", "ada")
    assert isinstance(shop.propose(refund(1, orderId="o1")), Done)
    dodge = refund(1, orderId="o2", customerId="somebody-else")
    assert isinstance(shop.propose(dodge), Refused)


def test_three_contradictions_in_a_day_are_an_incident(shop: Shop) -> None:
    sold(shop, "o1", "ada")
    wrong = refund(1, orderId="o1", customerId="ben")
    for _ in range(2):
        shop.propose(wrong)
    shop.settle()
    assert violations(shop) == []
    shop.propose(wrong)
    shop.settle()
    (incident,) = violations(shop)
    assert "support" in incident["title"]
    assert shop.business.state(CLAIM, "support").strikes(shop.clock()) == 3


def test_contradictions_of_two_days_are_not_added_up(shop: Shop) -> None:
    sold(shop, "o1", "ada")
    wrong = refund(1, orderId="o1", customerId="ben")
    for _ in range(3):
        shop.propose(wrong)
        shop.settle()
        shop.clock.forward(13 * HOUR)
    assert violations(shop) == []


def test_who_says_nothing_contradicts_nothing(shop: Shop) -> None:
    sold(shop, "o1", "ada")
    shop.propose(refund(1, orderId="o1"))
    assert shop.facts(ClaimContradicted) == []


# ── the registry ──


def test_every_fact_says_what_it_is() -> None:
    for name, fact in FACTS.items():
        assert fact.name == name
        assert fact.about
        assert fact.unit in {"money", "count", "hours", "text"}


def test_the_reference_lists_every_fact() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "facts.md").read_text()
    for fact in FACTS.values():
        missing = ", may be missing" if fact.may_be_missing else ""
        assert f"| `{fact.name}` | {fact.unit}{missing} | {fact.about} |" in text

"""The four policies that every business starts with: word for word, and they do fire.

Each number stands beside its boundary, and comes in as JSON text, the way an agent sends it.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import pytest

from commands.kernel.action import ProposeAction
from commands.message import Done, Held, Receipt, Refused
from console_api.requests import command_named, parse_json
from domain.governor.builtin import BUILT_IN
from domain.governor.law import LAW
from domain.governor.verdict import VerdictRecorded
from domain.kernel.action import ActionAuthorized, ActionDenied, ActionHeld
from tests.examples import OLGA, SUPPORT, Shop, ads, founded, payout, price, refund

# name, then (condition, action, message), as the mission has them
MISSION: Final = {
    "No payouts without reconciliation": [
        (
            "data.type == 'payout' && data.reconciled != true",
            "deny",
            "Cannot process payout: reconciliation not complete",
        ),
        (
            "data.type == 'payout' && data.riskScore > 0.7",
            "require_approval",
            "Payout requires approval: high risk score",
        ),
    ],
    "Margin floor protection": [
        (
            "data.action == 'update_price' && data.marginPercent < 0.15",
            "deny",
            "Cannot set price: margin below 15% floor",
        ),
    ],
    "Cash runway protection": [
        (
            "data.action == 'increase_ad_spend' && data.cashRunwayDays < 30",
            "deny",
            "Cannot increase ad spend: cash runway below 30 days",
        ),
        (
            "data.action == 'increase_ad_spend' && data.roas < 2.0",
            "require_approval",
            "Ad spend increase requires approval: ROAS below 2.0",
        ),
    ],
    "Refund approval limits": [
        (
            "data.action == 'process_refund' && data.amount > 500",
            "require_approval",
            "Refund requires approval: amount exceeds $500",
        ),
    ],
}
MESSAGES: Final = {
    rule: message
    for rule, message in zip(
        ("reconciled", "risk", "floor", "runway", "roas", "amount"),
        (message for rules in MISSION.values() for _, _, message in rules),
        strict=True,
    )
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


def number(text: str) -> Decimal:
    """A number as it is written; it is put into JSON without passing through a float."""
    return Decimal(text)


def sent(shop: Shop, action_type: str, payload: dict[str, Any]) -> Receipt:
    """Send a proposal as JSON text."""
    text = json.dumps({"actionType": action_type, "payload": payload}, default=_marked)
    command = command_named("ProposeAction", parse_json(text.replace('"#', "").replace('#"', "")))
    assert isinstance(command, ProposeAction)
    return shop.do(command, SUPPORT)


def _marked(value: object) -> str:
    assert isinstance(value, Decimal)
    return f"#{value}#"


def assert_allowed(shop: Shop, receipt: Receipt) -> None:
    assert isinstance(receipt, Done), receipt
    assert shop.status(receipt) == "authorized"
    assert len(shop.facts(ActionAuthorized)) == 1


def assert_held(shop: Shop, receipt: Receipt, rule: str) -> None:
    assert isinstance(receipt, Held), receipt
    assert receipt.reasons == (MESSAGES[rule],)
    assert shop.status(receipt) == "awaiting_approval"
    assert shop.facts(ActionHeld)[0].reasons == receipt.reasons
    assert shop.facts(ActionAuthorized) == []


def assert_denied(shop: Shop, receipt: Receipt, rule: str) -> None:
    assert isinstance(receipt, Refused), receipt
    assert receipt.denied
    assert receipt.code == "policy_denied"
    assert receipt.reasons == (MESSAGES[rule],)
    assert shop.status(receipt) == "denied"
    assert shop.facts(ActionDenied)[0].reasons == receipt.reasons
    assert shop.facts(ActionAuthorized) == []


# ── the texts ──


def test_the_policies_are_those_of_the_mission_word_for_word() -> None:
    told = {
        policy.name: [(rule.condition, rule.action, rule.message) for rule in policy.rules]
        for policy in BUILT_IN
    }
    assert told == MISSION


def test_a_new_business_has_exactly_these_policies_in_force(shop: Shop) -> None:
    law = shop.business.state(LAW, "business")
    assert {policy.name for policy in law.active.values()} == set(MISSION)
    assert all(policy.built_in and policy.scope == "global" for policy in law.active.values())
    assert all(rule.approver_role == "founder" for p in law.active.values() for rule in p.rules)


# ── refund approval limits ──


@pytest.mark.parametrize("amount", ["0.01", "499.99", "500", "500.00", "5E2"])
def test_a_refund_up_to_the_limit_needs_nobody(shop: Shop, amount: str) -> None:
    assert_allowed(shop, sent(shop, "process_refund", refund(number(amount))))


@pytest.mark.parametrize("amount", ["500.01", "500.000001", "501", "999999999999", "5.1e2"])
def test_a_refund_above_the_limit_waits(shop: Shop, amount: str) -> None:
    assert_held(shop, sent(shop, "process_refund", refund(number(amount))), "amount")


def test_a_person_waits_like_an_agent(shop: Shop) -> None:
    assert_held(shop, shop.propose(refund(501), OLGA), "amount")


# ── no payouts without reconciliation ──


@pytest.mark.parametrize("risk", ["0", "0.69", "0.7", "0.70"])
def test_a_reconciled_payout_of_little_risk_needs_nobody(shop: Shop, risk: str) -> None:
    assert_allowed(shop, sent(shop, "process_payout", payout(riskScore=number(risk))))


@pytest.mark.parametrize("risk", ["0.71", "0.700001", "1"])
def test_a_reconciled_payout_of_high_risk_waits(shop: Shop, risk: str) -> None:
    receipt = sent(shop, "process_payout", payout(riskScore=number(risk)))
    assert_held(shop, receipt, "risk")


@pytest.mark.parametrize("risk", ["0", "0.7"])
def test_a_payout_that_is_not_reconciled_is_denied(shop: Shop, risk: str) -> None:
    receipt = sent(shop, "process_payout", payout(reconciled=False, riskScore=number(risk)))
    assert_denied(shop, receipt, "reconciled")


def test_a_payout_that_does_not_say_whether_it_is_reconciled_is_denied(shop: Shop) -> None:
    silent = payout()
    del silent["reconciled"]
    assert_denied(shop, sent(shop, "process_payout", silent), "reconciled")


@pytest.mark.parametrize("broken", [None, "true", 1, [True]])
def test_a_payout_that_says_it_in_another_way_is_denied(shop: Shop, broken: object) -> None:
    receipt = sent(shop, "process_payout", payout(reconciled=broken))
    assert isinstance(receipt, Refused)
    assert (receipt.denied, receipt.code) == (True, "invalid_payload")


def test_a_risky_payout_that_is_not_reconciled_is_denied_not_held(shop: Shop) -> None:
    receipt = sent(shop, "process_payout", payout(reconciled=False, riskScore=number("0.9")))
    assert_denied(shop, receipt, "reconciled")


def test_a_payout_without_a_risk_score_is_denied(shop: Shop) -> None:
    silent = payout()
    del silent["riskScore"]
    receipt = sent(shop, "process_payout", silent)
    assert isinstance(receipt, Refused)
    assert (receipt.denied, receipt.code) == (True, "invalid_payload")


def test_a_payout_cannot_call_itself_something_else(shop: Shop) -> None:
    receipt = sent(shop, "process_payout", payout(reconciled=False, type="gift"))
    assert isinstance(receipt, Refused)
    assert (receipt.denied, receipt.code) == (True, "invalid_payload")


# ── margin floor protection ──


@pytest.mark.parametrize("margin", ["0.15", "0.150", "0.150001", "0.5", "1"])
def test_a_price_at_or_above_the_floor_needs_nobody(shop: Shop, margin: str) -> None:
    assert_allowed(shop, sent(shop, "update_price", price(number(margin))))


@pytest.mark.parametrize("margin", ["0.1499", "0.149999", "0", "-0.2"])
def test_a_price_below_the_floor_is_denied(shop: Shop, margin: str) -> None:
    assert_denied(shop, sent(shop, "update_price", price(number(margin))), "floor")


# ── cash runway protection ──


@pytest.mark.parametrize("runway", ["30", "30.0", "30.01", "365"])
def test_ads_are_bought_with_a_month_of_cash(shop: Shop, runway: str) -> None:
    receipt = sent(shop, "increase_ad_spend", ads(runway=number(runway)))
    assert_allowed(shop, receipt)


@pytest.mark.parametrize("runway", ["29.99", "29.999999", "29", "0"])
def test_ads_are_not_bought_with_the_last_month_of_cash(shop: Shop, runway: str) -> None:
    receipt = sent(shop, "increase_ad_spend", ads(runway=number(runway)))
    assert_denied(shop, receipt, "runway")


@pytest.mark.parametrize("roas", ["2", "2.0", "2.01"])
def test_ads_that_earn_twice_their_cost_need_nobody(shop: Shop, roas: str) -> None:
    assert_allowed(shop, sent(shop, "increase_ad_spend", ads(roas=number(roas))))


@pytest.mark.parametrize("roas", ["1.99", "1.999999", "0"])
def test_ads_that_earn_less_wait(shop: Shop, roas: str) -> None:
    assert_held(shop, sent(shop, "increase_ad_spend", ads(roas=number(roas))), "roas")


def test_poor_ads_without_cash_are_denied_not_held(shop: Shop) -> None:
    receipt = sent(shop, "increase_ad_spend", ads(runway=number("29.99"), roas=number("1.99")))
    assert_denied(shop, receipt, "runway")


# ── each policy is what fires ──

FIRING: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "no-payouts-without-reconciliation": ("process_payout", payout(reconciled=False)),
    "margin-floor-protection": ("update_price", price(Decimal("0.1"))),
    "cash-runway-protection": ("increase_ad_spend", ads(runway=1)),
    "refund-approval-limits": ("process_refund", refund(501)),
}


@pytest.mark.parametrize("policy_id", FIRING)
def test_without_the_policy_the_same_proposal_goes_through(shop: Shop, policy_id: str) -> None:
    action_type, payload = FIRING[policy_id]
    assert not isinstance(sent(shop, action_type, payload), Done)
    shop.repeal(policy_id)
    assert isinstance(sent(shop, action_type, payload), Done)


@pytest.mark.parametrize("policy_id", FIRING)
def test_the_verdict_names_the_rule_that_fired(shop: Shop, policy_id: str) -> None:
    action_type, payload = FIRING[policy_id]
    sent(shop, action_type, payload)
    verdict = shop.facts(VerdictRecorded)[-1]
    fired = [finding for finding in verdict.findings if finding.result == "true"]
    assert [finding.rule.partition("/")[0] for finding in fired] == [f"{policy_id}@1"]
    assert verdict.effect == fired[0].effect


def test_every_built_in_policy_is_shown_to_fire() -> None:
    assert set(FIRING) == {policy.id for policy in BUILT_IN}


@pytest.mark.parametrize("action_type", ["create_payout_batch", "reorder_stock", "publish_content"])
def test_other_actions_are_none_of_their_business(shop: Shop, action_type: str) -> None:
    payloads: dict[str, dict[str, Any]] = {
        "create_payout_batch": {"payeeIds": ["maya"], "amount": 10_000, "currency": "USD"},
        "reorder_stock": {
            "productId": "mug",
            "supplierId": "s1",
            "quantity": 900,
            "unitCost": 3,
            "currency": "USD",
        },
        "publish_content": {"contentId": "c1", "channel": "blog", "title": "Mugs"},
    }
    assert_allowed(shop, sent(shop, action_type, payloads[action_type]))

"""Policies that are watched before they bind, turned within bounds, addressed, and tested.

A shop in memory ──► draft, shadow, activate, turn ──► what the governor answers now
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from commands.governor.law import ActivatePolicy, ChangeParameter, DraftPolicy, ShadowPolicy
from commands.message import Done, Receipt, Refused
from domain.governor.law import LAW, ParameterChanged
from domain.governor.verdict import VERDICT, VerdictRecorded
from domain.kernel.org_unit import ROOT
from tests.examples import FOUNDER, Shop, founded, refund

LIMIT = {"limit": {"minimum": 0, "maximum": 200, "unit": "USD"}}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


def drafted(shop: Shop, condition: str = "data.amount > params.limit", **more: Any) -> None:
    rule = {"id": "r", "condition": condition, "action": "deny", "message": "no"}
    wire = {"policyId": "cap", "name": "Cap", "rules": [rule], "parameters": {"limit": 100}}
    shop.must(DraftPolicy.model_validate({**wire, **more}))


def case(amount: object, expect: str, name: str = "a case") -> dict[str, Any]:
    return {"name": name, "action": "process_refund", "data": {"amount": amount}, "expect": expect}


def activate(shop: Shop) -> Receipt:
    return shop.do(ActivatePolicy(policy_id="cap", reason="a test"))


def told(receipt: Receipt) -> str:
    assert isinstance(receipt, Refused), receipt
    return f"{receipt.code}: {'; '.join(receipt.reasons)}"


def verdict(shop: Shop, receipt: Receipt) -> VerdictRecorded:
    found = shop.business.state(VERDICT, receipt.command_id)
    assert isinstance(found, VerdictRecorded)
    return found


def test_a_policy_that_is_watched_says_what_it_would_have_said_and_decides_nothing(
    shop: Shop,
) -> None:
    drafted(shop)
    shop.must(ShadowPolicy(policy_id="cap", reason="a look first"))
    large, small = shop.propose(refund(101)), shop.propose(refund(99))
    assert isinstance(large, Done)
    (finding,) = verdict(shop, large).shadows
    assert (finding.rule, finding.result, finding.effect) == ("cap@1/r", "true", "deny")
    assert verdict(shop, small).shadows == ()
    shop.must(ActivatePolicy(policy_id="cap", reason="it was right"))
    denied = shop.denied(refund(101))
    assert verdict(shop, denied).shadows == ()


def test_a_number_is_turned_within_its_bounds_and_at_once(shop: Shop) -> None:
    drafted(shop, bounds=LIMIT)
    shop.must(ActivatePolicy(policy_id="cap", reason="a test"))
    turn = ChangeParameter(policy_id="cap", name="limit", value=Decimal(150), reason="inflation")
    before = verdict(shop, shop.denied(refund(120))).law_hash
    shop.must(turn)
    now = shop.propose(refund(120))
    assert isinstance(now, Done)
    assert verdict(shop, now).law_hash != before
    (fact,) = shop.facts(ParameterChanged)
    assert (fact.before, fact.after, fact.by) == (100, 150, "user:founder")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("limit", 201, "must be at most 200"),
        ("limit", -1, "must be at least 0"),
        ("limit", "150", "must be a number"),
        ("limit", True, "must be a number"),
        ("limits", 150, "has no parameter limits: it has limit"),
    ],
)
def test_a_number_that_does_not_fit_stays_as_it_is(
    shop: Shop, name: str, value: Any, why: str
) -> None:
    drafted(shop, bounds=LIMIT)
    shop.must(ActivatePolicy(policy_id="cap", reason="a test"))
    turn = ChangeParameter(policy_id="cap", name=name, value=value, reason="r")
    assert why in told(shop.do(turn))
    assert shop.business.state(LAW, ROOT).active["cap"].parameters == {"limit": 100}


def test_a_policy_speaks_to_those_it_is_addressed_to(shop: Shop) -> None:
    drafted(shop, actors=["agent"], appliesTo=["process_refund"])
    shop.must(ActivatePolicy(policy_id="cap", reason="a test"))
    shop.denied(refund(101))
    assert isinstance(shop.propose(refund(101), FOUNDER), Done)
    post = {"contentId": "c", "channel": "blog", "title": "Mugs"}
    assert isinstance(shop.propose(post, action_type="publish_content"), Done)


def test_a_test_that_is_not_met_keeps_a_policy_a_draft(shop: Shop) -> None:
    drafted(shop, tests=[case(101, "deny"), case(100, "deny", "the edge")])
    assert told(activate(shop)) == (
        "policy_unproven: test 'the edge' of cap answers allow instead of deny: no rule answered"
    )
    assert isinstance(shop.propose(refund(101)), Done)


def test_a_policy_whose_tests_are_met_comes_into_force(shop: Shop) -> None:
    tests = [case(101, "deny"), case(100, "allow"), case("101", "deny", "broken")]
    drafted(shop, tests=tests)
    assert isinstance(activate(shop), Done)
    shop.denied(refund(101))


def test_a_test_may_say_what_the_log_says(shop: Shop) -> None:
    over = {**case(1, "deny"), "facts": {"refunds24hAgent": 501}}
    drafted(shop, "facts.refunds24hAgent > 500", tests=[over])
    assert isinstance(activate(shop), Done)
    drafted(shop, "facts.refunds24hAgent > 600", tests=[over])
    assert told(activate(shop)).startswith("policy_unproven: ")

"""What waits, added up; and how requests like one of them were decided."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from commands.kernel.agent import RegisterAgent
from commands.kernel.org_unit import CreateOrgUnit
from commands.message import Held
from domain.core.instant import HOUR, written
from queries.waiting import SIMILAR, digest_sentence
from tests.examples import NOON, SUPPORT, Shop, founded, payout, refund


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


def digest(shop: Shop) -> dict[str, Any]:
    shop.business.draw()
    return shop.business.approvals_digest()


def similar(shop: Shop, held: Held) -> list[dict[str, Any]]:
    shop.business.draw()
    found = shop.business.approvals_similar(held.approval_id)
    assert found is not None
    return found


def decided(shop: Shop, amount: object, yes: bool = True, **more: Any) -> Held:
    held = shop.held(refund(amount, **more))
    if yes:
        shop.grant(held.approval_id)
    else:
        shop.reject(held.approval_id)
    shop.settle()
    return held


def test_nothing_waits(shop: Shop) -> None:
    assert digest(shop) == {
        "at": written(NOON),
        "waiting": 0,
        "money": [],
        "byRole": {},
        "oldest": None,
        "mostUrgent": None,
    }


def test_what_waits_is_added_up_by_currency(shop: Shop) -> None:
    shop.enact("action == 'publish_content'", approver_role="operator", expires_hours=2)
    oldest = shop.held(refund(Decimal("600.10")))
    shop.clock.forward(HOUR)
    shop.held(refund(Decimal("700.20")))
    shop.held(refund(800, currency="EUR"))
    shop.clock.forward(HOUR)
    wares = {"contentId": "c", "channel": "shop", "title": "t"}
    urgent = shop.held(wares, action_type="publish_content")
    decided(shop, 900)
    told = digest(shop)
    assert told["waiting"] == 4
    assert told["money"] == [
        {"currency": "EUR", "count": 1, "amount": 800},
        {"currency": "USD", "count": 2, "amount": Decimal("1300.30")},
    ]
    assert told["byRole"] == {"founder": 3, "operator": 1}
    assert (told["oldest"]["id"], told["mostUrgent"]["id"]) == (
        oldest.approval_id,
        urgent.approval_id,
    )
    assert digest_sentence(told, at=shop.clock()) == (
        "4 requests wait: 800 EUR, 1300.3 USD."
        " Most urgent: publish_content of agent:support, 2 h left"
    )
    later = shop.clock() + HOUR + HOUR // 2
    assert digest_sentence(told, at=later).endswith("30 min left")


def test_what_has_run_out_does_not_wait_any_more(shop: Shop) -> None:
    shop.held(refund(600))
    shop.clock.forward(24 * HOUR)
    assert digest(shop)["waiting"] == 0


def test_the_nearest_amounts_come_first_with_what_came_of_them(shop: Shop) -> None:
    far = decided(shop, 5_000, yes=False)
    near = decided(shop, 990)
    nearer = decided(shop, 1_005, yes=False)
    decided(shop, 1_000, currency="EUR")
    shop.held(refund(1_001))
    asked = shop.held(refund(1_000))
    found = similar(shop, asked)
    ids = [each.approval_id for each in (nearer, near, far)]
    assert [each["id"] for each in found] == ids
    yes, no = found[1], found[0]
    assert (yes["status"], yes["decidedBy"], yes["actionStatus"], yes["success"]) == (
        *("consumed", "user:founder", "completed", True),
    )
    assert (no["status"], no["notes"], no["actionStatus"]) == ("rejected", "too much", "denied")


def test_others_are_not_similar(shop: Shop) -> None:
    shop.must(CreateOrgUnit(org_unit_id="eu", name="Europe"))
    agent = RegisterAgent(
        agent_id="clerk", name="C", org_unit_id="eu", tool_permissions=("process_refund",)
    )
    shop.must(agent)
    decided(shop, 1_000)
    shop.held(payout(riskScore=Decimal("0.9")), action_type="process_payout")
    here = shop.propose(refund(1_000), SUPPORT, org_unit_id="business")
    assert isinstance(here, Held)
    assert len(similar(shop, here)) == 1
    there = shop.held(refund(1_000), type(SUPPORT)("clerk", SUPPORT.role, "eu"))
    assert similar(shop, there) == []
    assert shop.business.approvals_similar("apr-none") is None


def test_there_are_a_few_at_most_and_the_newest_of_equals_first(shop: Shop) -> None:
    ids = [decided(shop, 600).approval_id for _ in range(SIMILAR + 2)]
    found = similar(shop, shop.held(refund(600)))
    assert [each["id"] for each in found] == ids[::-1][:SIMILAR]


def test_without_money_the_newest_are_nearest(shop: Shop) -> None:
    shop.enact("action == 'publish_content'")
    wares = {"contentId": "c", "channel": "shop", "title": "t"}
    first, second, third = (shop.held(wares, action_type="publish_content") for _ in range(3))
    for each in (first, second):
        shop.reject(each.approval_id)
    found = similar(shop, third)
    assert [each["id"] for each in found] == [second.approval_id, first.approval_id]

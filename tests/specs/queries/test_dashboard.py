"""Dashboard: what needs a person now, and how the business is doing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from commands.governor.incident import OpenIncident, UpdateIncident
from commands.governor.law import EngageKillSwitch
from commands.kernel.agent import DisableAgent
from commands.kernel.order import RecordOrder
from commands.kernel.org_unit import CreateOrgUnit
from commands.message import Held
from domain.core.instant import HOUR, MINUTE, instant, written
from domain.core.principal import Actor, Role
from domain.ports import StoreUnavailable
from projections.catalog import VIEWS
from queries.listing import BadQuestion
from tests.examples import FOUNDER, IMPORTER, NOON, Shop, founded, payout, refund

CLERK: Final = Actor("clerk", Role.AGENT, "commerce")
SCOUT: Final = Actor("scout", Role.AGENT, "marketing")


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A business in UTC, with a department in New York and a team in it, and one in Kolkata."""
    with founded() as shop:
        for unit, parent, zone in (
            ("commerce", "business", "America/New_York"),
            ("team", "commerce", "America/New_York"),
            ("marketing", "business", "Asia/Kolkata"),
        ):
            shop.must(CreateOrgUnit(org_unit_id=unit, name=unit, parent_id=parent, timezone=zone))
        shop.hire(CLERK, org_unit_id="commerce")
        shop.hire(SCOUT, org_unit_id="marketing")
        yield shop


def order(shop: Shop, id: str, unit: str, price: str, *, placed_at: str, **more: Any) -> None:
    lines = ({"sku": "mug", "quantity": 2, "unitPrice": Decimal(price)},)
    wire = {"orderId": id, "orgUnitId": unit, "placedAt": placed_at, "lines": lines, **more}
    shop.must(RecordOrder.model_validate(wire), IMPORTER)


def front(shop: Shop, unit: str = "business") -> dict[str, Any]:
    shop.business.draw()
    return shop.business.dashboard(unit)


def move_to(shop: Shop, *moment: int) -> None:
    shop.clock.now = instant(datetime(*moment, tzinfo=UTC))  # type: ignore[arg-type, misc]


NOTHING: Final[dict[str, Any]] = {
    "revenue": 0,
    "orders": 0,
    "refunds": 0,
    "refundAmount": 0,
    "refundRate": None,
    "currency": None,
    "otherCurrencies": {},
}


def test_a_business_where_nothing_happened_yet_has_an_empty_front_page(shop: Shop) -> None:
    assert front(shop, "marketing") == {
        "orgUnitId": "marketing",
        "name": "marketing",
        "at": "2030-01-31T12:00:00.000000Z",
        "activeWorkflows": 0,
        "activeAgents": 1,
        "pendingApprovals": 0,
        "openIncidents": 0,
        "decisionsToday": 0,
        "decisions": {},
        "totals": NOTHING,
        "refundsPending": {"count": 0, "amount": Decimal(0)},
        "newestSnapshot": None,
        "killSwitch": {"engaged": False, "stops": []},
        "head": shop.head(),
        "lag": dict.fromkeys((view.name for view in VIEWS), 0),
        "readModels": [
            {
                "view": view.name,
                "position": shop.head(),
                "behind": 0,
                "secondsBehind": 0,
                "rebuilding": None,
                "degraded": None,
            }
            for view in VIEWS
        ],
    }


def test_the_front_page_adds_up_for_the_business_and_for_each_org_unit(shop: Shop) -> None:
    order(shop, "o-1", "commerce", "10.05", placed_at="2030-01-31T11:00:00Z")
    order(shop, "o-2", "commerce", "0.10", placed_at="2030-01-30T11:00:00Z")
    order(shop, "o-3", "marketing", "5", placed_at="2030-01-31T11:00:00Z")
    order(shop, "o-4", "commerce", "1", placed_at="2030-01-31T11:30:00Z", currency="EUR")
    shop.propose(refund(Decimal("4.05"), orderId="o-1"), CLERK)
    shop.held(refund(600), CLERK)
    shop.held(refund(Decimal("700.50")), SCOUT)
    shop.held(payout(riskScore=Decimal("0.9")), CLERK, action_type="process_payout")
    shop.denied(payout(reconciled=False), CLERK, action_type="process_payout")
    shop.settle()
    commerce = front(shop, "commerce")
    assert commerce["decisions"] == {"done": 1, "held": 2, "denied": 1}
    assert (commerce["decisionsToday"], commerce["pendingApprovals"]) == (4, 2)
    assert commerce["refundsPending"] == {"count": 1, "amount": Decimal(600)}
    assert commerce["openIncidents"] == 1
    assert commerce["totals"] == {
        "revenue": Decimal("20.30"),
        "orders": 3,
        "refunds": 1,
        "refundAmount": Decimal("4.05"),
        "refundRate": Decimal("0.3333"),
        "currency": "USD",
        "otherCurrencies": {"EUR": Decimal(2)},
    }
    assert commerce["newestSnapshot"] == {
        "day": "2030-01-31",
        "revenue": Decimal("20.10"),
        "orders": 2,
        "refunds": 1,
        "refundAmount": Decimal("4.05"),
        "refundRate": Decimal("0.5"),
        "currency": "USD",
        "otherCurrencies": {"EUR": Decimal(2)},
    }
    whole = front(shop)
    assert whole["decisions"] == {"done": 1, "held": 3, "denied": 1}
    assert (whole["totals"]["orders"], whole["totals"]["revenue"]) == (4, Decimal("30.30"))
    assert whole["refundsPending"] == {"count": 2, "amount": Decimal("1300.50")}
    assert (whole["pendingApprovals"], whole["openIncidents"], whole["activeAgents"]) == (3, 1, 3)
    assert whole["newestSnapshot"]["orders"] == 3, "those of its newest day, of all its org units"


def test_only_what_waits_is_counted(shop: Shop) -> None:
    held = [shop.held(refund(amount), CLERK) for amount in (600, 700, 800)]
    for each in held:
        assert isinstance(each, Held)
    shop.grant(held[0].approval_id)
    shop.reject(held[1].approval_id)
    shop.must(DisableAgent(agent_id="scout", reason="r"))
    for name in ("inc-1", "inc-2"):
        shop.must(OpenIncident(incident_id=name, kind="anomaly_detected", title="odd"))
    solved = {"root_cause": "c", "resolution": "s"}
    shop.must(UpdateIncident(incident_id="inc-1", status="investigating"))
    shop.must(UpdateIncident(incident_id="inc-2", status="resolved", **solved))
    whole = front(shop)
    assert whole["refundsPending"] == {"count": 1, "amount": Decimal(800)}
    assert (whole["pendingApprovals"], whole["openIncidents"], whole["activeAgents"]) == (1, 1, 2)


# ── today ──


def test_today_begins_at_midnight_on_the_clock_of_the_org_unit(shop: Shop) -> None:
    """Midnight in New York is 05:00 in London."""
    shop.propose(refund(1), CLERK)  # the day before
    move_to(shop, 2030, 2, 1, 4, 59)
    shop.propose(refund(2), CLERK)
    late = front(shop, "commerce")["decisionsToday"], front(shop)["decisionsToday"]
    assert late == (2, 1), "in New York it is still the day before"
    move_to(shop, 2030, 2, 1, 5, 0)
    assert (front(shop, "commerce")["decisionsToday"], front(shop)["decisionsToday"]) == (0, 1)
    shop.propose(refund(3), CLERK)
    assert (front(shop, "commerce")["decisionsToday"], front(shop)["decisionsToday"]) == (1, 2)
    assert front(shop, "commerce")["decisions"] == {"done": 3}
    move_to(shop, 2030, 2, 2, 4, 59)
    assert (front(shop, "commerce")["decisionsToday"], front(shop)["decisionsToday"]) == (1, 0)


@pytest.mark.parametrize(
    ("day", "midnight_utc"), [((2030, 3, 10), 5), ((2030, 3, 11), 4), ((2030, 11, 4), 5)]
)
def test_midnight_moves_with_summer_time(
    shop: Shop, day: tuple[int, int, int], midnight_utc: int
) -> None:
    for hour in (midnight_utc - 1, midnight_utc):
        move_to(shop, *day, hour, 30)
        shop.propose(refund(1), CLERK)
    move_to(shop, *day, 16)
    assert front(shop, "commerce")["decisionsToday"] == 1


def test_where_midnight_is_within_an_hour_the_whole_hour_counts(shop: Shop) -> None:
    """Midnight in Kolkata is 18:30 UTC; decisions are counted by whole UTC hours."""
    for hour, minute in ((17, 59), (18, 0), (18, 30)):
        move_to(shop, 2030, 2, 1, hour, minute)
        shop.propose(refund(1), SCOUT)
    move_to(shop, 2030, 2, 1, 20)
    assert front(shop, "marketing")["decisionsToday"] == 2


def test_a_day_of_twenty_five_hours_is_counted_whole(shop: Shop) -> None:
    move_to(shop, 2030, 11, 3, 4, 30)  # half past midnight in New York, before clocks go back
    shop.propose(refund(1), CLERK)
    move_to(shop, 2030, 11, 4, 4, 30)  # half past eleven in the evening
    assert front(shop, "commerce")["decisionsToday"] == 1


# ── stops ──


def test_a_stop_shows_wherever_it_reaches(shop: Shop) -> None:
    stopped = shop.stop("commerce")
    stops = {unit: front(shop, unit)["killSwitch"] for unit in ("commerce", "team", "marketing")}
    assert stops["marketing"] == {"engaged": False, "stops": []}
    assert (
        stops["commerce"]
        == stops["team"]
        == {
            "engaged": True,
            "stops": [
                {
                    "orgUnitId": "commerce",
                    "engagedBy": "user:founder",
                    "engagedAt": written(NOON),
                    "position": stopped.position - 1,
                    "reason": "smoke",
                }
            ],
        }
    )
    shop.stop("*")
    assert len(front(shop, "team")["killSwitch"]["stops"]) == 2
    assert front(shop)["killSwitch"]["stops"][0]["orgUnitId"] == "*"
    shop.resume("*")
    shop.resume("commerce")
    for unit in ("business", "commerce", "team"):
        assert front(shop, unit)["killSwitch"] == {"engaged": False, "stops": []}


def test_a_stop_shows_however_many_there_are(shop: Shop) -> None:
    for number in range(101):
        unit = f"shop-{number}"
        shop.must(CreateOrgUnit(org_unit_id=unit, name=unit))
        shop.stop(unit)
    shop.must(EngageKillSwitch(reason="smoke"), command_id="z-is-the-last-of-all-names")
    assert front(shop)["killSwitch"]["engaged"]


# ── how far the pictures are ──


def test_the_front_page_says_how_far_each_picture_is_behind(shop: Shop) -> None:
    before = front(shop)["head"]
    shop.propose(refund(1), CLERK)
    behind = shop.business.dashboard("business")
    assert (behind["head"], behind["decisionsToday"]) == (shop.head(), 0)
    assert behind["lag"] == dict.fromkeys((view.name for view in VIEWS), shop.head() - before)
    assert set(front(shop)["lag"].values()) == {0}


def test_time_alone_changes_nothing_but_the_day(shop: Shop) -> None:
    shop.propose(refund(1), CLERK)
    before = front(shop)
    shop.clock.forward(11 * HOUR + 59 * MINUTE)
    assert front(shop) == before | {"at": written(shop.clock())}
    shop.clock.forward(MINUTE)
    assert front(shop) == before | {"at": written(shop.clock()), "decisionsToday": 0}


def test_an_org_unit_that_does_not_exist_has_no_front_page(shop: Shop) -> None:
    with pytest.raises(BadQuestion, match="no org unit is called 'nowhere': see `bos ask org"):
        front(shop, "nowhere")


def test_before_anything_is_drawn_the_answer_is_to_wait() -> None:
    with founded() as fresh, pytest.raises(StoreUnavailable, match="for the first time: ask again"):
        fresh.business.dashboard("business")


def test_a_person_who_sells_for_the_business_counts_there(shop: Shop) -> None:
    shop.propose(refund(1), FOUNDER)
    assert (front(shop)["decisionsToday"], front(shop, "commerce")["decisionsToday"]) == (1, 0)

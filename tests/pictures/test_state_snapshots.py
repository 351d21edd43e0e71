"""State snapshots: the business by the hour and by the day, on its own clock."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from domain.kernel.order import OrderRecorded, OrderRefunded
from projections.state_snapshots import STATE_SNAPSHOTS
from tests.picture import START, columns, given, spec, stamps

SOLD: Final = OrderRecorded(
    order_id="o-1",
    org_unit_id="commerce",
    customer_id="",
    country="",
    currency="EUR",
    amount=Decimal("19.80"),
    lines=(),
    placed_at=START,
    day="2030-01-01",
    hour="2030-01-01T10",
    source="",
)
REFUNDED: Final = OrderRefunded(
    order_id="o-1",
    org_unit_id="commerce",
    action_id="act-1",
    amount=Decimal("4.95"),
    currency="EUR",
    day="2030-01-01",
    hour="2030-01-01T11",
)
LATER: Final = replace(SOLD, order_id="o-2", hour="2030-01-01T11", amount=Decimal("0.10"))

METRICS: Final[dict[str, Any]] = {
    "revenue": Decimal("19.80"),
    "orders": 1,
    "refunds": 0,
    "refundAmount": 0,
    "refundRate": Decimal(0),
    "currency": "EUR",
    "otherCurrencies": {},
}


def snapshot(kind: str, when: str, unit: str = "commerce", **metrics: Any) -> dict[str, Any]:
    return {
        "id": f"{unit}/{kind}/{when}",
        "org_unit_id": unit,
        "snapshot_type": kind,
        "timestamp": when,
        "metrics": METRICS | metrics,
    }


def of_the_unit(rows: dict[str, Any]) -> dict[str, Any]:
    return {key: row for key, row in rows.items() if not key.startswith("business/")}


def test_every_column_of_the_spec_exists() -> None:
    assert columns(STATE_SNAPSHOTS) >= spec("id org_unit_id snapshot_type metrics timestamp")


def test_a_sale_belongs_to_its_hour_and_its_day() -> None:
    assert of_the_unit(given(SOLD).rows(STATE_SNAPSHOTS)) == {
        "commerce/daily/2030-01-01": snapshot("daily", "2030-01-01") | stamps(updated=1),
        "commerce/hourly/2030-01-01T10": snapshot("hourly", "2030-01-01T10") | stamps(updated=1),
    }


def test_a_refund_belongs_to_the_hour_it_was_asked_for() -> None:
    rows = given(SOLD, REFUNDED, LATER).rows(STATE_SNAPSHOTS)
    refund: dict[str, Any] = {"refunds": 1, "refundAmount": Decimal("4.95")}
    assert of_the_unit(rows) == {
        "commerce/hourly/2030-01-01T10": snapshot("hourly", "2030-01-01T10") | stamps(updated=1),
        "commerce/hourly/2030-01-01T11": snapshot(
            "hourly", "2030-01-01T11", revenue=Decimal("0.10"), refundRate=Decimal(1), **refund
        )
        | stamps(created=2, updated=3),
        "commerce/daily/2030-01-01": snapshot(
            "daily",
            "2030-01-01",
            revenue=Decimal("19.90"),
            orders=2,
            refundRate=Decimal("0.5"),
            **refund,
        )
        | stamps(updated=3),
    }


def test_facts_that_arrive_out_of_order_make_the_same_hours() -> None:
    def metrics(*facts: object) -> dict[str, Any]:
        return {key: row["metrics"] for key, row in given(*facts).rows(STATE_SNAPSHOTS).items()}

    assert metrics(LATER, REFUNDED, SOLD) == metrics(SOLD, LATER, REFUNDED)


def test_refunds_in_an_hour_without_sales_have_no_rate() -> None:
    row = given(REFUNDED).row(STATE_SNAPSHOTS, "commerce/hourly/2030-01-01T11")
    assert row["metrics"] == METRICS | {
        "revenue": 0,
        "orders": 0,
        "refunds": 1,
        "refundAmount": Decimal("4.95"),
        "refundRate": None,
    }


def test_another_currency_is_kept_apart() -> None:
    dollars = replace(SOLD, order_id="o-3", currency="USD", amount=Decimal("7.01"))
    back = replace(REFUNDED, currency="USD", amount=Decimal("2.00"))
    pounds = replace(SOLD, order_id="o-4", currency="GBP", amount=Decimal(3))
    row = given(SOLD, dollars, back, pounds).row(STATE_SNAPSHOTS, "commerce/daily/2030-01-01")
    assert row["metrics"] == METRICS | {
        "orders": 3,
        "refunds": 1,
        "refundRate": Decimal("0.3333"),
        "otherCurrencies": {"USD": Decimal("5.01"), "GBP": Decimal(3)},
    }


def test_money_is_added_up_exactly() -> None:
    tenths = [replace(SOLD, order_id=f"o-{n}", amount=Decimal("0.1")) for n in range(30)]
    huge = replace(SOLD, order_id="huge", amount=Decimal("999999999999.999999"))
    row = given(*tenths, huge).row(STATE_SNAPSHOTS, "commerce/daily/2030-01-01")
    assert row["metrics"]["revenue"] == Decimal("1000000000002.999999")


def test_org_units_have_their_own_even_if_their_names_hold_slashes() -> None:
    rows = given(SOLD, replace(SOLD, org_unit_id="shop/eu")).rows(STATE_SNAPSHOTS)
    assert {row["org_unit_id"] for row in rows.values()} == {
        "business",
        "commerce",
        "shop/eu",
    }
    assert rows["shop/eu/daily/2030-01-01"] == snapshot(
        "daily", "2030-01-01", unit="shop/eu"
    ) | stamps(created=2, updated=2)


def test_the_business_is_the_sum_of_its_org_units() -> None:
    rows = given(SOLD, replace(SOLD, org_unit_id="shop/eu")).rows(STATE_SNAPSHOTS)
    assert rows["business/daily/2030-01-01"] == snapshot(
        "daily", "2030-01-01", unit="business", revenue=Decimal("39.60"), orders=2
    ) | stamps(updated=2)


def test_what_the_business_sells_itself_is_counted_once() -> None:
    rows = given(replace(SOLD, org_unit_id="business")).rows(STATE_SNAPSHOTS)
    assert set(rows) == {"business/daily/2030-01-01", "business/hourly/2030-01-01T10"}

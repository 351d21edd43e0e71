"""Orders: what was sold, to whom, and how much of it was given back."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from domain.kernel.order import OrderLine, OrderRecorded, OrderRefunded
from projections.orders import ORDERS
from tests.picture import START, changed, given, stamps

SOLD: Final = OrderRecorded(
    order_id="o-1",
    org_unit_id="commerce",
    customer_id="13047",
    country="France",
    currency="EUR",
    amount=Decimal("19.80"),
    lines=(
        OrderLine("84406B", "RACK", 3, Decimal("4.95")),
        OrderLine("71053", "LANTERN", 1, Decimal("4.95")),
    ),
    placed_at=START,
    day="2030-01-01",
    hour="2030-01-01T10",
    source="import/shop.csv",
)
REFUNDED: Final = OrderRefunded(
    order_id="o-1",
    org_unit_id="commerce",
    action_id="act-1",
    amount=Decimal("4.95"),
    currency="EUR",
    day="2030-01-02",
    hour="2030-01-02T11",
)

NEW: Final[dict[str, Any]] = {
    "id": "o-1",
    "org_unit_id": "commerce",
    "customer_id": "13047",
    "country": "France",
    "currency": "EUR",
    "amount": Decimal("19.80"),
    "refunded": Decimal(0),
    "line_count": 2,
    "placed_at": START,
    "day": "2030-01-01",
    "source": "import/shop.csv",
}


def test_a_sale_is_a_row() -> None:
    assert given(SOLD).row(ORDERS, "o-1") == NEW | stamps(updated=1)


def test_refunds_add_up() -> None:
    row = given(SOLD, REFUNDED, replace(REFUNDED, amount=Decimal("0.05"))).row(ORDERS, "o-1")
    assert row == changed(NEW, refunded=Decimal("5.00"), **stamps(updated=3))


def test_a_refund_for_an_order_that_was_never_recorded_stands_on_its_own() -> None:
    assert given(REFUNDED).row(ORDERS, "o-1") == changed(
        NEW,
        customer_id=None,
        country=None,
        amount=Decimal(0),
        refunded=Decimal("4.95"),
        line_count=0,
        placed_at=None,
        day="2030-01-02",
        source="refund without an order",
        **stamps(updated=1),
    )


def test_an_order_that_is_recorded_late_keeps_the_refund_known_before() -> None:
    row = given(REFUNDED, SOLD).row(ORDERS, "o-1")
    assert row == changed(NEW, refunded=Decimal("4.95"), **stamps(updated=2))

"""What is recorded about an order."""

from dataclasses import replace
from decimal import Decimal

from domain.kernel.order import ORDER, Order, OrderLine, OrderRecorded, OrderRefunded, record
from tests.spec import spec

given = spec(ORDER)

RECORDED = OrderRecorded(
    order_id="1001",
    org_unit_id="business",
    customer_id="c1",
    country="GB",
    currency="GBP",
    amount=Decimal("21.30"),
    lines=(
        OrderLine("MUG", "a mug", 2, Decimal("7.10")),
        OrderLine("TEA", "a tea", 1, Decimal("7.10")),
    ),
    placed_at=1_896_000_000_000_000,
    day="2030-01-30",
    hour="2030-01-30T09",
    source="shop",
)
REFUNDED = OrderRefunded(
    order_id="1001",
    org_unit_id="business",
    action_id="a1",
    amount=Decimal("7.10"),
    currency="GBP",
    day="2030-01-31",
    hour="2030-01-31T09",
)


def test_an_order_is_recorded() -> None:
    given().when(record, order=RECORDED).then(RECORDED)


def test_an_order_is_recorded_once() -> None:
    given(RECORDED).when(record, order=RECORDED).then_refused("order_exists")


def test_an_amount_is_the_sum_of_its_lines_to_the_last_cent() -> None:
    wrong = replace(RECORDED, amount=Decimal("21.31"))
    given().when(record, order=wrong).then_refused("amount_differs")


def test_a_credit_line_counts_against_the_amount() -> None:
    lines = (*RECORDED.lines, OrderLine("VOUCHER", "", -1, Decimal("1.30")))
    credited = replace(RECORDED, lines=lines, amount=Decimal("20.00"))
    given().when(record, order=credited).then(credited)


def test_refunds_add_up() -> None:
    state = ORDER.fold([RECORDED, REFUNDED, REFUNDED])
    assert state == Order(True, Decimal("21.30"), Decimal("14.20"), "c1", "GBP")


def test_a_refund_may_be_known_before_its_order() -> None:
    assert ORDER.fold([REFUNDED]) == Order(False, Decimal(0), Decimal("7.10"))
    given(REFUNDED).when(record, order=RECORDED).then(RECORDED)
    assert ORDER.fold([REFUNDED, RECORDED]) == Order(
        True, Decimal("21.30"), Decimal("7.10"), "c1", "GBP"
    )

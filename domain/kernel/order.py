"""Order: what a customer bought, as the shop recorded it, and what was refunded of it.

recorded ──► refunded ──► refunded …
`day` and `hour` are the business's own clock, written down when the order is recorded, so that
no later change of a time zone table can move a sale to another day.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.instant import Instant
from domain.core.stream import Decision, Refusal, Stream


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line: so many units of a product at a price."""

    sku: str
    description: str
    quantity: int
    unit_price: Decimal


@event("order.recorded")
class OrderRecorded:
    """A shop sold something. `day` is YYYY-MM-DD, `hour` YYYY-MM-DDTHH, both local."""

    order_id: str
    org_unit_id: str
    customer_id: str
    country: str
    currency: str
    amount: Decimal
    lines: tuple[OrderLine, ...]
    placed_at: Instant
    day: str
    hour: str
    source: str


@event("order.refunded")
class OrderRefunded:
    """Money went back to the customer."""

    order_id: str
    org_unit_id: str
    action_id: str
    amount: Decimal
    currency: str
    day: str
    hour: str


OrderEvent = OrderRecorded | OrderRefunded


@dataclass(frozen=True, slots=True)
class Order:
    """What the history so far amounts to."""

    exists: bool = False
    amount: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    customer_id: str = ""
    currency: str = ""


def evolve(state: Order, fact: OrderEvent) -> Order:
    """Take one fact into account."""
    match fact:
        case OrderRecorded():
            return replace(
                state,
                exists=True,
                amount=fact.amount,
                customer_id=fact.customer_id,
                currency=fact.currency,
            )
        case OrderRefunded():
            return replace(state, refunded=state.refunded + fact.amount)
        case _:
            assert_never(fact)


ORDER: Final = Stream(category="order", initial=Order(), evolve=evolve, events=get_args(OrderEvent))


def record(state: Order, *, order: OrderRecorded) -> Decision[OrderEvent]:
    """Record an order; its amount is the sum of its lines."""
    if state.exists:
        return Refusal("order_exists", f"order {order.order_id} is already recorded")
    total = sum((line.quantity * line.unit_price for line in order.lines), Decimal(0))
    if total != order.amount:
        return Refusal("amount_differs", f"the lines add up to {total}, not to {order.amount}")
    return (order,)

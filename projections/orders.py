"""Orders: what was sold, to whom, and how much of it was given back."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from domain.kernel.order import ORDER, OrderRecorded, OrderRefunded
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View

COLUMNS: Final = (
    Column("id"),
    Column("org_unit_id", indexed=True),
    Column("customer_id", indexed=True),
    Column("country"),
    Column("currency"),
    Column("amount", Kind.DECIMAL),
    Column("refunded", Kind.DECIMAL),
    Column("line_count", Kind.INTEGER),
    Column("placed_at", Kind.INSTANT, indexed=True),
    Column("day", indexed=True),
    Column("source"),
)


def keys(recorded: Recorded) -> Iterable[str]:
    """Return the order that a fact is about."""
    return (recorded.fact.order_id,)


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw an order; a refund for an order that was never recorded stands on its own row."""
    fact = recorded.fact
    if isinstance(fact, OrderRecorded):
        return {
            "id": fact.order_id,
            "org_unit_id": fact.org_unit_id,
            "customer_id": fact.customer_id,
            "country": fact.country,
            "currency": fact.currency,
            "amount": fact.amount,
            "refunded": row["refunded"] if row else Decimal(0),
            "line_count": len(fact.lines),
            "placed_at": fact.placed_at,
            "day": fact.day,
            "source": fact.source,
        }
    assert isinstance(fact, OrderRefunded)
    if row is not None:
        return {**row, "refunded": row["refunded"] + fact.amount}
    empty: dict[str, Any] = {column.name: None for column in COLUMNS}
    return empty | {
        "id": fact.order_id,
        "org_unit_id": fact.org_unit_id,
        "currency": fact.currency,
        "amount": Decimal(0),
        "refunded": fact.amount,
        "line_count": 0,
        "day": fact.day,
        "source": "refund without an order",
    }


ORDERS: Final = View(
    name="orders", version=1, columns=COLUMNS, facts=ORDER.events, keys=keys, draw=draw
)

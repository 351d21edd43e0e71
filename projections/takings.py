"""Takings: revenue, orders and refunds added up, exactly, in the currency of the first sale.

What was sold in another currency is kept apart, by currency, and never added to the rest.
"""

from decimal import Decimal
from typing import Any, Final

from domain.kernel.order import OrderRecorded, OrderRefunded

NOTHING: Final[dict[str, Any]] = {
    "revenue": Decimal(0),
    "orders": 0,
    "refunds": 0,
    "refundAmount": Decimal(0),
    "refundRate": None,
    "currency": None,
    "otherCurrencies": {},
}


def add(totals: dict[str, Any], fact: OrderRecorded | OrderRefunded) -> dict[str, Any]:
    """Return totals with one more sale or refund in them."""
    sold = isinstance(fact, OrderRecorded)
    new = dict(totals)
    new["currency"] = totals["currency"] or fact.currency
    new["orders"] += 1 if sold else 0
    new["refunds"] += 0 if sold else 1
    if fact.currency == new["currency"]:
        new["revenue" if sold else "refundAmount"] += fact.amount
    else:
        signed = fact.amount if sold else -fact.amount
        others = totals["otherCurrencies"]
        new["otherCurrencies"] = others | {
            fact.currency: others.get(fact.currency, Decimal(0)) + signed
        }
    new["refundRate"] = rate(new["refunds"], new["orders"])
    return new


def rate(part: int, whole: int) -> Decimal | None:
    """Return a fraction to four decimal places, or None of nothing."""
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001")) if whole else None

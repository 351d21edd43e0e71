"""Intents: what the sandbox business wants to happen, in its own words. Nothing has happened yet.

customers ──► Sale        agents ──► Proposal        whoever drives the world brings them to the log
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from domain.core.instant import Instant

SUMMARY: Final = "sandbox/summary"
"""Source of an order that stands for all sales of some hours that nobody lived through."""

LIVE: Final = "sandbox/live/"
"""Source of an order placed during a show; the creator who sold it follows."""

CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Line:
    """So many units of a product at a price."""

    sku: str
    description: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """A customer bought something."""

    order_id: str
    customer_id: str
    country: str
    placed_at: Instant
    lines: tuple[Line, ...]
    source: str

    @property
    def cents(self) -> int:
        """Return what the lines add up to."""
        return sum(line.quantity * cents(line.unit_price) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Proposal:
    """An agent would like to act."""

    agent_id: str
    action_type: str
    payload: Mapping[str, object]
    reason: str


Intent: TypeAlias = Sale | Proposal


def money(amount_cents: int) -> Decimal:
    """Return cents as an amount."""
    return (Decimal(amount_cents) / 100).quantize(CENT)


def cents(amount: object) -> int:
    """Return an amount, however the log gave it back, as cents."""
    return int(Decimal(str(amount)) * 100)

"""Requests about orders: shops and imports record what was sold."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from commands.actions import Moment, Number
from commands.kernel.business_clock import local_hour, told_instant
from commands.message import Command, Entry, Plan, Sender
from commands.planning import Currency, Errand, Key, Text, tagged
from domain.core.principal import DESK, Role
from domain.core.stream import Decision, Refusal
from domain.kernel import order
from domain.kernel.order import ORDER, OrderLine, OrderRecorded
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import Past

LINES_MAX: Final = 10_000


class Line(BaseModel):
    """One line of an order."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    sku: Annotated[str, Field(max_length=200)]
    description: Text = ""
    quantity: Annotated[int, Field(strict=True, ge=-10_000_000, le=10_000_000)]
    unit_price: Number


class RecordOrder(Command):
    """Record what was sold. A time without a zone is on the clock of the org unit."""

    order_id: Key
    org_unit_id: Key = ROOT
    customer_id: Text = ""
    country: Text = ""
    currency: Currency | None = None
    placed_at: Moment
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=LINES_MAX)]
    source: Text = ""


def record_order(cmd: RecordOrder, sender: Sender) -> Plan:
    """Plan the record of an order."""

    def decide(past: Past) -> Decision[Entry]:
        unit = past.state(ORG_UNIT, cmd.org_unit_id)
        if not unit.active:
            return Refusal("org_unit_unknown", f"org unit {cmd.org_unit_id} is not active")
        at = told_instant(datetime.fromisoformat(cmd.placed_at), unit.timezone)
        hour = local_hour(at, unit.timezone)
        lines = tuple(
            OrderLine(line.sku, line.description, line.quantity, line.unit_price)
            for line in cmd.lines
        )
        fact = OrderRecorded(
            order_id=cmd.order_id,
            org_unit_id=cmd.org_unit_id,
            customer_id=cmd.customer_id,
            country=cmd.country,
            currency=cmd.currency or unit.currency,
            amount=sum((line.quantity * line.unit_price for line in lines), Decimal(0)),
            lines=lines,
            placed_at=at,
            day=hour[:10],
            hour=hour,
            source=cmd.source,
        )
        state = past.state(ORDER, cmd.order_id)
        return tagged(ORDER, cmd.order_id, order.record(state, order=fact))

    return Errand(
        command=cmd,
        sender=sender,
        permits=DESK | {Role.SERVICE},
        subject=ORDER.at(cmd.order_id),
        reads=((ORDER, cmd.order_id), (ORG_UNIT, cmd.org_unit_id)),
        decide=decide,
        org_path=lambda past: past.state(ORG_UNIT, cmd.org_unit_id).path,
    ).plan()

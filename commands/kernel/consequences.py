"""Consequences: what a completed action means to the rest of the business.

They are appended with the completion itself, so that no reader sees one without the other.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from commands.kernel.business_clock import local_hour, told_instant
from commands.message import Entry
from domain.core.instant import Instant
from domain.kernel.action import ActionProposed
from domain.kernel.order import ORDER, OrderRefunded
from domain.kernel.org_unit import OrgUnit

Consequence: TypeAlias = Callable[[ActionProposed, OrgUnit, Instant], tuple[Entry, ...]]


def _refunded(proposal: ActionProposed, unit: OrgUnit, at: Instant) -> tuple[Entry, ...]:
    asked, requested = proposal.arguments, proposal.arguments["requestedAt"]
    when = told_instant(datetime.fromisoformat(str(requested)), unit.timezone) if requested else at
    hour = local_hour(when, unit.timezone)
    fact = OrderRefunded(
        order_id=str(asked["orderId"]),
        org_unit_id=proposal.org_unit_id,
        action_id=proposal.action_id,
        amount=Decimal(str(asked["amount"])),
        currency=str(asked["currency"]),
        day=hour[:10],
        hour=hour,
    )
    return (((ORDER.at(fact.order_id),), fact),)


_CONSEQUENCES: Final[dict[str, Consequence]] = {"process_refund": _refunded}


def consequences(proposal: ActionProposed, unit: OrgUnit, *, at: Instant) -> tuple[Entry, ...]:
    """Return the facts that follow from the completion of an action."""
    follow = _CONSEQUENCES.get(proposal.action_type)
    return () if follow is None else follow(proposal, unit, at)

"""Requests about mandates: how far a role may go alone, and who decides in whose name."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Final, Literal

from pydantic import Field

from commands.actions import Moment, Number
from commands.kernel.business_clock import told_instant
from commands.message import Command, Entry, Plan, Sender
from commands.planning import Currency, Errand, Key, Reason, amend, tagged
from domain.access.user import USER
from domain.core.principal import DESK, Role
from domain.core.stream import Decision
from domain.governor import mandate
from domain.governor.mandate import MANDATE
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import Past

_FOUNDER: Final = frozenset({Role.FOUNDER})

Most = Annotated[Number, Field(ge=0)]


class SetApprovalLimit(Command):
    """Say how much money a role may agree to, each time and within 24 hours; null is no limit."""

    role: Literal["operator", "admin"]
    currency: Currency
    each: Most | None = None
    per_day: Most | None = None
    reason: Reason


def set_approval_limit(cmd: SetApprovalLimit, sender: Sender) -> Plan:
    """Plan a limit."""
    each: Decimal | None = cmd.each
    decide = partial(
        mandate.set_limit,
        role=cmd.role,
        currency=cmd.currency,
        each=each,
        per_day=cmd.per_day,
        by=str(sender.actor),
        reason=cmd.reason,
    )
    return amend(cmd, sender, permits=_FOUNDER, stream=MANDATE, key=ROOT, decide=decide)


class DelegateApprovals(Command):
    """Let another person decide in one's own name until a time.

    A time without a zone is on the business's clock.
    """

    delegate: Key
    until: Moment
    reason: Reason


def delegate_approvals(cmd: DelegateApprovals, sender: Sender) -> Plan:
    """Plan a delegation."""

    def decide(past: Past) -> Decision[Entry]:
        timezone = past.state(ORG_UNIT, ROOT).timezone
        decision = mandate.delegate(
            past.state(MANDATE, ROOT),
            by=sender.actor,
            delegate_id=cmd.delegate,
            delegate_role=past.state(USER, cmd.delegate).role,
            until=told_instant(datetime.fromisoformat(cmd.until), timezone),
            reason=cmd.reason,
            at=sender.at,
        )
        return tagged(MANDATE, ROOT, decision)

    return Errand(
        command=cmd,
        sender=sender,
        permits=DESK,
        subject=MANDATE.at(ROOT),
        reads=((MANDATE, ROOT), (USER, cmd.delegate), (ORG_UNIT, ROOT)),
        decide=decide,
    ).plan()


class WithdrawDelegation(Command):
    """End a delegation, by default one's own."""

    delegate: Key
    delegator: Key | None = None
    reason: Reason


def withdraw_delegation(cmd: WithdrawDelegation, sender: Sender) -> Plan:
    """Plan the end of a delegation."""
    decide = partial(
        mandate.withdraw,
        delegator=cmd.delegator or sender.actor.id,
        delegate_id=cmd.delegate,
        by=sender.actor,
        reason=cmd.reason,
    )
    return amend(cmd, sender, permits=DESK, stream=MANDATE, key=ROOT, decide=decide)

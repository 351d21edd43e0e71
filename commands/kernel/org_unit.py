"""Requests about org units."""

from functools import partial
from typing import Literal

from commands.kernel.business_clock import zone
from commands.message import Command, Entry, Plan, Sender
from commands.planning import Currency, Errand, Key, Name, Reason, amend, tagged
from domain.core.principal import MANAGERS
from domain.core.stream import Decision, Refusal
from domain.kernel import org_unit
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import Past


class CreateOrgUnit(Command):
    """Add a department or a team; it keeps the parent's clock and currency unless told."""

    org_unit_id: Key
    name: Name
    type: Literal["business", "department", "team"] = "department"
    parent_id: Key = ROOT
    timezone: Name | None = None
    currency: Currency | None = None


def create_org_unit(cmd: CreateOrgUnit, sender: Sender) -> Plan:
    """Plan a new part of the business."""

    def decide(past: Past) -> Decision[Entry]:
        parent = past.state(ORG_UNIT, cmd.parent_id)
        timezone = cmd.timezone or parent.timezone
        if zone(timezone) is None:
            return Refusal("timezone_unknown", f"{timezone!r} is not an IANA time zone")
        decision = org_unit.create(
            past.state(ORG_UNIT, cmd.org_unit_id),
            parent,
            org_unit_id=cmd.org_unit_id,
            name=cmd.name,
            type=cmd.type,
            parent_id=cmd.parent_id,
            timezone=timezone,
            currency=cmd.currency or parent.currency,
        )
        return tagged(ORG_UNIT, cmd.org_unit_id, decision)

    return Errand(
        command=cmd,
        sender=sender,
        permits=MANAGERS,
        subject=ORG_UNIT.at(cmd.org_unit_id),
        reads=((ORG_UNIT, cmd.org_unit_id), (ORG_UNIT, cmd.parent_id)),
        decide=decide,
        org_path=lambda past: past.state(ORG_UNIT, cmd.parent_id).path,
    ).plan()


class DisableOrgUnit(Command):
    """Let nobody act for an org unit."""

    org_unit_id: Key
    reason: Reason


def disable_org_unit(cmd: DisableOrgUnit, sender: Sender) -> Plan:
    """Plan to close a part of the business."""
    decide = partial(org_unit.disable, org_unit_id=cmd.org_unit_id, reason=cmd.reason)
    return amend(cmd, sender, permits=MANAGERS, stream=ORG_UNIT, key=cmd.org_unit_id, decide=decide)


class EnableOrgUnit(Command):
    """Let an org unit be acted for again."""

    org_unit_id: Key


def enable_org_unit(cmd: EnableOrgUnit, sender: Sender) -> Plan:
    """Plan to open a part of the business again."""
    decide = partial(org_unit.enable, org_unit_id=cmd.org_unit_id)
    return amend(cmd, sender, permits=MANAGERS, stream=ORG_UNIT, key=cmd.org_unit_id, decide=decide)

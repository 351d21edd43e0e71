"""Founding: the one command that is heard without a law, because it makes the law."""

from typing import Final

from commands.kernel.business_clock import zone
from commands.message import Command, Entry, Plan, Sender
from commands.planning import Currency, Errand, Name, tagged
from domain.access import user
from domain.access.user import USER
from domain.core.principal import Role
from domain.core.stream import Decision, Refusal
from domain.governor import law
from domain.governor.builtin import BUILT_IN
from domain.governor.law import LAW
from domain.kernel import org_unit
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import Past

_FOUNDERS: Final = frozenset({Role.SERVICE, Role.FOUNDER})


class FoundBusiness(Command):
    """Begin: a root org unit, the law with its built-in policies, and the founder."""

    name: Name
    timezone: Name = "UTC"
    currency: Currency = "USD"


def found_business(cmd: FoundBusiness, sender: Sender) -> Plan:
    """Plan the beginning."""

    def decide(past: Past) -> Decision[Entry]:
        if zone(cmd.timezone) is None:
            return Refusal("timezone_unknown", f"{cmd.timezone!r} is not an IANA time zone")
        parts = (_law(past, cmd), _root(past, cmd), _founder(past))
        refusals = [part for part in parts if isinstance(part, Refusal)]
        if refusals:
            return refusals[0]
        return tuple(entry for part in parts if not isinstance(part, Refusal) for entry in part)

    return Errand(
        command=cmd,
        sender=sender,
        permits=_FOUNDERS,
        subject=LAW.at(ROOT),
        reads=((ORG_UNIT, ROOT), (USER, user.FOUNDER)),
        decide=decide,
        founding=True,
    ).plan()


def _law(past: Past, cmd: FoundBusiness) -> Decision[Entry]:
    state = past.state(LAW, ROOT)
    return tagged(LAW, ROOT, law.constitute(state, name=cmd.name, policies=BUILT_IN))


def _root(past: Past, cmd: FoundBusiness) -> Decision[Entry]:
    created = org_unit.create(
        past.state(ORG_UNIT, ROOT),
        None,
        org_unit_id=ROOT,
        name=cmd.name,
        type="business",
        parent_id="",
        timezone=cmd.timezone,
        currency=cmd.currency,
    )
    return tagged(ORG_UNIT, ROOT, created)


def _founder(past: Past) -> Decision[Entry]:
    state = past.state(USER, user.FOUNDER)
    role = Role.FOUNDER.value
    added = user.add(state, user_id=user.FOUNDER, name="Founder", role=role)
    return tagged(USER, user.FOUNDER, added)

"""Requests to override: a founder lets what policies denied go on, once, and answers for it."""

from typing import Final

from commands.governor.incident import filed
from commands.message import Command, Entry, Plan, Sender
from commands.planning import Errand, Key, Reason, tagged
from domain.core.canonical import digest
from domain.core.principal import Role
from domain.core.stream import Decision, Refusal
from domain.governor import incident, override
from domain.governor.incident import INCIDENT
from domain.governor.override import OVERRIDE
from domain.governor.verdict import VERDICT
from domain.ports import Past

_FOUNDER: Final = frozenset({Role.FOUNDER})


class OverrideDenial(Command):
    """Let a command go on that policies denied. `verdict_command_id` is the id of that command."""

    verdict_command_id: Key
    reason: Reason


def override_denial(cmd: OverrideDenial, sender: Sender) -> Plan:
    """Plan an override, with the incident that reviews it in the same append."""
    denied_id = cmd.verdict_command_id
    incident_id = f"inc-override-{digest(denied_id)[:24]}"

    def decide(past: Past) -> Decision[Entry]:
        denial = past.state(VERDICT, denied_id)
        decision = override.grant(
            past.state(OVERRIDE, denied_id), denial, by=sender.actor, reason=cmd.reason
        )
        entries = tagged(OVERRIDE, denied_id, decision)
        if isinstance(entries, Refusal) or not entries:
            return entries
        assert denial is not None
        opened = incident.open_incident(
            past.state(INCIDENT, incident_id),
            incident_id=incident_id,
            kind="founder_override",
            title=f"{sender.actor.id} overrode a denial of {denial.action}"[:200],
            description=f"{cmd.reason} (denied: {'; '.join(denial.reasons)})"[:2_000],
            org_unit_id=denial.org_unit_id,
            subject=OVERRIDE.at(denied_id),
            detected_by=str(sender.actor),
        )
        more = filed(incident_id, denial.org_unit_id, opened)
        return more if isinstance(more, Refusal) else (*entries, *more)

    return Errand(
        command=cmd,
        sender=sender,
        permits=_FOUNDER,
        subject=OVERRIDE.at(denied_id),
        reads=((VERDICT, denied_id), (OVERRIDE, denied_id), (INCIDENT, incident_id)),
        decide=decide,
    ).plan()

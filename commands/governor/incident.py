"""Requests about incidents."""

from collections.abc import Callable
from typing import Literal

from commands.kernel.effect import SERVICES
from commands.message import Command, Entry, Plan, Sender
from commands.planning import Errand, Key, Name, Text
from domain.core.principal import DESK, Role
from domain.core.stream import Decision, Refusal
from domain.governor import incident
from domain.governor.incident import INCIDENT, UNRESOLVED, IncidentEvent, board_of
from domain.ports import Past


def filed(incident_id: str, org_unit_id: str, decision: Decision[IncidentEvent]) -> Decision[Entry]:
    """Address facts about an incident to its own history and to the board of its org unit."""
    if isinstance(decision, Refusal):
        return decision
    tags = (INCIDENT.at(incident_id), UNRESOLVED.at(board_of(org_unit_id)))
    return tuple((tags, fact) for fact in decision)


class OpenIncident(Command):
    """Bring something to people's attention; the same thing again is counted, not repeated."""

    incident_id: Key
    kind: Name
    title: Name
    description: Text = ""
    org_unit_id: Text = ""
    subject: Text = ""


def open_incident(cmd: OpenIncident, sender: Sender) -> Plan:
    """Plan an incident."""

    def decide(past: Past) -> Decision[Entry]:
        state = past.state(INCIDENT, cmd.incident_id)
        opened = incident.open_incident(
            state,
            incident_id=cmd.incident_id,
            kind=cmd.kind,
            title=cmd.title,
            description=cmd.description,
            org_unit_id=cmd.org_unit_id,
            subject=cmd.subject,
            detected_by=str(sender.actor),
        )
        return filed(cmd.incident_id, state.org_unit_id or cmd.org_unit_id, opened)

    return _about_incident(cmd, sender, permits=SERVICES | DESK, decide=decide)


class UpdateIncident(Command):
    """Assign an incident, or move it on; resolving needs a root cause and a resolution."""

    incident_id: Key
    status: Literal["open", "investigating", "resolved", "closed"] | None = None
    assigned_to: Key | None = None
    root_cause: Text = ""
    resolution: Text = ""


def update_incident(cmd: UpdateIncident, sender: Sender) -> Plan:
    """Plan the next step of the work."""

    def decide(past: Past) -> Decision[Entry]:
        state = past.state(INCIDENT, cmd.incident_id)
        moved = incident.update(
            state,
            incident_id=cmd.incident_id,
            status=cmd.status,
            assigned_to=cmd.assigned_to,
            root_cause=cmd.root_cause,
            resolution=cmd.resolution,
            by=str(sender.actor),
        )
        return filed(cmd.incident_id, state.org_unit_id, moved)

    return _about_incident(cmd, sender, permits=DESK, decide=decide)


def _about_incident(
    cmd: OpenIncident | UpdateIncident,
    sender: Sender,
    *,
    permits: frozenset[Role],
    decide: Callable[[Past], Decision[Entry]],
) -> Plan:
    return Errand(
        command=cmd,
        sender=sender,
        permits=permits,
        subject=INCIDENT.at(cmd.incident_id),
        reads=((INCIDENT, cmd.incident_id),),
        decide=decide,
    ).plan()

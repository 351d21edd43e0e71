"""Requests about incidents."""

from functools import partial
from typing import Literal

from commands.kernel.effect import SERVICES
from commands.message import Command, Plan, Sender
from commands.planning import Key, Name, Text, amend
from domain.core.principal import DESK
from domain.governor import incident
from domain.governor.incident import INCIDENT


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
    decide = partial(
        incident.open_incident,
        incident_id=cmd.incident_id,
        kind=cmd.kind,
        title=cmd.title,
        description=cmd.description,
        org_unit_id=cmd.org_unit_id,
        subject=cmd.subject,
        detected_by=str(sender.actor),
    )
    return amend(
        cmd, sender, permits=SERVICES | DESK, stream=INCIDENT, key=cmd.incident_id, decide=decide
    )


class UpdateIncident(Command):
    """Assign an incident, or move it on; resolving needs a root cause and a resolution."""

    incident_id: Key
    status: Literal["open", "investigating", "resolved", "closed"] | None = None
    assigned_to: Key | None = None
    root_cause: Text = ""
    resolution: Text = ""


def update_incident(cmd: UpdateIncident, sender: Sender) -> Plan:
    """Plan the next step of the work."""
    decide = partial(
        incident.update,
        incident_id=cmd.incident_id,
        status=cmd.status,
        assigned_to=cmd.assigned_to,
        root_cause=cmd.root_cause,
        resolution=cmd.resolution,
        by=str(sender.actor),
    )
    return amend(cmd, sender, permits=DESK, stream=INCIDENT, key=cmd.incident_id, decide=decide)

"""Incident: something that a person has to look into.

open ──► investigating ──► resolved ──► closed
  └─ the same thing again is counted on the open incident
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.stream import Decision, Refusal, Stream

SEVERITY: Final = {
    "policy_violation": "high",
    "system_error": "critical",
    "anomaly_detected": "medium",
    "approval_timeout": "low",
    "kill_switch": "critical",
    "founder_override": "high",
}


@event("incident.opened")
class IncidentOpened:
    """Something happened that must not pass unseen. `subject` is the stream concerned."""

    incident_id: str
    kind: str
    severity: str
    title: str
    description: str
    org_unit_id: str
    subject: str
    detected_by: str


@event("incident.repeated")
class IncidentRepeated:
    """It happened again before anybody closed the incident."""

    incident_id: str
    description: str
    subject: str


@event("incident.assigned")
class IncidentAssigned:
    """A person took it on."""

    incident_id: str
    assigned_to: str
    by: str


@event("incident.moved")
class IncidentMoved:
    """A person changed where the work on it stands."""

    incident_id: str
    status: str
    root_cause: str
    resolution: str
    by: str


IncidentEvent = IncidentOpened | IncidentRepeated | IncidentAssigned | IncidentMoved


class Stage(Enum):
    """How far the work has come."""

    UNKNOWN = "unknown"
    OPEN = "open"
    INVESTIGATING = "investigating"
    RESOLVED = "resolved"
    CLOSED = "closed"


_NEXT: Final = {
    Stage.OPEN: {Stage.INVESTIGATING, Stage.RESOLVED},
    Stage.INVESTIGATING: {Stage.OPEN, Stage.RESOLVED},
    Stage.RESOLVED: {Stage.INVESTIGATING, Stage.CLOSED},
    Stage.CLOSED: {Stage.INVESTIGATING},
}


@dataclass(frozen=True, slots=True)
class Incident:
    """What the history so far amounts to."""

    stage: Stage = Stage.UNKNOWN
    assigned_to: str = ""
    org_unit_id: str = ""


def evolve(state: Incident, fact: IncidentEvent) -> Incident:
    """Take one fact into account."""
    match fact:
        case IncidentOpened():
            return Incident(Stage.OPEN, org_unit_id=fact.org_unit_id)
        case IncidentRepeated():
            return state
        case IncidentAssigned():
            return replace(state, assigned_to=fact.assigned_to)
        case IncidentMoved():
            return replace(state, stage=Stage(fact.status))
        case _:
            assert_never(fact)


INCIDENT: Final = Stream(
    category="incident",
    initial=Incident(),
    evolve=evolve,
    events=get_args(IncidentEvent),
)

CRITICAL: Final = "critical"


@dataclass(frozen=True, slots=True)
class Unresolved:
    """The incidents of one org unit that somebody has yet to resolve, with their severity."""

    severities: Mapping[str, str] = field(default_factory=dict)

    @property
    def critical(self) -> int:
        """Count the worst of them."""
        return sum(each == CRITICAL for each in self.severities.values())


def _board(state: Unresolved, fact: IncidentEvent) -> Unresolved:
    match fact:
        case IncidentOpened():
            return Unresolved({**state.severities, fact.incident_id: fact.severity})
        case IncidentMoved(status="resolved" | "closed"):
            left = {id: each for id, each in state.severities.items() if id != fact.incident_id}
            return Unresolved(left)
        case IncidentMoved() if fact.incident_id not in state.severities:  # opened again
            return Unresolved({**state.severities, fact.incident_id: CRITICAL})
        case _:
            return state


UNRESOLVED: Final = Stream(
    category="board",
    initial=Unresolved(),
    evolve=_board,
    events=INCIDENT.events,
    remembered=True,
)
"""The same facts once more, found by their org unit."""


def board_of(org_unit_id: str) -> str:
    """Return the key of the unresolved incidents of an org unit, "" for the whole business."""
    return org_unit_id or "*"


def open_incident(
    state: Incident,
    *,
    incident_id: str,
    kind: str,
    title: str,
    description: str,
    org_unit_id: str,
    subject: str,
    detected_by: str,
) -> Decision[IncidentEvent]:
    """Open an incident, or count one more time what is open already."""
    if kind not in SEVERITY:
        return Refusal("kind_unknown", f"{kind!r} is not one of {', '.join(SEVERITY)}")
    if state.stage in (Stage.OPEN, Stage.INVESTIGATING):
        return (
            IncidentRepeated(incident_id=incident_id, description=description, subject=subject),
        )
    return (
        IncidentOpened(
            incident_id=incident_id,
            kind=kind,
            severity=SEVERITY[kind],
            title=title,
            description=description,
            org_unit_id=org_unit_id,
            subject=subject,
            detected_by=detected_by,
        ),
    )


def update(
    state: Incident,
    *,
    incident_id: str,
    status: str | None,
    assigned_to: str | None,
    root_cause: str,
    resolution: str,
    by: str,
) -> Decision[IncidentEvent]:
    """Assign an incident, or move it on; resolving needs a root cause and a resolution."""
    if state.stage is Stage.UNKNOWN:
        return Refusal("incident_unknown", f"no incident is called {incident_id}")
    facts: list[IncidentEvent] = []
    if assigned_to is not None and assigned_to != state.assigned_to:
        facts.append(IncidentAssigned(incident_id=incident_id, assigned_to=assigned_to, by=by))
    if status is not None and status != state.stage.value:
        if status not in {stage.value for stage in _NEXT[state.stage]}:
            return Refusal(
                "move_impossible", f"an incident that is {state.stage.value} cannot become {status}"
            )
        if status == Stage.RESOLVED.value and not (root_cause.strip() and resolution.strip()):
            return Refusal("resolution_missing", "resolving needs a root cause and a resolution")
        facts.append(
            IncidentMoved(
                incident_id=incident_id,
                status=status,
                root_cause=root_cause,
                resolution=resolution,
                by=by,
            )
        )
    return tuple(facts)

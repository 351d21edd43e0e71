"""Incidents: what a person has to look into, with the whole story on one row."""

from typing import Any, Final

from domain.core.instant import written
from domain.governor.incident import (
    INCIDENT,
    IncidentAssigned,
    IncidentMoved,
    IncidentOpened,
    IncidentRepeated,
)
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View, one_key

TIMELINE_MAX: Final = 200
"""Steps kept on the row; the log keeps them all."""

COLUMNS: Final = (
    Column("id"),
    Column("severity", indexed=True),
    Column("type", indexed=True),
    Column("title"),
    Column("description"),
    Column("org_unit_id", indexed=True),
    Column("status", indexed=True),
    Column("task_id"),
    Column("workflow_id"),
    Column("run_id"),
    Column("subject"),
    Column("occurrences", Kind.INTEGER),
    Column("root_cause"),
    Column("resolution"),
    Column("detected_by"),
    Column("assigned_to"),
    Column("resolved_at", Kind.INSTANT),
    Column("timeline", Kind.JSON),
)


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw an incident as it stands; a new one of the same name continues the story."""
    fact = recorded.fact
    if isinstance(fact, IncidentOpened):
        drawn = _opened(fact, row)
    else:
        assert row is not None, f"{recorded.type} of an incident that nobody opened"
        drawn = {**row, **_change(row, recorded)}
    story = [*(row["timeline"] if row else ()), _step(recorded)]
    drawn["timeline"] = story[-TIMELINE_MAX:]
    return drawn


def _opened(fact: IncidentOpened, row: Row | None) -> dict[str, Any]:
    empty = {column.name: None for column in COLUMNS}
    return empty | {
        "id": fact.incident_id,
        "severity": fact.severity,
        "type": fact.kind,
        "title": fact.title,
        "description": fact.description,
        "org_unit_id": fact.org_unit_id,
        "status": "open",
        "subject": fact.subject,
        "occurrences": (row["occurrences"] if row else 0) + 1,
        "detected_by": fact.detected_by,
    }


def _change(row: Row, recorded: Recorded) -> dict[str, Any]:
    match recorded.fact:
        case IncidentRepeated(description=description, subject=subject):
            again = {"occurrences": row["occurrences"] + 1}
            return again | {"description": description, "subject": subject}
        case IncidentAssigned(assigned_to=assigned_to):
            return {"assigned_to": assigned_to}
        case IncidentMoved() as fact:
            done = fact.status == "resolved"
            return {
                "status": fact.status,
                "root_cause": fact.root_cause or row["root_cause"],
                "resolution": fact.resolution or row["resolution"],
                "resolved_at": recorded.occurred_at if done else row["resolved_at"],
            }
        case _:
            return {}


def _step(recorded: Recorded) -> dict[str, Any]:
    step: dict[str, Any] = {"at": written(recorded.occurred_at), "by": recorded.actor}
    match recorded.fact:
        case IncidentOpened(description=description):
            return step | {"what": "opened", "text": description}
        case IncidentRepeated(description=description):
            return step | {"what": "happened again", "text": description}
        case IncidentAssigned(assigned_to=assigned_to):
            return step | {"what": "assigned", "text": assigned_to}
        case IncidentMoved() as fact:
            return step | {"what": fact.status, "text": fact.resolution or fact.root_cause}
        case _:
            return step


INCIDENTS: Final = View(
    name="incidents",
    version=1,
    columns=COLUMNS,
    facts=INCIDENT.events,
    keys=one_key("incident_id"),
    draw=draw,
)

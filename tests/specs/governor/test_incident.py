"""How an incident is worked on."""

from dataclasses import replace
from typing import Any

import pytest

from domain.governor.incident import (
    INCIDENT,
    SEVERITY,
    IncidentAssigned,
    IncidentEvent,
    IncidentMoved,
    IncidentOpened,
    IncidentRepeated,
    Stage,
    open_incident,
    update,
)
from tests.spec import spec

given = spec(INCIDENT)

OPENED = IncidentOpened(
    incident_id="i1",
    kind="policy_violation",
    severity="high",
    title="support was denied process_payout",
    description="reconciliation not complete",
    org_unit_id="business",
    subject="action:a1",
    detected_by="system:governor",
)
REPEATED = IncidentRepeated(
    incident_id="i1", description="reconciliation not complete", subject="action:a1"
)
ASSIGNED = IncidentAssigned(incident_id="i1", assigned_to="olga", by="user:grace")


def moved(status: str, root_cause: str = "", resolution: str = "") -> IncidentMoved:
    return IncidentMoved(
        incident_id="i1",
        status=status,
        root_cause=root_cause,
        resolution=resolution,
        by="user:grace",
    )


INVESTIGATING = moved("investigating")
REOPENED = moved("open")
RESOLVED = moved("resolved", "late statement", "imported it")
CLOSED = moved("closed")
HISTORIES: dict[str, tuple[IncidentEvent, ...]] = {
    "open": (OPENED,),
    "investigating": (OPENED, INVESTIGATING),
    "resolved": (OPENED, RESOLVED),
    "closed": (OPENED, RESOLVED, CLOSED),
}
ASKED: dict[str, Any] = {
    "incident_id": "i1",
    "kind": "policy_violation",
    "title": "support was denied process_payout",
    "description": "reconciliation not complete",
    "org_unit_id": "business",
    "subject": "action:a1",
    "detected_by": "system:governor",
}
UPDATE: dict[str, Any] = {
    "incident_id": "i1",
    "status": None,
    "assigned_to": None,
    "root_cause": "",
    "resolution": "",
    "by": "user:grace",
}
MOVES = {
    ("open", "investigating"),
    ("open", "resolved"),
    ("investigating", "open"),
    ("investigating", "resolved"),
    ("resolved", "investigating"),
    ("resolved", "closed"),
    ("closed", "investigating"),
}


def test_an_incident_is_opened() -> None:
    given().when(open_incident, **ASKED).then(OPENED)


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("policy_violation", "high"),
        ("system_error", "critical"),
        ("anomaly_detected", "medium"),
        ("approval_timeout", "low"),
        ("kill_switch", "critical"),
    ],
)
def test_each_kind_has_its_severity(kind: str, severity: str) -> None:
    given().when(open_incident, **{**ASKED, "kind": kind}).then(
        replace(OPENED, kind=kind, severity=severity)
    )


def test_no_kind_is_left_without_a_test() -> None:
    assert set(SEVERITY) == {
        "policy_violation",
        "system_error",
        "anomaly_detected",
        "approval_timeout",
        "kill_switch",
        "founder_override",
    }


def test_an_incident_is_of_a_known_kind() -> None:
    given().when(open_incident, **{**ASKED, "kind": "mishap"}).then_refused("kind_unknown")


@pytest.mark.parametrize("status", ["open", "investigating"])
def test_the_same_thing_again_is_counted_while_somebody_works_on_it(status: str) -> None:
    given(*HISTORIES[status]).when(open_incident, **ASKED).then(REPEATED)


def test_counting_changes_nothing_else() -> None:
    assert INCIDENT.fold([OPENED, ASSIGNED, REPEATED]) == INCIDENT.fold([OPENED, ASSIGNED])


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_the_same_thing_after_the_end_is_opened_anew(status: str) -> None:
    given(*HISTORIES[status]).when(open_incident, **ASKED).then(OPENED)


def test_an_incident_is_assigned() -> None:
    given(OPENED).when(update, **{**UPDATE, "assigned_to": "olga"}).then(ASSIGNED)


def test_assigning_twice_is_assigning_once() -> None:
    given(OPENED, ASSIGNED).when(update, **{**UPDATE, "assigned_to": "olga"}).then_nothing()


def test_an_incident_is_assigned_and_moved_at_once() -> None:
    asked = {**UPDATE, "assigned_to": "olga", "status": "investigating"}
    given(OPENED).when(update, **asked).then(ASSIGNED, INVESTIGATING)


def test_an_unknown_incident_is_not_updated() -> None:
    given().when(update, **{**UPDATE, "status": "investigating"}).then_refused("incident_unknown")


@pytest.mark.parametrize("before", HISTORIES)
@pytest.mark.parametrize("after", [*HISTORIES, "unknown", "forgotten"])
def test_an_incident_moves_only_along_its_road(before: str, after: str) -> None:
    asked = {**UPDATE, "status": after, "root_cause": "a cause", "resolution": "a cure"}
    when = given(*HISTORIES[before]).when(update, **asked)
    if before == after:
        when.then_nothing()
    elif (before, after) in MOVES:
        when.then(moved(after, "a cause", "a cure"))
    else:
        when.then_refused("move_impossible")


@pytest.mark.parametrize(
    ("root_cause", "resolution"), [("", ""), ("a cause", ""), ("", "a cure"), (" ", "\n")]
)
def test_resolving_needs_a_root_cause_and_a_resolution(root_cause: str, resolution: str) -> None:
    asked = {
        **UPDATE,
        "status": "resolved",
        "root_cause": root_cause,
        "resolution": resolution,
    }
    given(OPENED).when(update, **asked).then_refused("resolution_missing")


def test_asking_for_nothing_changes_nothing() -> None:
    given(OPENED).when(update, **UPDATE).then_nothing()


@pytest.mark.parametrize("status", HISTORIES)
def test_a_history_amounts_to_its_last_status(status: str) -> None:
    assert INCIDENT.fold(HISTORIES[status]).stage is Stage(status)
    assert INCIDENT.fold([*HISTORIES[status], ASSIGNED]).assigned_to == "olga"

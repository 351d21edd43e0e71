"""Incidents: what a person has to look into, with the whole story on one row."""

from typing import Any, Final

import pytest

from domain.core.instant import written
from domain.governor.incident import (
    IncidentAssigned,
    IncidentMoved,
    IncidentOpened,
    IncidentRepeated,
)
from projections.incidents import INCIDENTS, TIMELINE_MAX
from tests.picture import at, by, changed, columns, given, spec, stamps

OPENED: Final = IncidentOpened(
    incident_id="inc-1",
    kind="policy_violation",
    severity="high",
    title="ads was denied increase_ad_spend",
    description="cash runway below 30 days",
    org_unit_id="marketing",
    subject="action:act-1",
    detected_by="system:governor",
)
REPEATED: Final = IncidentRepeated(
    incident_id="inc-1", description="once more", subject="action:act-2"
)
ASSIGNED: Final = IncidentAssigned(incident_id="inc-1", assigned_to="ada", by="user:founder")


def moved(status: str, root_cause: str = "", resolution: str = "") -> IncidentMoved:
    return IncidentMoved(
        incident_id="inc-1",
        status=status,
        root_cause=root_cause,
        resolution=resolution,
        by="user:ada",
    )


def step(nth: int, what: str, text: str, who: str = "user:founder") -> dict[str, str]:
    return {"at": written(at(nth)), "by": who, "what": what, "text": text}


FIRST: Final = step(1, "opened", "cash runway below 30 days", "system:governor")
DETECTED: Final = by("system:governor", OPENED)
NEW: Final[dict[str, Any]] = {
    "id": "inc-1",
    "severity": "high",
    "type": "policy_violation",
    "title": "ads was denied increase_ad_spend",
    "description": "cash runway below 30 days",
    "org_unit_id": "marketing",
    "status": "open",
    "task_id": None,
    "workflow_id": None,
    "run_id": None,
    "subject": "action:act-1",
    "occurrences": 1,
    "root_cause": None,
    "resolution": None,
    "detected_by": "system:governor",
    "assigned_to": None,
    "resolved_at": None,
    "timeline": [FIRST],
}


def test_every_column_of_the_spec_exists() -> None:
    assert columns(INCIDENTS) >= spec(
        "id severity type title description org_unit_id task_id workflow_id run_id root_cause"
        " resolution detected_by assigned_to resolved_at timeline status"
    )


def test_an_incident_opens() -> None:
    assert given(DETECTED).row(INCIDENTS, "inc-1") == NEW | stamps(updated=1)


def test_the_same_thing_again_is_counted_and_shows_the_newest() -> None:
    row = given(DETECTED, by("system:governor", REPEATED)).row(INCIDENTS, "inc-1")
    again = step(2, "happened again", "once more", "system:governor")
    assert row == changed(
        NEW,
        occurrences=2,
        description="once more",
        subject="action:act-2",
        timeline=[FIRST, again],
        **stamps(updated=2),
    )


def test_the_work_on_it_is_a_story() -> None:
    row = given(
        DETECTED,
        ASSIGNED,
        by("user:ada", moved("investigating")),
        by("user:ada", moved("resolved", "a loop in the agent", "prompt fixed")),
        by("user:ada", moved("closed")),
    ).row(INCIDENTS, "inc-1")
    assert row == changed(
        NEW,
        status="closed",
        assigned_to="ada",
        root_cause="a loop in the agent",
        resolution="prompt fixed",
        resolved_at=at(4),
        timeline=[
            FIRST,
            step(2, "assigned", "ada"),
            step(3, "investigating", "", "user:ada"),
            step(4, "resolved", "prompt fixed", "user:ada"),
            step(5, "closed", "", "user:ada"),
        ],
        **stamps(updated=5),
    )


def test_what_was_resolved_and_happens_again_is_open_on_the_same_row() -> None:
    row = given(DETECTED, moved("resolved", "a loop", "fixed"), DETECTED).row(INCIDENTS, "inc-1")
    story = [FIRST, step(2, "resolved", "fixed"), {**FIRST, "at": written(at(3))}]
    assert row == changed(NEW, occurrences=2, timeline=story, **stamps(updated=3))


def test_a_long_story_keeps_its_end_and_counts_everything() -> None:
    row = given(DETECTED, *[REPEATED] * TIMELINE_MAX).row(INCIDENTS, "inc-1")
    assert (len(row["timeline"]), row["occurrences"]) == (TIMELINE_MAX, TIMELINE_MAX + 1)
    assert row["timeline"][0] == step(2, "happened again", "once more")


def test_a_step_of_what_nobody_opened_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match="nobody opened"):
        given(REPEATED).rows(INCIDENTS)

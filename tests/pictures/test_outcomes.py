"""Outcomes: what each action was worth, as last measured."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from domain.kernel.outcome import OutcomeRecorded
from projections.outcomes import OUTCOMES
from tests.picture import changed, columns, given, spec, stamps

MEASURED: Final = OutcomeRecorded(
    outcome_id="out-1",
    action_id="act-1",
    org_unit_id="commerce",
    success=True,
    result={"reference": "refund-000001"},
    reward_score=Decimal(1),
    metrics={"latencyMs": 412, "costUsd": "0.01"},
    feedback="",
    evaluator="system:dispatcher",
)
CORRECTED: Final = replace(
    MEASURED,
    success=False,
    reward_score=Decimal("0.25"),
    feedback="wrong customer",
    evaluator="user:ada",
)

NEW: Final[dict[str, Any]] = {
    "id": "out-1",
    "task_id": None,
    "action_id": "act-1",
    "decision_id": None,
    "goal_id": None,
    "org_unit_id": "commerce",
    "result": {"reference": "refund-000001"},
    "reward_score": Decimal(1),
    "metrics": {"latencyMs": 412, "costUsd": "0.01"},
    "success": True,
    "feedback": "",
    "evaluator": "system:dispatcher",
    "criteria_scores": {},
}


def test_every_column_of_the_spec_exists() -> None:
    assert columns(OUTCOMES) >= spec(
        "id task_id action_id decision_id goal_id result reward_score metrics success feedback"
        " evaluator criteria_scores"
    )


def test_an_outcome_is_a_row() -> None:
    assert given(MEASURED).row(OUTCOMES, "out-1") == NEW | stamps(updated=1)


def test_a_correction_takes_its_place() -> None:
    assert given(MEASURED, CORRECTED).row(OUTCOMES, "out-1") == changed(
        NEW,
        success=False,
        reward_score=Decimal("0.25"),
        feedback="wrong customer",
        evaluator="user:ada",
        **stamps(updated=2),
    )

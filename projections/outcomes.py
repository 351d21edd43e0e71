"""Outcomes: what each action was worth, as last measured."""

from typing import Any, Final

from domain.kernel.outcome import OUTCOME, OutcomeRecorded
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View, one_key

COLUMNS: Final = (
    Column("id"),
    Column("task_id"),
    Column("action_id", indexed=True),
    Column("decision_id"),
    Column("goal_id"),
    Column("org_unit_id", indexed=True),
    Column("result", Kind.JSON),
    Column("reward_score", Kind.DECIMAL),
    Column("metrics", Kind.JSON),
    Column("success", Kind.BOOLEAN, indexed=True),
    Column("feedback"),
    Column("evaluator"),
    Column("criteria_scores", Kind.JSON),
)


def draw(_row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw the newest measurement."""
    fact: OutcomeRecorded = recorded.fact
    return {
        "id": fact.outcome_id,
        "task_id": None,
        "action_id": fact.action_id,
        "decision_id": None,
        "goal_id": None,
        "org_unit_id": fact.org_unit_id,
        "result": fact.result,
        "reward_score": fact.reward_score,
        "metrics": fact.metrics,
        "success": fact.success,
        "feedback": fact.feedback,
        "evaluator": fact.evaluator,
        "criteria_scores": {},
    }


OUTCOMES: Final = View(
    name="outcomes",
    version=1,
    columns=COLUMNS,
    facts=OUTCOME.events,
    keys=one_key("outcome_id"),
    draw=draw,
)

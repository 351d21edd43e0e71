"""Actions: what agents and people meant to do, and what became of it. One row an action."""

from typing import Any, Final

from domain.kernel.action import (
    ACTION,
    ActionAuthorized,
    ActionCancelled,
    ActionCompleted,
    ActionDenied,
    ActionExpired,
    ActionFailed,
    ActionHeld,
    ActionProposed,
    ActionStarted,
)
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View, one_key

COLUMNS: Final = (
    Column("id"),
    Column("task_id"),
    Column("run_id"),
    Column("step_id"),
    Column("agent_id", indexed=True),
    Column("org_unit_id", indexed=True),
    Column("action_type", indexed=True),
    Column("tool_name"),
    Column("operation"),
    Column("arguments", Kind.JSON),
    Column("reason"),
    Column("requested_by"),
    Column("status", indexed=True),
    Column("result", Kind.JSON),
    Column("error_message"),
    Column("latency_ms", Kind.INTEGER),
    Column("cost_usd", Kind.DECIMAL),
    Column("retry_count", Kind.INTEGER),
    Column("attempts", Kind.INTEGER),
    Column("verdict_id"),
    Column("approval_id"),
    Column("payload_hash"),
    Column("started_at", Kind.INSTANT),
    Column("completed_at", Kind.INSTANT),
)


def _proposed(fact: ActionProposed, recorded: Recorded) -> dict[str, Any]:
    empty = {column.name: None for column in COLUMNS}
    return empty | {
        "id": fact.action_id,
        "agent_id": fact.agent_id,
        "org_unit_id": fact.org_unit_id,
        "action_type": fact.action_type,
        "tool_name": fact.action_type,
        "operation": "execute",
        "arguments": fact.arguments,
        "reason": fact.reason,
        "requested_by": recorded.actor,
        "status": "proposed",
        "retry_count": 0,
        "attempts": 0,
        "verdict_id": recorded.causation_id,
        "payload_hash": fact.payload_hash,
    }


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw an action as it stands."""
    fact = recorded.fact
    if isinstance(fact, ActionProposed):
        return _proposed(fact, recorded)
    assert row is not None, f"{recorded.type} of an action that nobody proposed"
    return {**row, **_change(recorded)}


def _change(recorded: Recorded) -> dict[str, Any]:
    at = recorded.occurred_at
    match recorded.fact:
        case ActionHeld() as fact:
            return {"status": "awaiting_approval", "approval_id": fact.approval_id}
        case ActionAuthorized() as fact:
            verdict = {"verdict_id": recorded.causation_id}
            return verdict | {"status": "authorized", "approval_id": fact.approval_id or None}
        case ActionDenied() as fact:
            return {"status": "denied", "error_message": "; ".join(fact.reasons)}
        case ActionExpired():
            return {"status": "expired", "completed_at": at}
        case ActionCancelled() as fact:
            return {"status": "cancelled", "error_message": fact.reason, "completed_at": at}
        case ActionStarted() as fact:
            return {"status": "running", "started_at": at, "attempts": fact.attempt}
        case ActionCompleted() as fact:
            return _end(fact, at) | {"status": "completed", "result": fact.result}
        case ActionFailed() as fact:
            return _end(fact, at) | {"status": "failed", "error_message": fact.error_message}
        case _:
            return {}


def _end(fact: ActionCompleted | ActionFailed, at: int) -> dict[str, Any]:
    return {
        "latency_ms": fact.latency_ms,
        "cost_usd": fact.cost_usd,
        "retry_count": fact.retry_count,
        "completed_at": at,
    }


ACTIONS: Final = View(
    name="actions",
    version=1,
    columns=COLUMNS,
    facts=ACTION.events,
    keys=one_key("action_id"),
    draw=draw,
)

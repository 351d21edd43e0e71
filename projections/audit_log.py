"""Audit log: one row a command: who asked what, what the governor looked at, what changed.

The first event of an append is its verdict; the facts that it allowed follow and share its row.
`previous_hash` and `current_hash` are the chain around the verdict, for a person's eye; the
proof is in the log.
"""

from collections.abc import Iterable
from typing import Any, Final

from domain.governor.verdict import VerdictRecorded
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View

COLUMNS: Final = (
    Column("id"),
    Column("position", Kind.INTEGER, indexed=True),
    Column("timestamp", Kind.INSTANT, indexed=True),
    Column("entity_type", indexed=True),
    Column("entity_id", indexed=True),
    Column("action", indexed=True),
    Column("actor_type", indexed=True),
    Column("actor_id", indexed=True),
    Column("actor_role"),
    Column("outcome", indexed=True),
    Column("input", Kind.JSON),
    Column("output", Kind.JSON),
    Column("policy_checks", Kind.JSON),
    Column("approval"),
    Column("changes", Kind.JSON),
    Column("metadata", Kind.JSON),
    Column("previous_hash"),
    Column("current_hash"),
)


def keys(recorded: Recorded) -> Iterable[str]:
    """Return the command that an event came from."""
    return (recorded.id.rpartition(":")[0],)


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw a verdict, then add each fact that followed from it."""
    if isinstance(recorded.fact, VerdictRecorded):
        return _judged(recorded.fact, recorded)
    assert row is not None, f"{recorded.type} at {recorded.position} has no verdict"
    change = {"position": recorded.position, "type": recorded.type, "fact": recorded.fact}
    return {**row, "changes": [*row["changes"], change]}


def _judged(fact: VerdictRecorded, recorded: Recorded) -> dict[str, Any]:
    entity_type, _, entity_id = fact.subject.partition(":")
    return {
        "id": fact.command_id,
        "position": recorded.position,
        "timestamp": recorded.occurred_at,
        "entity_type": entity_type,
        "entity_id": entity_id,
        "action": fact.action,
        "actor_type": fact.actor_id.partition(":")[0],
        "actor_id": fact.actor_id.partition(":")[2],
        "actor_role": fact.actor_role,
        "outcome": fact.outcome,
        "input": fact.request,
        "output": {"outcome": fact.outcome, "code": fact.code, "reasons": fact.reasons},
        "policy_checks": {
            "effect": fact.effect,
            "findings": fact.findings,
            "objections": fact.objections,
            "readings": fact.readings,
            "killSwitch": fact.kill_switch,
        },
        "approval": fact.approval_id or None,
        "changes": [],
        "metadata": {
            "command": fact.command,
            "payloadHash": fact.payload_hash,
            "lawHash": fact.law_hash,
            "engineVersion": fact.engine_version,
            "asOf": fact.as_of,
            "correlationId": recorded.correlation_id,
        },
        "previous_hash": recorded.previous_hash,
        "current_hash": recorded.hash,
    }


AUDIT_LOG: Final = View(
    name="audit_log", version=1, columns=COLUMNS, facts=(), keys=keys, draw=draw
)

"""Approvals: what waits for a person, what they were shown, and what they said."""

from typing import Any, Final

from domain.governor.approval import (
    APPROVAL,
    ApprovalCancelled,
    ApprovalConsumed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalRequested,
)
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View, one_key

COLUMNS: Final = (
    Column("id"),
    Column("type", indexed=True),
    Column("entity_id", indexed=True),
    Column("action", indexed=True),
    Column("status", indexed=True),
    Column("requested_by"),
    Column("org_unit_id", indexed=True),
    Column("approver_role", indexed=True),
    Column("reason"),
    Column("risk_factors", Kind.JSON),
    Column("triggering_policies", Kind.JSON),
    Column("context", Kind.JSON),
    Column("amount", Kind.DECIMAL),
    Column("currency"),
    Column("payload_hash"),
    Column("expires_at", Kind.INSTANT, indexed=True),
    Column("decided_by"),
    Column("decided_at", Kind.INSTANT),
    Column("notes"),
    Column("info_requests", Kind.JSON),
)


def _requested(fact: ApprovalRequested) -> dict[str, Any]:
    return {
        "id": fact.approval_id,
        "type": fact.kind,
        "entity_id": fact.entity_id,
        "action": fact.action,
        "status": "pending",
        "requested_by": fact.requested_by,
        "org_unit_id": fact.org_unit_id,
        "approver_role": fact.approver_role,
        "reason": "; ".join(fact.reasons),
        "risk_factors": fact.reasons,
        "triggering_policies": fact.triggers,
        "context": fact.request,
        "amount": fact.amount or None,
        "currency": fact.currency,
        "payload_hash": fact.payload_hash,
        "expires_at": fact.expires_at,
        "decided_by": None,
        "decided_at": None,
        "notes": None,
        "info_requests": (),
    }


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw an approval as it stands."""
    fact = recorded.fact
    if isinstance(fact, ApprovalRequested):
        return _requested(fact)
    assert row is not None, f"{recorded.type} of an approval that nobody requested"
    return {**row, **_change(recorded)}


def _change(recorded: Recorded) -> dict[str, Any]:
    at = recorded.occurred_at
    match recorded.fact:
        case ApprovalGranted(by=by, notes=notes):
            return {"status": "approved", "decided_by": by, "decided_at": at, "notes": notes}
        case ApprovalRejected(by=by, reason=reason):
            return {"status": "rejected", "decided_by": by, "decided_at": at, "notes": reason}
        case ApprovalExpired():
            return {"status": "expired", "decided_at": at}
        case ApprovalCancelled(reason=reason):
            return {"status": "cancelled", "notes": reason}
        case ApprovalConsumed():
            return {"status": "consumed"}
        case _:
            return {}


APPROVALS: Final = View(
    name="approvals",
    version=1,
    columns=COLUMNS,
    facts=APPROVAL.events,
    keys=one_key("approval_id"),
    draw=draw,
)

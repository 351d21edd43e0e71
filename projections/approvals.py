"""Approvals: what waits for people, what they were shown, and what they said.

requested ──► pending ──► approved ──► consumed | rejected | expired | cancelled
               └─ endorsements, questions with their answers, steps of the ladder
"""

from typing import Any, Final

from domain.core.instant import written
from domain.governor.approval import (
    APPROVAL,
    ApprovalAmended,
    ApprovalCancelled,
    ApprovalConsumed,
    ApprovalEndorsed,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalRequested,
    InformationGiven,
    InformationRequested,
    step_due_at,
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
    Column("demands", Kind.JSON),
    Column("authors", Kind.JSON),
    Column("endorsements", Kind.JSON),
    Column("requested_at", Kind.INSTANT),
    Column("escalation_step", Kind.INTEGER),
    Column("next_step_at", Kind.INSTANT, indexed=True),
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
        "demands": [{"role": each.role, "count": each.count} for each in fact.demands],
        "authors": fact.authors,
        "endorsements": (),
        "requested_at": fact.requested_at,
        "escalation_step": 0,
        "next_step_at": step_due_at(fact.requested_at, fact.expires_at, 1),
    }


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw an approval as it stands."""
    fact = recorded.fact
    if isinstance(fact, ApprovalRequested):
        return _requested(fact)
    assert row is not None, f"{recorded.type} of an approval that nobody requested"
    change = _talk(row, recorded) or _change(row, recorded)
    over = {"next_step_at": None} if "status" in change else {}
    return {**row, **change, **over}


def _talk(row: Row, recorded: Recorded) -> dict[str, Any]:
    """Return what was said while the request stayed open."""
    at = written(recorded.occurred_at)
    match recorded.fact:
        case ApprovalEndorsed(by=by, on_behalf_of=principal, notes=notes):
            yes = _yes(by, principal, notes, at)
            return {"endorsements": (*row["endorsements"], yes)}
        case InformationRequested(by=by, question=question):
            asked = {"by": by, "question": question, "at": at, "answers": ()}
            return {"info_requests": (*row["info_requests"], asked)}
        case InformationGiven(by=by, text=text):
            *earlier, asked = row["info_requests"]
            answers = (*asked["answers"], {"by": by, "text": text, "at": at})
            return {"info_requests": (*earlier, {**asked, "answers": answers})}
        case ApprovalEscalated(step=step):
            due = step_due_at(row["requested_at"], row["expires_at"], step + 1)
            return {"escalation_step": step, "next_step_at": due}
        case _:
            return {}


def _yes(by: str, principal: str, notes: str, at: str) -> dict[str, Any]:
    return {"by": by, "onBehalfOf": principal, "notes": notes, "at": at}


def _change(row: Row, recorded: Recorded) -> dict[str, Any]:
    at = recorded.occurred_at
    match recorded.fact:
        case ApprovalGranted(by=by, notes=notes):
            yeses = row["endorsements"]
            if all(each["by"] != by for each in yeses):
                yeses = (*yeses, _yes(by, "", notes, written(at)))
            decided = {"decided_by": by, "decided_at": at, "notes": notes}
            return {"status": "approved", "endorsements": yeses, **decided}
        case ApprovalRejected(by=by, reason=reason):
            return {"status": "rejected", "decided_by": by, "decided_at": at, "notes": reason}
        case ApprovalAmended(by=by):
            return {"decided_by": by, "decided_at": at}
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
    version=2,
    columns=COLUMNS,
    facts=APPROVAL.events,
    keys=one_key("approval_id"),
    draw=draw,
)

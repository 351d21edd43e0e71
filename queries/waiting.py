"""What waits for people, and how requests like one of them ended before.

digest   count, money by currency, the oldest, the most urgent            once a day, or when asked
similar  same action, same org unit, nearest amounts: what was decided, and what came of it
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from domain.core.canonical import plain
from domain.core.instant import HOUR, MINUTE, Instant, instant, written
from domain.view_store import Listing, Row, ViewReader, Where

PENDING: Final = Where("status", "=", "pending")
DIGEST_MAX: Final = 10_000
"""Requests that one digest looks at; more are counted, not added up."""

SIMILAR: Final = 5
NEARBY_MAX: Final = 50
"""Rows looked at on each side of an amount."""

_DECIDED: Final = ["approved", "consumed", "rejected", "expired"]


def digest(reader: ViewReader, *, at: Instant) -> dict[str, Any]:
    """Return what waits for people now."""
    rows = reader.find("approvals", Listing((PENDING,), order="expires_at", limit=DIGEST_MAX))
    open_now = [row for row in rows if row["expires_at"] > at]
    oldest = min(open_now, key=lambda row: row["requested_at"], default=None)
    return {
        "at": written(at),
        "waiting": len(open_now),
        "money": _money(open_now),
        "byRole": _by_role(open_now),
        "oldest": _told(oldest),
        "mostUrgent": _told(next(iter(open_now), None)),
    }


def _money(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found: dict[str, list[Decimal]] = {}
    for row in rows:
        if row["amount"] is not None:
            found.setdefault(row["currency"], []).append(row["amount"])
    return [
        {"currency": currency, "count": len(amounts), "amount": sum(amounts, Decimal(0))}
        for currency, amounts in sorted(found.items())
    ]


def _by_role(rows: Sequence[Row]) -> dict[str, int]:
    roles = [row["approver_role"] for row in rows]
    return {role: roles.count(role) for role in sorted(set(roles))}


def _told(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "id": row["id"],
        "action": row["action"],
        "amount": row["amount"],
        "currency": row["currency"],
        "requestedBy": row["requested_by"],
        "requestedAt": written(row["requested_at"]),
        "expiresAt": written(row["expires_at"]),
    }


def digest_sentence(told: dict[str, Any], *, at: Instant) -> str:
    """Say a digest in words: `3 requests wait: 1,850.5 USD. Most urgent: …, 3 h left`."""
    count = told["waiting"]
    waits = "1 request waits" if count == 1 else f"{count} requests wait"
    money = ", ".join(f"{plain(each['amount'])} {each['currency']}" for each in told["money"])
    urgent = told["mostUrgent"]
    left = instant(datetime.fromisoformat(urgent["expiresAt"])) - at
    lasts = f"{left // HOUR} h" if left >= HOUR else f"{left // MINUTE} min"
    most = f"Most urgent: {urgent['action']} of {urgent['requestedBy']}, {lasts} left"
    return f"{waits}{': ' + money if money else ''}. {most}"


def similar(reader: ViewReader, row: Row) -> list[dict[str, Any]]:
    """Return how the requests nearest to one were decided, nearest first, and what came of it."""
    same = (
        Where("action", "=", row["action"]),
        Where("org_unit_id", "=", row["org_unit_id"]),
        Where("id", "!=", row["id"]),
        Where("status", "in", _DECIDED),
    )
    found = _nearest(reader, same, row) if row["amount"] is not None else _newest(reader, same)
    return [_ended(reader, each) for each in found]


def _newest(reader: ViewReader, same: tuple[Where, ...]) -> Sequence[Row]:
    listing = Listing(same, order="last_position", descending=True, limit=SIMILAR)
    return reader.find("approvals", listing)


def _nearest(reader: ViewReader, same: tuple[Where, ...], row: Row) -> Sequence[Row]:
    amount = row["amount"]
    same = (*same, Where("currency", "=", row["currency"]))
    near: dict[str, Row] = {}
    for op, descending in (("<=", True), (">=", False)):
        where = (*same, Where("amount", op, amount))
        listing = Listing(where, order="amount", descending=descending, limit=NEARBY_MAX)
        near |= {each["id"]: each for each in reader.find("approvals", listing)}
    newest_first = sorted(near.values(), key=lambda each: -each["last_position"])
    return sorted(newest_first, key=lambda each: abs(each["amount"] - amount))[:SIMILAR]


def _ended(reader: ViewReader, row: Row) -> dict[str, Any]:
    """Return how one request was decided, what became of its action, and what that was worth."""
    entity_id = row["entity_id"]
    action = reader.get("actions", entity_id) if entity_id else None
    outcomes: Sequence[Row] = ()
    if action is not None:
        measured = Listing((Where("action_id", "=", entity_id),), limit=1)
        outcomes = reader.find("outcomes", measured)
    outcome = next(iter(outcomes), None)
    return {
        "id": row["id"],
        "amount": row["amount"],
        "currency": row["currency"],
        "requestedBy": row["requested_by"],
        "status": row["status"],
        "decidedBy": row["decided_by"],
        "notes": row["notes"],
        "requestedAt": written(row["requested_at"]),
        "actionStatus": action["status"] if action is not None else None,
        "success": outcome["success"] if outcome is not None else None,
        "rewardScore": outcome["reward_score"] if outcome is not None else None,
    }

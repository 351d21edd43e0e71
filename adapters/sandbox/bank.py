"""Sandbox bank: the world outside, as far as the sandbox business has one.

It keeps a book of its own, outside the log, the way a payment provider does: the same
idempotency key twice moves money once and gives the same answer.
"""

import json
import sqlite3
from pathlib import Path
from threading import Lock
from typing import Any, Final

from domain.core.canonical import canonical
from domain.ports import ConnectorFailed, ToolCall, ToolResult

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS movements (
    number INTEGER PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    action_type TEXT NOT NULL,
    arguments TEXT NOT NULL,
    asked INTEGER NOT NULL DEFAULT 1
) STRICT
"""

_ANSWERS: Final[dict[str, str]] = {
    "process_refund": "refund",
    "process_payout": "payout",
    "update_price": "price",
    "increase_ad_spend": "campaign",
    "create_payout_batch": "batch",
    "change_payee_account": "account",
    "reorder_stock": "purchase-order",
    "publish_content": "post",
}


class SandboxBank:
    """A connector that carries out every action type of the sandbox business."""

    name = "sandbox"

    def __init__(self, path: Path | None) -> None:
        """Keep the book in a file, or in memory."""
        self._lock = Lock()
        self._book = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None, timeout=10
        )
        self._book.execute("PRAGMA journal_mode=WAL")
        self._book.execute(_SCHEMA)

    def execute(self, call: ToolCall) -> ToolResult:
        """Move money, change a price, buy: once for each key."""
        noun = _ANSWERS.get(call.action_type)
        if noun is None:
            raise ConnectorFailed(f"the sandbox cannot {call.action_type}")
        arguments = canonical(call.arguments).decode()
        with self._lock:
            number, kept = self._entered(call, arguments)
        if kept != arguments:
            raise ConnectorFailed("this idempotency key was used for something else")
        return ToolResult({"reference": f"{noun}-{number:06d}", "provider": "sandbox"})

    def _entered(self, call: ToolCall, arguments: str) -> tuple[int, str]:
        found = self._book.execute(
            "INSERT INTO movements (idempotency_key, action_type, arguments) VALUES (?, ?, ?)"
            " ON CONFLICT (idempotency_key) DO UPDATE SET asked = asked + 1"
            " RETURNING number, arguments",
            (call.idempotency_key, call.action_type, arguments),
        ).fetchone()
        return int(found[0]), str(found[1])

    def movements(self) -> list[dict[str, Any]]:
        """Return the book: what the world did, whatever the log says."""
        rows = self._book.execute(
            "SELECT number, idempotency_key, action_type, arguments, asked FROM movements"
            " ORDER BY number"
        ).fetchall()
        names = ("number", "idempotencyKey", "actionType", "arguments", "asked")
        return [
            dict(zip(names, (*row[:3], json.loads(row[3]), row[4]), strict=True)) for row in rows
        ]

"""Wording: how facts are said to people, each status as a word, a tone and an icon.

money("600", "USD") ──► USD 600.00          ago(…) ──► 5 min ago          left(…) ──► in 23 h
title_of("process_refund", {…}) ──► Refund USD 600.00 for order 1
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from commands.actions import ACTION_TYPES

HIGH_AMOUNT: Final = Decimal(1_000)
"""Above this, in any currency, approving means typing the id."""

PART_CHARACTERS_MAX: Final = 60
PLACES: Final = {
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
}
"""Decimal places of the currencies (ISO 4217) that do not have two."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a status is shown: never by color alone."""

    word: str
    tone: str
    icon: str


_LOOKS: Final = {
    "pending": Look("waiting", "warn", "clock"),
    "approved": Look("approved", "ok", "check"),
    "consumed": Look("approved", "ok", "check"),
    "rejected": Look("rejected", "bad", "x"),
    "expired": Look("expired", "idle", "clock"),
    "cancelled": Look("cancelled", "idle", "x"),
    "done": Look("done", "ok", "check"),
    "held": Look("held", "warn", "pause"),
    "denied": Look("denied", "bad", "shield"),
    "refused": Look("refused", "idle", "x"),
    "open": Look("open", "bad", "alert"),
    "investigating": Look("investigating", "warn", "search"),
    "resolved": Look("resolved", "ok", "check"),
    "closed": Look("closed", "idle", "check"),
    "critical": Look("critical", "bad", "alert"),
    "high": Look("high", "bad", "alert"),
    "medium": Look("medium", "warn", "alert"),
    "low": Look("low", "idle", "check"),
    "active": Look("active", "ok", "check"),
    "disabled": Look("disabled", "idle", "pause"),
    "draft": Look("draft", "info", "list"),
    "allow": Look("allow", "ok", "check"),
    "warn": Look("warn", "warn", "alert"),
    "deny": Look("deny", "bad", "shield"),
    "require_approval": Look("ask a person", "warn", "inbox"),
    "awaiting_approval": Look("waiting", "warn", "clock"),
    "authorized": Look("about to run", "info", "clock"),
    "running": Look("running", "info", "clock"),
    "completed": Look("carried out", "ok", "check"),
    "failed": Look("failed", "bad", "alert"),
}

_TITLES: Final = {
    "process_refund": "Refund {money} for order {orderId}",
    "process_payout": "Pay {money} to {payeeId}",
    "update_price": "Set the price of {productId} to {money}",
    "increase_ad_spend": "Spend {money} more on campaign {campaignId}",
    "create_payout_batch": "Collect payouts of {money}",
    "change_payee_account": "Pay {payeeId} to account {accountRef} from now on",
    "reorder_stock": "Reorder {quantity} \N{MULTIPLICATION SIGN} {productId} from {supplierId}",
    "publish_content": "Publish {contentId} on {channel}",
}


def look_of(status: str) -> Look:
    """Return how a status is shown; one that nobody knows is shown as it is."""
    return _LOOKS.get(status) or Look(words(status), "idle", "dot")


def words(name: str) -> str:
    """Return a stored name as words: `process_refund` is `process refund`."""
    return name.replace("_", " ").replace("-", " ")


def title_of(action: str, payload: Mapping[str, Any]) -> str:
    """Say in one line what an action would do; the parts an agent wrote are cut to size."""
    told = {name: _part(value) for name, value in payload.items()}
    if "amount" in payload or "newPrice" in payload:
        told["money"] = money(
            payload.get("amount", payload.get("newPrice")), told.get("currency", "")
        )
    try:
        return _TITLES[action].format_map(told)
    except KeyError:
        return words(action).capitalize()


def _part(value: object) -> str:
    text = str(value)
    return text if len(text) <= PART_CHARACTERS_MAX else f"{text[:PART_CHARACTERS_MAX]}…"


def risk_of(action: str, amount: Decimal | None) -> str:
    """Return low, medium or high. What is not in the catalog of actions amends the law: high."""
    known = ACTION_TYPES.get(action)
    if known is None or (amount is not None and amount > HIGH_AMOUNT):
        return "high"
    return known.risk


def money(amount: object, currency: str = "") -> str:
    """Write money exactly: every digit there is, at least as many as the currency has."""
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return str(amount)
    if not number.is_finite():
        return str(amount)
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    places = max(PLACES.get(currency, 2), -exponent)
    sign = "\N{MINUS SIGN}" if number < 0 else ""
    return f"{currency} {sign}{abs(number):,.{places}f}".strip()


def compact(value: float) -> str:
    """Write a number for an axis: `1.5k`, `20`, `3M`."""
    for unit, name in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{float(value) / unit:.3g}{name}"
    return f"{float(value):g}"


def moment_of(text: str) -> datetime:
    """Read an instant as read models write it."""
    return datetime.fromisoformat(text)


def ago(seconds: float) -> str:
    """Say how long ago something was; ui.js says the same."""
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {name} ago"
    return "just now"


def left(seconds: float) -> str:
    """Say how much time is left; ui.js says the same."""
    if seconds <= 0:
        return "time is up"
    for size, name in ((172_800, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"in {int(seconds // (86_400 if name == 'd' else size))} {name}"
    return f"in {int(seconds)} s"


def short(text: str, characters: int = 18) -> str:
    """Cut a long id in the middle: its beginning says what it is, its end which."""
    if len(text) <= characters:
        return text
    kept = characters - 1
    return f"{text[: kept // 2]}…{text[-(kept - kept // 2) :]}"


_JSON: Final = msgspec.json.Encoder(decimal_format="number")


def pretty(value: object) -> str:
    """Write a stored value as JSON for reading. Decimals stay exact."""
    return msgspec.json.format(_JSON.encode(value), indent=2).decode()


def flat(value: object) -> str:
    """Write one field of a payload on one line."""
    if isinstance(value, str):
        return value
    return msgspec.json.format(_JSON.encode(value), indent=0).decode()

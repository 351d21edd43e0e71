"""The built-in conditions as a careful programmer writes them by hand, with every check.

by hand   missing, null, booleans, NaN and wrong types are told apart, as the language does
naive     one expression that trusts its payload: the floor
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from domain.governor.language import MISSING, EvaluationError

Payload = dict[str, Any]
Function = Callable[[Payload], bool]


def unordered(name: str, symbol: str) -> EvaluationError:
    return EvaluationError(f"{name} does not fit, and {symbol} needs a number")


def no_text(value: object, name: str) -> bool:
    """Answer `name == 'text'` for whatever is no string."""
    if value is MISSING or value is None or type(value) in (bool, int):
        return False
    if (type(value) is float and value == value) or (type(value) is Decimal and value.is_finite()):
        return False
    raise EvaluationError(f"{name} cannot be compared")


def refund_by_hand(data: Payload) -> bool:
    action = data.get("action", MISSING)
    if type(action) is not str:
        return no_text(action, "data.action")
    if action != "process_refund":
        return False
    amount = data.get("amount")
    if type(amount) is int:
        return amount > 500
    if type(amount) is float and amount == amount:
        return amount > 500
    if type(amount) is Decimal and not amount.is_nan():
        return amount > 500
    raise unordered("data.amount", ">")


def reconciled_by_hand(data: Payload) -> bool:
    kind = data.get("type", MISSING)
    if type(kind) is not str:
        return no_text(kind, "data.type")
    if kind != "payout":
        return False
    reconciled = data.get("reconciled", MISSING)
    if type(reconciled) is bool:
        return reconciled is not True
    if type(reconciled) is str:
        return True
    return not no_text(reconciled, "data.reconciled")


def risk_by_hand(data: Payload) -> bool:
    kind = data.get("type", MISSING)
    if type(kind) is not str:
        return no_text(kind, "data.type")
    if kind != "payout":
        return False
    score = data.get("riskScore")
    if type(score) is int:
        return score > 0.7
    if type(score) is float and score == score:
        return score > 0.7
    if type(score) is Decimal and not score.is_nan():
        return score > RISK
    raise unordered("data.riskScore", ">")


def margin_by_hand(data: Payload) -> bool:
    action = data.get("action", MISSING)
    if type(action) is not str:
        return no_text(action, "data.action")
    if action != "update_price":
        return False
    margin = data.get("marginPercent")
    if type(margin) is int:
        return margin < 0.15
    if type(margin) is float and margin == margin:
        return margin < 0.15
    if type(margin) is Decimal and not margin.is_nan():
        return margin < FLOOR
    raise unordered("data.marginPercent", "<")


def runway_by_hand(data: Payload) -> bool:
    action = data.get("action", MISSING)
    if type(action) is not str:
        return no_text(action, "data.action")
    if action != "increase_ad_spend":
        return False
    days = data.get("cashRunwayDays")
    if type(days) is int:
        return days < 30
    if type(days) is float and days == days:
        return days < 30
    if type(days) is Decimal and not days.is_nan():
        return days < 30
    raise unordered("data.cashRunwayDays", "<")


def roas_by_hand(data: Payload) -> bool:
    action = data.get("action", MISSING)
    if type(action) is not str:
        return no_text(action, "data.action")
    if action != "increase_ad_spend":
        return False
    roas = data.get("roas")
    if type(roas) is int:
        return roas < 2
    if type(roas) is float and roas == roas:
        return roas < 2
    if type(roas) is Decimal and not roas.is_nan():
        return roas < 2
    raise unordered("data.roas", "<")


RISK: Final = Decimal("0.7")
FLOOR: Final = Decimal("0.15")


@dataclass(frozen=True, slots=True)
class Case:
    """One built-in condition, the same by hand and naively, and the field it weighs."""

    name: str
    text: str
    by_hand: Function
    naive: Function
    guard: Payload
    field: str
    fires: object
    spares: object

    def payloads(self) -> Mapping[str, Payload]:
        """Payloads by what the condition makes of them; `other` is about something else."""
        name = next(iter(self.guard))
        return {
            "fires": {**self.guard, self.field: self.fires},
            "spares": {**self.guard, self.field: self.spares},
            "other": {name: "send_message", self.field: self.fires},
        }


CASES: Final = (
    Case(
        "refund",
        "data.action == 'process_refund' && data.amount > 500",
        refund_by_hand,
        lambda data: data["action"] == "process_refund" and data["amount"] > 500,
        {"action": "process_refund"},
        "amount",
        Decimal("500.01"),
        500,
    ),
    Case(
        "reconciled",
        "data.type == 'payout' && data.reconciled != true",
        reconciled_by_hand,
        lambda data: data["type"] == "payout" and data["reconciled"] is not True,
        {"type": "payout"},
        "reconciled",
        False,
        True,
    ),
    Case(
        "risk",
        "data.type == 'payout' && data.riskScore > 0.7",
        risk_by_hand,
        lambda data: data["type"] == "payout" and data["riskScore"] > 0.7,
        {"type": "payout"},
        "riskScore",
        0.71,
        0.7,
    ),
    Case(
        "margin",
        "data.action == 'update_price' && data.marginPercent < 0.15",
        margin_by_hand,
        lambda data: data["action"] == "update_price" and data["marginPercent"] < 0.15,
        {"action": "update_price"},
        "marginPercent",
        0.1499,
        Decimal("0.15"),
    ),
    Case(
        "runway",
        "data.action == 'increase_ad_spend' && data.cashRunwayDays < 30",
        runway_by_hand,
        lambda data: data["action"] == "increase_ad_spend" and data["cashRunwayDays"] < 30,
        {"action": "increase_ad_spend"},
        "cashRunwayDays",
        29,
        30,
    ),
    Case(
        "roas",
        "data.action == 'increase_ad_spend' && data.roas < 2.0",
        roas_by_hand,
        lambda data: data["action"] == "increase_ad_spend" and data["roas"] < 2.0,
        {"action": "increase_ad_spend"},
        "roas",
        1.99,
        2.0,
    ),
)


def by_hand_about(action: str, limit: int) -> Function:
    """Return the function of one refund policy among a thousand."""

    def run(data: Payload) -> bool:
        asked = data.get("action", MISSING)
        if type(asked) is not str:
            return no_text(asked, "data.action")
        if asked != action:
            return False
        amount = data.get("amount")
        if type(amount) is int:
            return amount > limit
        raise unordered("data.amount", ">")

    return run

"""Parameters: the numbers of a policy that people may turn, within bounds and with a unit.

`data.amount > params.limit`      limit: a number from 0 to 10,000 USD, now 500
A slider moves the value, never the text of a rule.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

KINDS: Final = ("number", "integer", "boolean", "text")
TEXT_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a parameter may be. `minimum` and `maximum` are for numbers, null where there is none;
    `unit` is what a person reads behind the value: USD, days, %."""

    kind: str = "number"
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    unit: str = ""
    description: str = ""


def bounds_flaw(name: str, bounds: Bounds) -> str:
    """Say what is wrong with bounds in one sentence, or nothing."""
    if bounds.kind not in KINDS:
        return f"parameter {name}: kind {bounds.kind!r} is not one of {', '.join(KINDS)}"
    low, high = bounds.minimum, bounds.maximum
    numeric = bounds.kind in ("number", "integer")
    if not numeric and (low is not None or high is not None):
        return f"parameter {name}: only numbers have a minimum and a maximum"
    if low is not None and high is not None and low > high:
        return f"parameter {name}: its minimum {low} is above its maximum {high}"
    return ""


def unfit(name: str, value: object, bounds: Bounds) -> str:
    """Say why a parameter may not have a value, or nothing if it may."""
    if not _is(value, bounds.kind):
        return f"parameter {name} is {value!r}, and must be a {bounds.kind}"
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        if bounds.minimum is not None and value < bounds.minimum:
            return f"parameter {name} is {value}, and must be at least {bounds.minimum}"
        if bounds.maximum is not None and value > bounds.maximum:
            return f"parameter {name} is {value}, and must be at most {bounds.maximum}"
    return ""


def _is(value: object, kind: str) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
            return is_number and Decimal(str(value)).is_finite()
        case _:
            return isinstance(value, str) and len(value) <= TEXT_CHARACTERS_MAX

"""Universe: what may stand where. Everything JSON can say, or what the schemas leave of it.

EVERYTHING       data.x  missing null boolean number string list object NaN        action  string
declared         action is process_refund: data.amount is a number, data.coupon is missing
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.governor.language import MISSING
from domain.governor.language.tree import Path
from domain.governor.language.values import is_nan

ANYTHING: Final = frozenset(
    {"missing", "null", "boolean", "integer", "number", "string", "list", "object", "nan"}
)
ACTION: Final = Path("action")

_STRING: Final = frozenset({"string"})
_PERHAPS_STRING: Final = frozenset({"string", "missing"})
_NOTHING: Final = frozenset({"missing"})
_KINDS: Final[Mapping[type, str]] = {
    type(MISSING): "missing",
    type(None): "null",
    bool: "boolean",
    str: "string",
    list: "list",
    dict: "object",
}


def kind_of(value: object) -> str:
    """Return the kind of a value; a whole number is an integer."""
    if is_nan(value):
        return "nan"
    if isinstance(value, Decimal):
        return "integer" if value == value.to_integral_value() else "number"
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    return _KINDS.get(type(value), "integer")


def kinds_in(declared: str) -> frozenset[str]:
    """Read a declared type: kinds joined by `|`, such as `number|null`; `any` is any of them."""
    kinds = set(declared.split("|"))
    if "any" in kinds:
        return ANYTHING
    return frozenset(kinds | {"integer"} if "number" in kinds else kinds)


@dataclass(frozen=True, slots=True)
class Universe:
    """The requests that are thought of.

    `action` is the one action type, or None for any. `fields` are the declared types of its
    payload, `facts` those of the facts there are; None declares nothing, so all may be there.
    """

    action: str | None = None
    fields: Mapping[str, str] | None = None
    facts: Mapping[str, str] | None = None

    def admits(self, path: Path) -> frozenset[str]:
        """Return the kinds of value that a path can lead to."""
        match path:
            case Path("data", (name, *rest)):
                return _NOTHING if name == "action" else _declared(self.fields, name, rest)
            case Path("facts", (name, *rest)):
                return _declared(self.facts, name, rest)
            case Path("runId"):
                return _PERHAPS_STRING
            case _:
                return _STRING


def _declared(types: Mapping[str, str] | None, name: str, rest: list[str]) -> frozenset[str]:
    if types is None:
        return ANYTHING
    kinds = kinds_in(types.get(name, "missing"))
    if rest:
        return ANYTHING if "object" in kinds else _NOTHING
    return kinds


EVERYTHING: Final = Universe()

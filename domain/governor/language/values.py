"""Values: what a condition reads, and the one meaning of equal and of less.

MISSING   null   true false   1 2.5   'text'   [list]   {object}
          └── equal only to its own kind; numbers compare exactly; NaN compares with nothing
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

from domain.governor.language.errors import EvaluationError

VALUE_DEPTH_MAX: Final = 40

Number: TypeAlias = int | float | Decimal


class Missing(Enum):
    """The type of MISSING."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_KINDS: Final[Mapping[type, str]] = {
    Missing: "missing",
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_NUMBERS: Final = frozenset({int, float, Decimal})
_ORDERED: Final = frozenset({*_NUMBERS, str, bool})
_SOUND: Final = frozenset({Missing, type(None), bool, int, str})
DATA, FACTS, CONTEXT = range(3)


class Environment:
    """All that conditions may read in one decision; `params` may change from rule to rule.

    `context` holds the names of the request: action, orgUnitId, agentId, workflowId, runId, and
    actor, an object with id, kind and role.
    """

    __slots__ = ("params", "roots")

    def __init__(
        self,
        data: Mapping[str, object] = _NOTHING,
        context: Mapping[str, object] = _NOTHING,
        params: Mapping[str, object] = _NOTHING,
        facts: Mapping[str, object] = _NOTHING,
    ) -> None:
        """Take what there is to read; nothing is copied."""
        self.roots: Final = (data, facts, context)
        self.params = params

    @property
    def data(self) -> Mapping[str, object]:
        """Return the payload."""
        return self.roots[DATA]

    @property
    def facts(self) -> Mapping[str, object]:
        """Return what the log says."""
        return self.roots[FACTS]

    @property
    def context(self) -> Mapping[str, object]:
        """Return the names of the request."""
        return self.roots[CONTEXT]


def described(value: object) -> str:
    """Say in two words what a value is, without showing it."""
    if is_nan(value):
        return "NaN"
    kind = type(value)
    return _KINDS.get(kind) or f"of type {kind.__name__}"


def is_nan(value: object) -> bool:
    """Say whether a value is not a number although its type is."""
    if type(value) is float:
        return value != value
    return type(value) is Decimal and value.is_nan()


def is_known(value: object) -> bool:
    """Say whether a value is of a type that conditions know."""
    return type(value) in _KINDS


def order_kind(value: object) -> str:
    """Return what has an order with a value: numbers, strings, booleans, or nothing."""
    kind = type(value)
    return _KINDS[kind] if kind in _ORDERED and not is_nan(value) else ""


def require_comparable(value: object, name: str, symbol: str, nan_fits: bool = False) -> None:
    """Refuse foreign types, and NaN unless it fits, however deep inside a list or an object."""
    if type(value) not in _SOUND and (flaw := _flaw(value, 0, nan_fits)):
        raise EvaluationError(f"{name} {flaw}, and {symbol} cannot compare it")


def _flaw(value: object, depth: int, nan_fits: bool) -> str:
    verb = "holds a value" if depth else "is"
    if not is_known(value):
        return f"{verb} {described(value)}"
    if is_nan(value) and not nan_fits:
        return "holds NaN" if depth else "is NaN"
    below: Iterable[object] = ()
    if type(value) is list:
        below = value
    elif type(value) is dict:
        below = value.values()
    if below and depth == VALUE_DEPTH_MAX:
        return f"is nested more than {VALUE_DEPTH_MAX} levels deep"
    return next(filter(None, (_flaw(each, depth + 1, nan_fits) for each in below)), "")


def equal(left: object, right: object) -> bool:
    """Compare two comparable values: nothing is converted, and MISSING equals nothing."""
    kind = type(left)
    if kind in _NUMBERS and type(right) in _NUMBERS:
        common, ground = aligned(left, right)
        return common == ground
    if kind is not type(right) or left is MISSING:
        return False
    if type(left) is list and type(right) is list:
        return len(left) == len(right) and all(map(equal, left, right))
    if type(left) is dict and type(right) is dict:
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return left == right


def aligned(left: object, right: object) -> tuple[object, object]:
    """Return two numbers in types that Python compares exactly; anything else as it is."""
    if type(left) is float and type(right) is Decimal:
        return written(left), right
    if type(left) is Decimal and type(right) is float:
        return left, written(right)
    return left, right


def written(value: float) -> int | Decimal:
    """Return the number that a float stands for.

    A whole float is exactly itself. One with a fraction is the shortest decimal that reads back
    as it, which is what somebody wrote: a margin of 0.15 is not below a floor of 0.15, although
    the nearest float is. The order of floats is kept, so comparing stays transitive.
    """
    return int(value) if value.is_integer() else Decimal(repr(value))

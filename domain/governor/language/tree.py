"""The syntax tree of a condition: plain frozen values, equal when they are written alike.

Node ─┬─ Operand ─── Literal  ListLiteral  Path  Size
      └─ Test ────── Has  TextTest  Compare  In  Not  Every (&&)  Some (||)
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias
from typing import Literal as OneOf

Scalar: TypeAlias = bool | int | Decimal | str | None
Comparison: TypeAlias = OneOf["==", "!=", "<", "<=", ">", ">="]
TextFunction: TypeAlias = OneOf["startsWith", "endsWith", "contains", "matches"]

CONTEXT_NAMES: Final = ("action", "orgUnitId", "agentId", "workflowId", "runId")
ACTOR_FIELDS: Final = ("id", "kind", "role")
KEYWORDS: Final = frozenset({"null", "true", "false", "in"})


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A constant: `null`, `true`, `500`, `0.15`, `'refund'`."""

    value: Scalar

    def __eq__(self, other: object) -> bool:
        """Tell 1, 1.0 and true apart, which Python does not."""
        return isinstance(other, Literal) and self._identity == other._identity

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[type, str]:
        return type(self.value), str(self.value)


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """A list of constants: `['US', 'CA']`."""

    items: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A value that is read: a root (`data`, `facts`, `params`, a context name) and its steps."""

    root: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """The length of a string, a list or an object: `size(data.items)`."""

    of: Path | Literal | ListLiteral


@dataclass(frozen=True, slots=True)
class Has:
    """Whether a field is there, even as null: `has(data.coupon)`."""

    path: Path


@dataclass(frozen=True, slots=True)
class TextTest:
    """A question about a string: `data.name.startsWith('x')`; what `matches` takes is constant."""

    function: TextFunction
    subject: Path | Literal
    argument: Path | Literal


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values compared: `data.amount > 500`."""

    symbol: Comparison
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class In:
    """Membership of a list: `data.country in ['US', 'CA']`."""

    item: "Node"
    container: Path | ListLiteral


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite: `!data.reconciled`."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Every:
    """All of at least two: `a && b && c`."""

    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Any of at least two: `a || b || c`."""

    operands: tuple["Node", ...]


Node: TypeAlias = (
    Literal | ListLiteral | Path | Size | Has | TextTest | Compare | In | Not | Every | Some
)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below one, from left to right."""
    match node:
        case Literal() | Path():
            return ()
        case ListLiteral(items=below) | Every(operands=below) | Some(operands=below):
            return below
        case Size(of=only) | Has(path=only) | Not(operand=only):
            return (only,)
        case TextTest(subject=first, argument=second) | In(item=first, container=second):
            return first, second
        case Compare(left=first, right=second):
            return first, second

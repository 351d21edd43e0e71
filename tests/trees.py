"""Random trees of conditions, and random values for them to read, from a seed.

Chance   few words, fields and numbers, so that trees and payloads meet     what CEL knows too
Wild     any text, any name, any number: what the printer has to write
"""

from decimal import Decimal
from random import Random
from typing import Any, Final

from domain.governor.language.tree import (
    Compare,
    Comparison,
    Every,
    Has,
    In,
    ListLiteral,
    Literal,
    Node,
    Not,
    Path,
    Scalar,
    Size,
    Some,
    TextFunction,
    TextTest,
)

DEPTH_MAX: Final = 4

NAN: Final = float("nan")
WORDS: Final = ("", "a", "b", "ab", "US", "it's", "é", "🐱", "\\", "\n", '"')
PATTERNS: Final = ("", "a", "^a|b$", "[^a-z]", r"\\", "(a|b){2}", "é+", r"(?i)us", r"\pL")
WHOLE: Final = (0, 1, -1, 2, 30, 500, 2**31, -(2**53))
FRACTIONS: Final = ("0.1", "0.15", "500.0", "1e3", "-0.5", "0.0", "1e300", "2.5")
FIELDS: Final = ("a", "b", "c", "n", "s")
SYMBOLS: Final[tuple[Comparison, ...]] = ("==", "!=", "<", "<=", ">", ">=")
FUNCTIONS: Final[tuple[TextFunction, ...]] = ("startsWith", "endsWith", "contains")
CODE_POINTS: Final = ((0x20, 0x80), (0x80, 0x800), (0x800, 0xD800), (0xE000, 0x110000))


class Chance:
    """Random trees, and random bindings that are small enough to meet them."""

    def __init__(self, seed: object) -> None:
        self.random: Final = Random(str(seed))

    def word(self) -> str:
        return self.random.choice(WORDS)

    def field(self) -> str:
        return self.random.choice(FIELDS)

    def whole(self) -> int:
        return self.random.choice(WHOLE)

    def fraction(self) -> Decimal:
        return Decimal(self.random.choice(FRACTIONS))

    def scalar(self) -> Scalar:
        kind = self.random.randrange(8)
        if kind < 2:
            return self.word()
        if kind < 4:
            return self.whole()
        if kind < 6:
            return self.fraction()
        return self.random.choice((None, True, False))

    def path(self) -> Path:
        root = self.random.choice(("data", "data", "data", "facts", "params", "actor", "action"))
        match root:
            case "action":
                return Path(root)
            case "actor":
                return Path(root, (self.random.choice(("id", "kind", "role")),))
            case "params":
                return Path(root, (self.field(),))
            case _:
                steps = [self.field() for _ in range(self.random.choice((1, 1, 2)))]
                return Path(root, tuple(steps))

    def constants(self) -> ListLiteral:
        return ListLiteral(tuple(Literal(self.scalar()) for _ in range(self.random.randrange(4))))

    def text(self) -> Path | Literal:
        return self.path() if self.random.random() < 0.7 else Literal(self.word())

    def operand(self) -> Path | Literal | ListLiteral | Size:
        match self.random.randrange(10):
            case 0:
                return self.constants()
            case 1:
                return Size(self.random.choice((self.path, self.text, self.constants))())
            case 2 | 3 | 4:
                return Literal(self.scalar())
            case _:
                return self.path()

    def relation(self) -> Node:
        match self.random.randrange(12):
            case 0:
                lists = Path("data", ("l" + self.field(),))
                return In(self.operand(), self.random.choice((self.constants(), lists)))
            case 1:
                path = self.path()
                return Has(Path("data", ("a",)) if path.root in ("params", "action") else path)
            case 2:
                return TextTest(self.random.choice(FUNCTIONS), self.text(), self.text())
            case 3:
                pattern = Literal(self.random.choice(PATTERNS))
                return TextTest("matches", self.text(), pattern)
            case 4:
                return self.operand()
            case 5:
                return Compare("==", Path("action"), Literal(self.random.choice(("a", "b"))))
            case _:
                symbol = self.random.choice(SYMBOLS)
                return Compare(symbol, self.operand(), self.operand())

    def node(self, depth: int = DEPTH_MAX) -> Node:
        if depth == 0 or self.random.random() < 0.3:
            return self.relation()
        match self.random.randrange(8):
            case 0:
                operand = self.node(depth - 1)
                return operand if isinstance(operand, Not) else Not(operand)
            case 1:
                left, right = self.node(depth - 1), self.node(depth - 1)
                return Compare(self.random.choice(SYMBOLS), left, right)
            case kind:
                join = Every if kind < 5 else Some
                several = range(self.random.choice((2, 2, 3)))
                return join(tuple(self.node(depth - 1) for _ in several))

    def value(self, depth: int = 2) -> object:
        kind = self.random.randrange(10)
        if depth and kind == 0:
            return [self.value(depth - 1) for _ in range(self.random.randrange(3))]
        if depth and kind == 1:
            return {name: self.value(depth - 1) for name in FIELDS if self.random.random() < 0.5}
        if kind == 2:
            return self.random.choice((NAN, float("inf"), -float("inf"), -0.0))
        found = self.scalar()
        return float(found) if isinstance(found, Decimal) else found

    def mapping(self) -> dict[str, object]:
        return {name: self.value() for name in FIELDS if self.random.random() < 0.75}

    def members(self) -> object:
        """What `in` may look into: anything but an object."""
        found = self.value()
        return [found] if isinstance(found, dict) else found

    def bindings(self) -> dict[str, Any]:
        lists = {f"l{name}": self.members() for name in FIELDS if self.random.random() < 0.8}
        return {
            "data": {**self.mapping(), **lists},
            "facts": self.mapping(),
            "params": self.mapping(),
            "action": self.random.choice(("a", "b", "c")),
            "actor": {"id": "a", "kind": "agent", "role": self.word()},
        }


class Wild(Chance):
    """Trees of any words, names and numbers that the language can write."""

    def word(self) -> str:
        length = self.random.choice((0, 1, 2, 5, 12))
        return "".join(self._character() for _ in range(length))

    def _character(self) -> str:
        if self.random.random() < 0.5:
            return self.random.choice("'\"\\`?abnrtuxXU019 \n\r\t\x00\x7f\u2028\u202e\ufeff")
        return chr(self.random.randrange(*self.random.choice(CODE_POINTS)))

    def field(self) -> str:
        keywords = ("in", "true", "null", "size", "startsWith", "matches", "has", "data")
        return self.random.choice((self.word(), self.random.choice(keywords), super().field()))

    def whole(self) -> int:
        return self.random.randint(-(10**34) + 1, 10**34 - 1) >> self.random.randrange(110)

    def fraction(self) -> Decimal:
        digits = tuple(map(int, str(abs(self.whole()))))
        return Decimal((self.random.randrange(2), digits, self.random.randint(-6000, 6000)))

    def node(self, depth: int = DEPTH_MAX) -> Node:
        """Nest what nobody would, too: `!!x`, `(a && b) && c`."""
        found = super().node(depth)
        return Not(found) if self.random.random() < 0.1 else found

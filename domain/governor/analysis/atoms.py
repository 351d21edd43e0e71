"""Atoms: the comparisons that a condition is joined from, and what their truth depends on.

data.amount > 500 ─► Atom(paths: data.amount)  marks: the number 500
data.a < data.b   ─► Atom(paths: data.a, data.b)                        linked: looked at together
data.a.startsWith(data.b), size(data.a) > data.n ─► opaque: nothing is claimed about it
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import floor, isfinite
from typing import Final

from domain.governor.analysis.formula import Outcome
from domain.governor.analysis.points import Marks
from domain.governor.analysis.universe import ACTION
from domain.governor.language import Environment, EvaluationError
from domain.governor.language.compile import predicate
from domain.governor.language.condition import paths_of
from domain.governor.language.tree import (
    Compare,
    Every,
    Has,
    In,
    ListLiteral,
    Literal,
    Node,
    Not,
    Path,
    Size,
    Some,
    TextTest,
    children,
)
from domain.governor.language.values import MISSING, written

SIZE_MAX: Final = 1_000
TEXT_CHARACTERS_MAX: Final = 64
"""Of a constant that fields are parts of: all its parts are tried."""
_TEXT_TESTS: Final = frozenset({"startsWith", "endsWith", "contains"})
_EQUALITIES: Final = frozenset({"==", "!="})
_PAYLOAD_ACTION: Final = Path("data", ("action",))

Parameters = Mapping[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """One comparison of one condition with its parameters; opaque ones may say anything."""

    node: Node
    parameters: Parameters
    paths: tuple[Path, ...]
    opaque: bool
    evaluate: Callable[[Environment], bool]

    @property
    def is_linking(self) -> bool:
        """Say whether it compares fields with each other."""
        return len(self.paths) > 1

    def ask(self, environment: Environment) -> Outcome:
        """Return what the compiled comparison says."""
        environment.params = self.parameters
        try:
            return Outcome.TRUE if self.evaluate(environment) else Outcome.FALSE
        except EvaluationError:
            return Outcome.ERROR


def identity(node: Node, parameters: Parameters) -> object:
    """Return what two atoms have in common that always say the same."""
    used = {path.steps[0] for path in paths_of(node) if path.root == "params"}
    return node, tuple((name, repr(parameters.get(name, MISSING))) for name in sorted(used))


def atom(node: Node, parameters: Parameters) -> Atom:
    """Prepare one comparison."""
    paths = dict.fromkeys(variable(path) for path in paths_of(node) if path.root != "params")
    return Atom(
        node=node,
        parameters=parameters,
        paths=tuple(paths),
        opaque=not _Reader(parameters).is_plain(node),
        evaluate=predicate(node, "a condition"),
    )


def variable(path: Path) -> Path:
    """Return what a path reads: `data.action` is the action type, the governor sees to that."""
    return ACTION if path == _PAYLOAD_ACTION else path


def mark(atom: Atom, marks: Marks) -> None:
    """Add the constants of an atom to those that its fields are held against."""
    _Reader(atom.parameters).mark(atom.node, marks)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads atoms, given the values of the parameters."""

    parameters: Parameters

    def constant(self, node: Node) -> tuple[object, ...]:
        """Return the constant that a node is, in a tuple, or nothing."""
        match node:
            case Literal(value=value):
                return (value,)
            case ListLiteral(items=items):
                return ([item.value for item in items],)
            case Path("params", (name,)):
                return (self.parameters.get(name, MISSING),)
            case Size(of=of) if found := self.constant(of):
                return (len(found[0]),) if isinstance(found[0], str | list | dict) else (MISSING,)
            case _:
                return ()

    def is_plain(self, node: Node) -> bool:
        """Say whether the marks tell apart everything that matters to a node."""
        match node:
            case Literal() | ListLiteral() | Path() | Has() | Size():
                return True
            case Not() | Every() | Some():
                return all(map(self.is_plain, children(node)))
            case Compare(left=left, right=right):
                return self._is_plain_pair(left, right)
            case In(item=item, container=container):
                if self.constant(container):
                    return self._is_plain_pair(item, Literal(None))
                return not self._is_measure(item) and item != container and self.is_plain(item)
            case TextTest():
                return self._is_plain_text(node)
            case _:
                return False

    def _is_plain_pair(self, left: Node, right: Node) -> bool:
        if self._is_measure(left) or self._is_measure(right):
            sizes = [*self._sizes(left), *self._sizes(right)]
            plain = bool(self.constant(left) or self.constant(right))
            return plain and all(size <= SIZE_MAX for size in sizes)
        return self.is_plain(left) and self.is_plain(right)

    def _is_measure(self, node: Node) -> bool:
        return isinstance(node, Size) and not self.constant(node)

    def _is_plain_text(self, node: TextTest) -> bool:
        text, part = self.constant(node.subject), self.constant(node.argument)
        if text and part:
            return True
        fits = bool(part) or (bool(text) and len(str(text[0])) <= TEXT_CHARACTERS_MAX)
        return fits and node.function in _TEXT_TESTS

    def mark(self, node: Node, marks: Marks) -> None:
        """Collect the constants of a node and below it."""
        match node:
            case Compare(symbol=symbol, left=left, right=right):
                for one, other in ((left, right), (right, left)):
                    for value in self.constant(one):
                        self._mark_value(value, other, symbol in _EQUALITIES, marks)
            case In():
                self._mark_members(node, marks)
            case TextTest():
                self._mark_text(node, marks)
        if not isinstance(node, Has | TextTest):
            for child in children(node):
                self.mark(child, marks)

    def _mark_members(self, node: In, marks: Marks) -> None:
        item, container = node.item, self.constant(node.container)
        for value in container:
            for each in value if isinstance(value, list) else ():
                self._mark_value(each, item, True, marks)
        if not container:
            marks.members += self.constant(item)
            if not isinstance(item, Path | Literal | ListLiteral):
                marks.members += (True, False)

    def _mark_value(self, value: object, held: Node, equality: bool, marks: Marks) -> None:
        if self._is_measure(held):
            marks.sizes.update(self._sizes(Literal(None), value))
        elif isinstance(value, str):
            (marks.words if equality else marks.ordered).add(value)
        elif isinstance(value, list):
            marks.lists.append(value)
        elif (number := _number(value)) is not None:
            marks.numbers.add(number)

    def _sizes(self, node: Node, *values: object) -> Iterator[int]:
        """Yield lengths below, at and above the constants that a length is held against."""
        for value in (*self.constant(node), *values):
            for each in value if isinstance(value, list) else [value]:
                number = _number(each)
                if number is not None and number >= 0:
                    whole = floor(number)
                    yield from (size for size in (whole - 1, whole, whole + 1) if size >= 0)

    def _mark_text(self, node: TextTest, marks: Marks) -> None:
        if found := self.constant(node.subject):
            text = found[0] if isinstance(found[0], str) else ""
            if not self.constant(node.argument):
                ends = range(len(text) + 1)
                marks.words.update(text[i:j] for i in ends for j in ends if i <= j)
            return
        groups = {"startsWith": marks.prefixes, "endsWith": marks.suffixes, "contains": marks.parts}
        groups[node.function].update(v for v in self.constant(node.argument) if isinstance(v, str))


def _number(value: object) -> Decimal | None:
    if isinstance(value, float) and isfinite(value):
        return Decimal(written(value))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
        return number if number.is_finite() else None
    return None

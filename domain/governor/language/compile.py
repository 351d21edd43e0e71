"""Compile: a tree to closures, one per node, each with all it can know beforehand bound in.

predicate(node)   Environment ─► true or false, or an EvaluationError where there is no answer
value_of(node)    Environment ─► whatever it is, for nodes that need not be a condition
"""

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from domain.governor.language import leaves
from domain.governor.language.errors import EvaluationError
from domain.governor.language.junction import several
from domain.governor.language.leaves import Predicate
from domain.governor.language.pattern import matcher
from domain.governor.language.printer import render
from domain.governor.language.reading import Mode, Term, place, presence, term, unfit
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
)
from domain.governor.language.values import (
    Environment,
    aligned,
    equal,
    order_kind,
    require_comparable,
    written,
)

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NATIVE: Final = frozenset({int, float})
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TEXT_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}


def predicate(node: Node, asker: str, mode: Mode = Mode.GOVERNOR) -> Predicate:
    """Return the closure of a node that has to be true or false for its asker."""
    match node:
        case Every() | Some():
            return _junction(node, mode)
        case Not(operand=operand):
            return _negation(predicate(operand, "!", mode))
        case Compare():
            return _comparison(node, mode)
        case In():
            return _membership(node, mode)
        case TextTest(function="matches"):
            return _pattern_test(node, mode)
        case TextTest():
            return _text_test(node, mode)
        case Has(path=path):
            return presence(path, mode)
        case Path() | Literal() | ListLiteral() | Size():
            return _truth(term(node, mode), asker)


def value_of(node: Node, mode: Mode = Mode.GOVERNOR) -> Term:
    """Return the closure of a node that may be anything, as its reader."""
    if isinstance(node, Path | Literal | ListLiteral | Size):
        return term(node, mode)
    return Term(predicate(node, "a comparison", mode), f"({render(node)})", given=False)


# ── && and || ──


def _junction(node: Every | Some, mode: Mode) -> Predicate:
    decisive = isinstance(node, Some)
    symbol = "||" if decisive else "&&"
    tests = tuple(predicate(each, symbol, mode) for each in node.operands)
    whole = several(tests, decisive)
    guard = None if decisive else _guard(node.operands)
    if guard is None:
        return whole
    position, root, name, wanted = guard
    rest = several(tests[:position] + tests[position + 1 :], decisive)
    return leaves.guarded(root, name, wanted, rest, whole)


def _guard(operands: tuple[Node, ...]) -> tuple[int, int, str, str] | None:
    """Find the first `field == 'text'`: where that is false, nothing else matters."""
    for position, node in enumerate(operands):
        match node:
            case Compare("==", Path() as path, Literal(value=str(text))) | Compare(
                "==", Literal(value=str(text)), Path() as path
            ):
                root, keys = place(path)
                if path.root != "params" and len(keys) == 1:
                    return position, root, keys[0], text
    return None


# ── comparisons ──


def _comparison(node: Compare, mode: Mode) -> Predicate:
    left, right = value_of(node.left, mode), value_of(node.right, mode)
    symbol, relation = node.symbol, _order if node.symbol in _ORDERS else _equality
    general = relation(symbol, left, right, mode is Mode.CEL)
    match node:
        case Compare(_, Path() as path, Literal() as constant):
            return _leaf(symbol, path, constant, general)
        case Compare(_, Literal() as constant, Path() as path):
            return _leaf(_MIRRORED.get(symbol, symbol), path, constant, general)
        case _:
            return general


def _leaf(symbol: str, path: Path, constant: Literal, general: Predicate) -> Predicate:
    root, keys = place(path)
    value = constant.value
    if path.root == "params" or len(keys) > 1:
        return general
    if symbol in ("==", "!="):
        hit = symbol == "=="
        if isinstance(value, str):
            return leaves.text_equals(root, keys[0], value, hit, general)
        if isinstance(value, bool):
            return leaves.flag_equals(root, keys[0], value, hit, general)
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _bound(symbol, root, keys[0], value, general)
    return general


def _bound(
    symbol: str, root: int, name: str, value: int | Decimal, general: Predicate
) -> Predicate:
    double = float(value)
    if written(double) != value:
        return general  # no float stands for this constant, so floats need the long way
    leaf = leaves.above if symbol in (">", "<=") else leaves.below
    exact = written(double) if isinstance(written(double), int) else value
    return leaf(root, name, exact, double, symbol in (">", "<"), general)


def _equality(symbol: str, left: Term, right: Term, nan_fits: bool) -> Predicate:
    hit = symbol == "=="

    def run(environment: Environment) -> bool:
        first, second = left.read(environment), right.read(environment)
        if type(first) is str and type(second) is str:
            return (first == second) is hit
        require_comparable(first, left.name, symbol, nan_fits)
        require_comparable(second, right.name, symbol, nan_fits)
        return equal(first, second) is hit

    return run


def _order(symbol: str, left: Term, right: Term, nan_fits: bool) -> Predicate:
    holds = _ORDERS[symbol]

    def run(environment: Environment) -> bool:
        first, second = left.read(environment), right.read(environment)
        if (type(first) is int or (type(first) is Decimal and not first.is_nan())) and (
            type(second) is int or (type(second) is Decimal and not second.is_nan())
        ):
            return holds(first, second)
        both_native = type(first) in _NATIVE and type(second) in _NATIVE
        # NaN alone is not itself.
        if both_native and (nan_fits or (first == first and second == second)):
            return holds(first, second)
        _require_order(symbol, left, first, right, second)
        return holds(*aligned(first, second))

    return run


def _require_order(symbol: str, left: Term, first: object, right: Term, second: object) -> None:
    kind, other = order_kind(first), order_kind(second)
    if kind == other == "":
        raise unfit(left, first, symbol, "a number, a string or a boolean")
    if kind == "" or (kind != other and other and right.given):
        raise unfit(left, first, symbol, other)
    if kind != other:
        raise unfit(right, second, symbol, kind)


def _membership(node: In, mode: Mode) -> Predicate:
    item, container = value_of(node.item, mode), term(node.container, mode)
    nan_fits = mode is Mode.CEL

    def run(environment: Environment) -> bool:
        wanted, members = item.read(environment), container.read(environment)
        require_comparable(wanted, item.name, "in", nan_fits)
        if type(members) is not list:
            raise unfit(container, members, "in", "a list")
        require_comparable(members, container.name, "in", nan_fits)
        return any(equal(wanted, each) for each in members)

    match node:
        case In(Path() as path, ListLiteral(items=items)) if path.root != "params":
            root, keys = place(path)
            if len(keys) == 1:
                texts = frozenset(each.value for each in items if isinstance(each.value, str))
                return leaves.text_within(root, keys[0], texts, run)
    return run


# ── the rest ──


def _truth(operand: Term, asker: str) -> Predicate:
    def run(environment: Environment) -> bool:
        value = operand.read(environment)
        if type(value) is bool:
            return value
        raise unfit(operand, value, asker, "true or false")

    return run


def _negation(of: Predicate) -> Predicate:
    def run(environment: Environment) -> bool:
        return not of(environment)

    return run


def _text_test(node: TextTest, mode: Mode) -> Predicate:
    holds, asker = _TEXT_TESTS[node.function], node.function
    subject, argument = term(node.subject, mode), term(node.argument, mode)

    def run(environment: Environment) -> bool:
        text, part = subject.read(environment), argument.read(environment)
        if type(text) is not str:
            raise unfit(subject, text, asker, "a string")
        if type(part) is not str:
            raise unfit(argument, part, asker, "a string")
        return holds(text, part)

    return run


def _pattern_test(node: TextTest, mode: Mode) -> Predicate:
    subject = term(node.subject, mode)
    assert isinstance(node.argument, Literal), "the parser lets no other pattern pass"
    found = matcher(str(node.argument.value))

    def run(environment: Environment) -> bool:
        text = subject.read(environment)
        if type(text) is not str:
            raise unfit(subject, text, "matches", "a string")
        try:
            return found(text)
        except UnicodeEncodeError:
            half = f"{subject.name} holds half a character (a lone surrogate)"
            raise EvaluationError(f"{half}, and matches cannot read it") from None

    return run

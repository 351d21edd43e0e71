"""Laws of the language of conditions, and a second interpreter that has to agree with it.

The reference below shares nothing with the compiler but the tree: it is recursive, has three
values instead of exceptions, and calculates with fractions.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import inf as INFINITY
from random import Random
from typing import Any, Final

from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain.governor.language import (
    MISSING,
    Condition,
    Environment,
    EvaluationError,
    PolicySyntaxError,
    compile_condition,
    parse,
    render,
)
from domain.governor.language.lexer import tokens
from domain.governor.language.source import TEXT_CHARACTERS_MAX, Source
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

# ── the reference ──


@dataclass(frozen=True)
class Trouble:
    """The third truth value: no answer, because of a part of the condition."""

    about: str


def reference(node: Node, environment: Environment) -> object:
    """Return the value of a node, or its Trouble."""
    match node:
        case Literal():
            return node.value
        case ListLiteral():
            return [item.value for item in node.items]
        case Path():
            return referred(node, environment)
        case Every(operands) | Some(operands):
            return junction(operands, environment, decisive=isinstance(node, Some))
        case Not(operand):
            opposite = truth(operand, environment)
            return opposite if isinstance(opposite, Trouble) else not opposite
        case Has(path):
            value = referred(path, environment)
            return value if isinstance(value, Trouble) else value is not MISSING
        case _:
            return relation(node, environment)


def referred(path: Path, environment: Environment) -> object:
    if path.root in ("data", "facts", "params"):
        steps = path.steps
        here: Any = dict(getattr(environment, path.root))
    else:
        steps = (path.root, *path.steps)
        here = dict(environment.context)
    for step in steps:
        if sort(here) == "foreign":
            return Trouble(render(path))
        here = here.get(step, MISSING) if sort(here) == "object" else MISSING
    if here is MISSING and path.root == "params":
        return Trouble(render(path))
    return here


def truth(node: Node, environment: Environment) -> bool | Trouble:
    value = reference(node, environment)
    return value if isinstance(value, bool | Trouble) else Trouble(render(node))


def junction(operands: tuple[Node, ...], environment: Environment, decisive: bool) -> object:
    values = [truth(each, environment) for each in operands]
    if any(value is decisive for value in values):
        return decisive
    return next((value for value in values if isinstance(value, Trouble)), not decisive)


def relation(node: Node, environment: Environment) -> object:
    parts = children(node)
    values: list[Any] = [reference(part, environment) for part in parts]
    names = [named(part) for part in parts]
    for value in values:
        if isinstance(value, Trouble):
            return value
    match node:
        case Compare(symbol="==" | "!=" as symbol):
            alike = equality(*values, *names)
            return alike if isinstance(alike, Trouble) else alike is (symbol == "==")
        case Compare():
            return order(node, *values, *names)
        case In():
            return membership(*values, *names)
        case TextTest():
            return text_test(node, values, names)
        case _:
            return len(values[0]) if type(values[0]) in (str, list, dict) else Trouble(names[0])


def named(node: Node) -> str:
    plain = isinstance(node, Path | Literal | ListLiteral | Size)
    return render(node) if plain else f"({render(node)})"


SORTS: Final[Mapping[type, str]] = {
    **dict.fromkeys((int, float, Decimal), "number"),
    **{bool: "bool", str: "text", type(None): "null", list: "list", dict: "object"},
}


def sort(value: object) -> str:
    if value is MISSING:
        return "missing"
    if str(value).lower() in ("nan", "snan") and not isinstance(value, str):
        return "nan"
    return SORTS.get(type(value), "foreign")


def magnitude(value: Any) -> tuple[int, Fraction]:
    """Numbers as fractions; a float with a fraction is the decimal it prints as."""
    if value in (INFINITY, -INFINITY):
        return (1 if value > 0 else -1), Fraction(0)
    if isinstance(value, float) and value != int(value):
        return 0, Fraction(repr(value))
    return 0, Fraction(value)


def is_rotten(value: Any) -> bool:
    if sort(value) in ("nan", "foreign"):
        return True
    below = value.values() if sort(value) == "object" else value
    return sort(value) in ("list", "object") and any(map(is_rotten, below))


def same(left: Any, right: Any) -> bool:
    if sort(left) != sort(right) or left is MISSING:
        return False
    match sort(left):
        case "number":
            return magnitude(left) == magnitude(right)
        case "list":
            return len(left) == len(right) and all(map(same, left, right))
        case "object":
            return set(left) == set(right) and all(same(left[key], right[key]) for key in left)
        case _:
            return bool(left == right)


def equality(left: object, right: object, left_name: str, right_name: str) -> object:
    if is_rotten(left):
        return Trouble(left_name)
    return Trouble(right_name) if is_rotten(right) else same(left, right)


def membership(item: object, members: Any, item_name: str, members_name: str) -> object:
    if is_rotten(item):
        return Trouble(item_name)
    if sort(members) != "list" or is_rotten(members):
        return Trouble(members_name)
    return any(same(item, each) for each in members)


def order(node: Compare, left: Any, right: Any, left_name: str, right_name: str) -> object:
    given_by_policy = isinstance(node.right, Literal | ListLiteral) or (
        isinstance(node.right, Path) and node.right.root == "params"
    )
    ordered = ("number", "text", "bool")
    if sort(left) not in ordered:
        return Trouble(left_name)
    if sort(left) != sort(right):
        return Trouble(left_name if given_by_policy and sort(right) in ordered else right_name)
    keys: dict[str, Callable[[Any], Any]] = {"number": magnitude, "text": str, "bool": int}
    key = keys[sort(left)]
    less, more = key(left) < key(right), key(left) > key(right)
    return {"<": less, ">": more, "<=": not more, ">=": not less}[node.symbol]


def text_test(node: TextTest, values: list[Any], names: list[str]) -> object:
    for value, name in zip(values, names, strict=True):
        if sort(value) != "text":
            return Trouble(name)
    text, part = values
    match node.function:
        case "startsWith":
            return text[: len(part)] == part
        case "endsWith":
            return text[len(text) - len(part) :] == part if len(part) <= len(text) else False
        case "contains":
            return text.find(part) >= 0
        case "matches":
            return re.search(part, text) is not None


# ── expressions and environments, small enough to meet ──

WORDS: Final = ("", "a", "b", "ab", "it's", '"', "\\", "\n", "é", "🐱")
NUMBERS: Final = (
    *(0, 1, -1, 30, 500, 2**53 + 1, 2**60, 10**33),
    *(Decimal("0.1"), Decimal("0.15"), Decimal("500.00"), Decimal("1e3"), Decimal("-0.5")),
    *(Decimal("9007199254740992.5"), Decimal("0.10000000000000001"), Decimal("1e-400")),
)
INEXACT: Final = (0.1, 0.15, -0.5, 500.0, 1e3, 2.0**53, 2.0**60, 1e300, -0.0, float("inf"))
ROTTEN: Final = (float("nan"), Decimal("NaN"), Decimal("sNaN"), (1,), object)

scalars = st.sampled_from([None, True, False, *WORDS, *NUMBERS])
leaves = st.one_of(scalars, st.sampled_from(INEXACT), st.sampled_from(ROTTEN))
values = st.recursive(
    leaves,
    lambda below: st.one_of(
        st.lists(below, max_size=3), st.dictionaries(st.sampled_from("ab"), below, max_size=2)
    ),
    max_leaves=4,
)
FIELDS: Final = ("a", "b", "a b")

data_paths = st.builds(
    Path,
    st.sampled_from(["data", "facts"]),
    st.lists(st.sampled_from(FIELDS), min_size=1, max_size=2).map(tuple),
)
parameter_paths = st.builds(Path, st.just("params"), st.sampled_from(FIELDS).map(lambda f: (f,)))
context_paths = st.sampled_from([Path("action"), Path("actor", ("id",)), Path("runId")])
paths = st.one_of(data_paths, data_paths, parameter_paths, context_paths)
literals = st.builds(Literal, scalars)
texts = st.builds(Literal, st.sampled_from(WORDS))
patterns = st.builds(
    Literal, st.sampled_from(["", "a", "^a|b$", "[^a-z]", r"\\", "(a|b){2}", "é+"])
)
lists = st.builds(ListLiteral, st.lists(literals, max_size=3).map(tuple))
sizes = st.builds(Size, st.one_of(paths, texts, lists))
operands = st.one_of(paths, paths, literals, literals, lists, sizes)
symbols = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
guards = st.builds(
    Compare,
    st.just("=="),
    st.sampled_from([Path("action"), Path("data", ("a",))]),
    st.builds(Literal, st.sampled_from(["a", "b"])),
)
relations = st.one_of(
    st.builds(Compare, symbols, operands, operands),
    st.builds(Compare, symbols, data_paths, literals),
    guards,
    st.builds(In, operands, st.one_of(paths, lists)),
    st.builds(Has, paths),
    st.builds(
        TextTest,
        st.sampled_from(["startsWith", "endsWith", "contains"]),
        st.one_of(paths, texts),
        st.one_of(paths, texts),
    ),
    st.builds(TextTest, st.just("matches"), st.one_of(paths, texts), patterns),
    st.builds(Literal, st.booleans()),
    operands,
)


def joined(below: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(below, min_size=2, max_size=4).map(tuple)
    return st.one_of(
        st.builds(Every, several),
        st.builds(Some, several),
        st.builds(Not, below),
        st.builds(Compare, symbols, below, below),
    )


nodes: st.SearchStrategy[Node] = st.recursive(relations, joined, max_leaves=8)
mappings = st.dictionaries(st.sampled_from(FIELDS), values, max_size=3)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "action": st.one_of(st.sampled_from(["a", "b", "c"]), leaves),
        "actor": st.fixed_dictionaries({}, optional={"id": leaves}),
    },
)
environments = st.builds(Environment, mappings, contexts, mappings, mappings)


def answer(condition: Condition, environment: Environment) -> bool | str:
    """True, false, or the reason why there is no answer."""
    try:
        found = condition.evaluate(environment)
    except EvaluationError as error:
        return error.reason
    assert type(found) is bool
    return found


def compiled(node: Node) -> Condition:
    return compile_condition(render(node))


# ── meaning ──


@given(nodes, environments)
def test_the_closures_agree_with_the_reference(node: Node, environment: Environment) -> None:
    expected = truth(node, environment)
    found = answer(compiled(node), environment)
    if isinstance(expected, Trouble):
        assert isinstance(found, str)
        assert found.startswith(f"{expected.about} "), "the leftmost trouble is the reason"
    else:
        assert found is expected


def shuffled(node: Node, random: Random) -> Node:
    match node:
        case Every(operands) | Some(operands):
            mixed = [shuffled(each, random) for each in operands]
            random.shuffle(mixed)
            return replace(node, operands=tuple(mixed))
        case Not(operand):
            return Not(shuffled(operand, random))
        case _:
            return node


@given(nodes, environments, st.randoms(use_true_random=False))
def test_the_order_of_operands_changes_no_answer(
    node: Node, environment: Environment, random: Random
) -> None:
    before, after = (answer(compiled(each), environment) for each in (node, shuffled(node, random)))
    assert before is after or (isinstance(before, str) and isinstance(after, str))


@given(nodes, environments)
def test_no_condition_holds_outside_its_actions(node: Node, environment: Environment) -> None:
    condition = compiled(node)
    action = "an action that nothing names"
    elsewhere = Environment(
        {**environment.data, "action": action},
        {**environment.context, "action": action},
        environment.params,
        environment.facts,
    )
    if condition.actions is not None:
        assert answer(condition, elsewhere) is False


@given(nodes, environments)
def test_only_what_a_condition_reads_matters(node: Node, environment: Environment) -> None:
    condition = compiled(node)

    def kept(root: str, mapping: Mapping[str, object]) -> dict[str, object]:
        heads = {Path(root, (name,)): name for name in mapping}
        return {
            name: mapping[name]
            for path, name in heads.items()
            if any(read.startswith(render(path)) for read in condition.reads)
        }

    less = Environment(
        kept("data", environment.data),
        environment.context,
        kept("params", environment.params),
        kept("facts", environment.facts),
    )
    assert answer(condition, less) == answer(condition, environment)
    for path in condition.reads:
        assert condition.lookup(environment, path) is condition.lookup(less, path)


numbers = st.one_of(
    st.sampled_from([*NUMBERS, *INEXACT]),
    st.integers(),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False),
)


@given(numbers, numbers, numbers)
@example(2**53 + 1, 2.0**53, Decimal(2**53))
@example(0.1, Decimal("0.1"), Decimal("0.10000000000000001"))
@example(1e23, Decimal("1e23"), 10**23)
def test_numbers_of_all_types_have_one_order(a: object, b: object, c: object) -> None:
    def holds(symbol: str, left: object, right: object) -> bool:
        condition = compile_condition(f"data.l {symbol} data.r")
        return condition.evaluate(Environment({"l": left, "r": right}))

    assert [holds(symbol, a, b) for symbol in ("<", "==", ">")].count(True) == 1
    assert holds("<", a, b) is holds(">", b, a) is (not holds(">=", a, b))
    assert holds("<=", a, b) is holds(">=", b, a) is (not holds(">", a, b))
    if holds("<=", a, b) and holds("<=", b, c):
        assert holds("<=", a, c)


@given(numbers, st.sampled_from([*NUMBERS]), symbols)
def test_a_constant_a_parameter_and_a_field_compare_alike(
    value: object, bound: int | Decimal, symbol: str
) -> None:
    environment = Environment({"x": value, "y": bound}, params={"p": bound})
    written = render(Literal(bound))
    found = [
        compile_condition(f"data.x {symbol} {right}").evaluate(environment)
        for right in (written, "params.p", "data.y")
    ]
    assert len(set(found)) == 1


# ── text ──


def read(text: str) -> Condition | PolicySyntaxError:
    try:
        return compile_condition(text)
    except PolicySyntaxError as error:
        return error


any_text = st.text(st.characters(exclude_categories=()), max_size=200)
FRAGMENTS: Final = """
data . x a facts params action actor id == != < <= > >= && || ! ( ) [ ] , in has size true false
null 1 -2 0.5 1e3 'a' "b" 'it\\'s' startsWith matches ['a'] data.x data['y'] action=='a' ' " \\ = &
| - + é 99999999999999999999999999999999999
r'\\' R" ''' b' rr' “ ≥ === !== <> // $ ; `a` and not dta len( x.matches('(') .matches(r'\\d')
"""
fragments = st.sampled_from([*FRAGMENTS.split(), "\n", "\t", "\x00", "\ud800"])
soup = st.lists(fragments, max_size=30).flatmap(
    lambda parts: st.sampled_from(["", " "]).map(lambda joint: joint.join(parts))
)


@given(st.one_of(any_text, soup, nodes.map(render)))
@example("\x00")
@example("\ud800")
@example("'\udfff'")
@example("1e99999999999999999999")
@example("9" * 4096)
@example("1234567e6144")
def test_any_text_is_a_condition_or_a_precise_error(text: str) -> None:
    condition = read(text)
    if isinstance(condition, PolicySyntaxError):
        error, lines = condition, text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert error.expected
        assert error.message
        assert str(error).encode()
        return
    answer(condition, Environment())
    printed = render(condition.tree)
    if len(printed) <= TEXT_CHARACTERS_MAX:
        assert parse(printed) == condition.tree
        assert render(parse(printed)) == printed


names = st.text(st.characters(codec="utf-8"), max_size=8)
exact = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1),
    st.integers(0, 10**34 - 1),
    st.integers(-6000, 6000),
)
any_literals = st.builds(
    Literal,
    st.one_of(st.none(), st.booleans(), st.integers(1 - 10**34, 10**34 - 1), exact, names),
)
any_paths = st.one_of(
    st.builds(
        Path,
        st.sampled_from(["data", "facts"]),
        st.lists(
            st.one_of(names, st.sampled_from(["in", "true", "size", "startsWith", "x1"])),
            min_size=1,
            max_size=5,
        ).map(tuple),
    ),
    st.builds(Path, st.just("params"), names.map(lambda name: (name,))),
    context_paths,
)
any_relations = st.one_of(
    any_literals,
    any_paths,
    st.builds(ListLiteral, st.lists(any_literals, max_size=5).map(tuple)),
    st.builds(Has, any_paths),
    st.builds(Size, any_paths),
    st.builds(
        TextTest,
        st.sampled_from(["startsWith", "endsWith", "contains"]),
        st.one_of(any_paths, st.builds(Literal, names)),
        any_paths,
    ),
    st.builds(TextTest, st.just("matches"), any_paths, patterns),
)
any_nodes: st.SearchStrategy[Node] = st.recursive(any_relations, joined, max_leaves=12)


@given(any_nodes)
def test_what_is_printed_is_read_back(node: Node) -> None:
    printed = render(node)
    assume(len(printed) <= TEXT_CHARACTERS_MAX)
    assert parse(printed) == node
    assert render(parse(printed)) == printed


# ── time, counted ──


@contextmanager
def counting() -> Iterator[list[int]]:
    """Count every call of a function, in Python or in C."""
    calls = [0]

    def count(_frame: object, event: str, _argument: object) -> None:
        calls[0] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


SHAPES: Final[Mapping[str, Callable[[int], str]]] = {
    "conjuncts": lambda n: " && ".join(["data.x == 1"] * n),
    "spaces": lambda n: "true" + " " * 15 * n,
    "escapes": lambda n: "data.x == '" + r"\n\x41" * n + "'",
    "quotes": lambda n: "data.x == '" + '"' * 10 * n + "'",
    "unclosed": lambda n: "data.x == '" + "a" * 15 * n,
    "digits": lambda n: "9" * 15 * n,
    "fraction": lambda n: "1." + "9" * 15 * n + "e",
    "name": lambda n: "x" * 15 * n,
    "dots": lambda n: "." * 15 * n,
    "raw": lambda n: "data.x == r'" + "\\" * 15 * n + "'",
    "triple": lambda n: "data.x == '''" + "''\n" * 5 * n + "'''",
    "unclosed triple": lambda n: "data.x == '''" + "''\n" * 5 * n,
    "called": lambda n: "x" + " " * 15 * n + "(",
    "patterns": lambda n: " || ".join(["'a'.matches('(a|b)*')"] * (n // 2)),
}


def test_reading_takes_time_in_proportion_to_the_text() -> None:
    for shape, text_of in SHAPES.items():
        counts = []
        for size in (35, 70, 140):
            text = text_of(size)
            with counting() as calls:
                read(text)
                with suppress(PolicySyntaxError):
                    assert all(token.kind for token in tokens(Source(text)))
            counts.append(calls[0])
            assert calls[0] <= 30 * len(text) + 200, shape
        assert counts[2] - counts[1] <= 2.2 * (counts[1] - counts[0]) + 60, (shape, counts)


class Watched(dict[str, object]):
    """A payload that counts how often it is looked at."""

    looks = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.looks += 1
        return super().get(key, default)


@given(st.integers(1, 38), st.randoms(use_true_random=False))
def test_answering_takes_time_in_proportion_to_the_nodes(depth: int, random: Random) -> None:
    text, fields = "data.gone > 1", 1
    for _ in range(depth):
        junction = random.choice(["&&", "||"])
        parts = [f"({text})", "data.gone > 2", random.choice(["data.t == 'x'", "data.n == 'x'"])]
        random.shuffle(parts)
        text, fields = f" {junction} ".join(parts), fields + 2
    payload = Watched(t=random.choice(["x", "y", None, 5]))
    answer(compile_condition(text), Environment(payload))
    assert payload.looks <= 3 * fields

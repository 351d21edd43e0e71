"""CEL's own conformance tests: what our language has in common with CEL, means the same.

every test ─┬─ outside our grammar, for named reasons ─► a PolicySyntaxError, nothing else
            └─ inside it ─► as CEL, the expected value with its type, or an error

Whether a test is outside is told from its text and the index that comes with it, never from
what our parser says, so that neither can cover up for the other.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from domain.governor.language import (
    Environment,
    EvaluationError,
    PolicySyntaxError,
    compile_as_cel,
    compile_condition,
    parse,
    render,
)

Case: TypeAlias = Mapping[str, Any]

INSIDE: Final = 173
OUTSIDE: Final[Mapping[str, int]] = {
    "arithmetic": 78,
    "bytes": 62,
    "object literal": 53,
    "unsigned number": 35,
    "index of a list or an object literal": 17,
    "control character in a string, unescaped": 14,
    "choice of values": 5,
    "name of a namespace or a type": 4,
    "hexadecimal number": 1,
}


def reasons(case: Case) -> Iterator[str]:
    """Say why a test is outside our grammar; most of those are so for several reasons."""
    text: str = case["expr"]
    functions, nodes = set(case["functions"]), set(case["nodes"])
    types = set(case["value_types"])
    if functions & {"_+_", "_-_", "_*_", "_/_", "_%_", "-_"}:
        yield "arithmetic"
    if "_?_:_" in functions:
        yield "choice of values"
    if "_[_]" in functions:
        yield "index of a list or an object literal"
    if "map" in nodes:
        yield "object literal"
    if "bytes" in types:
        yield "bytes"
    if "uint" in types or re.search(r"\d[uU]\b", text):
        yield "unsigned number"
    if re.search(r"\b0[xX]", text):
        yield "hexadecimal number"
    if "qualified_name" in nodes or text == "dyn":
        yield "name of a namespace or a type"
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text):
        yield "control character in a string, unescaped"


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> list[Case]:
    everything = json.loads((shared_data / "cel" / "cel_conformance.json").read_text())
    found: list[Case] = everything["tests"]
    assert len(found) == 392, "the figure that ORIGINS gives"
    return found


def speaks_our_language(case: Case) -> bool:
    return not any(reasons(case))


def in_our_words(case: Case) -> str:
    """Return the expression with its variables as fields of the payload."""
    text: str = case["expr"]
    for name in filter(str.isidentifier, set(case["bindings"]) - {"true", "false"}):
        text = re.sub(rf"(?<![\w.'\"]){re.escape(name)}\b", f"data.{name}", text)
    return text


def plain(tagged: Mapping[str, Any]) -> object:
    """Return a value of the test data as Python has it."""
    value = tagged["v"]
    match tagged["t"]:
        case "map":
            return {plain(key): plain(each) for key, each in value}
        case "list":
            return [plain(each) for each in value]
        case "double":
            return float(value)
        case _:
            return value


def is_same(left: object, right: object) -> bool:
    """Compare as the conformance tests do: with types, and NaN with itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return left == right


def answer(case: Case) -> object:
    """Return what CEL means by a test, or the EvaluationError that stands for no answer."""
    payload = {name: plain(tagged) for name, tagged in case["bindings"].items()}
    read = compile_as_cel(in_our_words(case))
    try:
        return read(Environment(payload))
    except EvaluationError as error:
        return error


def test_a_test_outside_our_grammar_is_a_syntax_error_for_a_named_reason(
    cases: list[Case],
) -> None:
    outside = [case for case in cases if not speaks_our_language(case)]
    for case in outside:
        with pytest.raises(PolicySyntaxError):
            parse(in_our_words(case))
    assert len(outside) == len(cases) - INSIDE
    assert Counter(reason for case in outside for reason in reasons(case)) == OUTSIDE


def test_a_test_inside_our_grammar_gives_the_expected_value_or_error(cases: list[Case]) -> None:
    inside = [case for case in cases if speaks_our_language(case)]
    for case in inside:
        found, expected = answer(case), case["expect"]
        if "error" in expected:
            assert isinstance(found, EvaluationError), case["id"]
        else:
            assert is_same(found, plain(expected["value"])), (case["id"], found)
    assert len(inside) == INSIDE


def test_the_governor_answers_them_alike_and_denies_what_is_no_condition(
    cases: list[Case],
) -> None:
    """Not one of these tests asks `==` about a missing field, or anything about NaN."""
    for case in filter(speaks_our_language, cases):
        condition = compile_condition(in_our_words(case))
        payload = {name: plain(tagged) for name, tagged in case["bindings"].items()}
        expected = case["expect"].get("value", {"t": "error"})
        if expected["t"] == "bool":
            assert condition.evaluate(Environment(payload)) is expected["v"], case["id"]
        else:
            with pytest.raises(EvaluationError):
                condition.evaluate(Environment(payload))


def test_they_are_printed_and_read_back(cases: list[Case]) -> None:
    for case in filter(speaks_our_language, cases):
        tree = parse(in_our_words(case))
        assert parse(render(tree)) == tree, case["id"]

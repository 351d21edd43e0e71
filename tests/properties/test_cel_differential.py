"""Two implementations of CEL, ours and the official one, asked the same random questions.

seed ─► random tree ─ render ─► text ─┬─ compile_as_cel ─► answers ─┐
     └► random environments ──────────┴─ tests.cel_peer ─► answers ─┴─► equal, pair by pair

What the two answer differently on purpose is left out of the questions, and listed as tests of
its own at the end of this file. `make faults SEED=7` asks 200,000 pairs of another seed.
"""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pytest

from domain.governor.language import (
    Environment,
    EvaluationError,
    PolicySyntaxError,
    compile_as_cel,
    compile_condition,
    render,
)
from domain.governor.language.condition import paths_of
from domain.governor.language.tree import Node, Path
from tests import cel_peer
from tests.trees import NAN, Chance

PAIRS_OF_AN_ORDINARY_RUN: Final = 3_000
PAIRS_OF_A_LONG_RUN_MIN: Final = 200_000
PAIRS_PER_MINUTE: Final = 20_000
PAIRS_OF_A_PROCESS: Final = 50_000
ENVIRONMENTS_OF_A_TEXT: Final = 10


def environment_of(bindings: cel_peer.Bindings) -> Environment:
    context = {"action": bindings["action"], "actor": bindings["actor"]}
    return Environment(bindings["data"], context, bindings["params"], bindings["facts"])


TYPES: Final = {type(None): "null", int: "int", float: "double", str: "string", list: "list"}


def ours(text: str, many: Sequence[cel_peer.Bindings]) -> list[str]:
    """Answer with the words of the peer."""
    try:
        read = compile_as_cel(text)
    except PolicySyntaxError:
        return ["syntax"] * len(many)
    return [word(read, each) for each in many]


def word(read: Any, bindings: cel_peer.Bindings) -> str:
    try:
        value = read(environment_of(bindings))
    except EvaluationError:
        return "error"
    if isinstance(value, bool):
        return "true" if value else "false"
    return TYPES.get(type(value), "map")


def require_agreement(seed: str, pairs: int) -> Counter[str]:
    """Ask both, and return how often which answer was given."""
    chance = Chance(seed)
    questions = [
        (render(chance.node()), [chance.bindings() for _ in range(ENVIRONMENTS_OF_A_TEXT)])
        for _ in range(pairs // ENVIRONMENTS_OF_A_TEXT)
    ]
    answers: Counter[str] = Counter()
    for (text, many), theirs in zip(questions, cel_peer.ask(questions), strict=True):
        for bindings, mine, other in zip(many, ours(text, many), theirs, strict=True):
            assert mine == other, f"seed {seed}: {text} of {bindings}: {mine}, and CEL says {other}"
            answers[mine] += 1
    assert not answers["syntax"], "the printer writes what both can read"
    return answers


def require_variety(answers: Counter[str]) -> None:
    """Agreement on errors alone would show nothing."""
    for each in ("true", "false", "error"):
        assert answers[each] > answers.total() // 20, answers


def test_ours_and_the_official_implementation_agree() -> None:
    answers = require_agreement("1", PAIRS_OF_AN_ORDINARY_RUN)
    assert answers.total() == PAIRS_OF_AN_ORDINARY_RUN
    require_variety(answers)


@pytest.mark.faults
def test_ours_and_the_official_implementation_agree_for_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = os.environ.get("BOS_FAULTS_SEED", "1")
    minutes = float(os.environ.get("BOS_FAULTS_MINUTES", "1"))
    pairs = max(PAIRS_OF_A_LONG_RUN_MIN, int(PAIRS_PER_MINUTE * minutes))
    total: Counter[str] = Counter()
    for part in range(-(-pairs // PAIRS_OF_A_PROCESS)):
        total += require_agreement(f"{seed}/{part}", PAIRS_OF_A_PROCESS)
        with capsys.disabled():
            sys.stdout.write(f"\nseed {seed}/{part}: {total.total():,} pairs agree, {total}")
    assert total.total() >= PAIRS_OF_A_LONG_RUN_MIN
    require_variety(total)


# ── what is different on purpose ──

# The first two are the difference between our two modes. For each: a condition, what the governor
# says of SUBJECT, and, where that is not the same for all of them, what CEL says.

MISSING_IS_NO_ERROR_FOR_EQUALITY: Final = (
    ("data.gone == 5", "false"),
    ("data.gone != 5", "true"),
    ("data.gone in [5]", "false"),
    ("data.gone.gone == 5", "false"),
    ("data.five.gone == 5", "false"),
    ("has(data.gone.gone)", "false"),
    ("has(data.five.gone)", "false"),
)
NAN_COMPARES_WITH_NOTHING: Final = (
    ("data.nan == data.nan", "false"),
    ("data.nan != data.nan", "true"),
    ("data.nan == 'x'", "false"),
    ("data.nan < 5", "false"),
    ("data.nan >= 5", "false"),
    ("data.nan in [5]", "false"),
    ("5 in data.nans", "true"),
    ("data.nans == [5]", "false"),
)
FURTHER_DIFFERENCES: Final = (
    # the decimals of a policy are money, exact to the last digit; CEL knows floats only
    ("0.10000000000000001 == 0.1", "false", "true"),
    # integers compare exactly with floats; cel-cpp makes the integer a float first
    ("data.odd == data.even", "false", "true"),
    ("data.odd > data.even", "true", "false"),
    # `in` looks into lists only
    ("'a' in data.object", "error", "true"),
    # a parameter that the policy does not have is a mistake, even where it is asked for
    ("has(params.gone)", "error", "false"),
    # cel-cpp cannot read what the grammar of CEL allows
    (r"data.backslash == r'\'", "true", "syntax"),
    # of ! each asks for true or false; cel-cpp drops two in a row, unasked
    ("!!data.five == 5", "error", "true"),
    # a field of any name may be asked for
    ("has(data['a b'])", "true", "syntax"),
    # numbers may have 34 digits
    ("data.five < 9223372036854775808", "true", "syntax"),
)
SUBJECT: Final[cel_peer.Bindings] = {
    "data": {
        "five": 5,
        "nan": NAN,
        "nans": [NAN, 5],
        "odd": 2**53 + 1,
        "even": 2.0**53,
        "object": {"a": 1},
        "backslash": "\\",
        "a b": 1,
    },
    "facts": {},
    "params": {},
    "action": "a",
    "actor": {},
}


def the_governors(text: str) -> str:
    return word(compile_condition(text).evaluate, SUBJECT)


def theirs(texts: Sequence[str]) -> list[str]:
    return [answer for (answer,) in cel_peer.ask([(text, [SUBJECT]) for text in texts])]


def test_for_the_governor_a_missing_field_equals_nothing_and_for_cel_it_is_an_error() -> None:
    texts = [text for text, _ in MISSING_IS_NO_ERROR_FOR_EQUALITY]
    assert [the_governors(text) for text in texts] == [
        answer for _, answer in MISSING_IS_NO_ERROR_FOR_EQUALITY
    ]
    assert {*(ours(text, [SUBJECT])[0] for text in texts), *theirs(texts)} == {"error"}


def test_for_the_governor_nan_is_an_error_and_for_cel_a_number() -> None:
    texts = [text for text, _ in NAN_COMPARES_WITH_NOTHING]
    assert {the_governors(text) for text in texts} == {"error"}
    as_cel = [answer for _, answer in NAN_COMPARES_WITH_NOTHING]
    assert [ours(text, [SUBJECT])[0] for text in texts] == as_cel
    assert theirs(texts) == as_cel


def test_what_else_we_answer_differently() -> None:
    for text, governor, _ in FURTHER_DIFFERENCES:
        assert the_governors(text) == governor, text
    assert theirs([text for text, *_ in FURTHER_DIFFERENCES]) == [
        cel for *_, cel in FURTHER_DIFFERENCES
    ]


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_is_missing_and_no_number_is_nan_the_governor_is_cel(seed: int) -> None:
    """Of the pairs in which CEL gives an answer without a missing field or NaN, not one differs."""
    chance = Chance(f"governor/{seed}")
    compared = 0
    while compared < 300:
        tree = chance.node()
        text, bindings = render(tree), chance.bindings()
        if not is_complete(tree, bindings):
            continue
        cel = ours(text, [bindings])[0]
        expected = cel if cel in ("true", "false") else "error"
        found = word(compile_condition(text).evaluate, bindings)
        assert found == expected, f"{text} of {bindings}"
        compared += 1


def is_complete(tree: Node, bindings: cel_peer.Bindings) -> bool:
    """Say whether every path leads to a value in which there is no NaN."""
    return all(is_sound(lookup(path, bindings)) for path in paths_of(tree))


def lookup(path: Path, bindings: cel_peer.Bindings) -> object:
    here: Any = bindings[path.root]
    for step in path.steps:
        if not isinstance(here, dict) or step not in here:
            return NAN
        here = here[step]
    return here


def is_sound(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(is_sound, value.values() if isinstance(value, dict) else value))
    return bool(value == value)

"""docs/reference/policy-language.md says what is so: its examples, its grammar and its limits."""

import json
import re
from pathlib import Path
from random import Random
from typing import Final

import pytest

from domain.governor.language import (
    Environment,
    EvaluationError,
    PolicySyntaxError,
    compile_condition,
    lexer,
    parse,
    parser,
    pattern,
    source,
    values,
)
from domain.governor.language.tree import ACTOR_FIELDS, CONTEXT_NAMES, KEYWORDS

PAGE: Final = (Path(__file__).parents[3] / "docs" / "reference" / "policy-language.md").read_text()
SENTENCES: Final = 2_000
DEPTH_MAX: Final = 12
"""Levels of the grammar's rules; beyond it, the shortest way out is taken."""


def blocks(kind: str) -> list[tuple[str, str]]:
    """Return each line that is indented in the blocks of a kind, with the line it belongs to."""
    found = []
    for block in re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        subject = ""
        for line in block.splitlines():
            if line.startswith("    "):
                found.append((subject, line.strip()))
            else:
                subject = line
    return found


@pytest.mark.parametrize(("condition", "example"), blocks("policy"))
def test_an_example_is_answered_as_the_page_says(condition: str, example: str) -> None:
    payload, answer = re.split(r" {2,}", example)
    try:
        found = str(compile_condition(condition).evaluate(Environment(json.loads(payload)))).lower()
    except EvaluationError as error:
        found = f"error: {error.reason}"
    assert found == answer


@pytest.mark.parametrize(("condition", "said"), blocks("mistakes"))
def test_a_mistake_is_told_as_the_page_says(condition: str, said: str) -> None:
    with pytest.raises(PolicySyntaxError) as caught:
        compile_condition(condition)
    assert str(caught.value) == said


def test_the_page_has_examples() -> None:
    assert len(blocks("policy")) > 30
    assert len(blocks("mistakes")) > 10


def test_the_limits_are_those_of_the_code() -> None:
    table = PAGE.partition("## Limits")[2].partition("Reading takes")[0]
    assert [int(number) for number in re.findall(r"\| (\d+) \|$", table, re.MULTILINE)] == [
        source.TEXT_CHARACTERS_MAX,
        parser.DEPTH_MAX,
        parser.NODES_MAX,
        parser.LIST_ELEMENTS_MAX,
        parser.PATH_STEPS_MAX,
        lexer.NUMBER_DIGITS_MAX,
        lexer.NUMBER_EXPONENT_MAX,
        pattern.PATTERN_CHARACTERS_MAX,
        values.VALUE_DEPTH_MAX,
    ]


# ── the grammar ──

RULES: Final = {
    name: body.strip()
    for name, body in re.findall(
        r"^(\w+) *= (.*?) ;$", PAGE.partition("```ebnf")[2].partition("```")[0], re.MULTILINE
    )
}
WORDS: Final = {
    "NAME": ("x", "amount", "_a1", "size", "data"),
    "NUMBER": ("0", "500", "-3", "0.15", ".5", "1e3", "-2.5E-7"),
    "STRING": ("'a'", '"b"', "''", r"'\n\x41'", r"r'\d'", "'''c'''", '"""d"""', "'in'"),
    "PATTERN": ("'a'", r"r'^\d+$'"),
}


NESTING: Final = {**dict.fromkeys("([{", 1), **dict.fromkeys(")]}", -1)}


def alternatives(words: list[str]) -> list[list[str]]:
    """Split at each | that stands in no brackets."""
    found: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += NESTING.get(word, 0)
        if word == "|" and depth == 0:
            found.append([])
        else:
            found[-1].append(word)
    return found


def closing(words: list[str]) -> int:
    """Find what closes the bracket that begins these words; 0 if none begins them."""
    depth = 0
    for place, word in enumerate(words):
        depth += NESTING.get(word, 0)
        if depth == 0:
            return place
    raise AssertionError(f"nothing closes {words}")


class Speaker:
    """Random sentences of the grammar, written word by word."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def rule(self, name: str, depth: int = 0) -> list[str]:
        if name in WORDS:
            return [self._random.choice(WORDS[name])]
        if depth > DEPTH_MAX and name in ("condition", "unary"):
            return ["true"]
        return self._say(re.findall(r'"[^"]+"|\w+|[|{}()\[\]]', RULES[name]), depth)

    def _say(self, words: list[str], depth: int) -> list[str]:
        """Say one of the alternatives."""
        rest, said = self._random.choice(alternatives(words)), list[str]()
        while rest:
            word, end = rest[0], closing(rest)
            times = 1 if word not in ("[", "{") else self._random.choice((0, 0, 1))
            if end:
                said += self._say(rest[1:end], depth) if times else []
            else:
                said += [word[1:-1]] if word.startswith('"') else self.rule(word, depth + 1)
            rest = rest[end + 1 :]
        return said


@pytest.mark.parametrize("seed", range(2))
def test_every_sentence_of_the_grammar_is_a_condition(seed: int) -> None:
    speaker, said = Speaker(seed), set()
    for _ in range(SENTENCES // 2):
        words = speaker.rule("condition")
        said.update(words)
        parse(" ".join(words))
    quoted = set(re.findall(r'"([^"]+)"', " ".join(RULES.values())))
    assert quoted <= said, "every word of the grammar was said at least once"


def test_the_grammar_has_every_word_of_the_parser() -> None:
    quoted = set(re.findall(r'"([^"]+)"', " ".join(RULES.values())))
    names = {*parser.STEPS, *parser.TEXT_FUNCTIONS, *KEYWORDS, *ACTOR_FIELDS, *CONTEXT_NAMES}
    symbols = {*parser.COMPARISONS, "&&", "||", "!", "(", ")", "[", "]", ",", "."}
    assert quoted == {*names, *symbols, "has", "size"}

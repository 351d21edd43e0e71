"""The printer writes every tree so that the parser reads the same tree: parse(render(t)) == t."""

import os
import sys

import pytest

from domain.governor.language import PolicySyntaxError, parse, render
from domain.governor.language.source import TEXT_CHARACTERS_MAX
from tests.trees import Wild

TREES_OF_AN_ORDINARY_RUN = 3_000
TREES_OF_A_LONG_RUN = 100_000


def require_trees_read_back(seed: str, trees: int) -> None:
    wild, done = Wild(seed), 0
    while done < trees:
        tree = wild.node()
        text = render(tree)
        if len(text) > TEXT_CHARACTERS_MAX:
            continue
        try:
            found = parse(text)
        except PolicySyntaxError as error:
            pytest.fail(f"seed {seed}, tree {done}: {text!a} is refused, {error}")
        assert found == tree, f"seed {seed}, tree {done}: {text!a}"
        assert render(found) == text
        done += 1


def test_what_is_printed_is_read_back() -> None:
    require_trees_read_back("1", TREES_OF_AN_ORDINARY_RUN)


@pytest.mark.faults
def test_what_is_printed_is_read_back_a_hundred_thousand_times(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = os.environ.get("BOS_FAULTS_SEED", "1")
    require_trees_read_back(seed, TREES_OF_A_LONG_RUN)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}: {TREES_OF_A_LONG_RUN:,} trees printed and read back")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (r"data.x == '\\d'", r"data.x == '\\d'"),
        (r"data.x.matches('^\\d+$')", r"data.x.matches(r'^\d+$')"),
        (r"data.x.matches(R'''^\d+$''')", r"data.x.matches(r'^\d+$')"),
        ("data.x == '''it's\n\"it\"'''", r"""data.x == 'it\'s\n"it"'"""),
        (r"data.x == r'\a\'", r"data.x == '\\a\\'"),
        (r"""data.x == 'a\\b"c\'d'""", r"""data.x == 'a\\b"c\'d'"""),
    ],
)
def test_a_text_is_written_raw_where_that_needs_no_escape(text: str, printed: str) -> None:
    if text == printed:
        assert parse(render(parse(text))) == parse(text)
    else:
        assert render(parse(text)) == printed

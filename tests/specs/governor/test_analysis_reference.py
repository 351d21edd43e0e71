"""The reference of policy analysis says what the analysis does."""

import re
from pathlib import Path
from typing import Final

import pytest

from domain.governor.analysis import Answer, Outcome, Subject, lint, study
from domain.governor.analysis.survey import alone_together
from domain.governor.language import compile_condition
from domain.governor.policy import Policy, Rule

PAGE: Final = (Path(__file__).parents[3] / "docs/reference/policy-analysis.md").read_text()
SOURCES: Final = Path(__file__).parents[3] / "domain/governor/analysis"


def table(heading: str) -> list[list[str]]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[cell.strip().strip("`").replace(r"\|", "|") for cell in row] for row in rows]


def subject(text: str) -> Subject:
    return Subject(compile_condition(text), {})


@pytest.mark.parametrize("row", table("One condition"), ids=lambda row: row[0])
def test_one_condition(row: list[str]) -> None:
    text, never, always, error, shown = row
    found = study(subject(text))
    assert [found.never_true.value, found.always_true.value] == [never, always]
    assert found.can(Outcome.ERROR).value == error
    witness = found.witness(Outcome.ERROR)
    assert (witness.words if witness is not None else "") == shown


@pytest.mark.parametrize("row", table("Two conditions"), ids=lambda row: row[0])
def test_two_conditions(row: list[str]) -> None:
    found = alone_together(subject(row[0]), subject(row[1]))
    assert found is not None
    assert found.relation.value == row[2]


def severities() -> dict[str, str]:
    """Return the codes of lint with their severities, as the page has them."""
    rows = table("Findings of lint")
    return {code: row[0] for row in rows for code in re.findall(r"\w+", row[1])}


def test_every_code_of_lint_is_explained() -> None:
    written = [(SOURCES / name).read_text() for name in ("lint.py", "naming.py")]
    used = {code for text in written for code in re.findall(r'code="(\w+)"', text)}
    assert used == set(severities())


def test_what_is_decided_whatever_a_comparison_says() -> None:
    (text,) = re.findall(r"still decided \(`(.+)` is never true\)", PAGE)
    assert study(subject(text)).never_true is Answer.YES


def test_the_severities_are_those_of_the_table() -> None:
    texts = ("data.x >", "1 == 2", "true", "data.x > params.gone", "data.x > 5", "data.x > 5")
    made = [
        Rule(id=str(number), condition=text, action="deny", message="")
        for number, text in enumerate(texts)
    ]
    made.append(Rule(id="a", condition="data.a.contains(data.b)", action="allow", message=""))
    found = lint(Policy(id="p", version=1, name="p", rules=tuple(made), parameters={"unused": 1}))
    codes = {each.code for each in found}
    assert codes >= {"syntax", "never_true", "always_true", "allow", "unknown", "shadowed"}
    assert {each.code: each.severity.word for each in found}.items() <= severities().items()

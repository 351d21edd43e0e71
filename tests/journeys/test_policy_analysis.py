"""A founder asks what a policy means before it is in force."""

import json
from pathlib import Path
from typing import Any

import pytest

from console_api.cli.main import main
from tests.journeys.terminal import Terminal

GUARD = "action == 'process_refund'"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "data")


def written(folder: Path, condition: str, name: str = "cap", **more: Any) -> str:
    rule = {"id": "cap", "action": "deny", "message": "Too much", "condition": condition, **more}
    file = folder / f"{name}-{len(list(folder.iterdir()))}.json"
    file.write_text(json.dumps({"policyId": name, "name": "Cap", "rules": [rule]}))
    return str(file)


def linted(file: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    code = main(["policy", "lint", file, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_typo_is_an_error_with_a_suggestion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, f"{GUARD} && data.amuont > 50")
    code, told = linted(file, capsys)
    assert (code, told["ok"]) == (1, False)
    (finding,) = told["findings"]
    assert (finding["severity"], finding["code"]) == ("error", "path_unknown")
    assert finding["cure"] == "did you mean data.amount?"

    assert main(["policy", "lint", file]) == 1
    shown = capsys.readouterr().out
    assert "data.amuont is no field of process_refund" in shown
    assert "This policy has errors" in shown


def test_a_warning_tells_and_lets_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = linted(written(tmp_path, "data.amount > 50"), capsys)
    assert (code, told["ok"]) == (0, True)
    (finding,) = told["findings"]
    assert finding["witness"] == {"action": "update_price"}
    assert "denies update_price, change_payee_account, reorder_stock … for" in finding["message"]


def test_a_flaw_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = linted(written(tmp_path, "data.amount >"), capsys)
    assert (code, told["ok"], told["findings"]) == (1, False, [])
    assert told["problem"].startswith("rule cap: line 1, column 14")


def test_a_raised_limit_is_told_with_an_example(terminal: Terminal, tmp_path: Path) -> None:
    held = {"action": "require_approval", "name": "refund-approval-limits"}
    new = written(tmp_path, f"data.{GUARD} && data.amount > 1000", **held)
    (change,) = terminal.json("policy", "diff", "refund-approval-limits@1", new)["changes"]
    where = "action is 'process_refund' and data.amount is above 500 and at most 1000"
    assert change == {
        "before": "held for founder",
        "after": "allowed",
        "where": [where],
        "example": {"action": "process_refund", "data": {"amount": 1000}},
    }
    said = terminal.bos("policy", "diff", "refund-approval-limits@1", new)
    assert said.code == 0
    assert where in said.out
    assert "data.amount = 1000" in said.out

    assert terminal.bos("policy", "draft", new).code == 0
    same = terminal.json("policy", "diff", "refund-approval-limits@2", new)
    assert (same["same"], same["changes"]) == ("yes", [])


def test_other_words_for_the_same_are_no_difference(terminal: Terminal, tmp_path: Path) -> None:
    old = written(tmp_path, f"{GUARD} && data.amount > 50")
    new = written(tmp_path, f"!(data.amount <= 50 || !(data.{GUARD}))")
    said = terminal.bos("policy", "diff", old, new)
    assert said.code == 0
    assert "Same meaning" in said.out
    assert "rule cap has another condition" in said.out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nothing@1", "no policy is recorded as nothing@1"),
        ("refund-approval-limits@7", "no policy is recorded as refund-approval-limits@7"),
        ("gone.json", "gone.json cannot be read"),
    ],
)
def test_what_is_not_there_is_said(
    name: str, told: str, terminal: Terminal, tmp_path: Path
) -> None:
    said = terminal.bos("policy", "diff", name, written(tmp_path, GUARD))
    assert said.code in (1, 2)
    assert told in " ".join(said.err.split())
    assert "Traceback" not in said.err

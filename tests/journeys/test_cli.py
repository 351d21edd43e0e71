"""A founder's day in a terminal."""

import json
from pathlib import Path

import click
import pytest

from adapters.lock import DataLock
from console_api.cli.main import bos, main
from tests.journeys.terminal import Terminal

REFUND = '{"orderId": "o1", "amount": %s, "currency": "USD"}'
AGENT = json.dumps(
    {
        "agentId": "support",
        "name": "Support",
        "type": "support",
        "toolPermissions": ["process_refund"],
    }
)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "data")


@pytest.fixture
def staffed(terminal: Terminal) -> Terminal:
    assert terminal.json("do", "RegisterAgent", "--payload", AGENT)["status"] == "done"
    return terminal


def propose(terminal: Terminal, amount: str) -> dict[str, object]:
    words = ("propose", "process_refund", "--agent", "support", "--payload", REFUND % amount)
    receipt: dict[str, object] = terminal.bos(*words, "--json").json
    return receipt


def test_a_small_refund_runs_and_a_large_one_waits_for_the_founder(staffed: Terminal) -> None:
    assert propose(staffed, "500")["status"] == "done"
    held = propose(staffed, "500.01")
    assert held["status"] == "held"

    inbox = staffed.json("ask", "approvals", "--status", "pending")["items"]
    assert [row["id"] for row in inbox] == [held["approvalId"]]
    assert inbox[0]["requestedBy"] == "agent:support"

    answered = staffed.json("approve", inbox[0]["id"], "--notes", "seen")
    assert answered["resumed"]["status"] == "done"
    actions = staffed.json("ask", "actions")["items"]
    assert [row["status"] for row in actions] == ["completed", "completed"]
    totals = staffed.json("ask", "dashboard")["totals"]
    assert (totals["refunds"], totals["refundAmount"]) == (2, 1000.01)


def test_a_rejection_reaches_the_action(staffed: Terminal) -> None:
    held = propose(staffed, "900")
    said = staffed.bos("reject", str(held["approvalId"]), "--reason", "not our order")
    assert said.code == 0
    row = staffed.json("ask", "actions")["items"][0]
    assert (row["status"], row["errorMessage"]) == ("denied", "Rejected by founder: not our order")
    again = staffed.bos("approve", str(held["approvalId"]))
    assert again.code == 1
    assert "already rejected" in again.out


def test_what_waits_is_added_up_shown_asked_and_amended(staffed: Terminal) -> None:
    first = propose(staffed, "900")
    assert staffed.bos("approve", str(first["approvalId"])).code == 0
    held = str(propose(staffed, "950.50")["approvalId"])
    digest = staffed.json("approvals", "digest")
    assert (digest["waiting"], digest["byRole"]) == (1, {"founder": 1})
    assert digest["money"] == [{"currency": "USD", "count": 1, "amount": 950.5}]
    assert digest["oldest"] == digest["mostUrgent"]
    assert digest["oldest"]["id"] == held
    assert "950.50 USD (1)" in staffed.bos("approvals", "digest").out

    assert staffed.bos("approvals", "ask", held, "which order?").code == 0
    assert staffed.bos("approvals", "answer", held, "the blue one").code == 0
    said = staffed.bos("approvals", "show", held)
    assert "which order?" in said.out
    assert "the blue one" in said.out
    shown = staffed.json("approvals", "show", held)
    assert shown["demands"] == [{"role": "founder", "count": 1}]
    (similar,) = shown["similar"]
    assert (similar["id"], similar["amount"]) == (first["approvalId"], 900)
    assert (similar["status"], similar["actionStatus"]) == ("consumed", "completed")

    amended = staffed.bos("approvals", "amend", held, "--payload", REFUND % "20")
    assert amended.code == 0
    assert staffed.json("approvals", "digest")["waiting"] == 0
    newest = staffed.json("ask", "actions", "--status", "completed")["items"]
    assert len(newest) == 2
    for word in ("show", "amend"):
        more = ("--payload", "{}") if word == "amend" else ()
        assert "no approval is called apr-x" in staffed.bos("approvals", word, "apr-x", *more).err


def test_mandates_are_set_from_the_terminal(staffed: Terminal) -> None:
    words = ("approvals", "limit", "admin", "USD", "--per-day", "1000.50", "--reason", "new")
    assert staffed.bos(*words).code == 0
    told = staffed.json("state", "mandate:business")["state"]
    assert told["limits"] == {"admin": {"USD": {"each": None, "per_day": 1000.5}}}
    alone = staffed.bos(
        "approvals", "delegate", "founder", "--until", "2099-01-01", "--reason", "r"
    )
    assert (alone.code, "nobody delegates to themselves" in alone.out) == (1, True)
    gone = staffed.bos("approvals", "withdraw", "vera", "--reason", "r")
    assert gone.code == 0
    no = staffed.bos("override", "nothing", "--reason", "because the founder wants it so")
    assert (no.code, "no command of this id" in no.out) == (1, True)


def test_the_kill_switch_stops_and_releases(staffed: Terminal) -> None:
    assert staffed.bos("kill", "--reason", "odd").code == 0
    assert propose(staffed, "1")["status"] == "held"
    dashboard = staffed.json("ask", "dashboard")
    assert dashboard["killSwitch"]["engaged"]
    assert dashboard["openIncidents"] == 1
    assert staffed.bos("release", "--reason", "a false alarm").code == 0
    assert propose(staffed, "1")["status"] == "done"


def test_the_state_of_anything_at_any_position(staffed: Terminal) -> None:
    held = propose(staffed, "900")
    stream = str(held["subject"])
    told = staffed.json("state", stream)
    assert told["state"]["stage"] == "awaiting_approval"
    first = told["events"][0]["position"]
    assert staffed.json("state", stream, "--at", str(first))["state"]["stage"] == "proposed"
    before = staffed.bos("state", stream, "--at", str(first - 1))
    assert before.code == 1


def test_every_picture_is_what_the_log_says(staffed: Terminal) -> None:
    propose(staffed, "900")
    rows = staffed.json("rebuild", "--verify")["items"]
    assert {row["result"] for row in rows} == {"equal"}
    assert {row["result"] for row in staffed.json("rebuild", "actions")["items"]} == {"rebuilt"}
    assert staffed.json("audit", "verify")["ok"]


def test_the_same_key_is_the_same_request(staffed: Terminal) -> None:
    words = ("propose", "process_refund", "--agent", "support", "--idempotency-key", "k1")
    first = staffed.json(*words, "--payload", REFUND % "10")
    head = staffed.json("ask", "dashboard")["head"]
    assert staffed.json(*words, "--payload", REFUND % "10") == first
    assert staffed.json("ask", "dashboard")["head"] == head
    other = staffed.bos(*words, "--payload", REFUND % "11")
    assert other.code == 1
    assert "idempotency_key_reused" in other.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("do", "Nonsense"), 2, "no command is called 'Nonsense'"),
        (("do", "RegisterAgent", "--payload", "{"), 2, "not JSON"),
        (("do", "RegisterAgent", "--payload", "[]"), 2, "must be a JSON object"),
        (("do", "RegisterAgent", "--payload", '{"a": NaN}'), 2, "NaN is not a JSON number"),
        (("do", "RegisterAgent", "--payload", '{"a": 1, "a": 2}'), 2, "same name twice"),
        (("do", "RegisterAgent", "--payload", "@nowhere.json"), 2, "cannot be read"),
        (("do", "RegisterAgent", "--payload", '{"x": 1}'), 2, "agentId: Field required"),
        (("ask", "nonsense"), 2, "no list is called 'nonsense'"),
        (("ask", "approvals", "--nonsense", "x"), 2, "cannot be filtered by 'nonsense'"),
        (("ask", "approvals", "--limit", "9999"), 2, "limit must be between 1 and 500"),
        (("ask", "approvals", "--cursor", "§"), 2, "cursor"),
        (("state", "nonsense"), 2, "is not <category>:<key>"),
        (("approve", "apr-none"), 2, "no approval is called apr-none"),
        (("propose", "process_refund", "--payload", "{}", "--as", "nobody"), 1, "nobody here"),
        (("kill",), 2, "--reason"),
        (("rebuild", "nonsense"), 2, "no read model is called nonsense"),
        (("import", "orders", "nowhere.csv"), 2, "nowhere.csv"),
    ],
)
def test_nonsense_gets_a_sentence(
    terminal: Terminal, words: tuple[str, ...], code: int, told: str
) -> None:
    said = terminal.bos(*words)
    assert said.code == code, said
    assert told in said.out + " ".join(said.err.split()), said
    assert "Traceback" not in said.err


def test_a_denied_proposal_is_a_no_with_its_reason(staffed: Terminal) -> None:
    words = ("propose", "process_payout", "--agent", "support", "--payload", "{}")
    said = staffed.bos(*words)
    assert said.code == 1
    assert "agent support may not use process_payout" in said.out


def test_a_policy_file_is_linted_checked_and_put_in_force(
    staffed: Terminal, tmp_path: Path
) -> None:
    rule = {"id": "cap", "action": "deny", "message": "Too much", "condition": "data.amount > 50"}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"policyId": "cap", "name": "Cap", "rules": [rule]}))
    payload = ("--action", "process_refund", "--payload", REFUND % "51")
    assert main(["policy", "lint", str(file)]) == 0
    assert main(["policy", "check", str(file), *payload]) == 1
    assert staffed.bos("policy", "draft", str(file)).code == 0
    assert propose(staffed, "51")["status"] == "done"
    assert staffed.bos("policy", "activate", "cap", "--reason", "month end").code == 0
    assert propose(staffed, "51")["status"] == "denied"
    assert staffed.bos("policy", "disable", "cap", "--reason", "month began").code == 0
    assert propose(staffed, "51")["status"] == "done"


def test_people_and_tokens(terminal: Terminal) -> None:
    assert terminal.bos("users", "add", "olga", "--role", "operator").code == 0
    token = terminal.json("tokens", "issue", "olga")
    assert token["token"].startswith("bos_")
    refused = terminal.bos("users", "add", "eve", "--role", "admin", "--as", "olga")
    assert refused.code == 1
    assert "does not include add_user" in refused.out


def test_a_second_process_is_told_who_has_the_folder(terminal: Terminal) -> None:
    lock = DataLock(terminal.data)
    said = terminal.bos("ask", "dashboard")
    lock.release()
    assert said.code == 3
    assert "in use by another process" in " ".join(said.err.split())


def test_help_says_what_every_command_does() -> None:
    context = click.Context(bos)
    for name in bos.list_commands(context):
        found = bos.get_command(context, name)
        assert found is not None
        assert found.help, f"{name} does not say what it does"

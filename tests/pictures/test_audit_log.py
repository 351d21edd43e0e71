"""Audit log: one row a command: who asked what, what the governor looked at, what changed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.governor.verdict import Finding, Objection, Reading, VerdictRecorded
from domain.kernel.agent import AgentDisabled, AgentEnabled
from projections.audit_log import AUDIT_LOG
from tests.picture import at, columns, command, digest_at, given, spec, stamps

JUDGED: Final = VerdictRecorded(
    command_id="c9",
    command="DisableAgent",
    action="disable_agent",
    subject="agent:support/eu",
    actor_id="user:ada@example.com",
    actor_role="admin",
    org_unit_id="",
    payload_hash="abc",
    law_hash="def",
    engine_version=1,
    as_of=12,
    effect="warn",
    outcome="done",
    size=2,
    code="",
    reasons=("look again",),
    findings=(Finding("p@1/r", "true", "warn", "look again"),),
    objections=(),
    readings=(Reading("data.amount", "claim", Decimal("12.50")),),
    kill_switch=("kill-1",),
    triggers=(),
    approval_id="",
    request=None,
    shadows=(),
)
DISABLED: Final = AgentDisabled(agent_id="support/eu", by="user:ada@example.com", reason="late")
ENABLED: Final = AgentEnabled(agent_id="support/eu", by="user:ada@example.com")
ADA: Final = "user:ada@example.com"

ROW: Final[dict[str, Any]] = {
    "id": "c9",
    "position": 1,
    "timestamp": at(1),
    "entity_type": "agent",
    "entity_id": "support/eu",
    "action": "disable_agent",
    "actor_type": "user",
    "actor_id": "ada@example.com",
    "actor_role": "admin",
    "outcome": "done",
    "input": None,
    "output": {"outcome": "done", "code": "", "reasons": ["look again"]},
    "policy_checks": {
        "effect": "warn",
        "findings": [
            {"rule": "p@1/r", "result": "true", "effect": "warn", "message": "look again"}
        ],
        "objections": [],
        "readings": [{"path": "data.amount", "source": "claim", "value": Decimal("12.50")}],
        "killSwitch": ["kill-1"],
    },
    "approval": None,
    "changes": [
        {
            "position": 2,
            "type": "agent.disabled",
            "fact": {"agent_id": "support/eu", "by": ADA, "reason": "late"},
        }
    ],
    "metadata": {
        "command": "DisableAgent",
        "payloadHash": "abc",
        "lawHash": "def",
        "engineVersion": 1,
        "asOf": 12,
        "correlationId": "flow-1",
    },
    "previous_hash": digest_at(0).hex(),
    "current_hash": digest_at(1).hex(),
}


def test_every_column_of_the_spec_exists() -> None:
    assert columns(AUDIT_LOG) >= spec(
        "position id timestamp entity_type entity_id action actor_type actor_id input output"
        " policy_checks approval changes metadata previous_hash current_hash"
    )


def test_a_command_is_a_row_with_all_that_it_changed() -> None:
    rows = given(command("c9", JUDGED, DISABLED, actor=ADA, flow="flow-1")).rows(AUDIT_LOG)
    assert rows == {"c9": ROW | stamps(updated=1, position=2)}


def test_changes_stand_in_the_order_in_which_they_happened() -> None:
    told = command("c9", JUDGED, DISABLED, ENABLED, DISABLED, actor=ADA)
    changes = given(told).row(AUDIT_LOG, "c9")["changes"]
    assert [(each["position"], each["type"]) for each in changes] == [
        (2, "agent.disabled"),
        (3, "agent.enabled"),
        (4, "agent.disabled"),
    ]


def test_what_was_refused_keeps_the_request_and_changed_nothing() -> None:
    refused = replace(
        JUDGED,
        outcome="denied",
        code="role_not_permitted",
        reasons=("ada may not",),
        objections=(Objection("role_not_permitted", "ada may not"),),
        request={"command": "DisableAgent", "agentId": "support/eu"},
        approval_id="apr-1",
    )
    row = given(command("c9", refused, actor=ADA)).row(AUDIT_LOG, "c9")
    assert row["input"] == {"command": "DisableAgent", "agentId": "support/eu"}
    assert row["output"] == {
        "outcome": "denied",
        "code": "role_not_permitted",
        "reasons": ["ada may not"],
    }
    assert row["policy_checks"]["objections"] == [
        {"code": "role_not_permitted", "because": "ada may not"}
    ]
    assert (row["changes"], row["approval"], row["outcome"]) == ([], "apr-1", "denied")


def test_what_follows_from_an_event_is_named_after_it_and_has_its_own_row() -> None:
    rows = given(
        command("c9", JUDGED, DISABLED),
        command("react-c9:0", replace(JUDGED, command_id="react-c9:0"), ENABLED),
    ).rows(AUDIT_LOG)
    assert {key: [each["position"] for each in row["changes"]] for key, row in rows.items()} == {
        "c9": [2],
        "react-c9:0": [4],
    }


def test_a_fact_without_a_verdict_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match=r"agent\.disabled at 1 has no verdict"):
        given(DISABLED).rows(AUDIT_LOG)

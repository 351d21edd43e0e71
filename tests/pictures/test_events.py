"""Events: the log itself, as rows that can be filtered."""

from typing import Final

from domain.kernel.agent import AgentDisabled
from domain.kernel.org_unit import OrgUnitEnabled
from projections.events import EVENTS
from tests.picture import at, by, columns, command, digest_at, given, spec, stamps

DISABLED: Final = AgentDisabled(agent_id="support", by="user:ada", reason="too generous 💸")
ENABLED: Final = OrgUnitEnabled(org_unit_id="commerce")


def test_every_column_of_the_spec_exists() -> None:
    assert columns(EVENTS) >= spec(
        "position id type schema_version source org_unit_id payload metadata occurred_at"
    )


def test_an_event_is_a_row_with_its_place_in_the_chain() -> None:
    told = command("c9", ENABLED, DISABLED, actor="agent:support", flow="flow-1")
    row = given(ENABLED, told).row(EVENTS, "c9:1")
    assert row == {
        "id": "c9:1",
        "position": 3,
        "type": "agent.disabled",
        "schema_version": 1,
        "source": "agent",
        "actor": "agent:support",
        "org_unit_id": "",
        "payload": {"agent_id": "support", "by": "user:ada", "reason": "too generous 💸"},
        "metadata": {
            "correlationId": "flow-1",
            "causationId": "c9:0",
            "tags": ["agent:1"],
            "hash": digest_at(3).hex(),
        },
        "occurred_at": at(2),
    } | stamps(created=2, updated=2, position=3)


def test_every_event_is_a_row_whoever_brought_it_about() -> None:
    rows = given(by("system:importer", ENABLED), by("user:ada", DISABLED)).rows(EVENTS)
    told = [(row["position"], row["source"], row["org_unit_id"]) for row in rows.values()]
    assert told == [(1, "system", "commerce"), (2, "user", "")]

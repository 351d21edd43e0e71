"""Agents: who may propose what, and where."""

from typing import Any, Final

import pytest

from domain.kernel.agent import AgentDisabled, AgentEnabled, AgentRegistered, AgentToolsPermitted
from projections.agents import AGENTS
from tests.picture import changed, columns, given, spec, stamps

REGISTERED: Final = AgentRegistered(
    agent_id="support",
    name="Support",
    type="support",
    capabilities=("answers customers",),
    tool_permissions=("process_refund",),
    org_unit_id="commerce",
)
PERMITTED: Final = AgentToolsPermitted(
    agent_id="support", tool_permissions=("process_refund", "publish_content"), by="user:ada"
)
DISABLED: Final = AgentDisabled(agent_id="support", by="user:ada", reason="too generous")
ENABLED: Final = AgentEnabled(agent_id="support", by="user:ada")

NEW: Final[dict[str, Any]] = {
    "id": "support",
    "name": "Support",
    "type": "support",
    "capabilities": ["answers customers"],
    "tool_permissions": ["process_refund"],
    "org_unit_id": "commerce",
    "status": "active",
    "config": {},
}


def test_every_column_of_the_spec_exists() -> None:
    assert columns(AGENTS) >= spec(
        "id name type capabilities tool_permissions org_unit_id config status"
    )


def test_an_agent_that_was_registered_is_active() -> None:
    assert given(REGISTERED).row(AGENTS, "support") == NEW | stamps(updated=1)


def test_tools_are_set_anew() -> None:
    row = given(REGISTERED, PERMITTED).row(AGENTS, "support")
    tools = ["process_refund", "publish_content"]
    assert row == changed(NEW, tool_permissions=tools, **stamps(updated=2))


def test_an_agent_is_disabled_and_enabled_again() -> None:
    disabled = given(REGISTERED, DISABLED)
    assert disabled.row(AGENTS, "support") == NEW | {"status": "disabled"} | stamps(updated=2)
    enabled = given(REGISTERED, DISABLED, ENABLED)
    assert enabled.row(AGENTS, "support") == NEW | stamps(updated=3)


def test_a_fact_about_a_stranger_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match="nobody registered"):
        given(DISABLED).rows(AGENTS)

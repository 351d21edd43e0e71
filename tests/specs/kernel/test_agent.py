"""What an agent may become, and which tools it may use."""

import pytest

from domain.kernel.agent import (
    AGENT,
    TYPES,
    AgentDisabled,
    AgentEnabled,
    AgentEvent,
    AgentRegistered,
    AgentToolsPermitted,
    disable,
    enable,
    objection,
    permit_tools,
    register,
)
from tests.spec import spec

given = spec(AGENT)

REGISTERED = AgentRegistered(
    agent_id="support",
    name="Support",
    type="support",
    capabilities=("chat",),
    tool_permissions=("process_refund",),
    org_unit_id="eu",
)
DISABLED = AgentDisabled(agent_id="support", by="user:grace", reason="misbehaves")
ENABLED = AgentEnabled(agent_id="support", by="user:grace")
PERMITTED = AgentToolsPermitted(
    agent_id="support", tool_permissions=("update_price", "process_refund"), by="user:grace"
)


def test_an_agent_is_registered() -> None:
    given().when(
        register,
        agent_id="support",
        name="Support",
        type="support",
        capabilities=("chat",),
        tool_permissions=("process_refund",),
        org_unit_id="eu",
    ).then(REGISTERED)


def test_an_agent_is_registered_once() -> None:
    given(REGISTERED).when(
        register,
        agent_id="support",
        name="Impostor",
        type="support",
        capabilities=(),
        tool_permissions=("process_payout",),
        org_unit_id="business",
    ).then_refused("agent_exists")


def test_an_agent_is_of_a_known_type() -> None:
    given().when(
        register,
        agent_id="support",
        name="Support",
        type="wizard",
        capabilities=(),
        tool_permissions=(),
        org_unit_id="eu",
    ).then_refused("type_unknown")


@pytest.mark.parametrize("type", TYPES)
def test_every_listed_type_is_accepted(type: str) -> None:
    given().when(
        register,
        agent_id="a",
        name="A",
        type=type,
        capabilities=(),
        tool_permissions=(),
        org_unit_id="eu",
    ).then(
        AgentRegistered(
            agent_id="a",
            name="A",
            type=type,
            capabilities=(),
            tool_permissions=(),
            org_unit_id="eu",
        )
    )


def test_tools_are_set_anew() -> None:
    given(REGISTERED).when(
        permit_tools,
        agent_id="support",
        tool_permissions=("update_price", "process_refund"),
        by="user:grace",
    ).then(PERMITTED)


def test_permitting_the_same_tools_changes_nothing_in_any_order() -> None:
    given(REGISTERED, PERMITTED).when(
        permit_tools,
        agent_id="support",
        tool_permissions=("process_refund", "update_price"),
        by="user:grace",
    ).then_nothing()


def test_all_tools_can_be_taken_away() -> None:
    nothing = AgentToolsPermitted(agent_id="support", tool_permissions=(), by="user:grace")
    given(REGISTERED).when(
        permit_tools, agent_id="support", tool_permissions=(), by="user:grace"
    ).then(nothing)


def test_a_stranger_gets_no_tools() -> None:
    given().when(
        permit_tools, agent_id="support", tool_permissions=("update_price",), by="user:grace"
    ).then_refused("agent_unknown")


def test_an_agent_is_disabled() -> None:
    given(REGISTERED).when(disable, agent_id="support", by="user:grace", reason="misbehaves").then(
        DISABLED
    )


def test_disabling_twice_is_disabling_once() -> None:
    given(REGISTERED, DISABLED).when(
        disable, agent_id="support", by="user:olga", reason="again"
    ).then_nothing()


def test_a_stranger_cannot_be_disabled() -> None:
    given().when(disable, agent_id="support", by="user:grace", reason="x").then_refused(
        "agent_unknown"
    )


def test_a_disabled_agent_is_enabled_again() -> None:
    given(REGISTERED, DISABLED).when(enable, agent_id="support", by="user:grace").then(ENABLED)


def test_enabling_what_is_active_changes_nothing() -> None:
    given(REGISTERED).when(enable, agent_id="support", by="user:grace").then_nothing()


def test_a_stranger_cannot_be_enabled() -> None:
    given().when(enable, agent_id="support", by="user:grace").then_refused("agent_unknown")


@pytest.mark.parametrize(
    ("history", "tool", "org_unit_id", "code"),
    [
        ((), "process_refund", "eu", "agent_unknown"),
        ((REGISTERED, DISABLED), "process_refund", "eu", "agent_disabled"),
        ((REGISTERED,), "process_payout", "eu", "tool_not_permitted"),
        ((REGISTERED,), "process_refund", "business", "foreign_org_unit"),
        ((REGISTERED,), "process_refund", "", "foreign_org_unit"),
    ],
)
def test_an_agent_uses_only_its_tools_on_its_own_org_unit(
    history: tuple[AgentEvent, ...], tool: str, org_unit_id: str, code: str
) -> None:
    state = AGENT.fold(history)
    refusal = objection(state, agent_id="support", tool=tool, org_unit_id=org_unit_id)
    assert refusal is not None
    assert refusal.code == code


@pytest.mark.parametrize("tool", ["process_refund", "update_price"])
def test_nothing_speaks_against_a_permitted_tool(tool: str) -> None:
    state = AGENT.fold([REGISTERED, PERMITTED, DISABLED, ENABLED])
    assert objection(state, agent_id="support", tool=tool, org_unit_id="eu") is None

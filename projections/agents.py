"""Agents: who may propose what, and where."""

from typing import Any, Final

from domain.kernel.agent import (
    AGENT,
    AgentDisabled,
    AgentEnabled,
    AgentRegistered,
    AgentToolsPermitted,
)
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View, one_key

COLUMNS: Final = (
    Column("id"),
    Column("name"),
    Column("type", indexed=True),
    Column("capabilities", Kind.JSON),
    Column("tool_permissions", Kind.JSON),
    Column("org_unit_id", indexed=True),
    Column("status", indexed=True),
    Column("config", Kind.JSON),
)


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw an agent as it stands."""
    fact = recorded.fact
    if isinstance(fact, AgentRegistered):
        return {
            "id": fact.agent_id,
            "name": fact.name,
            "type": fact.type,
            "capabilities": fact.capabilities,
            "tool_permissions": fact.tool_permissions,
            "org_unit_id": fact.org_unit_id,
            "status": "active",
            "config": {},
        }
    assert row is not None, f"{recorded.type} of an agent that nobody registered"
    match fact:
        case AgentToolsPermitted():
            return {**row, "tool_permissions": fact.tool_permissions}
        case AgentDisabled():
            return {**row, "status": "disabled"}
        case AgentEnabled():
            return {**row, "status": "active"}
        case _:
            return dict(row)


AGENTS: Final = View(
    name="agents",
    version=1,
    columns=COLUMNS,
    facts=AGENT.events,
    keys=one_key("agent_id"),
    draw=draw,
)

"""Requests about agents."""

from functools import partial
from typing import Final

from commands.actions import ACTION_TYPES
from commands.message import Command, Entry, Plan, Sender
from commands.planning import Errand, Key, Name, Names, Reason, amend, tagged
from domain.core.principal import MANAGERS, Role
from domain.core.stream import Decision, Refusal
from domain.kernel import agent
from domain.kernel.agent import AGENT
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import Past

_REGISTRARS: Final = MANAGERS | {Role.SERVICE}


class RegisterAgent(Command):
    """Let an agent work for an org unit, with the tools (action types) that it may use."""

    agent_id: Key
    name: Name
    type: Name = "worker"
    capabilities: Names = ()
    tool_permissions: Names = ()
    org_unit_id: Key = ROOT


def _unknown_tool(tools: tuple[str, ...]) -> Refusal | None:
    unknown = [tool for tool in tools if tool not in ACTION_TYPES]
    if not unknown:
        return None
    known = ", ".join(ACTION_TYPES)
    return Refusal("tool_unknown", f"{', '.join(unknown)}: not among the action types {known}")


def register_agent(cmd: RegisterAgent, sender: Sender) -> Plan:
    """Plan a new agent."""

    def decide(past: Past) -> Decision[Entry]:
        if not past.state(ORG_UNIT, cmd.org_unit_id).active:
            return Refusal("org_unit_unknown", f"org unit {cmd.org_unit_id} is not active")
        if refusal := _unknown_tool(cmd.tool_permissions):
            return refusal
        decision = agent.register(
            past.state(AGENT, cmd.agent_id),
            agent_id=cmd.agent_id,
            name=cmd.name,
            type=cmd.type,
            capabilities=cmd.capabilities,
            tool_permissions=cmd.tool_permissions,
            org_unit_id=cmd.org_unit_id,
        )
        return tagged(AGENT, cmd.agent_id, decision)

    return Errand(
        command=cmd,
        sender=sender,
        permits=_REGISTRARS,
        subject=AGENT.at(cmd.agent_id),
        reads=((AGENT, cmd.agent_id), (ORG_UNIT, cmd.org_unit_id)),
        decide=decide,
        org_path=lambda past: past.state(ORG_UNIT, cmd.org_unit_id).path,
    ).plan()


class PermitTools(Command):
    """Set the tools that an agent may use."""

    agent_id: Key
    tool_permissions: Names


def permit_tools(cmd: PermitTools, sender: Sender) -> Plan:
    """Plan new permissions."""

    def decide(state: agent.Agent) -> Decision[agent.AgentEvent]:
        return _unknown_tool(cmd.tool_permissions) or agent.permit_tools(
            state,
            agent_id=cmd.agent_id,
            tool_permissions=cmd.tool_permissions,
            by=str(sender.actor),
        )

    return amend(cmd, sender, permits=MANAGERS, stream=AGENT, key=cmd.agent_id, decide=decide)


class DisableAgent(Command):
    """Let an agent act no more."""

    agent_id: Key
    reason: Reason


def disable_agent(cmd: DisableAgent, sender: Sender) -> Plan:
    """Plan to stop one agent."""
    decide = partial(agent.disable, agent_id=cmd.agent_id, by=str(sender.actor), reason=cmd.reason)
    return amend(cmd, sender, permits=MANAGERS, stream=AGENT, key=cmd.agent_id, decide=decide)


class EnableAgent(Command):
    """Let an agent act again."""

    agent_id: Key


def enable_agent(cmd: EnableAgent, sender: Sender) -> Plan:
    """Plan to let one agent go on."""
    decide = partial(agent.enable, agent_id=cmd.agent_id, by=str(sender.actor))
    return amend(cmd, sender, permits=MANAGERS, stream=AGENT, key=cmd.agent_id, decide=decide)

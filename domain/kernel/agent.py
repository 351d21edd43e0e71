"""Agent: a machine that proposes actions, with the tools it may use, on its own org unit.

registered ──► active ◄──► disabled
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.stream import Decision, Refusal, Stream

TYPES: Final = (
    "orchestrator", "cfo", "coo", "cmo", "cto", "legal", "support", "creator_ops", "worker",
)  # fmt: skip


@event("agent.registered")
class AgentRegistered:
    """An agent works here from now on."""

    agent_id: str
    name: str
    type: str
    capabilities: tuple[str, ...]
    tool_permissions: tuple[str, ...]
    org_unit_id: str


@event("agent.tools_permitted")
class AgentToolsPermitted:
    """The tools that an agent may use were set anew."""

    agent_id: str
    tool_permissions: tuple[str, ...]
    by: str


@event("agent.disabled")
class AgentDisabled:
    """An agent may not act any more."""

    agent_id: str
    by: str
    reason: str


@event("agent.enabled")
class AgentEnabled:
    """An agent may act again."""

    agent_id: str
    by: str


AgentEvent = AgentRegistered | AgentToolsPermitted | AgentDisabled | AgentEnabled


@dataclass(frozen=True, slots=True)
class Agent:
    """What the history so far amounts to."""

    exists: bool = False
    active: bool = False
    tools: frozenset[str] = frozenset()
    org_unit_id: str = ""


def evolve(state: Agent, fact: AgentEvent) -> Agent:
    """Take one fact into account."""
    match fact:
        case AgentRegistered():
            return Agent(True, True, frozenset(fact.tool_permissions), fact.org_unit_id)
        case AgentToolsPermitted():
            return replace(state, tools=frozenset(fact.tool_permissions))
        case AgentDisabled():
            return replace(state, active=False)
        case AgentEnabled():
            return replace(state, active=True)
        case _:
            assert_never(fact)


AGENT: Final = Stream(
    category="agent",
    initial=Agent(),
    evolve=evolve,
    events=get_args(AgentEvent),
    remembered=True,
)


def objection(state: Agent, *, agent_id: str, tool: str, org_unit_id: str) -> Refusal | None:
    """Say why an agent may not use a tool for an org unit, or nothing if it may."""
    if not state.exists:
        return Refusal("agent_unknown", f"no agent is called {agent_id}")
    if not state.active:
        return Refusal("agent_disabled", f"agent {agent_id} is disabled")
    if tool not in state.tools:
        return Refusal("tool_not_permitted", f"agent {agent_id} may not use {tool}")
    if org_unit_id != state.org_unit_id:
        return Refusal(
            "foreign_org_unit",
            f"agent {agent_id} works for {state.org_unit_id}, not for {org_unit_id}",
        )
    return None


def register(
    state: Agent,
    *,
    agent_id: str,
    name: str,
    type: str,
    capabilities: tuple[str, ...],
    tool_permissions: tuple[str, ...],
    org_unit_id: str,
) -> Decision[AgentEvent]:
    """Let an agent work here."""
    if state.exists:
        return Refusal("agent_exists", f"agent {agent_id} exists already")
    if type not in TYPES:
        return Refusal("type_unknown", f"{type!r} is not one of {', '.join(TYPES)}")
    return (
        AgentRegistered(
            agent_id=agent_id,
            name=name,
            type=type,
            capabilities=capabilities,
            tool_permissions=tool_permissions,
            org_unit_id=org_unit_id,
        ),
    )


def permit_tools(
    state: Agent, *, agent_id: str, tool_permissions: tuple[str, ...], by: str
) -> Decision[AgentEvent]:
    """Set the tools that an agent may use."""
    if not state.exists:
        return Refusal("agent_unknown", f"no agent is called {agent_id}")
    if frozenset(tool_permissions) == state.tools:
        return ()
    return (AgentToolsPermitted(agent_id=agent_id, tool_permissions=tool_permissions, by=by),)


def disable(state: Agent, *, agent_id: str, by: str, reason: str) -> Decision[AgentEvent]:
    """Let an agent act no more."""
    if not state.exists:
        return Refusal("agent_unknown", f"no agent is called {agent_id}")
    return (AgentDisabled(agent_id=agent_id, by=by, reason=reason),) if state.active else ()


def enable(state: Agent, *, agent_id: str, by: str) -> Decision[AgentEvent]:
    """Let an agent act again."""
    if not state.exists:
        return Refusal("agent_unknown", f"no agent is called {agent_id}")
    return () if state.active else (AgentEnabled(agent_id=agent_id, by=by),)

"""Hiring: the departments and agents of the sandbox, registered once, through the front door.

The founder makes the departments, as only people may; a service registers the agents, each with
the one tool that it needs and for its own department.
"""

import logging
from collections.abc import Iterator
from typing import Final

from adapters.sandbox.company import DEPARTMENTS, WORKERS, Worker
from commands.kernel.agent import RegisterAgent
from commands.kernel.org_unit import CreateOrgUnit
from commands.message import Command, Done, Receipt
from console_api.access import actor_named
from console_api.business import Business
from console_api.sandbox.census import unit_command
from domain.access.user import FOUNDER
from domain.core.principal import Actor, Role
from domain.kernel.agent import AGENT
from domain.kernel.org_unit import ORG_UNIT

SANDBOX: Final = Actor("sandbox", Role.SERVICE)
_log = logging.getLogger(__name__)


def actor_of(worker: Worker) -> Actor:
    """Return an agent as it stands before the governor."""
    return Actor(worker.id, Role.AGENT, worker.department)


def staff(business: Business) -> bool:
    """Register whoever is missing; say whether everybody is there. Raises `BrokenWorld`."""
    receipts = [
        business.do(command, actor, command_id=command_id)
        for command_id, command, actor in _registrations(business)
    ]
    for receipt in receipts:
        if not isinstance(receipt, Done):
            _log.warning("the sandbox could not move in: %s", _why(receipt))
    return all(isinstance(receipt, Done) for receipt in receipts)


def _why(receipt: Receipt) -> str:
    return "; ".join(getattr(receipt, "reasons", ())) or "no reason was given"


def _registrations(business: Business) -> Iterator[tuple[str, Command, Actor]]:
    founder = actor_named(business, f"user:{FOUNDER}")
    for each in DEPARTMENTS:
        if business.state(ORG_UNIT, each.id).exists:
            continue
        unit = CreateOrgUnit(org_unit_id=each.id, name=each.name)
        yield unit_command(each.id), unit, founder
    for worker in WORKERS:
        if business.state(AGENT, worker.id).exists:
            continue
        agent = RegisterAgent(
            agent_id=worker.id,
            name=worker.name,
            type=worker.type,
            capabilities=worker.capabilities,
            tool_permissions=(worker.tool,),
            org_unit_id=worker.department,
        )
        yield f"sandbox-agent-{worker.id}", agent, SANDBOX

"""Reading: the log, read on into the world of the sandbox. All that the driver remembers is here.

order.recorded ──sold──► World        action.proposed ──proposed──► World        the newest tick
action.completed ──completed──► World                                            pending approvals
Read from the beginning it is in the same state, so that a restart continues where it was.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.sandbox.company import BY_ID
from adapters.sandbox.intents import Line, Sale
from adapters.sandbox.world import World, hour_of
from console_api.business import Business
from domain.core.principal import Actor, Role
from domain.governor.approval import (
    ApprovalCancelled,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalRequested,
)
from domain.kernel.action import (
    ActionCancelled,
    ActionCompleted,
    ActionDenied,
    ActionExpired,
    ActionFailed,
    ActionProposed,
)
from domain.kernel.order import OrderRecorded
from domain.ports import Recorded

SHOP: Final = Actor("shop", Role.SERVICE)
PAGE: Final = 1_000
_AGENTS: Final = frozenset(f"agent:{agent_id}" for agent_id in BY_ID)
_NAME: Final = re.compile(r"sandbox-(-?\d+)-(\d+)-\d+:")
_ANSWERS: Final = (ApprovalGranted, ApprovalRejected, ApprovalExpired, ApprovalCancelled)
_ENDS: Final = (ActionDenied, ActionExpired, ActionCancelled, ActionFailed)


def command_name(seed: int, tick: int, n: int) -> str:
    """Name the command for one intent of one tick: the same intent twice is one command."""
    return f"sandbox-{seed}-{tick}-{n}"


def slot_name(seed: int, hour: int, part: str) -> str:
    """Name a command about hours that nobody lived through, by the first of them."""
    return f"sandbox-{seed}-h{hour}-{part}"


@dataclass(slots=True)
class Reading:
    """How far the log was read, and what it came to.

    `newest_tick` is the newest of which anything is in the log; `hours` have orders of the
    shop; `pending` are approvals that the agents of the sandbox wait for.
    """

    business: Business
    world: World
    position: int = 0
    newest_tick: int = 0
    hours: set[int] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    _open: dict[str, ActionProposed] = field(default_factory=dict)

    def read_on(self) -> None:
        """Take everything into account that is new in the log. Raises `StoreUnavailable`."""
        while events := self.business.log.page(after=self.position, limit=PAGE):
            for recorded in events:
                if recorded.id.startswith("sandbox-"):
                    self._name(recorded.id)
                self._take(recorded)
                self.position = recorded.position

    def _name(self, event_id: str) -> None:
        found = _NAME.match(event_id)
        if found is not None and int(found[1]) == self.world.seed:
            self.newest_tick = max(self.newest_tick, int(found[2]))

    def _take(self, recorded: Recorded) -> None:
        match recorded.fact:
            case OrderRecorded() as order if recorded.actor == str(SHOP):
                self.hours.add(hour_of(order.placed_at))
                self.world.sold(_sale(order))
            case ActionProposed() as asked:
                self._open[asked.action_id] = asked
                self.world.proposed(asked.action_type, asked.arguments, at=recorded.occurred_at)
            case ActionCompleted(action_id=action_id) if action_id in self._open:
                asked = self._open.pop(action_id)
                self.world.completed(asked.action_type, asked.arguments, at=recorded.occurred_at)
            case ApprovalRequested() as request if request.requested_by in _AGENTS:
                self.pending.add(request.approval_id)
            case fact:
                self._close(fact)

    def _close(self, fact: Any) -> None:
        if isinstance(fact, _ANSWERS):
            self.pending.discard(fact.approval_id)
        elif isinstance(fact, _ENDS) and fact.action_id in self._open:
            asked = self._open.pop(fact.action_id)
            self.world.dropped(asked.action_type, asked.arguments)


def _sale(order: OrderRecorded) -> Sale:
    return Sale(
        order_id=order.order_id,
        customer_id=order.customer_id,
        country=order.country,
        placed_at=order.placed_at,
        lines=tuple(
            Line(line.sku, line.description, line.quantity, line.unit_price) for line in order.lines
        ),
        source=order.source,
    )

"""Driver: brings the intents of the sandbox business to the front door, second after second.

settle_in   departments, agents, a first round of proposals, thirty days of sales, newest first
tick        what customers and agents want now        run   both, until told to stop
Whatever was asked carries a name made of seed and tick; what the log has is not asked again.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from adapters.sandbox.company import BY_ID
from adapters.sandbox.history import Slot, opening, slots, summary
from adapters.sandbox.intents import Intent, Proposal, Sale
from adapters.sandbox.market import intents
from adapters.sandbox.world import World, open_world
from commands.kernel.action import ProposeAction
from commands.kernel.business_clock import zone
from commands.kernel.order import Line, RecordOrder
from commands.message import Receipt, Sender
from console_api.business import Business
from console_api.sandbox.census import may_live_here, opened_at
from console_api.sandbox.hiring import actor_of, staff
from console_api.sandbox.reading import SHOP, Reading, command_name, slot_name
from domain.core.instant import SECOND, Instant, written
from domain.core.principal import Actor
from domain.governor.effect import Effect
from domain.governor.judge import judge
from domain.governor.law import LAW
from domain.governor.verdict import Verdict
from domain.kernel.agent import AGENT
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import BrokenWorld

TICK: Final = SECOND
PENDING_MAX: Final = 12
"""Approvals that the agents of the sandbox wait for at the same time, at most."""

PENDING_USUAL_MAX: Final = 9
"""Those that only policies demand; the rest stays free, for a kill switch to hold something."""

STOPPED_EVERY: Final = 5
"""Under a kill switch agents go on asking, once where they would have asked so many times."""

SLOTS_FIRST: Final = 24
RETRY_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)

Answered: TypeAlias = tuple[Intent, Receipt]
"""What was wanted, and what was answered."""


@dataclass(slots=True)
class SandboxDriver:
    """The sandbox business in a business."""

    business: Business
    seed: int
    _reading: Reading | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: threading.Event) -> None:
        """Live until told to stop; a broken world is waited for. Does nothing if not welcome."""
        self._stop = stop
        settled = False
        while not stop.is_set():
            try:
                settled = settled or self.settle_in()
                if not settled:
                    return
                self.tick(self.business.clock())
                pause = self._until_next_tick()
            except BrokenWorld as error:
                _log.warning("the sandbox waits: %s", error)
                pause = RETRY_SECONDS
            stop.wait(pause)

    def _until_next_tick(self) -> float:
        reading = self._reading
        assert reading is not None, "settle in first"
        lived = self.business.clock() - reading.world.opened_at
        return (TICK - lived % TICK) / SECOND

    def settle_in(self) -> bool:
        """Move in if this business is untouched, go on if the sandbox lives here already.

        Says whether it does now. Done twice, or again after a crash, it adds what is missing.
        Raises `BrokenWorld`.
        """
        if not may_live_here(self.business):
            _log.info("this is somebody's own business: the sandbox stays out")
            return False
        if not staff(self.business):
            return False
        began = opened_at(self.business)
        assert began is not None, "the sandbox has just moved in"
        self._reading = Reading(self.business, self._new_world(began))
        self._reading.read_on()
        for name, intent in self._past(self._reading, self._new_world(began)):
            if self._stop.is_set():
                break
            self._bring(intent, name)
        return True

    def _new_world(self, began: Instant) -> World:
        unit = self.business.state(ORG_UNIT, ROOT)
        clock = zone(unit.timezone)
        assert clock is not None, "a business is founded with a known time zone"
        return open_world(self.seed, opened_at=began, currency=unit.currency, zone=clock)

    def _past(self, reading: Reading, fresh: World) -> Iterator[tuple[str, Intent]]:
        """Return what is missing of what would have been done by now, the visible part first."""
        now = self.business.clock()
        missing = [slot for slot in slots(now) if reading.hours.isdisjoint(slot.each)]
        yield from self._summaries(fresh, missing[:SLOTS_FIRST], now)
        if reading.newest_tick == 0:
            for n, proposal in enumerate(opening(fresh)):
                yield command_name(self.seed, 0, n), proposal
        yield from self._summaries(fresh, missing[SLOTS_FIRST:], now)

    def _summaries(
        self, fresh: World, missing: list[Slot], now: Instant
    ) -> Iterator[tuple[str, Intent]]:
        for slot in missing:
            sale, refund = summary(fresh, slot, until=now)
            yield slot_name(self.seed, slot.first, "sales"), sale
            if refund is not None:
                yield slot_name(self.seed, slot.first, "refund"), refund

    def tick(self, now: Instant) -> tuple[Answered, ...]:
        """Bring what customers and agents want now, once a tick; return what was answered.

        A tick of which anything is in the log is over. Raises `BrokenWorld`.
        """
        reading = self._reading
        assert reading is not None, "settle in first"
        reading.read_on()
        tick = (now - reading.world.opened_at) // TICK
        if tick <= reading.newest_tick or self._stop.is_set():
            return ()
        answers: list[Answered] = []
        for n, intent in enumerate(intents(reading.world, tick, now)):
            receipt = self._bring(intent, command_name(self.seed, tick, n), tick)
            if receipt is not None:
                answers.append((intent, receipt))
        return tuple(answers)

    def _bring(self, intent: Intent, name: str, tick: int = 0) -> Receipt | None:
        """Bring one intent to the front door, unless it had better not be asked now."""
        if isinstance(intent, Sale):
            if not self.business.state(ORG_UNIT, _SHOP_FLOOR).active:
                return None
            return self.business.do(_order(intent), SHOP, command_id=name)
        worker = BY_ID[intent.agent_id]
        command, actor = _proposal(intent), actor_of(worker)
        if not self._timely(command, actor, name, tick):
            return None
        return self.business.do(command, actor, command_id=name)

    def _timely(self, command: ProposeAction, actor: Actor, name: str, tick: int) -> bool:
        """Say whether a proposal may be made now: agents at work, and not too much waiting."""
        reading = self._reading
        assert reading is not None, "settle in first"
        agent = self.business.state(AGENT, actor.id)
        unit = self.business.state(ORG_UNIT, actor.org_unit_id)
        if not agent.active or not unit.active or command.action_type not in agent.tools:
            return False
        verdict = self._foreseen(command, actor, name)
        if verdict.effect is not Effect.REQUIRE_APPROVAL:
            return True
        reading.read_on()
        if verdict.engagements:
            return tick % STOPPED_EVERY == 0 and len(reading.pending) < PENDING_MAX
        return len(reading.pending) < PENDING_USUAL_MAX

    def _foreseen(self, command: ProposeAction, actor: Actor, name: str) -> Verdict:
        """Ask what the governor would say; nothing is recorded."""
        pipeline = self.business.pipeline
        sender = Sender(actor, self.business.clock(), name)
        plan = pipeline.planners[ProposeAction](command, sender)
        past = pipeline.read(plan, sender, repeatable=False)
        return judge(plan.ask(past), past.state(LAW, ROOT))


_SHOP_FLOOR: Final = "commerce"


def _order(sale: Sale) -> RecordOrder:
    lines = tuple(
        Line(
            sku=line.sku,
            description=line.description,
            quantity=line.quantity,
            unit_price=line.unit_price,
        )
        for line in sale.lines
    )
    return RecordOrder(
        order_id=sale.order_id,
        org_unit_id=_SHOP_FLOOR,
        customer_id=sale.customer_id,
        country=sale.country,
        placed_at=written(sale.placed_at),
        lines=lines,
        source=sale.source,
    )


def _proposal(intent: Proposal) -> ProposeAction:
    return ProposeAction(
        action_type=intent.action_type, payload=dict(intent.payload), reason=intent.reason
    )

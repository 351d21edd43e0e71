"""Histories of any length: real facts, told again and again under new names, in no time.

one cycle lived in memory ──► its rows ──rename──► the log of a recorder, without the pipeline

A cycle is an order, and a refund that an agent proposed and a connector carried out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Final

from adapters.clock import HandClock
from adapters.dcb import BATCH_EVENTS_MAX, LogEvent, LogRecorder, LogRow
from adapters.sandbox.bank import SandboxBank
from commands.actions import ACTION_TYPES
from commands.kernel.action import ProposeAction
from commands.kernel.agent import RegisterAgent
from commands.kernel.order import Line, RecordOrder
from commands.message import Done
from console_api.bootstrap import in_memory
from console_api.workers.engine_room import settle
from domain.core.instant import HOUR, MINUTE, instant, moment, written
from domain.core.principal import Actor, Role
from domain.kernel.org_unit import ROOT

FOUNDER: Final = Actor("founder", Role.FOUNDER)
SUPPORT: Final = Actor("support", Role.AGENT, ROOT)
MARKER: Final = "zqz"
"""Stands in every name of the cycle that was lived, and for nothing else."""
PLACED: Final = instant(moment(1_704_099_600_000_000))
APART: Final = MINUTE
SHOP_HOUR: Final = written(PLACED)[:13]


@dataclass(frozen=True, slots=True)
class Lived:
    """What was lived once: how the business began, and one cycle of its days."""

    beginning: Sequence[LogRow]
    cycle: Sequence[LogRow]


def lived() -> Lived:
    """Live one cycle in memory."""
    numbers = count(1)
    bank = dict.fromkeys(ACTION_TYPES, SandboxBank(None))
    clock = HandClock(PLACED)
    business = in_memory(clock=clock, ids=lambda: f"{MARKER}-{next(numbers)}", connectors=bank)
    agent = RegisterAgent(agent_id="support", name="S", tool_permissions=("process_refund",))
    assert isinstance(business.do(agent, FOUNDER), Done)
    recorder = business.log.recorder
    began = recorder.head()
    lines = (Line(sku="mug", quantity=2, unit_price=Decimal("4.50")),)
    order = RecordOrder(order_id=f"o-{MARKER}", placed_at=written(PLACED), lines=lines)
    assert isinstance(business.do(order, FOUNDER, command_id=f"order-{MARKER}"), Done)
    payload = {"orderId": f"o-{MARKER}", "amount": 3, "currency": "USD"}
    propose = ProposeAction(action_type="process_refund", payload=payload)
    assert isinstance(business.do(propose, SUPPORT, command_id=f"refund-{MARKER}"), Done)
    settle(business)
    rows = recorder.page(0, 1_000)
    business.close()
    return Lived(rows[:began], rows[began:])


def told(story: Lived, events: int) -> Iterator[LogEvent]:
    """Tell a history of about so many events: the beginning, then cycle after cycle."""
    yield from (row.event() for row in story.beginning)
    for number in range((events - len(story.beginning)) // len(story.cycle)):
        later = number * APART
        name, hour = f"{number:x}", written(PLACED // HOUR * HOUR + later)[:13]
        for row in story.cycle:
            yield _renamed(row, name, hour, row.occurred_at + later)


def _renamed(row: LogRow, name: str, hour: str, at: int) -> LogEvent:
    def anew(text: str) -> str:
        return text.replace(MARKER, name)

    data = row.data.replace(MARKER.encode(), name.encode())
    data = data.replace(f'"{SHOP_HOUR}"'.encode(), f'"{hour}"'.encode())
    data = data.replace(f'"{SHOP_HOUR[:10]}"'.encode(), f'"{hour[:10]}"'.encode())
    return LogEvent(
        type=row.type,
        data=data,
        tags=[anew(tag) for tag in row.tags],
        id=anew(row.id or ""),
        schema_version=row.schema_version,
        occurred_at=at,
        actor=row.actor,
        correlation_id=anew(row.correlation_id),
        causation_id=anew(row.causation_id),
    )


def write(recorder: LogRecorder, events: Iterator[LogEvent]) -> int:
    """Write a history as fast as a recorder takes it; return the head."""
    batch: list[LogEvent] = []
    for event in events:
        batch.append(event)
        if len(batch) == BATCH_EVENTS_MAX:
            recorder.append(batch)
            batch = []
    if batch:
        recorder.append(batch)
    return recorder.head()

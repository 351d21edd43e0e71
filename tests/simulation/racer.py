"""Racer: one process of agents that propose and execute, as fast as they can, on a shared log.

python -m tests.simulation.racer URL NAME APPENDS SEED [--unguarded]
Prints how many appends it made. `--unguarded` drops the append condition: the control that must
be caught.
"""

import random
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.clock import wall_clock
from adapters.codec import Codec
from adapters.dcb import LogRecorder
from adapters.event_store import LogEventStore
from adapters.ids import random_id
from commands.catalog import PLANNERS
from commands.kernel.action import ProposeAction
from commands.kernel.effect import CompleteAction, StartAction
from commands.message import Command, Done, Receipt
from commands.pipeline import Pipeline
from domain.catalog import EVENTS, UPCASTERS
from domain.core.principal import Actor, Role
from domain.kernel.org_unit import ROOT
from domain.ports import Conflict, Draft, Recorded

THREADS = 4
DISPATCHER = Actor("dispatcher", Role.SERVICE)


def recorder_at(url: str) -> LogRecorder:
    """Open the log at a PostgreSQL address or a path."""
    if url.startswith("postgresql"):
        from adapters.postgres.recorder import PostgresRecorder

        return PostgresRecorder(url)
    from adapters.sqlite.recorder import SqliteRecorder

    return SqliteRecorder(url, busy_timeout_seconds=60)


class Unguarded:
    """A store whose appends forget what was read: what every guarantee here depends on."""

    def __init__(self, store: LogEventStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, drafts: Sequence[Draft], **rest: Any) -> int:
        return self._store.append(drafts, **{**rest, "having_read": ()})


def pipeline_on(recorder: LogRecorder, *, guarded: bool = True) -> Pipeline:
    """Return the road on a log."""
    store = LogEventStore(recorder, Codec(EVENTS, UPCASTERS))
    return Pipeline(store if guarded else Unguarded(store), wall_clock, random_id, PLANNERS)


@dataclass(slots=True)
class Racer:
    """One thread: proposes, and executes what is authorized."""

    pipeline: Pipeline
    agent: str
    appends: int
    dice: random.Random
    made: int = 0

    def run(self) -> None:
        actor = Actor(self.agent, Role.AGENT, ROOT)
        while self.made < self.appends:
            amount = self.dice.choice((10, 499, 501))
            payload = {"orderId": f"o{self.made}", "amount": amount, "currency": "USD"}
            receipt = self._sent(
                ProposeAction(action_type="process_refund", payload=payload), actor
            )
            if isinstance(receipt, Done):
                self._execute(receipt.subject.partition(":")[2])

    def _execute(self, action_id: str) -> None:
        start = StartAction(action_id=action_id, org_unit_id=ROOT, tool_name="race", attempt=1)
        if isinstance(self._sent(start, DISPATCHER), Done):
            done = CompleteAction(action_id=action_id, org_unit_id=ROOT, result={}, latency_ms=0)
            self._sent(done, DISPATCHER)

    def _sent(self, command: Command, actor: Actor) -> Receipt | None:
        try:
            receipt = self.pipeline.handle(command, actor)
        except Conflict:
            return None  # nothing was written: newer facts kept coming
        self.made += 1
        return receipt


def violations(events: Sequence[Recorded]) -> list[str]:
    """Read only the log, and say what was authorized or started under a stop without approval."""
    engaged = ""
    lifted: dict[str, tuple[str, ...]] = {}
    consumed: set[str] = set()
    found: list[str] = []
    for recorded in events:
        fact = recorded.fact
        match recorded.type:
            case "law.kill_switch_engaged":
                engaged = fact.engagement_id
            case "law.kill_switch_released":
                engaged = ""
            case "approval.consumed":
                consumed.add(fact.approval_id)
            case "action.authorized":
                lifted[fact.action_id] = fact.lifted
                approved = fact.approval_id in consumed
                if engaged and not (approved and f"kill_switch:{engaged}" in fact.lifted):
                    found.append(f"{fact.action_id} authorized at {recorded.position}")
            case "action.started":
                if engaged and f"kill_switch:{engaged}" not in lifted[fact.action_id]:
                    found.append(f"{fact.action_id} started at {recorded.position}")
            case _:
                pass
    return found


def main(url: str, name: str, appends: str, seed: str, *flags: str) -> None:
    """Race with several threads; print how many appends were made."""
    recorder = recorder_at(url)
    pipeline = pipeline_on(recorder, guarded="--unguarded" not in flags)
    racers = [
        Racer(pipeline, name, int(appends) // THREADS, random.Random(f"{seed}-{name}-{n}"))
        for n in range(THREADS)
    ]
    threads = [threading.Thread(target=racer.run) for racer in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    sys.stdout.write(f"{sum(racer.made for racer in racers)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

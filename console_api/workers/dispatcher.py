"""Dispatcher: carries out authorized actions through their connector, once.

authorized ──StartAction──► running ──connector──► CompleteAction | FailAction
The start is durable before the world is touched. After a crash the action is found running with
nobody at it; when its lease is over it is tried again with the same idempotency key.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final

from commands.actions import ACTION_TYPES
from commands.kernel.effect import CompleteAction, FailAction, StartAction
from commands.message import TEXT_MAX, Done
from console_api.business import Business
from domain.core.canonical import canonical
from domain.core.instant import SECOND
from domain.core.principal import Actor, Role
from domain.governor.law import LAW
from domain.kernel.action import ACTION, Action, ActionProposed, ActionStarted, Stage
from domain.kernel.agent import AGENT
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import ConnectorFailed, Recorded, ToolCall, ToolResult
from domain.view_store import Listing, Where

DISPATCHER: Final = Actor("dispatcher", Role.SERVICE)
ATTEMPTS_MAX: Final = 3
SWEPT_AT_ONCE: Final = 500
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Dispatcher:
    """Runs actions; several threads may call it, each action is taken by one of them."""

    business: Business
    lease_seconds: int = 60
    pause: Callable[[float], None] = time.sleep
    _at_work: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def waiting(self) -> list[str]:
        """Return the actions that could run now, from the read model: nothing here remembers."""
        due = self.business.clock() - self.lease_seconds * SECOND
        ready = Where("status", "=", "authorized")
        silent = (Where("status", "=", "running"), Where("started_at", "<=", due))
        return [*self._all((ready,)), *self._all(silent)]

    def _all(self, where: tuple[Where, ...]) -> Iterator[str]:
        """Look at all of them: what is held back must not hide the rest."""
        listing = Listing(where, order="last_position", limit=SWEPT_AT_ONCE)
        while rows := self.business.views.find("actions", listing):
            yield from (str(row["id"]) for row in rows)
            last = rows[-1]
            listing = replace(listing, after=(last["last_position"], str(last["id"])))

    def run(self, action_id: str) -> bool:
        """Carry out one action if it may run; say whether anything was done."""
        with self._lock:
            if action_id in self._at_work:
                return False
            self._at_work.add(action_id)
        try:
            return self._run(action_id)
        finally:
            with self._lock:
                self._at_work.discard(action_id)

    def _run(self, action_id: str) -> bool:
        events, _head = self.business.log.read({ACTION.at(action_id): 0})
        state: Action = ACTION.fold(recorded.fact for recorded in events)
        proposal = state.proposal
        if proposal is None or state.stage not in (Stage.AUTHORIZED, Stage.RUNNING):
            return False
        if state.stage is Stage.RUNNING and self._leased(events):
            return False
        if self._held_back(state, proposal):
            return False
        unsafe = ACTION_TYPES[proposal.action_type].effect_class == "external_unsafe"
        if state.stage is Stage.RUNNING and unsafe:
            return self._fail(proposal, "Its outcome is unknown after a crash: a person must look")
        return self._attempts(state, proposal)

    def _leased(self, events: Sequence[Recorded]) -> bool:
        """Say whether somebody, perhaps in another process, may still be at it."""
        started = (each.occurred_at for each in events if isinstance(each.fact, ActionStarted))
        return self.business.clock() < max(started) + self.lease_seconds * SECOND

    def _held_back(self, state: Action, proposal: ActionProposed) -> bool:
        """Look before asking, so that a stop does not fill the log with refusals to start."""
        if proposal.agent_id and not self.business.state(AGENT, proposal.agent_id).active:
            return True
        law = self.business.state(LAW, ROOT)
        path = self.business.state(ORG_UNIT, proposal.org_unit_id).path
        return any(f"kill_switch:{each}" not in state.lifted for each in law.engagements(path))

    def _attempts(self, state: Action, proposal: ActionProposed) -> bool:
        connector = self.business.connectors.get(proposal.action_type)
        tool_name = connector.name if connector is not None else "none"
        call = ToolCall(
            idempotency_key=proposal.action_id,
            action_type=proposal.action_type,
            org_unit_id=proposal.org_unit_id,
            arguments=proposal.arguments,
        )
        first = state.attempts + 1
        for attempt in range(first, first + ATTEMPTS_MAX):
            start = StartAction(
                action_id=proposal.action_id,
                org_unit_id=proposal.org_unit_id,
                tool_name=tool_name,
                attempt=attempt,
            )
            if not isinstance(self.business.do(start, DISPATCHER), Done):
                return False
            began = self.business.clock()
            try:
                if connector is None:
                    raise ConnectorFailed(f"no connector carries out {proposal.action_type}")
                result = connector.execute(call)
            except ConnectorFailed as failed:
                if failed.retryable and attempt < first + ATTEMPTS_MAX - 1:
                    self.pause(0.1 * 2 ** (attempt - first))
                    continue
                return self._fail(proposal, str(failed), began)
            return self._complete(proposal, result, began)
        return False

    def _latency_ms(self, began: int) -> int:
        return max(0, (self.business.clock() - began) // 1_000) if began else 0

    def _complete(self, proposal: ActionProposed, result: ToolResult, began: int) -> bool:
        try:
            canonical(result.result)
        except ValueError as error:
            return self._fail(proposal, f"The connector's answer makes no JSON: {error}", began)
        command = CompleteAction(
            action_id=proposal.action_id,
            org_unit_id=proposal.org_unit_id,
            result=result.result,
            latency_ms=self._latency_ms(began),
            cost_usd=result.cost_usd,
        )
        return isinstance(self.business.do(command, DISPATCHER), Done)

    def _fail(self, proposal: ActionProposed, message: str, began: int = 0) -> bool:
        command = FailAction(
            action_id=proposal.action_id,
            org_unit_id=proposal.org_unit_id,
            error_message=message[:TEXT_MAX] or "failed without a reason",
            latency_ms=self._latency_ms(began),
        )
        return isinstance(self.business.do(command, DISPATCHER), Done)

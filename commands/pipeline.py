"""Pipeline: the one road from a command to its facts.

plan ──► read ──► judge ──► decide ──► append
         guarded  governor  pure       one atomic append: the verdict and what it allows
If anything that was read has moved meanwhile, the append fails and the road is walked again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from commands.facts.inquiry import contradictions, inquiry
from commands.memory import Memory
from commands.message import Command, Done, Entry, Held, Plan, Planner, Receipt, Refused, Sender
from commands.overriding import overridden, override_reads, used_up
from commands.parking import Parked, approver_reads, parked, resume_with
from commands.queueing import Queues, pause_after
from commands.record import request_of, verdict_entry
from domain.core.principal import Actor
from domain.core.stream import Refusal, Stream
from domain.governor.approval import APPROVAL
from domain.governor.effect import Effect
from domain.governor.judge import Ask, facts_needed, judge
from domain.governor.law import LAW
from domain.governor.verdict import VERDICT, Verdict, VerdictRecorded
from domain.kernel.org_unit import ROOT
from domain.ports import Clock, Conflict, Draft, EventStore, Ids, Past, Recorded

ATTEMPTS_MAX: Final = 24


@dataclass(slots=True)
class Pipeline:
    """The road, with the doors it needs: a log, a clock, a source of names, the catalog."""

    store: EventStore
    clock: Clock
    ids: Ids
    planners: Mapping[type[Command], Planner]
    memory: Memory = field(default_factory=Memory)
    pause: Callable[[float], None] = time.sleep
    _queues: Queues = field(default_factory=Queues)

    def handle(
        self,
        command: Command,
        actor: Actor,
        *,
        command_id: str = "",
        correlation_id: str = "",
        approval_id: str = "",
        amends: str = "",
        override_id: str = "",
    ) -> Receipt:
        """Carry out one command, or say why not.

        A `command_id` given by the caller makes the command idempotent: asking again answers
        with the first receipt. Raises `Conflict` after ATTEMPTS_MAX tries that all met newer
        facts, `StoreUnavailable` if the log cannot be reached; nothing is allowed then.
        """
        command_id_now = command_id or self.ids()
        sender = Sender(actor, self.clock(), command_id_now, approval_id, amends, override_id)
        plan = self.planners[type(command)](command, sender)
        walk = _Walk(self, command, sender, plan, correlation_id or sender.command_id)
        for attempt in range(ATTEMPTS_MAX):
            try:
                with self._queues.turn(walk.contested):
                    return walk.once(repeatable=bool(command_id))
            except Conflict:
                self.pause(pause_after(sender.command_id, attempt) if attempt else 0.0)
        raise Conflict(f"{type(command).__name__} kept meeting newer facts: try again")

    def read(self, plan: Plan, sender: Sender, *, repeatable: bool) -> Past:
        """Read the consistency boundary of a plan: the law first, then its subject.

        What only a first look can name is read after it; the head is that of the first look, so
        whatever moved in between is a conflict.
        """
        reads: list[tuple[Stream[Any, Any], str]] = [(LAW, ROOT), *plan.reads]
        if repeatable:
            reads.append((VERDICT, sender.command_id))
        reads += [(APPROVAL, each) for each in (sender.approval_id, sender.amends) if each]
        past = self._look(reads)
        behind = (*approver_reads(past, sender), *override_reads(past, sender))
        if more := (*plan.then(past), *behind):
            past = self._further(past, more)
        return past

    def informed(self, past: Past, ask: Ask) -> tuple[Past, Ask]:
        """Add to a request what the log says about it, read inside the same boundary."""
        wanted = inquiry(ask, facts_needed(ask, past.state(LAW, ROOT)))
        if wanted is None:
            return past, ask
        if more := [each for each in wanted.reads() if each[0].at(each[1]) not in past.events]:
            past = self._further(past, more)
        standings = wanted.standings(past)
        return past, replace(ask, facts=standings, corrections=wanted.corrections(standings))

    def _further(self, past: Past, more: Sequence[tuple[Stream[Any, Any], str]]) -> Past:
        """Read on; the head stays that of the first look."""
        further = self._look(more)
        return Past({**further.events, **past.events}, past.head, {**further.known, **past.known})

    def state(self, stream: Stream[Any, Any], key: str) -> Any:
        """Return the state of one history now, read on from what is remembered of it."""
        return self._look([(stream, key)]).state(stream, key)

    def _look(self, reads: Sequence[tuple[Stream[Any, Any], str]]) -> Past:
        recalled = self.memory.recall(reads, self.store)
        cursors = dict.fromkeys((stream.at(key) for stream, key in reads), 0)
        for tag, remembered in recalled.states.items():
            cursors[tag] = remembered.position
        found, head = self.store.read(cursors)
        if head < recalled.head:  # the log was restored to an earlier day
            self.memory.forget()
            return self._look(reads)
        events: dict[str, list[Recorded]] = {tag: [] for tag in cursors}
        for recorded in found:
            for tag in recorded.tags:
                if recorded.position > cursors.get(tag, recorded.position):
                    events[tag].append(recorded)
        known = {tag: remembered.state for tag, remembered in recalled.states.items()}
        past = Past(events, head, known)
        self.memory.learn(reads, past, recalled)
        return past


@dataclass(slots=True)
class _Walk:
    """One command on its way down the road."""

    pipeline: Pipeline
    command: Command
    sender: Sender
    plan: Plan
    correlation_id: str
    contested: tuple[str, ...] = ()

    def once(self, *, repeatable: bool) -> Receipt:
        """Read, judge, decide and append; or answer again what was answered before."""
        past = self.pipeline.read(self.plan, self.sender, repeatable=repeatable)
        ask = self.plan.ask(past)
        before = past.of(VERDICT.at(self.sender.command_id))
        if before:
            return _answer_again(before[0], ask)
        first = past.events.keys()
        past, ask = self.pipeline.informed(past, ask)
        self.contested = tuple(past.events.keys() - first)
        ask, misfit = overridden(past, self.sender, ask)
        verdict = judge(ask, past.state(LAW, ROOT))
        outcome, entries, refusal, approval_id = (
            ("refused", (), misfit, self.sender.approval_id)
            if misfit is not None
            else self._weigh(past, ask, verdict)
        )
        if misfit is None:
            entries = (*entries, *used_up(past, self.sender, outcome))
        if not self.sender.approval_id:
            entries = (*entries, *contradictions(ask, self.sender.at))
        recorded = verdict_entry(
            self.sender,
            ask,
            verdict,
            as_of=past.head,
            outcome=outcome,
            size=len(entries) + 1,
            refusal=refusal,
            approval_id=approval_id,
            request=None if outcome == "done" else request_of(self.command),
        )
        position = self._append([recorded, *entries], list(past.events), past.head)
        fact = recorded[1]
        assert isinstance(fact, VerdictRecorded)
        return receipt_of(fact, position)

    def _weigh(
        self, past: Past, ask: Ask, verdict: Verdict
    ) -> tuple[str, tuple[Entry, ...], Refusal | None, str]:
        """Return the outcome, its facts, a refusal if there is one, and the approval concerned."""
        parking = Parked(self.sender, self.plan, self.command, ask, verdict)
        if self.sender.approval_id:
            return resume_with(past, parking)
        match verdict.effect:
            case Effect.DENY:
                return "denied", self.plan.denied(past, verdict), None, ""
            case Effect.REQUIRE_APPROVAL:
                return parked(past, parking)
            case _:
                decision = self.plan.decide(past)
                if isinstance(decision, Refusal):
                    return "refused", (), decision, ""
                return "done", decision, None, ""

    def _append(self, entries: list[Entry], boundary: list[str], as_of: int) -> int:
        command_id = self.sender.command_id
        drafts = [Draft(f"{command_id}:{n}", tags, fact) for n, (tags, fact) in enumerate(entries)]
        return self.pipeline.store.append(
            drafts,
            at=self.sender.at,
            actor=str(self.sender.actor),
            correlation_id=self.correlation_id,
            having_read=boundary,
            as_of=as_of,
        )


def _answer_again(before: Recorded, ask: Ask) -> Receipt:
    fact: VerdictRecorded = before.fact
    if fact.payload_hash != ask.payload_hash:
        return Refused(
            position=before.position,
            command_id=fact.command_id,
            subject=fact.subject,
            code="idempotency_key_reused",
            reasons=("This idempotency key was used before with another payload: use a new key",),
            denied=False,
        )
    return receipt_of(fact, before.position + fact.size - 1)


def receipt_of(fact: VerdictRecorded, position: int) -> Receipt:
    """Return the answer that a recorded verdict stands for."""
    common = {"position": position, "command_id": fact.command_id, "subject": fact.subject}
    match fact.outcome:
        case "done":
            return Done(**common)  # type: ignore[arg-type]
        case "held":
            return Held(approval_id=fact.approval_id, reasons=fact.reasons, **common)  # type: ignore[arg-type]
        case _:
            return Refused(
                code=fact.code,
                reasons=fact.reasons,
                denied=fact.outcome == "denied",
                **common,  # type: ignore[arg-type]
            )

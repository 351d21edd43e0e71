"""Outcome: what an action was worth, once it is known.   recorded ──► recorded again (corrected)"""

from dataclasses import dataclass
from typing import Final

from domain.core.event import event
from domain.core.stream import Decision, Stream


@event("outcome.recorded")
class OutcomeRecorded:
    """Somebody measured what came of an action. `reward_score` lies between 0 and 1."""

    outcome_id: str
    action_id: str
    org_unit_id: str
    success: bool
    result: dict[str, object]
    reward_score: str
    metrics: dict[str, object]
    feedback: str
    evaluator: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the history so far amounts to: the newest measurement."""

    newest: OutcomeRecorded | None = None


def evolve(_state: Outcome, fact: OutcomeRecorded) -> Outcome:
    """Take one measurement into account."""
    return Outcome(fact)


OUTCOME: Final = Stream(
    category="outcome", initial=Outcome(), evolve=evolve, events=(OutcomeRecorded,)
)


def record(state: Outcome, *, measured: OutcomeRecorded) -> Decision[OutcomeRecorded]:
    """Record a measurement, or a correction of it; the same one twice is one."""
    return () if state.newest == measured else (measured,)

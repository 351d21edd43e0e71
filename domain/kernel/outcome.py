"""Outcome: what an action was worth, once it is known.   recorded ──► recorded again (corrected)"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.core.event import event
from domain.core.stream import Decision, Stream
from domain.core.upcast import Fields, Stored, upcaster


@event("outcome.recorded", version=2)
class OutcomeRecorded:
    """Somebody measured what came of an action.

    `reward_score` lies between 0 and 1; `evaluator` is named as the log names actors. In version
    1 the score was a text, and the dispatcher's own measurements were by `dispatcher`.
    """

    outcome_id: str
    action_id: str
    org_unit_id: str
    success: bool
    result: dict[str, object]
    reward_score: Decimal
    metrics: dict[str, object]
    feedback: str
    evaluator: str


@upcaster("outcome.recorded", 1)
def outcome_recorded_1(fields: Fields) -> Iterator[Stored]:
    """Make the score a number that can be added up, and the dispatcher an actor like others."""
    fields["reward_score"] = Decimal(fields["reward_score"])
    if fields["evaluator"] == "dispatcher":
        fields["evaluator"] = "system:dispatcher"
    yield "outcome.recorded", 2, fields


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the history so far amounts to: the newest measurement."""

    newest: OutcomeRecorded | None = None


def evolve(_state: Outcome, fact: OutcomeRecorded) -> Outcome:
    """Take one measurement into account."""
    return Outcome(fact)


OUTCOME: Final = Stream(
    category="outcome",
    initial=Outcome(),
    evolve=evolve,
    events=(OutcomeRecorded,),
    upcasters=(outcome_recorded_1,),
)


def record(state: Outcome, *, measured: OutcomeRecorded) -> Decision[OutcomeRecorded]:
    """Record a measurement, or a correction of it; the same one twice is one."""
    return () if state.newest == measured else (measured,)

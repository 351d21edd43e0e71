"""Verdicts: what the governor answered to one command, and everything it looked at.

A verdict is the first event of the append that it allows, or the only trace of what it refused.
Its stream is the command, so that asking twice finds the first answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from domain.core.event import event
from domain.core.stream import Stream
from domain.core.upcast import Fields, Stored, upcaster
from domain.governor.demand import HOURS_DEFAULT, Demand
from domain.governor.effect import Effect

ENGINE_VERSION: Final = 2
"""Raised whenever the same law and the same request could be answered differently."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that was asked. `result` is true, false or error; an error denies."""

    rule: str
    result: str
    effect: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Objection:
    """A reason to deny that no policy has to spell out: an unknown action, a wrong payload."""

    code: str
    because: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One value that a rule read. `source` is claim, context, params or missing."""

    path: str
    source: str
    value: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An answer, before it is recorded.

    `triggers` names what demands an approval; an approval lifts exactly the triggers that its
    approver saw. `demands` says whose approval, and of how many people; `approver_role` is the
    highest of those roles. `law_hash` identifies the active policies.
    """

    effect: Effect
    findings: tuple[Finding, ...] = ()
    objections: tuple[Objection, ...] = ()
    readings: tuple[Reading, ...] = ()
    engagements: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    approver_role: str = ""
    demands: tuple[Demand, ...] = ()
    expires_hours: int = HOURS_DEFAULT
    law_hash: str = ""
    shadows: tuple[Finding, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Say why, in sentences, strictest reasons only."""
        if self.objections:
            return tuple(objection.because for objection in self.objections)
        fired = (f for f in self.findings if f.effect == self.effect.word and f.message)
        reasons = tuple(finding.message for finding in fired)
        if self.effect is Effect.REQUIRE_APPROVAL and self.engagements:
            reasons = ("The kill switch is engaged: every action needs an approval", *reasons)
        return reasons


Outcome: TypeAlias = str
"""What became of a command: done, held, denied (by the governor), refused (by the business)."""


@event("verdict.recorded", version=2)
class VerdictRecorded:
    """The governor answered a command; `size` counts the events of the same append.

    `as_of` is the head of the log that the answer is based on. `request` is kept where nothing
    else in the append tells what was asked. `shadows` is what rules would have said that are only
    watched; version 1 had none.
    """

    command_id: str
    command: str
    action: str
    subject: str
    actor_id: str
    actor_role: str
    org_unit_id: str
    payload_hash: str
    law_hash: str
    engine_version: int
    as_of: int
    effect: str
    outcome: Outcome
    size: int
    code: str
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    objections: tuple[Objection, ...]
    readings: tuple[Reading, ...]
    kill_switch: tuple[str, ...]
    triggers: tuple[str, ...]
    approval_id: str
    request: dict[str, object] | None
    shadows: tuple[Finding, ...]


@upcaster("verdict.recorded", 1)
def verdict_recorded_1(fields: Fields) -> Iterator[Stored]:
    """Nothing was watched yet."""
    yield "verdict.recorded", 2, {**fields, "shadows": []}


def evolve(_state: VerdictRecorded | None, fact: VerdictRecorded) -> VerdictRecorded | None:
    """Remember the answer."""
    return fact


VERDICT: Final[Stream[VerdictRecorded | None, VerdictRecorded]] = Stream(
    category="verdict",
    initial=None,
    evolve=evolve,
    events=(VerdictRecorded,),
    upcasters=(verdict_recorded_1,),
)

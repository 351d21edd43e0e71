"""Approval: one parked command, and the people who let it go on.

pending ──► approved ──► consumed       an approval is for one payload, once, within its time
   │  │        └─ the last yes that was demanded; those before it are endorsements
   │  └─ endorsed, questions, answers, escalations: it stays pending, and the clock runs
   ├──────► rejected                    it lifts the triggers its approvers saw, never a denial
   ├──────► expired
   └──────► cancelled                   overtaken, or amended: then it is another request
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.instant import HOUR, Instant
from domain.core.stream import Stream
from domain.core.upcast import Fields, Stored, upcaster
from domain.governor.demand import HOURS_DEFAULT, Demand, next_above

LIFETIME: Final = HOURS_DEFAULT * HOUR
"""How long a request waits where no rule says otherwise."""

FOUNDER: Final = "founder"
LADDER: Final = ((1, 6), (1, 2), (5, 6))
"""The shares of a request's time after which somebody is told once more: whoever it waits for,
then the role above, then the founder."""


@event("approval.requested", version=2)
class ApprovalRequested:
    """A command waits for people. `request` is the command as it was sent.

    `approver_role` is the highest role demanded. `authors` are all who had a hand in the request:
    whoever sent it first, then whoever amended it; none of them may agree to it. `override_id`
    names the denial that a founder has overridden for it, if one has.
    In version 1 one person of the role was demanded, for 24 hours.
    """

    approval_id: str
    kind: str
    entity_id: str
    command: str
    request: dict[str, object]
    action: str
    requested_by: str
    requester_role: str
    requester_org_unit_id: str
    org_unit_id: str
    payload_hash: str
    law_hash: str
    approver_role: str
    reasons: tuple[str, ...]
    triggers: tuple[str, ...]
    amount: str
    currency: str
    expires_at: Instant
    requested_at: Instant
    demands: tuple[Demand, ...]
    authors: tuple[str, ...]
    override_id: str


@upcaster("approval.requested", 1)
def approval_requested_1(fields: Fields) -> Iterator[Stored]:
    """Spell out what every request of version 1 meant."""
    yield (
        "approval.requested",
        2,
        {
            **fields,
            "requested_at": fields["expires_at"] - 24 * HOUR,
            "demands": [{"role": fields["approver_role"], "count": 1}],
            "authors": [fields["requested_by"]],
            "override_id": "",
        },
    )


@event("approval.endorsed")
class ApprovalEndorsed:
    """A person agreed to exactly this payload, in somebody's name or in their own ("")."""

    approval_id: str
    by: str
    on_behalf_of: str
    notes: str


@event("approval.granted")
class ApprovalGranted:
    """A person agreed to exactly this payload, and nobody else is needed."""

    approval_id: str
    by: str
    notes: str


@event("approval.rejected")
class ApprovalRejected:
    """A person said no."""

    approval_id: str
    by: str
    reason: str


@event("approval.information_requested")
class InformationRequested:
    """A person wants to know more before they answer."""

    approval_id: str
    by: str
    question: str


@event("approval.information_given")
class InformationGiven:
    """Somebody answered what was asked."""

    approval_id: str
    by: str
    text: str


@event("approval.escalated")
class ApprovalEscalated:
    """So much of the time has passed that a role is told (once more)."""

    approval_id: str
    step: int
    role: str


@event("approval.amended")
class ApprovalAmended:
    """A person changed what is asked; `request` is the command that is asked instead."""

    approval_id: str
    by: str
    request: dict[str, object]


@event("approval.expired")
class ApprovalExpired:
    """Nobody answered in time, which is a no."""

    approval_id: str


@event("approval.cancelled")
class ApprovalCancelled:
    """The request was overtaken: what it asked for is asked again, or is denied now."""

    approval_id: str
    reason: str


@event("approval.consumed")
class ApprovalConsumed:
    """The parked command went on, once."""

    approval_id: str
    command_id: str


_Talk = ApprovalEndorsed | InformationRequested | InformationGiven | ApprovalEscalated
_End = ApprovalRejected | ApprovalExpired | ApprovalCancelled | ApprovalConsumed
ApprovalEvent = ApprovalRequested | ApprovalGranted | ApprovalAmended | _Talk | _End


class Stage(Enum):
    """How far an approval has come."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CONSUMED = "consumed"


@dataclass(frozen=True, slots=True)
class Yes:
    """Who agreed, and in whose name. For the counting the two are one person."""

    by: str
    on_behalf_of: str = ""

    @property
    def principal(self) -> str:
        """Return the person whose role and limits the yes uses."""
        return self.on_behalf_of or self.by

    @property
    def people(self) -> frozenset[str]:
        """Return everybody who has spoken with this yes."""
        return frozenset({self.by, self.principal})


@dataclass(frozen=True, slots=True)
class Approval:
    """What the history so far amounts to. `step` is the last one taken of the ladder."""

    stage: Stage = Stage.UNKNOWN
    request: ApprovalRequested | None = None
    decided_by: str = ""
    yeses: tuple[Yes, ...] = ()
    step: int = 0
    questions: int = 0
    last_said: tuple[str, str] = ("", "")

    @property
    def speakers(self) -> tuple[str, ...]:
        """Return everybody whose role now decides whether a yes still counts."""
        return tuple(sorted({person for yes in self.yeses for person in yes.people}))


def evolve(state: Approval, fact: ApprovalEvent) -> Approval:
    """Take one fact into account."""
    match fact:
        case ApprovalRequested():
            return Approval(Stage.PENDING, fact)
        case ApprovalGranted():
            approved = replace(state, stage=Stage.APPROVED, decided_by=fact.by)
            spoken = any(yes.by == fact.by for yes in state.yeses)
            return approved if spoken else replace(approved, yeses=(*state.yeses, Yes(fact.by)))
        case ApprovalAmended():
            return replace(state, decided_by=fact.by)  # its end is a fact of its own
        case ApprovalEndorsed() | InformationRequested() | InformationGiven() | ApprovalEscalated():
            return _talked(state, fact)
        case _:
            return _ended(state, fact)


def _talked(state: Approval, fact: _Talk) -> Approval:
    match fact:
        case ApprovalEndorsed():
            return replace(state, yeses=(*state.yeses, Yes(fact.by, fact.on_behalf_of)))
        case InformationRequested():
            said = (fact.by, fact.question)
            return replace(state, questions=state.questions + 1, last_said=said)
        case InformationGiven():
            return replace(state, last_said=(fact.by, fact.text))
        case ApprovalEscalated():
            return replace(state, step=fact.step)
        case _:
            assert_never(fact)


def _ended(state: Approval, fact: _End) -> Approval:
    match fact:
        case ApprovalRejected():
            return replace(state, stage=Stage.REJECTED, decided_by=fact.by)
        case ApprovalExpired():
            return replace(state, stage=Stage.EXPIRED)
        case ApprovalCancelled():
            return replace(state, stage=Stage.CANCELLED)
        case ApprovalConsumed():
            return replace(state, stage=Stage.CONSUMED)
        case _:
            assert_never(fact)


APPROVAL: Final = Stream(
    category="approval",
    initial=Approval(),
    evolve=evolve,
    events=get_args(ApprovalEvent),
    upcasters=(approval_requested_1,),
)


def step_due_at(requested_at: Instant, expires_at: Instant, step: int) -> Instant | None:
    """Return when a step of the ladder (1, 2, 3) is due; there is no other."""
    if not 1 <= step <= len(LADDER):
        return None
    part, of = LADDER[step - 1]
    return requested_at + (expires_at - requested_at) * part // of


def told_at(request: ApprovalRequested, step: int) -> str:
    """Return the role that a step of the ladder tells."""
    roles = (request.approver_role, next_above(request.approver_role), FOUNDER)
    return roles[step - 1]

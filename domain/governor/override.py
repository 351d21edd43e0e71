"""Override: a founder lets one denied command go on, once, by name and with a reason.

denied by rules ──► granted ──► used        only the findings that were shown are lifted
Objections are never lifted: an unknown action, a wrong payload, a missing role are no policy.
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.principal import Actor, Role
from domain.core.stream import Decision, Refusal, Stream
from domain.governor.effect import Effect
from domain.governor.verdict import Finding, VerdictRecorded

REASON_CHARACTERS_MIN: Final = 20


@event("override.granted")
class OverrideGranted:
    """A founder takes it upon themselves. `command_id` names the verdict that is overridden."""

    command_id: str
    command: str
    action: str
    subject: str
    payload_hash: str
    findings: tuple[Finding, ...]
    by: str
    reason: str


@event("override.used")
class OverrideUsed:
    """The command was judged once more under the override; whatever came of it, that was it."""

    command_id: str
    by_command_id: str
    outcome: str


OverrideEvent = OverrideGranted | OverrideUsed


@dataclass(frozen=True, slots=True)
class Override:
    """What the history so far amounts to."""

    granted: OverrideGranted | None = None
    is_used: bool = False


def evolve(state: Override, fact: OverrideEvent) -> Override:
    """Take one fact into account."""
    match fact:
        case OverrideGranted():
            return Override(fact)
        case OverrideUsed():
            return replace(state, is_used=True)
        case _:
            assert_never(fact)


OVERRIDE: Final = Stream(
    category="override",
    initial=Override(),
    evolve=evolve,
    events=get_args(OverrideEvent),
)


def grant(
    state: Override, denial: VerdictRecorded | None, *, by: Actor, reason: str
) -> Decision[OverrideEvent]:
    """Take a denial by policy rules upon oneself; the founder may even for a request of their own,
    because the review that follows shows it."""
    if by.role is not Role.FOUNDER:
        return Refusal("not_the_founder", "only a founder may override a denial")
    if len(reason.strip()) < REASON_CHARACTERS_MIN:
        because = f"an override needs a reason of at least {REASON_CHARACTERS_MIN} characters"
        return Refusal("reason_too_short", because)
    if denial is None:
        return Refusal("verdict_unknown", "no command of this id was ever answered")
    if denial.outcome != "denied":
        return Refusal("not_denied", f"this command was not denied, it is {denial.outcome}")
    shown = tuple(each for each in denial.findings if each.effect == Effect.DENY.word)
    if denial.objections or not shown or denial.request is None:
        because = f"no policy denied this ({denial.code}): there is nothing to override"
        return Refusal("not_overridable", because)
    if state.granted is not None:
        return () if not state.is_used else Refusal("override_used", "it was overridden already")
    return (
        OverrideGranted(
            command_id=denial.command_id,
            command=denial.command,
            action=denial.action,
            subject=denial.subject,
            payload_hash=denial.payload_hash,
            findings=shown,
            by=str(by),
            reason=reason,
        ),
    )


def use(state: Override, *, payload_hash: str) -> Refusal | None:
    """Say why an override does not hold for a payload now, or nothing if it does."""
    if state.granted is None:
        return Refusal("override_unknown", "nobody has overridden this denial")
    if state.is_used:
        return Refusal("override_used", "this override was used already")
    if payload_hash != state.granted.payload_hash:
        return Refusal("payload_changed", "this override was given for another payload")
    return None

"""Planning: what most commands have in common, so that a planner says only what is its own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field, StringConstraints

from commands.message import TEXT_MAX, Command, Entry, Plan, Reads, Sender
from domain.core.canonical import digest
from domain.core.principal import Actor, Role
from domain.core.stream import Decision, Refusal, Stream
from domain.governor.fact import Matter
from domain.governor.judge import Ask
from domain.governor.verdict import Objection
from domain.ports import Past

S = TypeVar("S")

CATALOG_VERSION: Final = 1
"""Raised when the meaning of a payload changes; approvals of the older meaning lose their use."""

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/@-]{0,127}$")]
"""The id of a thing: 1 to 128 letters, digits and . _ / @ -"""

Text = Annotated[str, StringConstraints(max_length=TEXT_MAX)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Names = Annotated[tuple[Name, ...], Field(max_length=100)]


def verb_of(command: Command) -> str:
    """Return the action type of a command that is its own action: `ReleaseKillSwitch` is
    `release_kill_switch`."""
    return verb_named(type(command).__name__)


def verb_named(name: str) -> str:
    """Return the action type of a command by its name."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def payload_hash(*, action: str, payload: Mapping[str, Any], actor: Actor, subject: str) -> str:
    """Return the hash that binds an approval to what was asked, by whom, about what."""
    return digest([action, payload, str(actor), subject, CATALOG_VERSION])


def safe_hash(
    *, action: str, payload: Mapping[str, Any], actor: Actor, subject: str
) -> tuple[str, tuple[Objection, ...]]:
    """Return the payload's hash, or an objection to what cannot be written down, such as NaN."""
    try:
        return payload_hash(action=action, payload=payload, actor=actor, subject=subject), ()
    except ValueError as error:
        return "", (Objection("invalid_payload", f"{action}: {error}"),)


def not_permitted(actor: Actor, permits: frozenset[Role], verb: str) -> tuple[Objection, ...]:
    """Object to a command from somebody whose role does not include it."""
    if actor.role in permits:
        return ()
    because = f"{actor} is {actor.role.value}, which does not include {verb}"
    return (Objection("role_not_permitted", because),)


def as_objection(refusal: Refusal | None) -> tuple[Objection, ...]:
    """Turn a reason why not into an objection that the governor records."""
    return () if refusal is None else (Objection(refusal.code, refusal.because),)


def tagged(stream: Stream[Any, Any], key: str, decision: Decision[Any]) -> Decision[Entry]:
    """Address the facts of a decider to the history that they belong to."""
    if isinstance(decision, Refusal):
        return decision
    tags = (stream.at(key),)
    return tuple((tags, fact) for fact in decision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A command that is its own action: who may send it, what it reads, how it decides."""

    command: Command
    sender: Sender
    permits: frozenset[Role]
    subject: str
    reads: Reads
    decide: Callable[[Past], Decision[Entry]]
    objections: Callable[[Past], tuple[Objection, ...]] = lambda _past: ()
    org_path: Callable[[Past], tuple[str, ...]] = lambda _past: ()
    then: Callable[[Past], Reads] = lambda _past: ()
    brake: bool = False
    founding: bool = False

    def plan(self) -> Plan:
        """Return the plan of the command."""
        command, sender = self.command, self.sender
        verb, payload = verb_of(command), command.wire()
        hashed, unwritable = safe_hash(
            action=verb, payload=payload, actor=sender.actor, subject=self.subject
        )
        barred = (*not_permitted(sender.actor, self.permits, verb), *unwritable)

        def ask(past: Past) -> Ask:
            return Ask(
                command=type(command).__name__,
                action=verb,
                actor=sender.actor,
                subject=self.subject,
                data=payload,
                payload_hash=hashed,
                org_path=self.org_path(past),
                agent_id=sender.actor.id if sender.actor.role is Role.AGENT else "",
                objections=(*barred, *self.objections(past)),
                matter=Matter(at=sender.at),
                brake=self.brake,
                founding=self.founding,
            )

        return Plan(reads=self.reads, then=self.then, ask=ask, decide=self.decide)


def amend(
    command: Command,
    sender: Sender,
    *,
    permits: frozenset[Role],
    stream: Stream[S, Any],
    key: str,
    decide: Callable[[S], Decision[Any]],
    brake: bool = False,
) -> Plan:
    """Plan a command about one history."""
    return Errand(
        command=command,
        sender=sender,
        permits=permits,
        subject=stream.at(key),
        reads=((stream, key),),
        decide=lambda past: tagged(stream, key, decide(past.state(stream, key))),
        brake=brake,
    ).plan()

"""Messages: what is asked, who asks, how it is to be carried out, and what is answered.

Command ──planner──► Plan (data: nothing has happened yet) ──pipeline──► Done | Held | Refused
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from domain.core.instant import Instant
from domain.core.principal import Actor
from domain.core.stream import Decision, Stream
from domain.governor.judge import Ask
from domain.governor.verdict import Verdict
from domain.ports import Past

TEXT_MAX: Final = 2_000
"""Characters in a reason, a note, a description."""


class Command(BaseModel):
    """A request, as it arrives: checked at the door, immutable after. JSON names are camelCase."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    def wire(self) -> dict[str, Any]:
        """Return the request as it would be sent, defaults spelled out."""
        return self.model_dump(by_alias=True)


@dataclass(frozen=True, slots=True)
class Sender:
    """The circumstances of one command. `approval_id` is set when a parked command goes on,
    `amends` when it is asked in the place of an approval's, `override_id` when a founder has
    overridden the denial of that command."""

    actor: Actor
    at: Instant
    command_id: str
    approval_id: str = ""
    amends: str = ""
    override_id: str = ""

    def new_id(self, prefix: str) -> str:
        """Name the one new thing of a kind that this command makes; a retry gives the same."""
        return f"{prefix}-{self.command_id}"


Entry: TypeAlias = tuple[tuple[str, ...], object]
"""The tags that a fact is found by, the name of its stream first; and the fact."""

Reads: TypeAlias = tuple[tuple[Stream[Any, Any], str], ...]


def _no_reads(_past: Past) -> Reads:
    return ()


def _nothing_more(_past: Past, _verdict: Verdict) -> tuple[Entry, ...]:
    return ()


def _no_facts(_past: Past, _verdict: Verdict, _approval_id: str) -> Decision[Entry]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a command is to be carried out.

    `reads` are the streams of the consistency boundary, beside the law; `then` names those that
    only a first look can tell. `decide` runs when the governor allows, `held` when a person must
    agree first, `denied` when the answer is no. `matter` describes an approval of this command:
    its kind, amount and currency. `settled` returns the command with every id it makes spelled
    out, if that differs from what was sent.
    """

    reads: Reads
    ask: Callable[[Past], Ask]
    decide: Callable[[Past], Decision[Entry]]
    then: Callable[[Past], Reads] = _no_reads
    held: Callable[[Past, Verdict, str], Decision[Entry]] = _no_facts
    denied: Callable[[Past, Verdict], tuple[Entry, ...]] = _nothing_more
    matter: Mapping[str, str] = field(default_factory=dict)
    settled: Callable[[], Command] | None = None


Planner: TypeAlias = Callable[[Any, Sender], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is so; `position` is how far a reader must wait to see it."""

    position: int
    command_id: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A person must agree first."""

    position: int
    command_id: str
    subject: str
    approval_id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No, and why. `denied` tells the governor's no from the business's; both are recorded."""

    position: int
    command_id: str
    subject: str
    code: str
    reasons: tuple[str, ...]
    denied: bool


Receipt: TypeAlias = Done | Held | Refused

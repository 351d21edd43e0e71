"""Ports: what the core asks of the outside world, and no more.

BrokenWorld ─┬─ Conflict          what was read has moved: read again
             ├─ NotStorable       too large, or not text: the log does not take it
             ├─ StoreUnavailable  the log or the read models cannot be reached: deny
             └─ ConnectorFailed   the world did not do as asked
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

from domain.core.instant import Instant
from domain.core.stream import Stream

S = TypeVar("S")
E = TypeVar("E")

DROPPED: Final = "dropped"
"""The type under which readers of the whole log find an event that means nothing today."""


class BrokenWorld(Exception):
    """Something outside did not do what it must. Whatever was asked is not allowed."""


class Conflict(BrokenWorld):
    """Something that this decision relied on has changed since. Read again and decide again."""


class NotStorable(BrokenWorld):
    """What was to be written is larger than the log takes, or is not text. Nothing was written."""


class StoreUnavailable(BrokenWorld):
    """A database cannot be reached, is full, or is not set up."""


class ConnectorFailed(BrokenWorld):
    """The world refused, or did not answer. `retryable` says whether asking again is safe."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        """Say what went wrong."""
        super().__init__(message)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact on its way into the log."""

    id: str
    tags: tuple[str, ...]
    fact: object


class Recorded(NamedTuple):
    """A fact, with its place in history. Pages of the log carry the chain of digests.

    `type` and `schema_version` are those of the fact as it is told today. An event that is told
    as several facts is several of these, at one position: the first has the id of the event, the
    others that id with `.1`, `.2` … after it. In a page, an event that is told as nothing is a
    `Dropped`, of type `DROPPED`, so that every position is there. A tuple, because a projector
    makes millions of them.
    """

    position: int
    id: str
    type: str
    fact: Any
    tags: tuple[str, ...]
    occurred_at: Instant
    actor: str
    correlation_id: str
    causation_id: str
    schema_version: int = 1
    digest: bytes = b""
    previous_digest: bytes = b""

    @property
    def hash(self) -> str:
        """Return the digest of the stored event and all before it, in hexadecimal."""
        return self.digest.hex()

    @property
    def previous_hash(self) -> str:
        """Return the digest of all before it, in hexadecimal."""
        return self.previous_digest.hex()


@dataclass(frozen=True, slots=True)
class Past:
    """What was read, and how far the log reached when it was read.

    `known` holds states that were folded before, by tag; events continue from them.
    """

    events: Mapping[str, Sequence[Recorded]]
    head: int
    known: Mapping[str, Any]

    def of(self, tag: str) -> Sequence[Recorded]:
        """Return the events of one history that were read now."""
        return self.events.get(tag, ())

    def state(self, stream: Stream[S, E], key: str) -> S:
        """Fold one history, on from what was known of it."""
        tag = stream.at(key)
        if tag in self.known and not self.events.get(tag):
            return cast("S", self.known[tag])
        facts = (recorded.fact for recorded in self.events.get(tag, ()))
        return stream.fold(cast("Iterable[E]", facts), self.known.get(tag))


class EventStore(Protocol):
    """The append-only log."""

    def read(
        self, cursors: Mapping[str, int], *, upto: int | None = None
    ) -> tuple[Sequence[Recorded], int]:
        """Return, in order, what happened to some tags after a position each, and the head.

        Nothing past `upto` is read. What means nothing today is left out.
        """
        ...

    def page(self, *, after: int, limit: int, upto: int | None = None) -> Sequence[Recorded]:
        """Return the next `limit` positions of the whole log, in order, none past `upto`.

        Every position is there, at least once and all of it; see `Recorded`.
        """
        ...

    def append(
        self,
        drafts: Sequence[Draft],
        *,
        at: Instant,
        actor: str,
        correlation_id: str,
        having_read: Sequence[str],
        as_of: int,
    ) -> int:
        """Add facts together and return the position of the last.

        The first is the verdict that the others follow from. Raises `Conflict` if anything
        carries one of the tags in `having_read` at a position after `as_of`. Appending the
        same ids again changes nothing.
        """
        ...

    def head(self) -> int:
        """Return the position of the newest event, 0 if there is none."""
        ...

    def wait(self, *, after: int, timeout_seconds: float) -> int:
        """Wait until the log reaches beyond a position, or for a while; return its head."""
        ...


class Clock(Protocol):
    """The only source of time."""

    def __call__(self) -> Instant:
        """Return the time now."""
        ...


class Ids(Protocol):
    """The only source of names for new things."""

    def __call__(self) -> str:
        """Return an id that nobody has used: lower-case letters, digits and dashes."""
        ...


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a connector is asked to do; the same key twice must change the world once."""

    idempotency_key: str
    action_type: str
    org_unit_id: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the world answered."""

    result: dict[str, object]
    cost_usd: str = "0"


class Connector(Protocol):
    """A door to a system that changes the world; credentials live behind it and nowhere else."""

    name: str

    def execute(self, call: ToolCall) -> ToolResult:
        """Change the world once. Raises `ConnectorFailed`."""
        ...


class Notifier(Protocol):
    """How people are told that something needs them."""

    def __call__(self, *, urgency: str, title: str, text: str, link: str) -> None:
        """Tell them. Must not raise: a message that is lost loses nothing else."""
        ...

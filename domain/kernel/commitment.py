"""Commitment: what the governor has lately let happen, counted under every name it goes by.

authorized ──► made          one event, many histories: its agent, each of its org units, its
cancelled  ──► released      customer, product, payee …
               └─ a window of a history: how often, how much, how long since

Commitment accounting (also called encumbrance accounting) reserves money when it is promised, not
when it is paid. So does this: a budget counts what was authorized, and a failed attempt keeps
counting, because money may have moved before it failed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.instant import DAY, Instant
from domain.core.stream import Stream

KEPT: Final = 8 * DAY
"""How far back a history is told; a window is shorter, so that it is always told in full."""

WINDOW_MAX: Final = 7 * DAY
BLOCK_ENTRIES: Final = 256


@event("commitment.made")
class CommitmentMade:
    """An action was authorized at an instant; an `amount` that is null is no matter of money.

    `keys` are the histories that this event belongs to.
    """

    action_id: str
    action_type: str
    amount: Decimal | None
    currency: str
    at: Instant
    keys: tuple[str, ...]


@event("commitment.released")
class CommitmentReleased:
    """An authorized action will never run; `at` is when it was authorized."""

    action_id: str
    action_type: str
    amount: Decimal | None
    currency: str
    at: Instant
    keys: tuple[str, ...]


CommitmentEvent = CommitmentMade | CommitmentReleased


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a history: one more (1), or one taken back (-1)."""

    at: Instant
    action_id: str
    count: int
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines, and what they add up to, so that a window is not counted line by line."""

    entries: tuple[Entry, ...] = ()
    oldest: Instant = 0
    newest: Instant = 0
    count: int = 0
    sums: Mapping[str, Decimal] = field(default_factory=dict)

    def with_(self, entry: Entry) -> "Block":
        """Return the block with one more line."""
        total = self.sums.get(entry.currency, Decimal(0)) + entry.amount
        return Block(
            (*self.entries, entry),
            min(self.oldest, entry.at) if self.entries else entry.at,
            max(self.newest, entry.at),
            self.count + entry.count,
            {**self.sums, entry.currency: total},
        )


@dataclass(frozen=True, slots=True)
class Commitments:
    """What was committed under one name: blocks of lines by action type, in order of the log."""

    by_type: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)

    def count(self, action_types: Iterable[str], *, since: Instant) -> int:
        """Count what was authorized at an instant or later, clocks that went back included."""
        blocks = self._since(action_types, since)
        return sum(
            block.count
            if block.oldest >= since
            else sum(entry.count for entry in block.entries if entry.at >= since)
            for block in blocks
        )

    def total(self, action_types: Iterable[str], currency: str, *, since: Instant) -> Decimal:
        """Add up the money in one currency that was authorized at an instant or later."""
        total = Decimal(0)
        for block in self._since(action_types, since):
            if block.oldest >= since:
                total += block.sums.get(currency, Decimal(0))
                continue
            for entry in block.entries:
                if entry.at >= since and entry.currency == currency:
                    total += entry.amount
        return total

    def latest(self, action_types: Iterable[str]) -> Instant | None:
        """Return when the newest of these was authorized that was not taken back."""
        found: Instant | None = None
        for action_type in action_types:
            released: set[str] = set()
            for entry in self._newest_first(action_type):
                if entry.count < 0:
                    released.add(entry.action_id)
                elif entry.action_id not in released:
                    found = entry.at if found is None else max(found, entry.at)
        return found

    def _since(self, action_types: Iterable[str], since: Instant) -> Iterator[Block]:
        for action_type in action_types:
            for block in self.by_type.get(action_type, ()):
                if block.newest >= since:
                    yield block

    def _newest_first(self, action_type: str) -> Iterator[Entry]:
        for block in reversed(self.by_type.get(action_type, ())):
            yield from reversed(block.entries)

    def with_(self, action_type: str, entry: Entry) -> "Commitments":
        """Return the history with one more line, without what is too old to be asked for."""
        blocks = self.by_type.get(action_type, ())
        if blocks and len(blocks[-1].entries) < BLOCK_ENTRIES:
            blocks = (*blocks[:-1], blocks[-1].with_(entry))
        else:
            horizon = entry.at - KEPT
            kept = (block for block in blocks if block.newest >= horizon)
            blocks = (*kept, Block().with_(entry))
        return Commitments({**self.by_type, action_type: blocks})


def evolve(state: Commitments, fact: CommitmentEvent) -> Commitments:
    """Take one fact into account."""
    match fact:
        case CommitmentMade():
            return state.with_(fact.action_type, _line(fact, 1))
        case CommitmentReleased():
            return state.with_(fact.action_type, _line(fact, -1))
        case _:
            assert_never(fact)


def _line(fact: CommitmentEvent, count: int) -> Entry:
    amount = (fact.amount or Decimal(0)) * count
    return Entry(fact.at, fact.action_id, count, amount, fact.currency)


COMMITMENT: Final = Stream(
    category="commitment",
    initial=Commitments(),
    evolve=evolve,
    events=get_args(CommitmentEvent),
    remembered=True,
)


def _reserve(
    state: tuple[CommitmentMade, ...], fact: CommitmentEvent
) -> tuple[CommitmentMade, ...]:
    return (*state, fact) if isinstance(fact, CommitmentMade) else ()


RESERVATION: Final[Stream[tuple[CommitmentMade, ...], CommitmentEvent]] = Stream(
    category="commitment",
    initial=(),
    evolve=_reserve,
    events=COMMITMENT.events,
)
"""The same facts once more, found by their action: what is still promised for it."""


def release(made: CommitmentMade) -> CommitmentReleased:
    """Take back what was promised for an action that will never run."""
    return CommitmentReleased(
        action_id=made.action_id,
        action_type=made.action_type,
        amount=made.amount,
        currency=made.currency,
        at=made.at,
        keys=made.keys,
    )

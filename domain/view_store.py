"""View store: where the pictures drawn from the log are kept, and how they are read.

An edition is one drawing of one view. The live one is read; another may be built beside it:

building ──► live ◄──► kept (for a rollback) ──► dropped
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

from domain.core.instant import Instant

Row: TypeAlias = Mapping[str, Any]


class Kind(Enum):
    """What a column holds. Instants are unix microseconds, decimals are exact, JSON is anything."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DECIMAL = "decimal"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a view. The first of a view is its key."""

    name: str
    kind: Kind = Kind.TEXT
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A view as its store sees it. `fingerprint` changes whenever the drawing could."""

    name: str
    fingerprint: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """Return the name of the key column."""
        return self.columns[0].name


@dataclass(frozen=True, slots=True)
class Edition:
    """One drawing of one view, and how far into which log it has come.

    `shape` is the one that it was drawn in, which may be older or newer than this program's.
    `hash` is the chain hash of the event at `position`, empty where nobody said: a log that was
    restored, and grew again beyond that position, has another one there.
    `degraded` says that an event could not be drawn: see `Failure`.
    """

    shape: Shape
    table: str
    status: str
    position: int
    hash: str = ""
    degraded: str = ""


STOPPED: Final = "stopped"
"""Degraded: the edition stands before an event that it cannot draw, and waits."""
SKIPPING: Final = "skipping"
"""Degraded: the edition went on without an event that it could not draw."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that a view could not draw, however often it was tried."""

    view: str
    position: int
    event_type: str
    error: str
    at: Instant
    tries: int


@dataclass(frozen=True, slots=True)
class Where:
    """One condition on a column. `op` is one of = != >= <= in."""

    column: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Listing:
    """What to list: which rows, in which order, how many, after which row of a listing before."""

    where: tuple[Where, ...] = ()
    order: str = ""
    descending: bool = False
    limit: int = 50
    after: tuple[Any, str] | None = None


NOTHING_CHANGED: Final[Mapping[str, "Row | None"]] = MappingProxyType({})


class ViewReader(Protocol):
    """How questions are answered: from the live edition of a view."""

    def get(self, view: str, key: str) -> Row | None:
        """Return one row."""
        ...

    def find(self, view: str, listing: Listing) -> Sequence[Row]:
        """Return some rows, in order; ties are broken by key."""
        ...

    def count(self, view: str, where: Sequence[Where] = ()) -> int:
        """Count rows."""
        ...

    def total(self, view: str, column: str, where: Sequence[Where] = ()) -> Decimal:
        """Add up a column of decimals, exactly."""
        ...

    def positions(self) -> Mapping[str, int]:
        """Return the position that each view has reached; one that was never drawn is missing."""
        ...

    def editions(self) -> Sequence[Edition]:
        """Return every edition there is: live, building and kept."""
        ...

    def failures(self) -> Sequence[Failure]:
        """Return what the live editions, and those being built, could not draw."""
        ...


class ViewStore(ViewReader, Protocol):
    """How projections keep what they draw."""

    def live(self, name: str) -> Edition | None:
        """Return the edition that readers see, or None if the view was never drawn."""
        ...

    def lives(self) -> Mapping[str, Edition]:
        """Return the editions that readers see, by the name of their view."""
        ...

    def begin(self, shape: Shape) -> Edition:
        """Start an empty edition beside the live one; an unfinished one is thrown away."""
        ...

    def load(self, edition: Edition, keys: Sequence[str]) -> dict[str, Row]:
        """Return the rows with some keys."""
        ...

    def rows(self, edition: Edition) -> Iterator[Row]:
        """Return every row, in order of the key."""
        ...

    def save(
        self, edition: Edition, rows: Mapping[str, Row | None], upto: int, hash: str = ""
    ) -> Edition:
        """Store rows and the position together; None removes a row.

        Raises `Conflict` if somebody else has moved the edition on: nothing is applied twice.
        Raises `NotStorable` if a row has no place in its columns: nothing is stored then.
        """
        ...

    def save_together(
        self,
        drawn: Sequence[tuple[Edition, Mapping[str, "Row | None"]]],
        upto: int,
        hash: str = "",
    ) -> None:
        """Store the rows of several editions, and the position of all, in one transaction.

        Raises `Conflict` if somebody else has moved any of them on, `NotStorable` as `save` does;
        nothing is applied then.
        """
        ...

    def fill(
        self,
        edition: Edition,
        rows: Sequence[Row],
        upto: int,
        *,
        hash: str = "",
        changed: Mapping[str, "Row | None"] = NOTHING_CHANGED,
    ) -> Edition:
        """Store many rows that an edition has not, and others that changed, as `save` does."""
        ...

    def index(self, edition: Edition) -> None:
        """Make the indexes of an edition that was filled, so that its swap takes no time."""
        ...

    def fail(self, edition: Edition, failure: Failure, *, skip: bool, hash: str = "") -> Edition:
        """Note that an edition cannot draw the event after its position; `skip` moves it beyond.

        The tries of a failure that was noted before are added up. Raises `Conflict` as `save` does.
        """
        ...

    def recover(self, edition: Edition) -> Edition:
        """Note that a stopped edition has drawn what it could not draw before."""
        ...

    def swap(self, edition: Edition, *, head: int) -> Edition:
        """Make an edition the live one, in one step; the live one before is kept.

        Raises `Conflict` if the live one has reached a later position, unless that lies beyond
        the head of the log (which was then restored): readers never go back. A head that was
        read before the live one went on would let them: look at the live one first.
        """
        ...

    def discard(self, edition: Edition) -> None:
        """Drop an edition that is not live."""
        ...

    def lease(self, work: str, holder: str, *, now: Instant, lasting: Instant) -> bool:
        """Take or renew the right to do some work for a while; say whether it is the holder's.

        It only spares others the same work: what is stored is guarded by position.
        """
        ...

    def release(self, work: str, holder: str) -> None:
        """Give the right back, if it is still the holder's."""
        ...

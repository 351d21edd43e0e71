"""The one door to the `eventsourcing` library, and what our log promises beyond it.

    plan ──► fetch(cursors) ──► rows, head         one snapshot of everything that a decision reads
    decide ─► append(events, condition) ─► position    fails if anything that was read has moved
    draw ──► page(after, limit) ──► rows           raw and in order, for projectors
    wait(after) / subscribe(query)                 wakes when the log has grown

Taken: the recorder interface with append conditions (a dynamic consistency boundary), the
in-memory recorder, the datastores, listen-notify subscriptions, the error classes.

    PersistenceError
    ├── OperationalError       the world is broken; whether an append happened is *unknown*
    ├── DataError              what may not enter the log: a limit, an empty type, a NUL
    ├── ProgrammingError       a bug of ours
    │   ├── NotMigrated        the database waits for `bos migrate`
    │   └── SchemaTooNew       the database was migrated by newer code
    └── IntegrityError         the condition failed: something that was read has moved
        └── IdsPartlyUsed      a batch whose ids belong to more than one append
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeVar

from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    DCBReadResponse,
    DCBRecorder,
    DCBSequencedEvent,
    DCBSubscription,
)
from eventsourcing.dcb.persistence import DCBListenNotifySubscription
from eventsourcing.dcb.popo import InMemoryDCBRecorder, SimpleDCBReadResponse
from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
)
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore

if TYPE_CHECKING:
    from eventsourcing.postgres import PostgresDatastore
else:

    def __getattr__(name: str) -> object:
        """Import psycopg, a quarter of a second, only for those who ask for PostgreSQL."""
        if name == "PostgresDatastore":
            from eventsourcing.postgres import PostgresDatastore

            return PostgresDatastore
        raise AttributeError(name)


__all__ = [
    "BATCH_EVENTS_MAX",
    "EVENT_BYTES_MAX",
    "QUERY_LEGS_MAX",
    "TAGS_MAX",
    "TAG_CHARACTERS_MAX",
    "TEXT_CHARACTERS_MAX",
    "ConnectionPoolClosedError",
    "DCBAppendCondition",
    "DCBEvent",
    "DCBListenNotifySubscription",
    "DCBQuery",
    "DCBQueryItem",
    "DCBReadResponse",
    "DCBRecorder",
    "DCBSequencedEvent",
    "DCBSubscription",
    "DataError",
    "DatabaseError",
    "IdsPartlyUsed",
    "InMemoryDCBRecorder",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "LogEvent",
    "LogRecorder",
    "LogRow",
    "NotMigrated",
    "NotSupportedError",
    "OperationalError",
    "PersistenceError",
    "PostgresDatastore",
    "ProgrammingError",
    "SQLiteConnection",
    "SQLiteConnectionPool",
    "SQLiteDatastore",
    "SchemaTooNew",
    "answer",
    "check_version",
]

EVENT_BYTES_MAX: Final = 1_000_000
BATCH_EVENTS_MAX: Final = 1_000
TAGS_MAX: Final = 16
TAG_CHARACTERS_MAX: Final = 255
TEXT_CHARACTERS_MAX: Final = 512  # id, type, actor, correlation and causation
QUERY_LEGS_MAX: Final = 400  # a query's items, an item of types only counting once for each
RECHECK_SECONDS: Final = 1.0  # a wake-up call that got lost delays a waiter by no more than this


class IdsPartlyUsed(IntegrityError):
    """Some ids of a batch are stored, but not as one earlier append of this very batch."""


class NotMigrated(ProgrammingError):
    """The database has no log, or an old one: run `bos migrate`."""


class SchemaTooNew(ProgrammingError):
    """The database was migrated by newer code than this: upgrade, never downgrade."""


def check_version(stored: int, known: int) -> None:
    """Refuse a database that this code should not use; 0 where there is no log yet."""
    if stored > known:
        raise SchemaTooNew(f"the log has schema {stored}, this code knows {known}: upgrade it")
    if stored < known:
        raise NotMigrated(
            f"the log has schema {stored}, this code needs {known}: run `bos migrate`"
        )


@dataclass
class LogEvent(DCBEvent):
    """An event with its envelope; the store adds position and hash."""

    id: str | None = None
    schema_version: int = 1
    occurred_at: int = 0  # unix microseconds
    actor: str = ""
    correlation_id: str = ""
    causation_id: str = ""


class LogRow(NamedTuple):
    """One stored event, column by column."""

    position: int
    id: str | None
    type: str
    schema_version: int
    occurred_at: int
    actor: str
    correlation_id: str
    causation_id: str
    tags: tuple[str, ...]
    data: bytes
    hash: bytes

    def event(self) -> LogEvent:
        """Return the event as it was appended."""
        return LogEvent(
            type=self.type,
            data=self.data,
            tags=list(self.tags),
            id=self.id,
            schema_version=self.schema_version,
            occurred_at=self.occurred_at,
            actor=self.actor,
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
        )


class Bell:
    """Those who wait for the log to grow, and the hand that wakes them."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._waiting: tuple[Event, ...] = ()
        self._lock = Lock()

    def listen(self, event: Event) -> None:
        """Wake this one too, from now on."""
        with self._lock:
            self._waiting = (*self._waiting, event)

    def unlisten(self, event: Event) -> None:
        """Leave this one asleep."""
        with self._lock:
            self._waiting = tuple(each for each in self._waiting if each is not event)

    def ring(self) -> None:
        """Wake everybody."""
        for event in self._waiting:
            event.set()


class LogRecorder(DCBRecorder):
    """A recorder whose log is dense, chained and append-only, and that can be waited for."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        super().__init__()
        self._bell = Bell()

    @abstractmethod
    def fetch(
        self, cursors: Mapping[str, int], upto: int | None = None
    ) -> tuple[list[LogRow], int]:
        """Return each event with one of these tags after that tag's position, and the head.

        One snapshot, ascending, no event twice, none past `upto`: the guarded read of a decision.
        """

    @abstractmethod
    def page(self, after: int, limit: int, upto: int | None = None) -> list[LogRow]:
        """Return the next rows after a position, at most `limit`, none past `upto`."""

    @abstractmethod
    def kinds(self, after: int) -> list[tuple[str, int, int]]:
        """Return each type and schema version stored after a position, and where it is first."""

    @abstractmethod
    def position_of(self, id: str) -> int | None:
        """Return where the event with this id stands."""

    @abstractmethod
    def head(self) -> int:
        """Return the last position, 0 when nothing was appended yet."""

    @abstractmethod
    def close(self) -> None:
        """Let go of every connection and thread."""

    def row(self, position: int) -> LogRow | None:
        """Return one row."""
        return next(iter(self.page(position - 1, 1, position)), None)

    def wait(self, after: int, timeout_seconds: float) -> int:
        """Block until the head is past a position or time is up, and return the head."""
        rung = Event()
        until = monotonic() + timeout_seconds
        self.listen(rung)
        try:
            while True:
                rung.clear()
                head = self.head()
                left = until - monotonic()
                if head > after or left <= 0:
                    return head
                rung.wait(min(left, RECHECK_SECONDS))
        finally:
            self.unlisten(rung)

    def listen(self, event: Event) -> None:
        """Set this event, soon, whenever the log has grown."""
        self._bell.listen(event)

    def unlisten(self, event: Event) -> None:
        """Leave it alone again."""
        self._bell.unlisten(event)

    def subscribe(
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> "LogSubscription[Self]":
        """Return an iterator over what is stored and what will be; use it in a `with`."""
        return LogSubscription(self, query, after)


R = TypeVar("R", bound=LogRecorder, covariant=True)


class LogSubscription(DCBListenNotifySubscription[R]):
    """A subscription that pulls whenever the recorder's bell rings."""

    def __init__(self, recorder: R, query: DCBQuery | None, after: int | None) -> None:
        """Start to pull, and listen."""
        super().__init__(recorder, query, after)
        recorder.listen(self._has_been_notified)
        self._has_been_notified.set()  # for what came between the first pull and listening

    def stop(self) -> None:
        """Stop, also while somebody waits for the next event."""
        super().stop()
        self._recorder.unlisten(self._has_been_notified)


def answer(rows: Sequence[LogRow], head: int, limit: int | None) -> DCBReadResponse:
    """Return what `read` promises: with a limit, the head is the last event returned."""
    if limit is not None:
        head = rows[-1].position if rows else 0
    events = (DCBSequencedEvent(row.event(), row.position) for row in rows)
    return SimpleDCBReadResponse(events, head or None)

"""The log in PostgreSQL.

    append ─► one call of bos_append_v1: it locks, looks, inserts, chains and notifies
    fetch, page, row, read             one statement each, and so one snapshot each

An append whose answer got lost is an error, and never sent again from here: whether it happened
is found out by its ids.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from threading import Event, Lock
from typing import Any, Final

import psycopg
from msgspec.json import Encoder
from psycopg.rows import tuple_row

from adapters.admission import (
    GroupRecorder,
    Guard,
    Request,
    admit_query,
    admit_words,
    partly_used,
)
from adapters.dcb import (
    DCBQuery,
    DCBQueryItem,
    DCBReadResponse,
    IntegrityError,
    LogRow,
    answer,
    check_version,
)
from adapters.postgres.arrays import integers, texts
from adapters.postgres.datastore import Listener, LogDatastore
from adapters.postgres.schema import SCHEMA, VERSION, stored_version

COLUMNS: Final = (
    "e.position, e.id, e.type, e.schema_version, e.occurred_at, e.actor, e.correlation_id,"
    " e.causation_id, e.tags, e.data, e.hash"
)
# The head comes as a row at position 0, which no event has, in the same snapshot. OFFSET 0 keeps
# each look-up a look-up: whatever the statistics say, no join reads a whole table.
HEAD_AND_ROWS: Final = (
    "SELECT 0::bigint, NULL, '', coalesce(max(position), 0), 0::bigint, '', '', '',"
    " NULL::text[], ''::bytea, ''::bytea FROM events UNION ALL"
    f" SELECT {COLUMNS} FROM ({{}}) AS found CROSS JOIN LATERAL"
    " (SELECT * FROM events WHERE position = found.position OFFSET 0) AS e"
)
FETCH: Final = HEAD_AND_ROWS.format(
    "SELECT DISTINCT hit.position FROM unnest(%s::text[], %s::bigint[]) AS wanted (tag, after)"
    " CROSS JOIN LATERAL (SELECT t.position FROM event_tags t"
    " WHERE t.tag = wanted.tag AND t.position > wanted.after AND t.position <= %b::bigint"
    " OFFSET 0) AS hit"
)
READ: Final = HEAD_AND_ROWS.format(
    "SELECT DISTINCT position FROM bos_match_v1(%s::jsonb, %b::bigint, %b::bigint) AS m (position)"
    " ORDER BY position LIMIT %b::bigint"
)
PAGE: Final = (
    f"SELECT {COLUMNS} FROM events e WHERE position > %b::bigint AND position <= %b::bigint"
    " ORDER BY position LIMIT %b::bigint"
)
KINDS: Final = (
    "SELECT type, schema_version, min(position) FROM events WHERE position > %b::bigint"
    " GROUP BY type, schema_version"
)
POSITION_OF: Final = "SELECT position FROM events WHERE id = %b::text"
POSITION_MAX: Final = 2**63 - 1
new_row: Final = tuple.__new__  # half the time that a named tuple's own constructor takes
HEAD: Final = "SELECT coalesce(max(position), 0) FROM events"
APPEND: Final = (
    "SELECT last, refusal FROM bos_append_v1(%s::text[], %s::text[], %s::int[], %s::bigint[],"
    " %s::text[], %s::text[], %s::text[], %s::text[], %b::bytea[], %b::bytea[],"
    " %s::bigint, %s::text[], %s::jsonb)"
)

encode: Final = Encoder().encode


class PostgresRecorder(GroupRecorder):
    """A log in a database that `migrate` has prepared."""

    def __init__(
        self,
        url: str,
        *,
        schema: str = SCHEMA,
        connections_max: int = 10,
        statement_timeout_seconds: float = 30.0,
    ) -> None:
        """Connect, or raise NotMigrated or SchemaTooNew."""
        super().__init__()
        self.datastore = LogDatastore(
            url,
            schema=schema,
            connections_max=connections_max,
            statement_timeout_seconds=statement_timeout_seconds,
        )
        self._listener: Listener | None = None
        self._listener_lock = Lock()
        try:
            with self.datastore.get_connection() as connection:
                check_version(stored_version(connection, schema), VERSION)
        except BaseException:
            self.close()
            raise

    def append_group(self, requests: Sequence[Request]) -> list[int | IntegrityError]:
        """Settle some requests in order, in one transaction: a position or a refusal for each."""
        with self.datastore.get_connection() as connection:
            alone = len(requests) == 1  # the call is its own transaction
            with nullcontext() if alone else connection.transaction():
                outcomes = [_settle(connection, request) for request in requests]
        self._bell.ring()
        return outcomes

    def read(
        self,
        query: DCBQuery | None = None,
        *,
        after: int | None = None,
        limit: int | None = None,
    ) -> DCBReadResponse:
        """Return the events that match any item of a query."""
        query = query or DCBQuery()
        admit_query(query)
        rows, head = self._headed(READ, (_items(query), after or 0, limit, limit))
        return answer(rows, head, limit)

    def fetch(
        self, cursors: Mapping[str, int], upto: int | None = None
    ) -> tuple[list[LogRow], int]:
        """Return each event with one of these tags after that tag's position, and the head."""
        if not cursors:
            return [], self.head()
        admit_words(list(cursors))
        last = POSITION_MAX if upto is None else upto
        return self._headed(FETCH, (texts(cursors), integers(cursors.values()), last))

    def page(self, after: int, limit: int, upto: int | None = None) -> list[LogRow]:
        """Return the next rows after a position, at most `limit`, none past `upto`."""
        return self._rows(PAGE, (after, POSITION_MAX if upto is None else upto, limit))

    def kinds(self, after: int) -> list[tuple[str, int, int]]:
        """Return each type and schema version stored after a position, and where it is first."""
        return self._answered(KINDS, (after,))

    def position_of(self, id: str) -> int | None:
        """Return where the event with this id stands."""
        found = self._answered(POSITION_OF, (id,))
        return int(found[0][0]) if found else None

    def head(self) -> int:
        """Return the last position, 0 when nothing was appended yet."""
        return int(self._answered(HEAD, ())[0][0])

    def listen(self, event: Event) -> None:
        """Set this event whenever any process has appended."""
        super().listen(event)
        with self._listener_lock:
            if self._listener is None:
                channel = f"{self.datastore.schema}_log"
                self._listener = Listener(self.datastore, channel, self._bell.ring)
                self._listener.start()

    def close(self) -> None:
        """Let go of every connection and of the listener."""
        with self._listener_lock:
            if self._listener is not None:
                self._listener.stop()
        self.datastore.close()

    def _answered(self, statement: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        with self.datastore.get_connection() as connection:
            return _executed(connection, statement, parameters).fetchall()

    def _rows(self, statement: str, parameters: Sequence[object]) -> list[LogRow]:
        return [
            new_row(LogRow, (p, i, ty, v, at, actor, corr, cause, tuple(tags or ()), data, hash))
            for p, i, ty, v, at, actor, corr, cause, tags, data, hash in self._answered(
                statement, parameters
            )
        ]

    def _headed(self, statement: str, parameters: Sequence[object]) -> tuple[list[LogRow], int]:
        rows = self._rows(statement, parameters)
        rows.sort()  # by position, which is unique; they nearly always come in order
        return rows[1:], rows[0].schema_version


def _executed(
    connection: psycopg.Connection[Any], statement: str, parameters: Sequence[object]
) -> psycopg.Cursor[tuple[Any, ...]]:
    cursor = connection.cursor(binary=True, row_factory=tuple_row)
    return cursor.execute(statement, parameters, prepare=True)


def _settle(connection: psycopg.Connection[Any], request: Request) -> int | IntegrityError:
    answered = _executed(connection, APPEND, _parameters(request)).fetchone()
    assert answered is not None, "the function answers one row"
    last, refusal = answered
    if refusal is None:
        return int(last)
    if refusal == "moved":
        assert request.guard is not None, "nothing else can have moved"
        return request.guard.failed()
    return partly_used(request.ids)


def _parameters(request: Request) -> tuple[object, ...]:
    events = request.events
    return (
        texts(event.id for event in events),
        texts(event.type for event in events),
        integers(event.schema_version for event in events),
        integers(event.occurred_at for event in events),
        texts(event.actor for event in events),
        texts(event.correlation_id for event in events),
        texts(event.causation_id for event in events),
        texts(encode(event.tags).decode() for event in events),
        [event.data for event in events],
        request.digests,
        *_guarded(request.guard),
    )


def _guarded(guard: Guard | None) -> tuple[int, str | None, str | None]:
    if guard is None:
        return 0, None, None
    if guard.query is None:
        return guard.after, texts(guard.tags), None
    return guard.after, None, _items(guard.query)


def _items(query: DCBQuery) -> str:
    items = query.items or [DCBQueryItem()]
    return encode([{"types": item.types, "tags": item.tags} for item in items]).decode()

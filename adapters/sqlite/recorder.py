"""The log in one SQLite file.

append ─► writer lock ─► ids used? ─► guard moved? ─► insert ─► commit ─► ring
fetch, page, row                   one statement each, and so one snapshot each
read                               the rarest tag of an item leads, the others are looked up
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final

from msgspec.json import Decoder, Encoder

from adapters.admission import (
    GroupRecorder,
    Guard,
    Request,
    Tip,
    admit_query,
    admit_words,
    chained,
    earlier,
)
from adapters.chain import GENESIS
from adapters.dcb import (
    DCBQuery,
    DCBReadResponse,
    IntegrityError,
    LogRow,
    NotMigrated,
    answer,
)
from adapters.sqlite.datastore import LogDatastore, Watcher
from adapters.sqlite.matching import matching
from adapters.sqlite.schema import check

COLUMNS: Final = (
    "position, id, type, schema_version, occurred_at, actor, correlation_id, causation_id,"
    " tags, data, hash"
)
# The head comes as a row at position 0, which no event has, in the same snapshot.
HEAD_AND_ROWS: Final = (
    "SELECT 0, NULL, '', coalesce(max(position), 0), 0, '', '', '', '[]', x'', x'' FROM events"
    f" UNION ALL SELECT {COLUMNS} FROM events"
)
HEAD: Final = "SELECT coalesce(max(position), 0) FROM events"
TIP: Final = "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1"
PAGE: Final = (
    f"SELECT {COLUMNS} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
)
# One pass in the order of the file: by the index on types each row would be looked up on its own.
KINDS: Final = (
    "SELECT type, schema_version, min(position) FROM events NOT INDEXED WHERE position > ?"
    " GROUP BY type, schema_version"
)
POSITION_OF: Final = "SELECT position FROM events WHERE id = ?"
POSITION_MAX: Final = 2**63 - 1
new_row: Final = tuple.__new__  # half the time that a named tuple's own constructor takes
INSERT: Final = f"INSERT INTO events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

encode_tags: Final = Encoder().encode
decode_tags: Final = Decoder(tuple[str, ...]).decode


class SqliteRecorder(GroupRecorder):
    """A log in a file that `migrate` has made."""

    def __init__(self, path: str | Path, *, busy_timeout_seconds: int = 5) -> None:
        """Open the file, or raise NotMigrated or SchemaTooNew."""
        super().__init__()
        self._path = str(path)
        if not Path(path).is_file():
            raise NotMigrated(f"there is no log in {self._path}: run `bos migrate`")
        self.datastore = LogDatastore(self._path, busy_timeout_seconds=busy_timeout_seconds)
        self._watcher: Watcher | None = None
        self._watcher_lock = Lock()
        try:
            with self.datastore.reading() as cursor:
                check(cursor)
        except BaseException:
            self.close()
            raise

    def append_group(self, requests: Sequence[Request]) -> list[int | IntegrityError]:
        """Settle some requests in order, in one transaction: a position or a refusal for each."""
        with self.datastore.writing() as cursor:
            tip = before = Tip(*cursor.execute(TIP).fetchone() or (0, GENESIS))
            outcomes: list[int | IntegrityError] = []
            for request in requests:
                outcome = _objection(cursor, request)
                if outcome is None:
                    rows = chained(request, tip)
                    _insert(cursor, rows)
                    tip = Tip(rows[-1].position, rows[-1].hash)
                    outcome = tip.position
                outcomes.append(outcome)
        if tip != before:
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
        with self.datastore.reading() as cursor:
            positions, parameters = matching(cursor, query, after or 0, limit)
            where = f"position IN ({positions})"
            rows, head = _headed(cursor.execute(f"{HEAD_AND_ROWS} WHERE {where}", parameters))
        return answer(rows, head, limit)

    def fetch(
        self, cursors: Mapping[str, int], upto: int | None = None
    ) -> tuple[list[LogRow], int]:
        """Return each event with one of these tags after that tag's position, and the head."""
        if not cursors:
            return [], self.head()
        admit_words(list(cursors))
        last = POSITION_MAX if upto is None else upto
        parameters = [*(word for cursor in cursors.items() for word in cursor), last]
        with self.datastore.reading() as cursor:
            return _headed(cursor.execute(_fetching(len(cursors)), parameters))

    def page(self, after: int, limit: int, upto: int | None = None) -> list[LogRow]:
        """Return the next rows after a position, at most `limit`, none past `upto`."""
        last = POSITION_MAX if upto is None else upto
        with self.datastore.reading() as cursor:
            return _rows(cursor.execute(PAGE, (after, last, limit)))

    def kinds(self, after: int) -> list[tuple[str, int, int]]:
        """Return each type and schema version stored after a position, and where it is first."""
        with self.datastore.reading() as cursor:
            return cursor.execute(KINDS, (after,)).fetchall()

    def position_of(self, id: str) -> int | None:
        """Return where the event with this id stands."""
        with self.datastore.reading() as cursor:
            found = cursor.execute(POSITION_OF, (id,)).fetchone()
        return found[0] if found else None

    def head(self) -> int:
        """Return the last position, 0 when nothing was appended yet."""
        with self.datastore.reading() as cursor:
            (position,) = cursor.execute(HEAD).fetchone()
        return int(position)

    def listen(self, event: Event) -> None:
        """Set this event whenever this process, or soon after another one, has appended."""
        super().listen(event)
        with self._watcher_lock:
            if self._watcher is None:
                self._watcher = Watcher(self._path, self._bell.ring)
                self._watcher.start()

    def close(self) -> None:
        """Let go of every connection and of the watcher."""
        with self._watcher_lock:
            if self._watcher is not None:
                self._watcher.stop()
        self.datastore.close()


@cache
def _fetching(tags: int) -> str:
    wanted = ", ".join(["(?, ?)"] * tags)
    return (
        f"WITH wanted (tag, after) AS (VALUES {wanted}) {HEAD_AND_ROWS} WHERE position IN"
        " (SELECT found.position FROM wanted CROSS JOIN event_tags found"
        " ON found.tag = wanted.tag AND found.position > wanted.after AND found.position <= ?)"
    )


def _objection(cursor: sqlite3.Cursor, request: Request) -> int | IntegrityError | None:
    """Return why a request is not written: its earlier position or a refusal."""
    if request.ids:
        past = earlier(request.ids, _positions(cursor, request.ids))
        if past is not None:
            return past
    if request.guard and _moved(cursor, request.guard):
        return request.guard.failed()
    return None


def _positions(cursor: sqlite3.Cursor, ids: Sequence[str]) -> dict[str, int]:
    among = ", ".join("?" * len(ids))
    return dict(cursor.execute(f"SELECT id, position FROM events WHERE id IN ({among})", ids))


def _moved(cursor: sqlite3.Cursor, guard: Guard) -> bool:
    if guard.query is None:
        among = ", ".join("?" * len(guard.tags))
        look = f"SELECT 1 FROM event_tags WHERE tag IN ({among}) AND position > ? LIMIT 1"
        found = cursor.execute(look, (*guard.tags, guard.after))
    else:
        found = cursor.execute(*matching(cursor, guard.query, guard.after, 1))
    return found.fetchone() is not None


def _insert(cursor: sqlite3.Cursor, rows: Sequence[LogRow]) -> None:
    cursor.executemany(
        INSERT, [(*row[:8], encode_tags(row.tags).decode(), *row[9:]) for row in rows]
    )


def _headed(found: sqlite3.Cursor) -> tuple[list[LogRow], int]:
    rows = _rows(found)
    rows.sort()  # by position, which is unique; they nearly always come in order
    return rows[1:], rows[0].schema_version


def _rows(found: Iterable[tuple[Any, ...]]) -> list[LogRow]:
    return [
        new_row(LogRow, (p, i, ty, v, at, actor, corr, cause, decode_tags(tags), data, hash))
        for p, i, ty, v, at, actor, corr, cause, tags, data, hash in found
    ]

"""One transaction of appends in SQLite, under the writer lock.

    caught_up ─► tips complete up to the end of the log, whoever wrote it
    settle    ─► ids used? ─► guard moved? ─► the next rows, or why not
    flush     ─► one insert for all of them

What this transaction has already accepted counts: its ids and tags are known, and before the log
itself is asked, its rows are inserted.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Final

from msgspec.json import Decoder, Encoder

from adapters.admission import Guard, Request, Tip, chained, earlier
from adapters.chain import GENESIS
from adapters.dcb import IntegrityError, LogRow
from adapters.sqlite.matching import matching
from adapters.tag_tips import TagTips

CATCH_UP_MAX: Final = 1_000  # events of other processes; more are not worth reading
COLUMNS: Final = (
    "position, id, type, schema_version, occurred_at, actor, correlation_id, causation_id,"
    " tags, data, hash"
)
INSERT: Final = f"INSERT INTO events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
TIP: Final = "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1"
SINCE: Final = (
    "SELECT position, hash, tags FROM events WHERE position >= ? ORDER BY position LIMIT ?"
)

encode_texts: Final = Encoder().encode
decode_texts: Final = Decoder(tuple[str, ...]).decode


def caught_up(cursor: sqlite3.Cursor, tips: TagTips | None) -> TagTips:
    """Return tips that are complete up to the end of the log, which others may have moved."""
    tip = Tip(*cursor.execute(TIP).fetchone() or (0, GENESIS))
    if tips is None:
        return TagTips(tip)
    if tips.tip == tip:
        return tips
    known, *news = cursor.execute(SINCE, (tips.tip.position, CATCH_UP_MAX + 1)).fetchall() or [()]
    # The same place with another hash is another history: a file that was restored, say.
    if known[:2] != tips.tip or not news or news[-1][0] != tip.position:
        return TagTips(tip)
    for position, hash, tags in news:
        tips.add(Tip(position, hash), decode_texts(tags))
    return tips


class Appending:
    """Requests that are settled in one transaction."""

    def __init__(self, cursor: sqlite3.Cursor, tips: TagTips, requests: Sequence[Request]) -> None:
        """Look up which of the requests' ids are used."""
        self._cursor = cursor
        self._tips = tips
        self._rows = list[LogRow]()
        ids = [id for request in requests for id in request.ids]
        self._positions: dict[str, int] = dict(cursor.execute(_positions(len(ids)), ids))

    def settle(self, request: Request) -> int | IntegrityError:
        """Accept a request and return its position, or an earlier one, or a refusal."""
        found = {id: self._positions[id] for id in request.ids if id in self._positions}
        if (past := earlier(request.ids, found)) is not None:
            return past
        if request.guard and self._moved(request.guard):
            return request.guard.failed()
        rows = chained(request, self._tips.tip)
        for row in rows:
            self._tips.add(Tip(row.position, row.hash), row.tags)
            if row.id is not None:
                self._positions[row.id] = row.position
        self._rows += rows
        return self._tips.tip.position

    def flush(self) -> None:
        """Insert what was accepted."""
        self._cursor.executemany(
            INSERT, [(*row[:8], encode_texts(row.tags).decode(), *row[9:]) for row in self._rows]
        )
        self._rows.clear()

    def _moved(self, guard: Guard) -> bool:
        moved = self._tips.moved(guard)
        if moved is not None:
            return moved
        self.flush()
        if guard.query is None:
            among = ", ".join("?" * len(guard.tags))
            look = f"SELECT 1 FROM event_tags WHERE tag IN ({among}) AND position > ? LIMIT 1"
            found = self._cursor.execute(look, (*guard.tags, guard.after))
        else:
            found = self._cursor.execute(*matching(self._cursor, guard.query, guard.after, 1))
        return found.fetchone() is not None


@cache
def _positions(ids: int) -> str:
    among = ", ".join("?" * ids)
    return f"SELECT id, position FROM events WHERE id IN ({among})"

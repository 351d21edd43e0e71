"""The log in memory, on the library's own recorder.

    rows     a list: position p stands at index p - 1
    ids      id → position
    tagged   tag → positions, ascending          so that a fetch costs what it finds

General reads and general conditions are the library's: they say what the databases must do.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence

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
    DCBSequencedEvent,
    InMemoryDCBRecorder,
    IntegrityError,
    LogRow,
)


class MemoryRecorder(GroupRecorder, InMemoryDCBRecorder):  # type: ignore[misc]  # one more subscribe
    """A log in lists."""

    def __init__(self) -> None:
        """Start with no history."""
        super().__init__()
        self._rows: list[LogRow] = []
        self._ids: dict[str, int] = {}
        self._tagged: dict[str, list[int]] = defaultdict(list)

    def read(
        self,
        query: DCBQuery | None = None,
        *,
        after: int | None = None,
        limit: int | None = None,
    ) -> DCBReadResponse:
        """Return the events that match, as the library does."""
        admit_query(query or DCBQuery())
        return InMemoryDCBRecorder.read(self, query, after=after, limit=limit)

    def append_group(self, requests: Sequence[Request]) -> list[int | IntegrityError]:
        """Settle some requests in order under one lock: a position or a refusal for each."""
        with self._database_lock:
            outcomes = [self._settle(request) for request in requests]
        self._bell.ring()
        return outcomes

    def fetch(
        self, cursors: Mapping[str, int], upto: int | None = None
    ) -> tuple[list[LogRow], int]:
        """Return each event with one of these tags after that tag's position, and the head."""
        admit_words(list(cursors))
        with self._database_lock:
            positions = {
                position
                for tag, after in cursors.items()
                for position in self._positions(tag, after)
                if upto is None or position <= upto
            }
            return [self._rows[position - 1] for position in sorted(positions)], len(self._rows)

    def page(self, after: int, limit: int, upto: int | None = None) -> list[LogRow]:
        """Return the next rows after a position."""
        end = after + limit if upto is None else min(after + limit, upto)
        with self._database_lock:
            return self._rows[max(after, 0) : max(end, 0)]

    def kinds(self, after: int) -> list[tuple[str, int, int]]:
        """Return each type and schema version stored after a position, and where it is first."""
        found: dict[tuple[str, int], int] = {}
        for row in self.page(after, len(self._rows)):
            found.setdefault((row.type, row.schema_version), row.position)
        return [(*kind, position) for kind, position in found.items()]

    def position_of(self, id: str) -> int | None:
        """Return where the event with this id stands."""
        return self._ids.get(id)

    def head(self) -> int:
        """Return the last position, 0 when nothing was appended yet."""
        return len(self._rows)

    def close(self) -> None:
        """Nothing is held."""

    def _positions(self, tag: str, after: int) -> list[int]:
        positions = self._tagged.get(tag, [])
        return positions[bisect_right(positions, after) :]

    def _settle(self, request: Request) -> int | IntegrityError:
        found = {id: self._ids[id] for id in request.ids if id in self._ids}
        if (past := earlier(request.ids, found)) is not None:
            return past
        if request.guard and self._moved(request.guard):
            return request.guard.failed()
        tip = Tip(len(self._rows), self._rows[-1].hash if self._rows else GENESIS)
        for row in chained(request, tip):
            self._store(row)
        return len(self._rows)

    def _moved(self, guard: Guard) -> bool:
        if guard.query is None:
            return any(self._tagged.get(tag, (0,))[-1] > guard.after for tag in guard.tags)
        found = InMemoryDCBRecorder.read(self, guard.query, after=guard.after, limit=1)
        return found.head is not None

    def _store(self, row: LogRow) -> None:
        self.events.append(DCBSequencedEvent(row.event(), row.position))
        self._rows.append(row)
        if row.id is not None:
            self._ids[row.id] = row.position
        for tag in dict.fromkeys(row.tags):
            self._tagged[tag].append(row.position)

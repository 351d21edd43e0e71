"""The event store: our words on one side, a recorder of bytes on the other.

Draft ──codec──► LogEvent ──► recorder ──► LogRow ──codec──► Recorded
"""

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.chain import GENESIS
from adapters.codec import Codec
from adapters.dcb import (
    DataError,
    DCBAppendCondition,
    DCBQuery,
    DCBQueryItem,
    IntegrityError,
    LogEvent,
    LogRecorder,
    LogRow,
    PersistenceError,
)
from domain.core.event import stored_name
from domain.core.instant import Instant
from domain.governor.verdict import VerdictRecorded
from domain.ports import Conflict, Draft, NotStorable, Recorded, StoreFull, StoreUnavailable

_VERDICT = stored_name(VerdictRecorded)
_FULL: Final = ("disk is full", "No space left on device", "could not extend file")
"""What SQLite and PostgreSQL say when there is no room."""


class LogEventStore:
    """The append-only log, on any recorder."""

    def __init__(self, recorder: LogRecorder, codec: Codec) -> None:
        """Use a recorder, and a codec for the facts that it holds."""
        self.recorder = recorder
        self._codec = codec

    def read(self, cursors: Mapping[str, int]) -> tuple[Sequence[Recorded], int]:
        """Return, in order, what happened to some tags after a position each, and the head."""
        with _OUR_WORDS:
            rows, head = self.recorder.fetch(cursors)
        return [self.recorded(row) for row in rows], head

    def page(self, *, after: int, limit: int, upto: int | None = None) -> Sequence[Recorded]:
        """Return a stretch of the whole log, in order."""
        with _OUR_WORDS:
            rows = self.recorder.page(after, limit, upto)
            before = self.recorder.row(after) if rows and after else None
        previous = before.hash.hex() if before is not None else GENESIS.hex()
        found = []
        for row in rows:
            found.append(self.recorded(row, previous))
            previous = found[-1].hash
        return found

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
        """Add facts together, a verdict first; see the port."""
        assert drafts, "an append needs a verdict"
        assert type(drafts[0].fact) is VerdictRecorded, "only what was judged enters the log"
        first = drafts[0].id
        events = []
        for draft in drafts:
            type_, version, data = self._codec.encode(draft.fact)
            events.append(
                LogEvent(
                    type=type_,
                    data=data,
                    tags=list(draft.tags),
                    id=draft.id,
                    schema_version=version,
                    occurred_at=at,
                    actor=actor,
                    correlation_id=correlation_id,
                    causation_id="" if draft.id == first else first,
                )
            )
        items = [DCBQueryItem(tags=[tag]) for tag in having_read]
        condition = DCBAppendCondition(DCBQuery(items), after=as_of) if items else None
        with _OUR_WORDS:
            return self.recorder.append(events, condition)

    def head(self) -> int:
        """Return the position of the newest event, 0 if there is none."""
        with _OUR_WORDS:
            return self.recorder.head()

    def wait(self, *, after: int, timeout_seconds: float) -> int:
        """Wait until the log reaches beyond a position, or for a while; return its head."""
        with _OUR_WORDS:
            return self.recorder.wait(after, timeout_seconds)

    def recorded(self, row: LogRow, previous_hash: str = "") -> Recorded:
        """Return a stored row as a fact with its place in history."""
        return Recorded(
            position=row.position,
            id=row.id or "",
            type=row.type,
            fact=self._codec.decode(row.type, row.schema_version, row.data),
            tags=tuple(row.tags),
            occurred_at=row.occurred_at,
            actor=row.actor,
            correlation_id=row.correlation_id,
            causation_id=row.causation_id,
            schema_version=row.schema_version,
            hash=row.hash.hex(),
            previous_hash=previous_hash,
        )


class _OurWords:
    """Translates what recorders raise. A class, because it is entered twice for every command."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None or not isinstance(error, PersistenceError):
            return
        if isinstance(error, DataError):
            raise NotStorable(str(error)) from error
        if isinstance(error, IntegrityError):
            raise Conflict(str(error)) from error
        if any(words in str(error) for words in _FULL):
            raise StoreFull(
                f"the disk is full: free some space, then go on; nothing was written ({error})"
            ) from error
        raise StoreUnavailable(f"the log cannot be used: {error}") from error


_OUR_WORDS: Final = _OurWords()

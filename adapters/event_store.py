"""The event store: our words on one side, a recorder of bytes on the other.

Draft ──codec──► LogEvent ──► recorder ──► LogRow ──codec──► Recorded
                                                 └─ an older version ──upcasters──► 0, 1, n of them
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from adapters.chain import GENESIS
from adapters.codec import BROKEN, Codec, UnknownEvent, unreadable
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
from domain.core.instant import Instant
from domain.core.upcast import Dropped
from domain.governor.verdict import VerdictRecorded
from domain.ports import DROPPED, Conflict, Draft, NotStorable, Recorded, StoreUnavailable

NAMED_MAX: Final = 5
"""Kinds of events that a message names; the rest will be found when these are dealt with."""
_new: Final = tuple.__new__
"""Makes a named tuple in half the time that its own constructor takes; for every event read."""


class LogEventStore:
    """The append-only log, on any recorder."""

    def __init__(self, recorder: LogRecorder, codec: Codec) -> None:
        """Use a recorder, and a codec for the facts that it holds."""
        self.recorder = recorder
        self._codec = codec

    def read(
        self, cursors: Mapping[str, int], *, upto: int | None = None
    ) -> tuple[Sequence[Recorded], int]:
        """Return, in order, what happened to some tags after a position each, and the head."""
        with _OUR_WORDS:
            rows, head = self.recorder.fetch(cursors, upto)
        found = self._recorded(rows)
        return [each for each in found if each.type != DROPPED], head

    def page(self, *, after: int, limit: int, upto: int | None = None) -> Sequence[Recorded]:
        """Return a stretch of the whole log, in order; see the port.

        Raises `StoreUnavailable` if a position is missing: that is tampering, or a bug.
        """
        with _OUR_WORDS:
            rows = self.recorder.page(after, limit, upto)
            before = self.recorder.row(after) if rows and after else None
        if rows and rows[-1].position != after + len(rows):
            raise StoreUnavailable(
                f"the log has a hole after position {after}: run `bos audit verify` first"
            )
        return self._recorded(rows, before.hash if before is not None else GENESIS)

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

    def check_readable(self, *, after: int = 0) -> None:
        """Raise `UnknownEvent` if anything stored after a position cannot be read by this code."""
        with _OUR_WORDS:
            kinds = self.recorder.kinds(after)
        wrong = [
            f"at position {first}: {objection}"
            for type_, version, first in sorted(kinds, key=lambda kind: kind[2])
            if (objection := self._codec.objection(type_, version))
        ]
        if wrong:
            raise UnknownEvent(f"the log cannot be read. {'; '.join(wrong[:NAMED_MAX])}")

    def head(self) -> int:
        """Return the position of the newest event, 0 if there is none."""
        with _OUR_WORDS:
            return self.recorder.head()

    def wait(self, *, after: int, timeout_seconds: float) -> int:
        """Wait until the log reaches beyond a position, or for a while; return its head."""
        with _OUR_WORDS:
            return self.recorder.wait(after, timeout_seconds)

    def _recorded(self, rows: Iterable[LogRow], previous: bytes = b"") -> list[Recorded]:
        """Return stored rows as facts with their place in history; `previous` if they are a page.

        Written in one piece: nearly all of the time of a projector that reads on is spent here.
        """
        decoders, chained = self._codec.decoders, previous != b""
        found: list[Recorded] = []
        for row in rows:
            place, id, type_, version, at, actor, correlation_id, cause, tags, data, digest = row
            decode = decoders.get((type_, version))
            if decode is None:
                found.extend(self._lifted(row, previous))
            else:
                try:
                    fact = decode(data)
                except BROKEN as error:
                    raise unreadable(type_, error) from error
                found.append(
                    _new(
                        Recorded,
                        (
                            place,
                            id or "",
                            type_,
                            fact,
                            tags,
                            at,
                            actor,
                            correlation_id,
                            cause,
                            version,
                            digest,
                            previous,
                        ),
                    )
                )
            if chained:
                previous = digest
        return found

    def _lifted(self, row: LogRow, previous: bytes) -> Iterator[Recorded]:
        """Yield what an event of an older version is today; at least one, for its position."""
        told = list(self._codec.facts(row.type, row.schema_version, row.data))
        dropped = (DROPPED, row.schema_version, Dropped(row.type, row.schema_version))
        for nth, (type_, version, fact) in enumerate(told or [dropped]):
            yield Recorded(
                position=row.position,
                id=f"{row.id}.{nth}" if nth else row.id or "",
                type=type_,
                fact=fact,
                tags=tuple(row.tags),
                occurred_at=row.occurred_at,
                actor=row.actor,
                correlation_id=row.correlation_id,
                causation_id=row.causation_id,
                schema_version=version,
                digest=row.hash,
                previous_digest=previous,
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
        raise StoreUnavailable(f"the log cannot be used: {error}") from error


_OUR_WORDS: Final = _OurWords()

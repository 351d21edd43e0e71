"""What may enter the log, checked before any lock is taken.

    events, condition ──admit──► Request(events, digests, ids, guard)    or a DataError
    Request ──chained──► rows with position and hash, under the writer lock

A guard of single tags is the common case, and one look into an index. Anything else is a query.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from struct import error as StructError
from typing import NamedTuple

from adapters.chain import body_digest, link
from adapters.dcb import (
    BATCH_EVENTS_MAX,
    EVENT_BYTES_MAX,
    QUERY_LEGS_MAX,
    TAG_CHARACTERS_MAX,
    TAGS_MAX,
    TEXT_CHARACTERS_MAX,
    DataError,
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    IdsPartlyUsed,
    IntegrityError,
    LogEvent,
    LogRecorder,
    LogRow,
    ProgrammingError,
)


class Guard(NamedTuple):
    """What must not have been recorded after a position."""

    after: int
    tags: tuple[str, ...]  # any of these, each alone
    query: DCBQuery | None  # or, where that does not say it all, this

    def failed(self) -> IntegrityError:
        """Return the refusal."""
        what = ", ".join(self.tags) if self.query is None else repr(self.query)
        return IntegrityError(f"recorded after position {self.after}: {what or 'anything'}")


class Request(NamedTuple):
    """One append, ready to be written."""

    events: list[LogEvent]
    digests: list[bytes]
    ids: list[str]  # one for each event, or none at all
    guard: Guard | None


class Tip(NamedTuple):
    """The end of the log."""

    position: int
    hash: bytes


class GroupRecorder(LogRecorder):
    """A recorder that settles requests in groups; an append alone is a group of one."""

    def append(
        self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None
    ) -> int:
        """Add events together, or raise what stands against it."""
        (outcome,) = self.append_group([admit(events, condition)])
        if isinstance(outcome, IntegrityError):
            raise outcome
        return outcome

    @abstractmethod
    def append_group(self, requests: Sequence[Request]) -> list[int | IntegrityError]:
        """Settle some requests in order, in one transaction: a position or a refusal for each."""


def admit(events: Sequence[DCBEvent], condition: DCBAppendCondition | None) -> Request:
    """Return a request to append, or raise what is wrong with it."""
    if not events:
        raise ProgrammingError("an append needs at least one event")
    if len(events) > BATCH_EVENTS_MAX:
        raise DataError(f"{len(events)} events in one append, BATCH_EVENTS_MAX {BATCH_EVENTS_MAX}")
    admitted = [
        event if isinstance(event, LogEvent) else LogEvent(event.type, event.data, event.tags)
        for event in events
    ]
    return Request(
        admitted, [_digest(event) for event in admitted], _ids(admitted), guard(condition)
    )


def guard(condition: DCBAppendCondition | None) -> Guard | None:
    """Return what a condition guards, in the cheapest form."""
    if condition is None:
        return None
    query, after = condition.fail_if_events_match, condition.after or 0
    admit_query(query)
    if query.items and all(len(item.tags) == 1 and not item.types for item in query.items):
        return Guard(after, tuple(dict.fromkeys(item.tags[0] for item in query.items)), None)
    return Guard(after, (), query)


def admit_query(query: DCBQuery) -> None:
    """Refuse a query that no recorder could answer in one go."""
    if len(legs(query)) > QUERY_LEGS_MAX:
        raise DataError(f"{len(legs(query))} ways to match, QUERY_LEGS_MAX {QUERY_LEGS_MAX}")
    admit_words([word for item in query.items for word in (*item.types, *item.tags)])


def admit_words(words: Sequence[str]) -> None:
    """Refuse text that no database could look for."""
    text = "".join(words)
    if "\0" in text:
        raise DataError(f"NUL in {next(word for word in words if chr(0) in word)!r}")
    try:
        text.encode()
    except UnicodeEncodeError as unfit:
        raise DataError(f"not text: {unfit}") from unfit


def legs(query: DCBQuery) -> list[DCBQueryItem]:
    """Return a query's items, those of types only split into one for each type."""
    return [
        leg
        for item in query.items
        for leg in (
            [item]
            if item.tags or len(item.types) < 2
            else [DCBQueryItem(types=[type]) for type in item.types]
        )
    ]


def earlier(ids: Sequence[str], found: Mapping[str, int]) -> int | IdsPartlyUsed | None:
    """Return where an earlier append of these ids ended, None if there was none.

    Asking twice is asking once; asking for something else under used ids is refused.
    """
    if not found:
        return None
    first = found.get(ids[0], 0)
    if all(found.get(id) == first + nth for nth, id in enumerate(ids)):
        return first + len(ids) - 1
    return partly_used(ids)


def partly_used(ids: Sequence[str]) -> IdsPartlyUsed:
    """Return the refusal of a batch that shares ids with other appends."""
    return IdsPartlyUsed(f"ids are partly used by other appends: {ids[0]} to {ids[-1]}")


def chained(request: Request, tip: Tip) -> list[LogRow]:
    """Return the rows that a request adds to the end of the log."""
    rows = []
    position, previous = tip
    for event, digest in zip(request.events, request.digests, strict=True):
        position += 1
        previous = link(previous, position, digest)
        rows.append(
            LogRow(
                position,
                event.id,
                event.type,
                event.schema_version,
                event.occurred_at,
                event.actor,
                event.correlation_id,
                event.causation_id,
                tuple(event.tags),
                event.data,
                previous,
            )
        )
    return rows


def _ids(events: Sequence[LogEvent]) -> list[str]:
    ids = [event.id for event in events if event.id is not None]
    if not ids:
        return ids
    if len(ids) < len(events):
        raise DataError("either every event of an append has an id, or none has")
    if len(set(ids)) < len(ids):
        raise DataError("an id stands twice in one append")
    return ids


def _digest(event: LogEvent) -> bytes:
    _check_envelope(event)
    _check_tags(event)
    data = event.data
    if not isinstance(data, bytes):
        raise DataError(f"data must be bytes, not {type(data).__name__}")
    if len(data) > EVENT_BYTES_MAX:
        raise DataError(f"{len(data)} bytes in {event.type}, EVENT_BYTES_MAX {EVENT_BYTES_MAX}")
    try:
        return body_digest(event)
    except (UnicodeEncodeError, StructError) as unfit:
        raise DataError(f"{event.type} cannot be stored: {unfit}") from unfit


def _check_envelope(event: LogEvent) -> None:
    if not event.type or event.id == "":
        raise DataError("an event needs a type, and an id is None or not empty")
    if not 1 <= event.schema_version < 2**31:
        raise DataError(f"schema_version {event.schema_version} of {event.type}")
    id = event.id or ""
    texts = (id, event.type, event.actor, event.correlation_id, event.causation_id)
    if "\0" in "".join(texts):
        raise DataError(f"NUL in the envelope of {event.type!r}")
    longest = max(map(len, texts))
    if longest > TEXT_CHARACTERS_MAX:
        raise DataError(f"text of {longest} characters, TEXT_CHARACTERS_MAX {TEXT_CHARACTERS_MAX}")


def _check_tags(event: LogEvent) -> None:
    tags = event.tags
    if len(tags) > TAGS_MAX:
        raise DataError(f"{len(tags)} tags on {event.type}, TAGS_MAX {TAGS_MAX}")
    if "" in tags:
        raise DataError(f"empty tag on {event.type}")
    if "\0" in "".join(tags):
        raise DataError(f"NUL in a tag of {event.type}")
    if any(len(tag) > TAG_CHARACTERS_MAX for tag in tags):
        raise DataError(f"tag too long on {event.type}, TAG_CHARACTERS_MAX {TAG_CHARACTERS_MAX}")

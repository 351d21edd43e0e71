"""The hash chain: each row's hash covers all its columns and the hash before it.

    body    sha256(b"bos-event-1\\0" ‖ sizes ‖ id ‖ type ‖ actor ‖ correlation_id ‖ causation_id
                   ‖ each tag ‖ data)                all text in UTF-8
    sizes   big endian: whether id is null 1 byte ‖ schema_version 8 ‖ occurred_at 8 ‖ in 4 bytes
            each the byte lengths of id, type, actor, correlation_id, causation_id, data, the number
            of tags, the byte length of each tag
    hash    sha256(hash before ‖ position 8 bytes ‖ body)      before the first: 32 zero bytes

The sizes come first and fix where everything ends, so that no two events have the same bytes.
The chain shows an edited, moved or missing row. It does not show a cut tail, nor a chain that
was computed anew: that is what the signed tree is for.
"""

from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from struct import Struct
from typing import Final

from adapters.dcb import LogEvent, LogRow

GENESIS: Final = bytes(32)
FORMAT: Final = b"bos-event-1\0"


@cache
def _sizes(tags: int) -> Callable[..., bytes]:
    return Struct(f">?qq{7 + tags}I").pack


def body_digest(event: LogEvent | LogRow) -> bytes:
    """Return the digest of everything in an event but its place."""
    id, data = event.id, event.data
    id_utf8 = b"" if id is None else id.encode()
    type_utf8 = event.type.encode()
    actor_utf8 = event.actor.encode()
    correlation_utf8 = event.correlation_id.encode()
    causation_utf8 = event.causation_id.encode()
    tags_utf8 = [tag.encode() for tag in event.tags]
    sizes = _sizes(len(tags_utf8))(
        id is None,
        event.schema_version,
        event.occurred_at,
        len(id_utf8),
        len(type_utf8),
        len(actor_utf8),
        len(correlation_utf8),
        len(causation_utf8),
        len(data),
        len(tags_utf8),
        *map(len, tags_utf8),
    )
    texts = (id_utf8, type_utf8, actor_utf8, correlation_utf8, causation_utf8, *tags_utf8)
    return sha256(b"".join((FORMAT, sizes, *texts, data))).digest()


def link(previous: bytes, position: int, digest: bytes) -> bytes:
    """Return the hash that binds a body to its place."""
    return sha256(previous + position.to_bytes(8, "big") + digest).digest()


def verify(rows: Iterable[LogRow], previous: bytes = GENESIS) -> int | None:
    """Return the first position at which rows in order do not continue a chain, if any does not.

    `previous` is the hash of the row before the first one; without it the log's begin is meant.
    """
    expected = 1 if previous == GENESIS else None
    for row in rows:
        position = row.position
        if expected is not None and position != expected:
            return expected
        previous = link(previous, position, body_digest(row))
        if previous != row.hash:
            return position
        expected = position + 1
    return None

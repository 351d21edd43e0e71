"""The hash chain: its stored format, and that no two histories share it."""

import struct
from dataclasses import astuple
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from adapters.chain import GENESIS, body_digest, link, verify
from adapters.dcb import LogEvent, LogRow

letters = st.text("a", max_size=2)
events = st.builds(
    LogEvent,
    type=letters,
    data=letters.map(str.encode),
    tags=st.lists(letters, max_size=2),
    id=st.none() | letters,
    schema_version=st.integers(1, 2),
    occurred_at=st.integers(-1, 1),
    actor=letters,
    correlation_id=letters,
    causation_id=letters,
)
KNOWN = LogEvent(
    type="action.proposed",
    data=b'{"cost":900}',
    tags=["action:1", "größe"],
    id="cmd:0",
    schema_version=2,
    occurred_at=1_763_805_300_123_456,
    actor="agent:pricing",
    correlation_id="corr",
    causation_id="\U0001f702",
)


def row(position: int, event: LogEvent, hash: bytes) -> LogRow:
    envelope = (event.schema_version, event.occurred_at, event.actor)
    chain = (event.correlation_id, event.causation_id)
    return LogRow._make(
        (position, event.id, event.type, *envelope, *chain, tuple(event.tags), event.data, hash)
    )


def test_the_format_is_the_one_that_is_stored() -> None:
    """Written once more, from the description; and a value that must never change."""
    id, type, actor = b"cmd:0", b"action.proposed", b"agent:pricing"
    correlation, causation, data = b"corr", "\U0001f702".encode(), KNOWN.data
    tags = [b"action:1", "größe".encode()]
    texts = [id, type, actor, correlation, causation]
    lengths = [*map(len, texts), len(data), len(tags), *map(len, tags)]
    sizes = struct.pack(">?qq9I", False, 2, 1_763_805_300_123_456, *lengths)
    digest = sha256(b"".join([b"bos-event-1\0", sizes, *texts, *tags, data])).digest()
    assert body_digest(KNOWN) == digest
    first = sha256(bytes(32) + (1).to_bytes(8, "big") + digest).digest()
    assert link(GENESIS, 1, digest) == first
    assert first.hex() == "deae3c04c3941231f47c2138e9b9d81ff2c3a9d78e4bd61546796d0f032054d2"
    assert verify([row(1, KNOWN, first)]) is None


@given(events, events)
def test_two_events_share_a_digest_only_if_they_are_the_same(one: LogEvent, two: LogEvent) -> None:
    assert (body_digest(one) == body_digest(two)) == (astuple(one) == astuple(two))


@given(st.lists(events, min_size=1, max_size=4), st.data())
def test_a_history_with_one_row_changed_or_left_out_breaks_there(
    history: list[LogEvent], data: st.DataObject
) -> None:
    rows: list[LogRow] = []
    for position, event in enumerate(history, 1):
        previous = rows[-1].hash if rows else GENESIS
        rows.append(row(position, event, link(previous, position, body_digest(event))))
    assert verify(rows) is None
    broken = data.draw(st.integers(0, len(rows) - 1))
    other = data.draw(events)
    changed = row(broken + 1, other, rows[broken].hash)
    whole = changed == rows[broken]
    assert verify([*rows[:broken], changed, *rows[broken + 1 :]]) == (None if whole else broken + 1)
    if broken + 1 < len(rows):
        assert verify([*rows[:broken], *rows[broken + 1 :]]) == broken + 1

"""Exports: whatever a log may hold comes back byte for byte, and no damage goes unnoticed."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.admission import Tip
from adapters.archive import ArchiveProblem
from adapters.archive.carrying import BATCH_ROWS, batches, carry
from adapters.archive.exports import Export, file_source, file_target
from adapters.archive.files import partial_of
from adapters.archive.lines import START, end_line, event_line, header_line, row_of
from adapters.archive.sources import LogSource
from adapters.archive.streams import BLOCK_BYTES, packed
from adapters.dcb import LogEvent, LogRow
from adapters.memory.recorder import MemoryRecorder
from tests.contracts.recorders import event, everything

WITH_FILES_MAX = 40  # each waits for the disk a few times

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
words = texts.filter(bool)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
bodies = st.one_of(
    json_values.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1).encode()),
    st.sampled_from(
        [b"", b" 1", b"1\n", b"1\r", b"1e999", b"NaN", b'"\\ud800"', b"\xff", b'{"a":1}x']
    ),
    st.binary(max_size=20),
)
events = st.builds(
    LogEvent,
    type=words,
    data=bodies,
    tags=st.lists(words, max_size=3),
    id=st.none(),
    schema_version=st.integers(1, 2**31 - 1),
    occurred_at=st.integers(-(2**63), 2**63 - 1),
    actor=texts,
    correlation_id=texts,
    causation_id=texts,
)


def logged(events: list[LogEvent]) -> MemoryRecorder:
    log = MemoryRecorder()
    for each in events:
        log.append([each])
    return log


def exported(rows: list[LogRow], *, gzipped: bool = False, rows_a_batch: int = 2) -> bytes:
    """The bytes of an export, made without the code that writes files."""
    tip = Tip(rows[-1].position, rows[-1].hash) if rows else START
    batches = [rows[n : n + rows_a_batch] for n in range(0, len(rows), rows_a_batch)]
    blocks = [header_line(START, "test"), *(b"".join(map(event_line, b)) for b in batches)]
    return b"".join(packed(block, gzipped=gzipped) for block in (*blocks, end_line(tip)))


def read(text: bytes, *, gzipped: bool = False) -> list[LogRow]:
    return list(Export(io.BytesIO(text), "it", gzipped=gzipped).rows())


@contextmanager
def a_file(name: str) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder) / name


@given(events)
def test_an_event_is_a_line_of_json_and_comes_back(event: LogEvent) -> None:
    (row,) = everything(logged([event]))
    line = event_line(row)
    assert row_of(line) == row
    assert line.count(b"\n") == 1
    told = json.loads(line)
    if "data" in told:
        assert row.data in line
        assert told["data"] == json.loads(row.data)


@given(st.lists(events, max_size=5), st.booleans())
def test_an_export_gives_back_the_log(events: list[LogEvent], gzipped: bool) -> None:
    rows = everything(logged(events))
    assert read(exported(rows, gzipped=gzipped), gzipped=gzipped) == rows


@given(st.lists(events, min_size=1, max_size=4), st.booleans(), st.data())
def test_a_changed_byte_is_noticed_or_changes_nothing(
    events: list[LogEvent], gzipped: bool, data: st.DataObject
) -> None:
    rows = everything(logged(events))
    text = bytearray(exported(rows, gzipped=gzipped))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    try:
        found = read(bytes(text), gzipped=gzipped)
    except ArchiveProblem:
        return
    assert found == rows


@given(st.lists(events, min_size=2, max_size=4), st.data())
def test_lines_that_are_missing_doubled_or_swapped_are_noticed(
    events: list[LogEvent], data: st.DataObject
) -> None:
    lines = exported(everything(logged(events))).splitlines(keepends=True)
    at = data.draw(st.integers(1, len(lines) - 2))
    missing = [*lines[:at], *lines[at + 1 :]]
    doubled = [*lines[: at + 1], *lines[at:]]
    swapped = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
    for changed in (missing, doubled, swapped):
        with pytest.raises(ArchiveProblem):
            read(b"".join(changed))


@settings(max_examples=WITH_FILES_MAX)
@given(st.lists(events, max_size=5), st.booleans(), st.data())
def test_an_export_that_was_cut_anywhere_is_never_whole_and_is_gone_on_with(
    events: list[LogEvent], gzipped: bool, data: st.DataObject
) -> None:
    log = logged(events)
    text = exported(everything(log), gzipped=gzipped)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    with pytest.raises(ArchiveProblem):
        read(cut, gzipped=gzipped)
    with a_file("log.jsonl.gz" if gzipped else "log.jsonl") as path:
        partial_of(path).write_bytes(cut)
        with file_target(path, "test") as target:
            carried = carry(LogSource(log, "log"), target, lambda _reached, _aim: None)
        assert carried.end.position == len(events)
        assert read(path.read_bytes(), gzipped=gzipped) == everything(log)
        if not gzipped:
            assert path.read_bytes() == text


@settings(max_examples=WITH_FILES_MAX)
@given(st.lists(events, min_size=1, max_size=6), st.integers(0, 6), st.booleans())
def test_an_export_grows_with_the_log(events: list[LogEvent], then: int, gzipped: bool) -> None:
    with a_file("log.jsonl.gz" if gzipped else "log.jsonl") as path:
        for upto in (min(then, len(events)), len(events)):
            log = logged(events[:upto])
            with file_target(path, "test") as target:
                carry(LogSource(log, "log"), target, lambda _reached, _aim: None)
            assert list(file_source(path).after(START)) == everything(log)


@settings(max_examples=20)
@given(st.lists(st.integers(1, BATCH_ROWS), max_size=8))
def test_no_append_is_divided(sizes: list[int]) -> None:
    log = MemoryRecorder()
    for n, size in enumerate(sizes):
        ids = [f"{n}:{each}" for each in range(size)]
        log.append([event(id=id, causation_id=ids[0] if id != ids[0] else "") for id in ids])
    found = list(batches(everything(log)))
    assert [row for batch in found for row in batch] == everything(log)
    assert all(batch[0].causation_id == "" and len(batch) <= BATCH_ROWS for batch in found)


def test_a_log_of_one_endless_append_is_divided() -> None:
    rows = everything(
        logged([event(id=f"{n}", causation_id="0" if n else "") for n in range(2_500)])
    )
    assert [len(batch) for batch in batches(rows)] == [1_000, 1_000, 500]


@pytest.mark.parametrize("gzipped", [False, True])
def test_lines_may_be_longer_than_a_block(gzipped: bool) -> None:
    letters = b'"' + b"x" * 900_000 + b'"'
    rows = everything(logged([event(data=letters), event(data=b"\xff" * 1_000_000), event()]))
    assert sum(len(row.data) for row in rows) > BLOCK_BYTES
    assert read(exported(rows, gzipped=gzipped), gzipped=gzipped) == rows

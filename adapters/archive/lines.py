"""Lines: the log as JSON Lines, one event a line, with all of its columns.

    {"format": "bos-log", "version": 1, "program": …, "after": 0, "afterHash": "00…"}
    {"position": 1, "id": …, "type": …, "schemaVersion": …, "occurredAt": unix µs, "actor": …,
     "correlationId": …, "causationId": …, "tags": […], "data": {…}, "hash": "…"}
    {"end": 1, "hash": "…"}                  without this line, the file was cut

`data` stands there byte for byte as it is stored. Bytes that a reader of JSON would not give back
(not JSON, not UTF-8, over several lines) stand as `dataBase64`.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from adapters.admission import Tip
from adapters.archive import NotAnArchive
from adapters.chain import GENESIS
from adapters.dcb import EVENT_BYTES_MAX, LogRow

FORMAT: Final = "bos-log"
VERSION: Final = 1
LINE_BYTES_MAX: Final = 2 * EVENT_BYTES_MAX  # base64 takes 4/3, and the envelope is bounded
START: Final = Tip(0, GENESIS)

_Position = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Malformed(ValueError):
    """A line that is not one of ours; the message says in a few words why."""


class _Header(msgspec.Struct, rename="camel"):
    format: str
    version: int
    program: str = ""
    after: _Position = 0
    after_hash: _Hash = GENESIS.hex()


class _End(msgspec.Struct, forbid_unknown_fields=True):
    end: _Position
    hash: _Hash


class _Event(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    position: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    id: str | None
    type: str
    schema_version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    occurred_at: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    actor: str
    correlation_id: str
    causation_id: str
    tags: tuple[str, ...]
    hash: _Hash
    data: Raw | UnsetType = UNSET
    data_base64: bytes | UnsetType = UNSET


_encode: Final = msgspec.json.Encoder().encode
_decode_json: Final = msgspec.json.Decoder().decode
_decode_header: Final = msgspec.json.Decoder(_Header).decode
_decode_event: Final = msgspec.json.Decoder(_Event).decode
_decode_end: Final = msgspec.json.Decoder(_End).decode


def header_line(after: Tip, program: str) -> bytes:
    """Return the first line of an export that begins after a position."""
    return _encode(_Header(FORMAT, VERSION, program, after.position, after.hash.hex())) + b"\n"


def header_of(line: bytes, name: str) -> Tip:
    """Return where an export begins, from its first line. Raises `NotAnArchive`."""
    try:
        header = _decode_header(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        header = None
    if header is None or header.format != FORMAT:
        raise NotAnArchive(
            f'{name} is not an export of a log: its first line is not {{"format": "{FORMAT}", …}}'
            " in UTF-8; write one with `bos copy FROM FILE.jsonl`"
        )
    check_format(header.version, VERSION, name, header.program)
    return Tip(header.after, bytes.fromhex(header.after_hash))


def check_format(version: int, known: int, name: str, program: str) -> None:
    """Refuse a format that this program does not read. Raises `NotAnArchive`."""
    if version == known:
        return
    age, cure = (
        ("newer", "read it with the program that wrote it, or a newer one")
        if version > known
        else ("older", "write it anew with this program")
    )
    raise NotAnArchive(
        f"{name} has format {version}, {age} than the {known} that this program reads"
        f" (it was written by {program or 'an unnamed version'}): {cure}"
    )


def event_line(row: LogRow) -> bytes:
    """Return an event as one line."""
    plain = _is_plain_json(row.data)
    line = _Event(
        row.position,
        row.id,
        row.type,
        row.schema_version,
        row.occurred_at,
        row.actor,
        row.correlation_id,
        row.causation_id,
        row.tags,
        row.hash.hex(),
        Raw(row.data) if plain else UNSET,
        UNSET if plain else row.data,
    )
    return _encode(line) + b"\n"


def end_line(tip: Tip) -> bytes:
    """Return the last line of an export."""
    return _encode(_End(tip.position, tip.hash.hex())) + b"\n"


def row_of(line: bytes) -> LogRow | Tip:
    """Return what a line says: an event, or where the export ends. Raises `Malformed`."""
    try:
        event = _decode_event(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _end_of(line, error)
    if (event.data is UNSET) == (event.data_base64 is UNSET):
        raise Malformed("it needs data or dataBase64, and not both")
    data: Any = event.data_base64 if event.data is UNSET else event.data
    return LogRow(
        event.position,
        event.id,
        event.type,
        event.schema_version,
        event.occurred_at,
        event.actor,
        event.correlation_id,
        event.causation_id,
        event.tags,
        bytes(data),
        bytes.fromhex(event.hash),
    )


def _end_of(line: bytes, no_event: Exception) -> Tip:
    try:
        end = _decode_end(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Malformed(f"{no_event!s:.200}") from None
    return Tip(end.end, bytes.fromhex(end.hash))


def _is_plain_json(data: bytes) -> bool:
    """Say whether any reader of JSON Lines finds exactly these bytes as one value."""
    if b"\n" in data or b"\r" in data or data != data.strip():
        return False
    try:
        _decode_json(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True

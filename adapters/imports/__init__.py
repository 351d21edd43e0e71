r"""imports: files that other systems exported, read line by line.

    bytes ──► characters ──────► physical lines ──────► records ──► a header, then rows
       encoding        \n, \r, \r\n      quotes, delimiter     │
          │                     │                              │
          └ not in the encoding └ NUL, over-long               └ open quote, wrong width
                 └──────────────────────┴── a fault: one line, and nothing but that line

    here           the ground: one file as records      records(path, …)
    layout.py      which shape has this file?           guess_layout(path)
    orders_csv.py  the orders in a file of some shape   read_orders(path, layout)

A file is read, or it is refused with a sentence (`UnreadableFile`). A bad line does not refuse
the file: it comes out as a record with a fault, and the lines after it are read as if it were
not there, even when a quote it never closes has swallowed some of them.
"""

import codecs
import csv
import io
import os
import re
import stat
from collections import Counter, deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TextIO

FILE_BYTES_MAX: Final = 1024**3
FILE_LINES_MAX: Final = 2_000_000
LINE_CHARS_MAX: Final = 65_536
FIELD_CHARS_MAX: Final = 4_096
RECORD_LINES_MAX: Final = 50  # a quoted field may hold line breaks; an open quote, not a file
SHOWN_CHARS_MAX: Final = 200

NUL_BYTE: Final = "a NUL byte, which no text has"
NOT_THE_ENCODING: Final = "bytes that are not text in the encoding of the file"
QUOTES: Final = "a quote that is never closed, or text right after a closing quote"
CUT_OFF: Final = "the file ends in the middle of this line"

_BYTE_ORDER_MARKS: Final = (  # UTF-32 before UTF-16, whose mark begins the same way
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT: Final = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
)
_CONTROL_BYTES: Final = bytes(set(range(32)) - set(b"\t\n\v\f\r"))
_CONTROL_SHARE_MAX: Final = 0.05
_BLOCK_BYTES: Final = 1 << 20

_MARK: Final = "\udcff"  # stands for undecodable bytes: no text holds half a surrogate pair
_MARKING: Final = "adapters.imports.mark"
_SEPARATOR_HINT: Final = re.compile(r'"?sep=."?\n?', re.IGNORECASE)  # Excel's own first line


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _MARK, error.end


codecs.register_error(_MARKING, _mark)


class UnreadableFile(Exception):
    """A file cannot be imported; the message is one sentence: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """What one record says, or the fault for which it cannot be read."""

    line_number: int
    text: str
    fields: tuple[str, ...] = ()
    fault: str | None = None


def shown(text: str, *, chars_max: int = SHOWN_CHARS_MAX) -> str:
    """Return text of a file made safe to print: short, and free of control characters."""
    cut = text.rstrip("\r\n")
    kept = "".join(c if c.isprintable() else "\ufffd" for c in cut[:chars_max])
    return kept if len(cut) <= chars_max else f"{kept}…"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open an ordinary file of a size we accept."""
    name = shown(path.name or str(path))
    try:
        # Asked before opening, because opening a pipe would wait for its writer.
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise UnreadableFile(f"{name} is a directory: name the exported file inside it.")
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableFile(f"{name} is not an ordinary file: save the export to a file.")
        file = path.open("rb")
    except FileNotFoundError:
        raise UnreadableFile(f"there is no file {name}: check its name and folder.") from None
    except (OSError, ValueError) as refused:
        why = getattr(refused, "strerror", None) or "its name is not a file name"
        raise UnreadableFile(f"{name} cannot be opened ({why}): check its permissions.") from None
    with file:
        if found.st_size > FILE_BYTES_MAX:
            raise UnreadableFile(
                f"{name} has {found.st_size:,} bytes and {FILE_BYTES_MAX:,} is the limit:"
                " export a shorter period."
            )
        yield file


def guess_encoding(path: Path) -> str:
    """Return the encoding of a file, or refuse one that is no text."""
    with opened(path) as file:
        head = file.read(_BLOCK_BYTES)
        for mark, encoding in _BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return encoding
        kind = next((kind for start, kind in _NOT_TEXT if head.startswith(start)), None)
        controls = len(head) - len(head.translate(None, _CONTROL_BYTES))
        if kind or controls > len(head) * _CONTROL_SHARE_MAX:
            raise UnreadableFile(
                f"{shown(path.name)} is {kind or 'not text'}: export it as CSV, in UTF-8."
            )
        file.seek(0)
        utf8 = Counter(_is_utf8(line) for line in _byte_lines(file) if not line.isascii())
    return "cp1252" if utf8[False] > utf8[True] else "utf-8"


def _byte_lines(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while block := file.read(_BLOCK_BYTES):
        *lines, rest = (rest + block).splitlines(keepends=True)
        yield from lines
        rest = rest[:LINE_CHARS_MAX]
    yield rest


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def records(path: Path, *, encoding: str, delimiter: str) -> Generator[Record]:
    """Yield the header, then every record that is not blank; each is as wide as the header."""
    name = shown(path.name)
    with opened(path) as file:
        before = os.fstat(file.fileno())
        try:
            text = io.TextIOWrapper(file, encoding=encoding, errors=_MARKING, newline=None)
        except (LookupError, ValueError):
            raise UnreadableFile(
                f"there is no text encoding called {shown(encoding)}: try utf-8, cp1252 or utf-16."
            ) from None
        header = None
        for record in _split(_Lines(text, name), delimiter):
            if header is None and record.fault:
                raise UnreadableFile(
                    f"the header of {name}, line {record.line_number}, cannot be read"
                    f" ({record.fault}): export the file again as CSV."
                )
            header = header or record
            yield record
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise UnreadableFile(
                f"{name} changed while it was being read: import it again when it is complete."
            )
        if header is None:
            raise UnreadableFile(f"{name} is empty: export it again, with its header line.")


class _Line(NamedTuple):
    number: int
    text: str
    fault: str | None


class _Lines:
    """The physical lines of a file, handed to the csv module one by one; some come back."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.taken: list[_Line] = []
        self._ahead: deque[_Line] = deque()
        self._stream, self._name = stream, name
        self._number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.peek()
        if line is None or line.fault or len(self.taken) == RECORD_LINES_MAX:
            raise StopIteration
        self.taken.append(self._ahead.popleft())
        return line.text

    def peek(self) -> _Line | None:
        """Return the next line and leave it there."""
        if not self._ahead:
            text = self._read()
            if not text:
                return None
            self._number += 1
            self._ahead.append(_Line(self._number, text, self._fault(text)))
            if self._number > FILE_LINES_MAX:
                raise UnreadableFile(
                    f"{self._name} has more than {FILE_LINES_MAX:,} lines: export a shorter period."
                )
        return self._ahead[0]

    def skip(self) -> None:
        """Pass over the line that was just looked at."""
        self._ahead.popleft()

    def keep_first(self) -> None:
        """Put back all lines of the record but its first."""
        self._ahead.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def _fault(self, text: str) -> str | None:
        if len(text) > LINE_CHARS_MAX and not text.endswith("\n"):
            while (more := self._read()) and not more.endswith("\n"):
                pass
            return f"a line of more than {LINE_CHARS_MAX:,} characters"
        if "\0" in text:
            return NUL_BYTE
        return NOT_THE_ENCODING if _MARK in text else None

    def _read(self) -> str:
        try:
            return self._stream.readline(LINE_CHARS_MAX + 1)
        except (OSError, UnicodeError) as broken:
            raise UnreadableFile(
                f"{self._name} cannot be read ({shown(str(broken))}): copy or export it again."
            ) from None


def _split(lines: _Lines, delimiter: str) -> Iterator[Record]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = None
    while (first := lines.peek()) is not None:
        if first.fault:
            lines.skip()
            yield Record(first.number, first.text, fault=first.fault)
        elif first.number == 1 and _SEPARATOR_HINT.fullmatch(first.text):
            lines.skip()
        elif record := _next_record(lines, reader, width):
            width = width or len(record.fields)
            yield record


def _next_record(lines: _Lines, reader: Iterator[list[str]], width: int | None) -> Record | None:
    lines.taken.clear()
    try:
        fields = tuple(next(reader))
    except csv.Error:
        return _faulty(lines, QUOTES)
    if len(lines.taken) == 1 and not any(map(str.strip, fields)):
        return None
    if len(fields) != (width or len(fields)):
        return _faulty(lines, f"{len(fields)} columns where the header has {width}")
    text = "".join(line.text for line in lines.taken)
    if len(text) > FIELD_CHARS_MAX and max(map(len, fields)) > FIELD_CHARS_MAX:
        fault = f"a field of more than {FIELD_CHARS_MAX:,} characters"
        return Record(lines.taken[0].number, text, fault=fault)
    return Record(lines.taken[0].number, text, fields)


def _faulty(lines: _Lines, fault: str) -> Record:
    first = lines.taken[0]
    if len(lines.taken) > 1:
        # An open quote swallowed the lines below: only the line that opened it is lost.
        lines.keep_first()
        fault = QUOTES
    elif not first.text.endswith("\n"):
        fault = CUT_OFF
    return Record(first.number, first.text, fault=fault)

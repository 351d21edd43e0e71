"""Exports: logs as files of lines; read, written, and gone on with where they ended.

log.jsonl          whole: its last line says where it ends
log.jsonl.partial  not whole yet; written on from the last line that verifies
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from adapters.admission import Tip
from adapters.archive import Damaged, NotAnArchive, Refused
from adapters.archive.files import (
    Digested,
    Readable,
    flushed,
    handled,
    hold,
    make_private_folder,
    open_private,
    partial_of,
    put_in_place,
)
from adapters.archive.lines import (
    LINE_BYTES_MAX,
    START,
    Malformed,
    end_line,
    event_line,
    header_line,
    header_of,
    row_of,
)
from adapters.archive.sources import behind, differs, follow
from adapters.archive.streams import Line, Unzippable, lines_of, packed
from adapters.dcb import LogRow

GZIP_SUFFIX: Final = ".gz"

Opened = Callable[[], AbstractContextManager[Readable]]


class Export:
    """One export while it is read: `tip` is how far it was verified, `whole` whether it ended.

    `resume` is the last offset at which the file may be cut and written on, and the tip there.
    """

    def __init__(self, file: Readable, name: str, *, gzipped: bool) -> None:
        """Read the header. Raises `NotAnArchive`."""
        self.name = name
        self._lines = lines_of(file, gzipped=gzipped)
        try:
            first = next(self._lines, Line(1, b"", False, None))
        except Unzippable:
            raise NotAnArchive(f"{name} is not gzip: without {GZIP_SUFFIX} it is plain") from None
        self.begin = self.tip = header_of(first.text, name)
        self.whole = False
        self.resume: tuple[int, Tip] | None = None
        self._passed(first)

    def after(self, tip: Tip) -> Iterator[LogRow]:
        """Yield the rows after a place that this export must contain."""
        if tip.position < self.begin.position:
            raise Refused(
                f"{self.name} begins after position {self.begin.position}, but what is already"
                f" there ends at position {tip.position}: export the log from its beginning"
            )
        met = self._met(tip)
        for row in self.rows():
            if met:
                yield row
            else:
                met = self._met(tip)
        if not met:
            raise behind(self.name, self.tip.position, tip.position)

    def rows(self) -> Iterator[LogRow]:
        """Yield every row. Raises `Damaged` at the first line that is not as it was written."""
        for line in self._each():
            try:
                row = self._row(line)
            except Malformed as why:
                raise self._damaged(f", line {line.number}", str(why)) from None
            if row is not None:
                self._passed(line)
                yield row
        if not self.whole:
            raise self._damaged("", "the file ends without its closing line, so it was cut")

    def _row(self, line: Line) -> LogRow | None:
        if self.whole:
            raise Malformed("there is more after the closing line")
        if len(line.text) > LINE_BYTES_MAX:
            raise Malformed(f"a line of more than {LINE_BYTES_MAX:,} bytes")
        if not line.whole:
            raise Malformed("the line is cut off")
        said = row_of(line.text)
        if isinstance(said, LogRow):
            self.tip = follow(said, self.tip)
            return said
        if said != self.tip:
            raise Malformed("the closing line is that of another export")
        self.whole = True
        return None

    def _met(self, tip: Tip) -> bool:
        if self.tip.position == tip.position and self.tip != tip:
            raise differs(self.name, tip.position)
        return self.tip == tip

    def _each(self) -> Iterator[Line]:
        try:
            yield from self._lines
        except Unzippable as error:
            raise self._damaged("", f"what follows is not gzip ({error})") from None

    def _passed(self, line: Line) -> None:
        if line.resume_at is not None:
            self.resume = line.resume_at, self.tip

    def _damaged(self, where: str, why: str) -> Damaged:
        position = self.tip.position + 1
        return Damaged(
            f"{self.name}{where}, where position {position} belongs: {why};"
            f" what comes before is sound, write the file anew",
            position=position,
        )


class LinesSource:
    """An export, read from its first line to its last each time."""

    head = None

    def __init__(self, name: str, opened: Opened, *, gzipped: bool) -> None:
        """Name it; it is opened when it is read."""
        self.name = name
        self._opened = opened
        self._gzipped = gzipped

    def after(self, tip: Tip) -> Iterator[LogRow]:
        """Yield what comes after a place, verified."""
        with handled(self.name), self._opened() as file:
            yield from Export(file, self.name, gzipped=self._gzipped).after(tip)


def file_source(path: Path) -> LinesSource:
    """Return an export in a file; gzip if its name says so."""

    def opened() -> BinaryIO:
        with handled(path):
            if not path.is_file() and path.exists():
                raise NotAnArchive(f"{path} is not an ordinary file: name the export itself")
            return path.open("rb")

    return LinesSource(str(path), opened, gzipped=path.suffix == GZIP_SUFFIX)


def pipe_source() -> LinesSource:
    """Return an export that comes through standard input."""
    return LinesSource("standard input", lambda: nullcontext(sys.stdin.buffer), gzipped=False)


class PipeTarget:
    """An export that goes to standard output."""

    def __init__(self, program: str) -> None:
        """Write the header."""
        self._out = sys.stdout.buffer
        self._write(header_line(START, program))

    def tip(self) -> Tip:
        """Return where to go on: there is nothing yet."""
        return START

    def add(self, rows: Sequence[LogRow], _after: Tip) -> None:
        """Write rows."""
        self._write(b"".join(map(event_line, rows)))

    def finish(self, tip: Tip) -> None:
        """Write the closing line."""
        self._write(end_line(tip))

    def _write(self, text: bytes) -> None:
        with handled("standard output"):
            self._out.write(text)
            self._out.flush()


class FileTarget:
    """An export in a file that is not whole until `finish`, which also counts its bytes."""

    def __init__(self, path: Path, file: BinaryIO, tip: Tip, *, gzipped: bool) -> None:
        """Go on writing at the end of an open file."""
        self._path = path
        self._file = file
        self._tip = tip
        self._gzipped = gzipped
        self.sha256 = ""
        self.bytes = 0

    def tip(self) -> Tip:
        """Return where to go on."""
        return self._tip

    def add(self, rows: Sequence[LogRow], _after: Tip) -> None:
        """Write rows."""
        self._write(b"".join(map(event_line, rows)))

    def finish(self, tip: Tip) -> None:
        """Close the export, read back what the disk has, and give the file its name."""
        self._write(end_line(tip))
        with handled(self._path):
            flushed(self._file)
            self._file.seek(0)
            written = Digested(self._file)
            verify(written, str(self._path), gzipped=self._gzipped)
            put_in_place(partial_of(self._path), self._path)
            self.sha256, self.bytes = written.sha256(), written.bytes

    def _write(self, text: bytes) -> None:
        with handled(self._path):
            self._file.write(packed(text, gzipped=self._gzipped))


@contextmanager
def file_target(path: Path, program: str, *, begin: Tip = START) -> Iterator[FileTarget]:
    """Open a file to export into: a new one, one that was not finished, or one that is whole.

    A whole one is verified first, and not whole again until `finish`.
    """
    gzipped = path.suffix == GZIP_SUFFIX
    partial = partial_of(path)
    with handled(path):
        if path.exists() and not path.is_file():
            raise NotAnArchive(f"{path} is not an ordinary file: name another one")
        make_private_folder(path.parent)
        if path.exists():
            if partial.exists():
                raise Refused(f"there are both {path.name} and {partial.name}: remove one of them")
            with path.open("rb") as whole:
                verify(whole, str(path), gzipped=gzipped)
            path.rename(partial)
        file = open_private(partial)
    with handled(path), file:  # also closing it may tell that the disk is full
        hold(file, path)
        header = header_line(begin, program)
        tip = _resumed(file, partial, header, begin, gzipped=gzipped)
        if tip is None:
            file.write(packed(header, gzipped=gzipped))
        yield FileTarget(path, file, tip or begin, gzipped=gzipped)


def verify(file: Readable, name: str, *, gzipped: bool = False) -> Export:
    """Read an export to its end. Raises `NotAnArchive`, `Damaged`."""
    export = Export(file, name, gzipped=gzipped)
    for _row in export.rows():
        pass
    return export


def _resumed(
    file: BinaryIO, partial: Path, header: bytes, begin: Tip, *, gzipped: bool
) -> Tip | None:
    """Cut an unfinished export behind the last line that verifies; None if nothing is in it."""
    if _only_begun(file, header, gzipped=gzipped):
        file.seek(0)
        file.truncate()
        return None
    file.seek(0)
    export = Export(file, str(partial), gzipped=gzipped)
    if export.begin != begin:
        raise Refused(f"{partial} is the beginning of another export: move it away")
    try:
        for _row in export.rows():
            pass
    except Damaged:
        pass  # torn where the writing was interrupted: from there on it is written anew
    assert export.resume is not None, "the header is whole"
    offset, tip = export.resume
    file.seek(offset)
    file.truncate()
    return tip


def _only_begun(file: BinaryIO, header: bytes, *, gzipped: bool) -> bool:
    """Say whether a file holds less than its header."""
    if os.fstat(file.fileno()).st_size == 0:
        return True
    file.seek(0)
    first = next(lines_of(file, gzipped=gzipped), None)
    return first is None or (not first.whole and header.startswith(first.text))

"""Exports: logs as files of lines; read, written, and gone on with where they ended.

log.jsonl          whole: its last line says where it ends
log.jsonl.partial  not whole yet; written on from the last line that verifies
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from adapters.admission import Tip
from adapters.archive import Damaged, NotAnArchive, Refused
from adapters.archive.files import (
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

    def verify(self) -> None:
        """Read to the end."""
        for _row in self.rows():
            pass

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
    """An export in a file, which is not whole from the first `add` until `finish`.

    A file that is whole already stays as it is until then, and for good if there is nothing new.
    """

    def __init__(self, path: Path, file: BinaryIO, header: bytes, begin: Tip) -> None:
        """Look at an open file, new or not. Raises `NotAnArchive`, `Damaged`, `Refused`."""
        self._path = path
        self._file = file
        self._header = header
        self._gzipped = path.suffix == GZIP_SUFFIX
        self._whole = path.exists()
        self._ends_at, self._tip = self._resumed(begin)
        self._untouched = True

    def tip(self) -> Tip:
        """Return where to go on."""
        return self._tip

    def add(self, rows: Sequence[LogRow], _after: Tip) -> None:
        """Write rows."""
        self._write(b"".join(map(event_line, rows)))

    def finish(self, tip: Tip) -> None:
        """Close the export, read back what the disk has, and give the file its name."""
        if self._whole and self._untouched and self._ends_at:
            return
        self._write(end_line(tip))
        with handled(self._path):
            flushed(self._file)
            self._file.seek(0)
            Export(self._file, str(self._path), gzipped=self._gzipped).verify()
            put_in_place(partial_of(self._path), self._path)

    def _write(self, text: bytes) -> None:
        with handled(self._path):
            if self._untouched:
                self._untouched = False
                if self._whole:
                    self._path.rename(partial_of(self._path))
                self._file.seek(self._ends_at)
                self._file.truncate()
                self._file.write(b"" if self._ends_at else self._header)
            self._file.write(packed(text, gzipped=self._gzipped))

    def _resumed(self, begin: Tip) -> tuple[int, Tip]:
        """Return the offset behind the last line that verifies, and the tip there."""
        begun = self._file.read(len(self._header))
        self._file.seek(0)
        if len(begun) < len(self._header) and self._header.startswith(begun):
            return 0, begin
        export = Export(self._file, str(self._path), gzipped=self._gzipped)
        if export.begin != begin:
            raise Refused(f"{self._path} is begun, as the export of another place: move it away")
        try:
            export.verify()
        except Damaged:
            if self._whole:
                raise
            # torn where the writing was interrupted: from there on it is written anew
        if export.resume is None:
            raise Refused(f"{self._path} was compressed by another program: name another file")
        return export.resume


@contextmanager
def file_target(path: Path, program: str, *, begin: Tip = START) -> Iterator[FileTarget]:
    """Open a file to export into: a new one, one that was not finished, or one that is whole."""
    partial = partial_of(path)
    header = packed(header_line(begin, program), gzipped=path.suffix == GZIP_SUFFIX)
    with handled(path):
        if path.exists() and not path.is_file():
            raise NotAnArchive(f"{path} is not an ordinary file: name another one")
        if path.exists() and partial.exists():
            raise Refused(f"there are both {path} and {partial.name}: remove one of them")
        make_private_folder(path.parent)
        file = open_private(path if path.exists() else partial)
    with handled(path), file:  # closing it may tell, too, that the disk is full
        hold(file, path)
        yield FileTarget(path, file, header, begin)

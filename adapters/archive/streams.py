"""Streams: bytes as lines, from a file, a pipe or gzip, in bounded memory.

    blocks ──gunzip──► text ──split──► Line(number, text, whole, resume_at)

`resume_at` is an offset in the file at which it may be cut and written on: after any line of
plain text, after a member of gzip. What this program writes is one member for each batch.
"""

import gzip
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from adapters.archive.files import Readable
from adapters.archive.lines import LINE_BYTES_MAX

BLOCK_BYTES: Final = 1 << 20
GZIP_LEVEL: Final = 6
GZIP_WBITS: Final = 31  # the gzip format, nothing else


class Line(NamedTuple):
    """One line without its line break, and what was noticed when it was read."""

    number: int
    text: bytes
    whole: bool  # it ended with a line break, and was not too long
    resume_at: int | None


class Unzippable(ValueError):
    """Bytes that are not gzip, or not any more."""


class _Text(NamedTuple):
    text: bytes
    member_ends_at: int | None  # in the compressed file


def lines_of(file: Readable, *, gzipped: bool) -> Iterator[Line]:
    """Yield each line; one that is too long or cut off is the last.

    Raises `Unzippable` after the lines that came before what cannot be decompressed.
    """
    rest, number, reached = b"", 0, 0
    for text, member_ends_at in _gunzipped(file) if gzipped else _plain(file):
        *whole, rest = (rest + text).split(b"\n")
        for nth, line in enumerate(whole, 1):
            number += 1
            reached += len(line) + 1
            last = nth == len(whole) and not rest
            yield Line(
                number, line, True, (member_ends_at if last else None) if gzipped else reached
            )
        if len(rest) > LINE_BYTES_MAX:
            break
    if rest:
        yield Line(number + 1, rest, False, None)


def _plain(file: Readable) -> Iterator[_Text]:
    while block := file.read(BLOCK_BYTES):
        yield _Text(block, None)


def _gunzipped(file: Readable) -> Iterator[_Text]:
    inflater, fed, waiting = zlib.decompressobj(GZIP_WBITS), 0, b""
    within = False
    try:
        while block := waiting or file.read(BLOCK_BYTES):
            fed += 0 if waiting else len(block)
            text = inflater.decompress(block, BLOCK_BYTES)
            waiting = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            yield _Text(text, fed - len(waiting) if inflater.eof else None)
            within = not inflater.eof
            if inflater.eof:
                inflater = zlib.decompressobj(GZIP_WBITS)
    except zlib.error as error:
        raise Unzippable(str(error)) from error
    if within:
        raise Unzippable("it was cut off")


def packed(text: bytes, *, gzipped: bool) -> bytes:
    """Return text as it is written to a file: with gzip, a member of its own."""
    return gzip.compress(text, GZIP_LEVEL, mtime=0) if gzipped else text

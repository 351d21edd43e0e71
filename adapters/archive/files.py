"""Files: what is written is private, on the disk before it counts, and held by one at a time.

name.partial ──fsync──► rename ──fsync of the folder──► name       whole, or not there
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from adapters.archive import NotAnArchive, Refused
from domain.ports import StoreUnavailable

PARTIAL: Final = ".partial"
PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_RIGHTS: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


class Readable(Protocol):
    """As much of a file as reading it takes."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, none at the end."""
        ...


class Digested:
    """A file whose bytes are counted and hashed as they are read."""

    def __init__(self, file: Readable) -> None:
        """Read from this file on from where it stands."""
        self._file = file
        self._hash = sha256()
        self.bytes = 0

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""
        block = self._file.read(size)
        self._hash.update(block)
        self.bytes += len(block)
        return block

    def sha256(self) -> str:
        """Return the hash of what was read, in hex."""
        return self._hash.hexdigest()


@contextmanager
def handled(path: Path | str) -> Iterator[None]:
    """Translate what the operating system says about a file into what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotAnArchive(f"there is no {error.filename or path}: check the name") from error
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        there = error.filename or path
        raise NotAnArchive(
            f"{there}: a file stands where a folder belongs, or a folder where a file does"
        ) from error
    except BrokenPipeError as error:
        raise StoreUnavailable("whoever reads the pipe went away: copy again") from error
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}; {_cure(error)}") from error


def _cure(error: OSError) -> str:
    if error.errno in _FULL:
        return "make room and run the same command again, it goes on from there"
    if error.errno in _RIGHTS:
        return "run this as a user who may"
    return "look at the disk, then run the same command again"


def partial_of(path: Path) -> Path:
    """Return the name that a file has until it is whole."""
    return path.with_name(path.name + PARTIAL)


def open_private(path: Path) -> BinaryIO:
    """Open a file to read it and to write on; nobody else may, from its first moment on."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    os.fchmod(descriptor, PRIVATE_FILE)
    return os.fdopen(descriptor, "r+b")


def flushed(file: BinaryIO) -> None:
    """Wait until the disk has a file."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(partial: Path, path: Path) -> None:
    """Give a file that is whole its name; it replaces whatever has it."""
    partial.replace(path)
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file: afterwards there is the new one, or still what was there before."""
    partial = partial_of(path)
    with open_private(partial) as file:
        file.truncate()
        file.write(content)
        flushed(file)
    put_in_place(partial, path)


def make_private_folder(folder: Path) -> None:
    """Make a folder, and what leads to it, where they do not exist; a new one is private."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=PRIVATE_FOLDER)
        sync_folder(folder.parent)


def hold(file: BinaryIO | int, name: Path | str) -> None:
    """Keep others of this program off an open file or folder, until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(f"{name} is in use by another backup, restore or copy: wait for it") from None


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Keep others of this program off a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        hold(descriptor, folder)
        yield
    finally:
        os.close(descriptor)

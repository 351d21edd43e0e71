"""Folders: the log of a data folder, read beside a running server, or made where there is none.

data/log.db              the log
data/log.db.unfinished   one that is being restored or copied; `bos` does not look at it
data/views.db            read models of another log, and
data/snapshots.db        folds of it: both are dropped in the step that brings a new one
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from adapters.archive import NotAnArchive, Refused
from adapters.archive.files import handled, make_private_folder, put_in_place
from adapters.archive.logs import LogTarget, StagedLog
from adapters.archive.sources import LogSource, handled_log
from adapters.lock import DataLock
from adapters.sqlite.datastore import translated
from adapters.sqlite.recorder import SqliteRecorder
from adapters.sqlite.schema import migrate

LOG: Final = "log.db"
UNFINISHED: Final = "log.db.unfinished"
DRAWN: Final = ("views.db", "snapshots.db")
OURS: Final = re.compile(r"(log|views|snapshots|sandbox-bank)\.db(\.unfinished)?(-\w+)?")
OURS_TOO: Final = {"lock", "server.json", "keys"}
BESIDE: Final = ("-wal", "-shm")  # what SQLite keeps beside a database


@contextmanager
def folder_source(folder: Path) -> Iterator[LogSource]:
    """Open the log of a data folder to read it; a server may be running on it."""
    with handled(folder):
        there = (folder / LOG).is_file()
    if not there:
        raise NotAnArchive(f"there is no log in {folder}: name the data folder of a business")
    with handled_log(str(folder)):
        recorder = SqliteRecorder(folder / LOG)
    with closing(recorder):
        yield LogSource(recorder, str(folder))


@contextmanager
def folder_target(folder: Path, *, empty_only: bool) -> Iterator[LogTarget]:
    """Open the log of a data folder to write on it, or begin one; nobody else may meanwhile."""
    with handled(folder):
        _survey(folder)
        make_private_folder(folder)
        lock = DataLock(folder)
    try:
        recorder = _with_events(folder)
        if recorder is None:
            recorder = _staged(folder)
            target: LogTarget = StagedFolder(folder, recorder)
        else:
            target = LogTarget(recorder, str(folder))
        with closing(recorder):
            if empty_only and not isinstance(target, StagedFolder):
                raise Refused(
                    f"{folder} has a log already: restore into another folder with --data, or move"
                    " that one away first"
                )
            yield target
    finally:
        lock.release()


class StagedFolder(StagedLog):
    """A log that becomes the one of a data folder."""

    def __init__(self, folder: Path, recorder: SqliteRecorder) -> None:
        """Fill what stands beside its place."""
        super().__init__(recorder, str(folder / UNFINISHED))
        self._folder = folder

    def settle(self) -> None:
        """Drop what was drawn and folded of whatever was here before, and rename."""
        staged = self._folder / UNFINISHED
        _gather(staged)
        with handled(self._folder):
            for name in (*DRAWN, LOG):
                for beside in BESIDE if name == LOG else ("", *BESIDE):
                    (self._folder / f"{name}{beside}").unlink(missing_ok=True)
            put_in_place(staged, self._folder / LOG)


def _survey(folder: Path) -> None:
    """Refuse a folder that holds other things, or the remains of a log."""
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()}
    others = sorted(n for n in names - OURS_TOO if not OURS.fullmatch(n))
    if others and LOG not in names:
        raise Refused(
            f"{folder} is not empty and no data folder (it has {others[0]!r}): name another one"
        )
    if LOG not in names and any(f"{LOG}{beside}" in names for beside in BESIDE):
        raise Refused(
            f"{folder} has {LOG}-wal without {LOG}: these are the last events of a log that was"
            " moved away; put them together again, or move them away too"
        )


def _with_events(folder: Path) -> SqliteRecorder | None:
    """Open the log if there is one with events in it."""
    if not (folder / LOG).exists():
        return None
    with handled_log(str(folder)):
        recorder = SqliteRecorder(folder / LOG)
        if recorder.head():
            return recorder
        recorder.close()
        return None


def _staged(folder: Path) -> SqliteRecorder:
    with handled_log(str(folder)):
        migrate(folder / UNFINISHED)
        return SqliteRecorder(folder / UNFINISHED)


def _gather(path: Path) -> None:
    """Move everything that SQLite keeps beside a database into it."""
    with handled_log(str(path)):
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                (busy, *_frames) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise translated(error) from error
    wal = path.with_name(f"{path.name}-wal")
    if busy or (wal.exists() and wal.stat().st_size):
        raise Refused(f"{path} is open in another program: close it, and run this again")
    for beside in BESIDE:
        path.with_name(f"{path.name}{beside}").unlink(missing_ok=True)

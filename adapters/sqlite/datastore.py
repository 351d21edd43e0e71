"""Connections to the log's file, on the library's pool.

    reading()   one connection, each statement its own snapshot
    writing()   BEGIN IMMEDIATE … COMMIT: the file's writer lock before the first look
    Watcher     polls PRAGMA data_version: wakes this process when another one has written

Every connection says synchronous=FULL: a commit that was acknowledged survives a power cut.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import Final

from msgspec import DecodeError

from adapters.dcb import (
    ConnectionPoolClosedError,
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteDatastore,
)

CONNECTIONS_MAX: Final = 32
STATEMENTS_MAX: Final = 128
POLL_SECONDS: Final = 0.02
PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",  # else INSERT OR REPLACE deletes without a trigger
    "PRAGMA trusted_schema = OFF",
)
ERRORS: Final[dict[str, type[PersistenceError]]] = {
    error.__name__: error
    for error in (
        DatabaseError,
        DataError,
        IntegrityError,
        InterfaceError,
        InternalError,
        NotSupportedError,
        OperationalError,
        ProgrammingError,
    )
}


def translated(error: sqlite3.Error) -> PersistenceError:
    """Return the library's word for an error of SQLite."""
    return ERRORS.get(type(error).__name__, PersistenceError)(str(error))


class LogPool(SQLiteConnectionPool):
    """The library's pool, with connections that are durable and remember their statements."""

    def _create_connection(self) -> SQLiteConnection:
        # Not the library's: it asks for a cache of one statement, so that each is parsed each time.
        try:
            connection = sqlite3.connect(
                self.db_name,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=STATEMENTS_MAX,
                timeout=self.lock_timeout or 0,
            )
            for pragma in PRAGMAS:
                connection.execute(pragma)
        except sqlite3.Error as error:
            raise translated(error) from error
        return SQLiteConnection(connection, max_age=self.max_age)


class LogDatastore(SQLiteDatastore):
    """The library's datastore, with a writer lock that is taken before anything is looked at."""

    def __init__(self, path: str, *, busy_timeout_seconds: int) -> None:
        """Prepare to connect; nothing is opened yet."""
        super().__init__(path)
        self.pool = LogPool(
            db_name=path,
            lock_timeout=busy_timeout_seconds,
            pool_size=CONNECTIONS_MAX,
            max_overflow=0,
            pool_timeout=busy_timeout_seconds,
        )
        self._turn = Lock()
        self._writer: SQLiteConnection | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        """Lend a cursor outside any transaction."""
        connection = self._connection()
        try:
            with _cursor(connection) as cursor:
                yield cursor
        finally:
            with suppress(ConnectionPoolClosedError):
                self.pool.put_connection(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Cursor]:
        """Lend a cursor that holds the writer lock; commit, or leave everything as it was.

        An error at the commit itself is an OperationalError: whether it was written is unknown.
        """
        with self._turn:
            # Always the same connection: what it wrote stays in its cache, others read it anew.
            self._writer = self._writer or self._connection()
            with _cursor(self._writer) as cursor:
                if cursor.connection.in_transaction:  # of a thread that was interrupted
                    cursor.execute("ROLLBACK")
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    yield cursor
                    _commit(cursor)
                finally:
                    if cursor.connection.in_transaction:
                        cursor.execute("ROLLBACK")

    def _connection(self) -> SQLiteConnection:
        try:
            return self.pool.get_connection()
        except ConnectionPoolClosedError as closed:
            raise InterfaceError("this log was closed") from closed


@contextmanager
def _cursor(connection: SQLiteConnection) -> Iterator[sqlite3.Cursor]:
    try:
        with connection.cursor() as cursor:
            yield cursor
    except sqlite3.Error as error:
        raise translated(error) from error
    except DecodeError as error:
        raise DatabaseError(f"a stored row is damaged: {error}") from error


def _commit(cursor: sqlite3.Cursor) -> None:
    try:
        cursor.execute("COMMIT")
    except sqlite3.Error as error:
        raise OperationalError(f"whether this was written is unknown: {error}") from error


class Watcher(Thread):
    """Rings when any connection, of any process, has written to the file."""

    def __init__(self, path: str, ring: Callable[[], None]) -> None:
        """Prepare; `start` begins to watch."""
        super().__init__(name="sqlite-watcher", daemon=True)
        self._path = path
        self._ring = ring
        self._stopped = Event()

    def run(self) -> None:
        """Poll until stopped; a file that cannot be read any more is somebody else's alarm."""
        try:
            connection = sqlite3.connect(self._path, isolation_level=None)
        except sqlite3.Error:
            return
        seen = None
        try:
            while not self._stopped.wait(POLL_SECONDS if seen else 0):
                (version,) = connection.execute("PRAGMA data_version").fetchone()
                if version != seen:
                    seen = version
                    self._ring()
        except sqlite3.Error:
            self._ring()
        finally:
            connection.close()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self.join()

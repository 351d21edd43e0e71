"""The shape of the log in SQLite, and the only place that makes it.

migrate(path)    creates or upgrades under the file's writer lock; again is a no-op
check(cursor)    NotMigrated or SchemaTooNew, else nothing

events ──trigger──► event_tags      the index says what the row says, nothing more or less
UPDATE, DELETE, REPLACE, a hole, a used id: refused by triggers, whoever asks
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from adapters.dcb import NotSupportedError, check_version
from adapters.sqlite.datastore import PRAGMAS, translated

SQLITE_MIN: Final = (3, 38)  # strict tables, json_each
LOCK_TIMEOUT_SECONDS: Final = 30.0

VERSION_1: Final = """
CREATE TABLE events (
    position INTEGER PRIMARY KEY CHECK (position > 0),
    id TEXT UNIQUE,
    type TEXT NOT NULL CHECK (type <> ''),
    schema_version INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT NOT NULL,
    tags TEXT NOT NULL,
    data BLOB NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX events_by_type ON events (type, position);

CREATE TABLE event_tags (
    tag TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tag, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER events_are_dense BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'the next event stands right after the last one'); END;

CREATE TRIGGER events_have_ids_of_their_own BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'this event id is used'); END;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER events_are_found_by_tag AFTER INSERT ON events
BEGIN
    INSERT INTO event_tags SELECT DISTINCT value, NEW.position FROM json_each(NEW.tags);
END;

CREATE TRIGGER event_tags_say_what_events_say BEFORE INSERT ON event_tags
WHEN NOT EXISTS (
    SELECT 1 FROM events JOIN json_each(events.tags) AS stored
    WHERE events.position = NEW.position AND stored.value = NEW.tag
)
BEGIN SELECT RAISE(ABORT, 'no such tag on this event'); END;

CREATE TRIGGER event_tags_are_never_changed BEFORE UPDATE ON event_tags
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER event_tags_are_never_deleted BEFORE DELETE ON event_tags
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"""
STEPS: Final = (VERSION_1,)  # step n leads to version n; a step that shipped is never edited
VERSION: Final = len(STEPS)


def migrate(path: str | Path) -> int:
    """Create or upgrade the log in this file, and return its version; events are not touched."""
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        raise NotSupportedError(f"SQLite {sqlite3.sqlite_version} is too old for strict tables")
    with _locked(str(path)) as connection:
        stored = _stored_version(connection.cursor())
        if stored > VERSION:
            check_version(stored, VERSION)
        if stored == 0:
            connection.execute(
                "CREATE TABLE schema_version (version INTEGER PRIMARY KEY,"
                " migrated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT"
            )
        for version, step in enumerate(STEPS[stored:], stored + 1):
            for statement in _statements(step):
                connection.execute(statement)
            connection.execute("INSERT INTO schema_version (version) VALUES (?)", (version,))
    return VERSION


def check(cursor: sqlite3.Cursor) -> None:
    """Refuse a database that this code should not use."""
    check_version(_stored_version(cursor), VERSION)


def _stored_version(cursor: sqlite3.Cursor) -> int:
    """Return 0 where there is no log yet."""
    query = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'"
    if not cursor.execute(query).fetchone():
        return 0
    (version,) = cursor.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()
    return int(version)


def _statements(script: str) -> Iterator[str]:
    """Split a script; `executescript` would commit the transaction that holds the lock."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def _locked(path: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(
            sqlite3.connect(path, isolation_level=None, timeout=LOCK_TIMEOUT_SECONDS)
        ) as connection:
            _use_wal(connection)
            for pragma in PRAGMAS:
                connection.execute(pragma)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise translated(error) from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; SQLite does not wait for its lock here, so this does."""
    until = monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if monotonic() > until:
                raise
            sleep(0.01)
        else:
            return

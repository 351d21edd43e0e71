"""Databases: the log in PostgreSQL, read page by page, or made where there is none.

    bos              the log's schema
    bos_unfinished   one that is being restored or copied; `finish` renames it, in one transaction,
                     and drops the read models of whatever was here before

To make a log takes the role that migrates: `bos_migrator`, or the owner of the database.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic, sleep
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from adapters.archive import NotAnArchive, Refused
from adapters.archive.logs import LogTarget, StagedLog
from adapters.archive.sources import LogSource, handled_log
from adapters.dcb import NotMigrated
from adapters.postgres.recorder import PostgresRecorder
from adapters.postgres.schema import SCHEMA, migrate
from adapters.views.schema import migrate as migrate_views
from domain.ports import StoreUnavailable

NAME: Final = "the database"  # never its address, which may hold a password
UNFINISHED: Final = f"{SCHEMA}_unfinished"
CONNECT_TIMEOUT_SECONDS: Final = 10
LOCK_TIMEOUT_SECONDS: Final = 30
LOCK: Final = 4_346_707  # the log's; its second half is 0 for migrations, else a table
CARRYING: Final = 1  # no table has this oid
LEAVING_SECONDS: Final = 2.0
LOOK_AGAIN_SECONDS: Final = 0.1

# The functions remember the schema that they were made in.
AT_HOME: Final = """
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT p.oid FROM pg_proc p WHERE p.pronamespace = '{schema}'::regnamespace
            AND EXISTS (SELECT FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=%')
    LOOP
        EXECUTE format('ALTER ROUTINE %s SET search_path TO {schema}, pg_temp', routine);
    END LOOP;
END $$
"""


@contextmanager
def database_source(url: str) -> Iterator[LogSource]:
    """Open the log of a database to read it; servers may be running on it."""
    with _connected(url):
        pass  # the recorder would go on trying for a while
    with handled_log(NAME):
        try:
            recorder = PostgresRecorder(url)
        except NotMigrated as error:
            raise NotAnArchive(f"there is no log in {NAME}: {error}") from error
    with closing(recorder):
        yield LogSource(recorder, NAME)


@contextmanager
def database_target(url: str, *, empty_only: bool, read_models: str) -> Iterator[LogTarget]:
    """Open the log of a database to write on it, or begin one; nothing may run on it."""
    with _alone(url) as connection:
        empty = _is_empty(connection)
        if empty_only and not empty:
            raise Refused(
                f"{NAME} has a log already: restore into an empty one, which BOS_DATABASE_URL names"
            )
        with handled_log(NAME):
            if empty:
                _check_rights(connection)
                migrate(url, schema=UNFINISHED)
            recorder = PostgresRecorder(url, schema=UNFINISHED if empty else SCHEMA)
        with closing(recorder):
            if empty:
                yield StagedDatabase(url, recorder, read_models)
            else:
                yield LogTarget(recorder, NAME)


class StagedDatabase(StagedLog):
    """A log that becomes the one of a database."""

    def __init__(self, url: str, recorder: PostgresRecorder, read_models: str) -> None:
        """Fill what stands beside its place."""
        super().__init__(recorder, NAME)
        self._url = url
        self._read_models = read_models

    def settle(self) -> None:
        """Drop the read models of whatever was here before, and rename."""
        with _connected(self._url) as connection, connection.transaction():
            run = connection.execute
            run(SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_SECONDS * 1000))
            run(SQL("SELECT pg_advisory_xact_lock({}, 0)").format(LOCK))
            if not _is_empty(connection, hold=True):
                raise Refused(f"somebody has begun another log in {NAME} meanwhile")
            for schema in (SCHEMA, self._read_models):
                run(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))
            rename = SQL("ALTER SCHEMA {} RENAME TO {}")
            run(rename.format(Identifier(UNFINISHED), Identifier(SCHEMA)))
            run(AT_HOME.format(schema=SCHEMA).encode())
        migrate_views(self._url, self._read_models)


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        with psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name="bos_archive",
            row_factory=tuple_row,
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise StoreUnavailable(f"{NAME} cannot be used: {error}") from error


@contextmanager
def _alone(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect, and see that nothing else writes: neither one of these, nor a server.

    Whoever has just ended is let go of by the database a moment later.
    """
    with _connected(url) as connection:
        until = monotonic() + LEAVING_SECONDS
        while in_the_way := _in_the_way(connection):
            if monotonic() > until:
                raise Refused(f"{NAME} is in use: {in_the_way}")
            sleep(LOOK_AGAIN_SECONDS)
        yield connection


def _in_the_way(connection: psycopg.Connection[Any]) -> str:
    servers = SQL(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = {}"
    ).format(f"{SCHEMA}_log")
    if number := _first(connection, servers):
        return f"servers are running on it ({number} connections), stop them first"
    take = SQL("SELECT pg_try_advisory_lock({}, {})").format(LOCK, CARRYING)
    if not _first(connection, take):
        return "another restore or copy into it is running, wait for it"
    return ""


def _check_rights(connection: psycopg.Connection[Any]) -> None:
    may = SQL("SELECT has_database_privilege(current_database(), 'CREATE')")
    if not _first(connection, may):
        raise StoreUnavailable(
            f"this role may not make a log in {NAME}: use the address of the role that migrates"
        )


def _is_empty(connection: psycopg.Connection[Any], *, hold: bool = False) -> bool:
    """Say whether there is no event here yet; `hold` lets nobody append before this ends."""
    if _first(connection, SQL("SELECT to_regnamespace({})").format(SCHEMA)) is None:
        return True
    there = SQL("SELECT to_regclass({}) IS NOT NULL AND to_regclass({}) IS NOT NULL")
    tables = (f"{SCHEMA}.events", f"{SCHEMA}.schema_version")
    if not _first(connection, there.format(*tables)):
        raise Refused(f"{NAME} has a schema {SCHEMA} that is no log: rename it, or use another")
    events = Identifier(SCHEMA, "events")
    if hold:
        connection.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(events))
    return not _first(connection, SQL("SELECT EXISTS (SELECT FROM {})").format(events))


def _first(connection: psycopg.Connection[Any], query: Any) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None, "this query answers one row"
    return row[0]

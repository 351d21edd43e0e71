"""Three recorders, opened alike: what the tests of the log share.

kind, address ──make──► a migrated place ──opened──► LogRecorder     also in other processes
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from adapters.dcb import (
    DCBAppendCondition,
    DCBQuery,
    DCBQueryItem,
    IntegrityError,
    LogEvent,
    LogRecorder,
    LogRow,
)
from adapters.memory.recorder import MemoryRecorder
from adapters.postgres.recorder import PostgresRecorder
from adapters.postgres.schema import migrate as migrate_postgres
from adapters.sqlite.recorder import SqliteRecorder
from adapters.sqlite.schema import migrate as migrate_sqlite

POSTGRES: Final = pytest.param("postgres", marks=pytest.mark.postgres)
KINDS: Final = ("memory", "sqlite", POSTGRES)
DATABASES: Final = ("sqlite", POSTGRES)
PATIENCE_SECONDS: Final = 20.0
LAW: Final = "law"


def place(kind: str, request: pytest.FixtureRequest) -> str:
    """Where a log of this kind may be made."""
    if kind == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    folder: Path = request.getfixturevalue("tmp_path")
    return str(folder / "log.db")


def migrated(kind: str, address: str) -> str:
    """Make the log, and say where it is."""
    if kind == "sqlite":
        migrate_sqlite(address)
    elif kind == "postgres":
        migrate_postgres(address)
    return address


def opened(kind: str, address: str, **options: Any) -> LogRecorder:
    """A recorder on a log that was made."""
    if kind == "sqlite":
        return SqliteRecorder(address, **options)
    if kind == "postgres":
        return PostgresRecorder(address, **options)
    return MemoryRecorder()


def event(*tags: str, type: str = "thing.happened", **fields: Any) -> LogEvent:
    return LogEvent(type=type, data=fields.pop("data", b"{}"), tags=list(tags), **fields)


def any_of(*tags: str, after: int) -> DCBAppendCondition:
    """Fail if anything with one of these tags was recorded after a position."""
    return DCBAppendCondition(DCBQuery([DCBQueryItem(tags=[tag]) for tag in tags]), after=after)


def positions(rows: Sequence[LogRow]) -> list[int]:
    return [row.position for row in rows]


def everything(log: LogRecorder) -> list[LogRow]:
    return log.page(0, 1_000_000)


def in_threads(*works: Callable[[], None]) -> None:
    """Run all at once; what any raises is raised here."""
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def in_processes(target: Callable[..., None], *arguments: tuple[Any, ...]) -> None:
    """Run a function of this module in one new process for each tuple of arguments, all at once."""
    context = get_context("spawn")
    processes = [context.Process(target=target, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_SECONDS * 3)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def eventually(true: Callable[[], bool]) -> None:
    until = monotonic() + PATIENCE_SECONDS
    while not true():
        assert monotonic() < until, "this did not come true"
        sleep(0.005)


@contextmanager
def writer_lock(kind: str, log: LogRecorder, address: str) -> Iterator[None]:
    """Hold what every append has to take, from outside the recorder where it is a database."""
    if isinstance(log, MemoryRecorder):
        with log._database_lock:
            yield
    elif kind == "sqlite":
        with closing(sqlite3.connect(address, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
    else:
        with psycopg.connect(address) as connection:
            connection.execute(
                "SELECT pg_advisory_xact_lock(4346707, 'bos.events'::regclass::oid::int)"
            )
            yield


def tamper(kind: str, address: str, *statements: str) -> None:
    """Change stored rows as somebody could who owns the database: the triggers go first."""
    if kind == "sqlite":
        with closing(sqlite3.connect(address, isolation_level=None)) as connection:
            triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            for (name,) in triggers.fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)
    else:
        with psycopg.connect(address) as connection:
            connection.execute("SET search_path TO bos")
            connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
            for statement in statements:
                connection.execute(sql.SQL(statement))


def race(kind: str, address: str, worker: int, appends: int) -> None:
    """Count one tag upwards in competition: each accepted event says what it had read.

    One append in four is unconditional and carries a stop, which none of the others may ignore.
    """
    with closing(opened(kind, address)) as log:
        done = 0
        while done < appends:
            rows, head = log.fetch({"counter": 0, "stop": 0})
            note = f"{worker}:{done}:{len(rows)}:{head}".encode()
            if (worker + done) % 4 == 0:
                log.append([event("stop", data=note, type="stopped")])
                done += 1
                continue
            condition = any_of("counter", "stop", after=head)
            try:
                log.append([event("counter", data=note, id=f"{worker}:{done}")], condition)
            except IntegrityError:
                continue
            done += 1


def append_later(kind: str, address: str, times: int, pause_seconds: float) -> None:
    """Append now and then, each event saying when."""
    with closing(opened(kind, address)) as log:
        for _ in range(times):
            sleep(pause_seconds)
            log.append([event("late", data=str(monotonic()).encode())])


def migrate_again(kind: str, address: str) -> None:
    migrated(kind, address)

"""Promises of the databases to several threads and processes, and when the world breaks."""

import contextlib
import socket
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event, Thread, Timer
from time import monotonic, sleep

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.chain import verify
from adapters.dcb import InterfaceError, LogRecorder, OperationalError
from adapters.postgres.datastore import DeadlineConnection, Listener
from adapters.postgres.recorder import PostgresRecorder
from adapters.sqlite.datastore import Watcher
from adapters.sqlite.recorder import SqliteRecorder
from adapters.sqlite.schema import VERSION
from tests.contracts.recorders import (
    DATABASES,
    PATIENCE_SECONDS,
    any_of,
    append_later,
    event,
    eventually,
    everything,
    in_processes,
    in_threads,
    migrated,
    opened,
    positions,
    race,
    writer_lock,
)

RUNNERS = 8
APPENDS_EACH = 12
WAKE_SECONDS_MAX = 0.1


@pytest.fixture(params=DATABASES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_racing_threads_leave_exactly_what_was_accepted(kind: str, address: str) -> None:
    in_threads(*(partial(race, kind, address, nth, APPENDS_EACH) for nth in range(RUNNERS)))
    assert_fenced(kind, address, RUNNERS)


@pytest.mark.slow
def test_racing_processes_leave_exactly_what_was_accepted(kind: str, address: str) -> None:
    in_processes(race, *((kind, address, nth, APPENDS_EACH) for nth in range(4)))
    assert_fenced(kind, address, 4)


def assert_fenced(kind: str, address: str, runners: int) -> None:
    """Dense, chained, complete; and nothing that a decision had read moved before it was stored."""
    with closing(opened(kind, address)) as log:
        rows = everything(log)
        assert positions(rows) == list(range(1, runners * APPENDS_EACH + 1))
        assert verify(rows) is None
        assert log.fetch({"counter": 0, "stop": 0}) == (rows, len(rows))
    notes = [tuple(map(int, row.data.split(b":"))) for row in rows]
    done = [(worker, nth) for worker, nth, _, _ in notes]
    assert sorted(done) == [(w, n) for w in range(runners) for n in range(APPENDS_EACH)]
    for row, (_, _, seen, head) in zip(rows, notes, strict=True):
        if row.type == "thing.happened":
            assert (seen, head) == (row.position - 1, row.position - 1)


def test_another_process_wakes_a_waiter(kind: str, address: str, log: LogRecorder) -> None:
    times = 5
    writer = Thread(target=in_processes, args=(append_later, (kind, address, times, 0.2)))
    writer.start()
    delays = []
    for nth in range(times):
        assert log.wait(nth, PATIENCE_SECONDS) == nth + 1
        woken = monotonic()  # one clock for all processes of a machine
        row = log.row(nth + 1)
        assert row is not None
        delays.append(woken - float(row.data))
    writer.join()
    assert min(delays) < WAKE_SECONDS_MAX


def test_what_comes_before_the_ear_is_open_is_heard_as_well(
    kind: str, address: str, log: LogRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear: type[Thread] = Watcher if kind == "sqlite" else Listener
    opens = ear.run

    def opens_late(self: Thread) -> None:
        sleep(0.3)
        opens(self)

    monkeypatch.setattr(ear, "run", opens_late)
    monkeypatch.setattr("adapters.dcb.RECHECK_SECONDS", PATIENCE_SECONDS)
    with closing(opened(kind, address)) as other:
        writer = Timer(0.1, other.append, ([event()],))
        writer.start()
        started = monotonic()
        assert log.wait(0, PATIENCE_SECONDS) == 1
        assert monotonic() - started < PATIENCE_SECONDS / 2
        writer.join()


def test_a_busy_log_is_an_error_in_time(kind: str, address: str) -> None:
    options = {"busy_timeout_seconds": 1} if kind == "sqlite" else {"statement_timeout_seconds": 1}
    with closing(opened(kind, address, **options)) as log:
        with writer_lock(kind, log, address), pytest.raises(OperationalError):
            log.append([event("a", id="a:0")])
        assert log.append([event("a", id="a:0")]) == 1


def test_a_lost_answer_is_an_error_and_its_ids_tell(postgres_url: str) -> None:
    """The connection dies while the append waits for its turn; nobody sends it again."""
    migrated("postgres", postgres_url)
    with closing(PostgresRecorder(postgres_url)) as log:

        def append() -> None:
            with pytest.raises(OperationalError):
                log.append([event("a", id="a:0")])

        with writer_lock("postgres", log, postgres_url):
            in_threads(append, lambda: eventually(lambda: terminate(postgres_url, "bos_append_v1")))
        assert log.position_of("a:0") is None
        assert log.append([event("a", id="a:0")]) == 1


def test_an_append_whose_answer_got_lost_has_happened_once(postgres_url: str) -> None:
    migrated("postgres", postgres_url)
    words = conninfo_to_dict(postgres_url)
    with closing(LossyLine(str(words["host"]), int(words["port"] or 0))) as line:
        address = make_conninfo(postgres_url, host="127.0.0.1", port=line.port)
        with (
            closing(PostgresRecorder(address, connections_max=1)) as log,
            closing(PostgresRecorder(postgres_url)) as witness,
        ):
            log.append([event("a", id="a:0")])
            line.loses_next_answer.set()
            with pytest.raises(OperationalError):
                log.append([event("a", id="a:1")], any_of("a", after=1))
            assert witness.head() == 2
            assert log.append([event("a", id="a:1")], any_of("a", after=1)) == 2
            assert log.head() == 2


class LossyLine:
    """A line to a server that can lose the server's next answer, and the connection with it."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._entry = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._entry.getsockname()[1]
        self.loses_next_answer = Event()
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        hang_up(self._entry)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._entry.accept()
                server = socket.create_connection(self._upstream)
                Thread(target=self._carry, args=(client, server, False), daemon=True).start()
                Thread(target=self._carry, args=(server, client, True), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if answers and self.loses_next_answer.is_set():
                    self.loses_next_answer.clear()
                    break
                sink.sendall(data)
        hang_up(sink)
        source.close()


def hang_up(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


def terminate(address: str, query: str) -> bool:
    with psycopg.connect(address, autocommit=True) as connection:
        killed = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
            " datname = current_database() AND pid <> pg_backend_pid() AND query LIKE %s",
            (f"%{query}%",),
        ).fetchone()
    return killed != (0,)


def test_the_listener_comes_back(postgres_url: str) -> None:
    migrated("postgres", postgres_url)
    with closing(opened("postgres", postgres_url)) as log:
        assert log.wait(0, 0.1) == 0
        eventually(lambda: terminate(postgres_url, "LISTEN"))
        waiter = Thread(target=log.append, args=([event()],))
        waiter.start()
        assert log.wait(0, PATIENCE_SECONDS) == 1
        waiter.join()


def test_a_server_that_falls_silent_is_an_error(postgres_url: str) -> None:
    """A deadline of our own: psycopg would wait for as long as the server does not answer."""
    migrated("postgres", postgres_url)
    with closing(PostgresRecorder(postgres_url)) as log:
        started = monotonic()
        with log.datastore.get_connection() as connection:
            assert isinstance(connection, DeadlineConnection)
            connection.deadline_seconds = 0.2
            with pytest.raises(psycopg.OperationalError, match="expired"):
                connection.execute("SELECT pg_sleep(10)")
            assert connection.closed
        assert monotonic() - started < PATIENCE_SECONDS / 4
        assert log.append([event()]) == 1


def test_every_connection_to_the_file_is_durable(tmp_path: Path) -> None:
    address = migrated("sqlite", str(tmp_path / "log.db"))
    with closing(SqliteRecorder(address)) as log:
        with log.datastore.reading() as one, log.datastore.reading() as two:
            for cursor in (one, two):
                settings = [
                    cursor.execute(f"PRAGMA {name}").fetchone()[0]
                    for name in ("synchronous", "journal_mode", "recursive_triggers")
                ]
                assert settings == [2, "wal", 1]
        with pytest.raises(OperationalError), log.datastore.reading() as cursor:
            cursor.execute("no such statement")
        with contextlib.suppress(ZeroDivisionError), log.datastore.writing() as cursor:
            cursor.execute("INSERT INTO schema_version (version) VALUES (7)")
            _ = 1 / 0
        assert log.append([event()]) == 1
    with pytest.raises(InterfaceError, match="closed"):
        log.head()
    with closing(sqlite3.connect(address)) as connection:
        assert connection.execute("SELECT max(version) FROM schema_version").fetchone() == (
            VERSION,
        )

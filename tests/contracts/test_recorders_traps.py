"""What others' logs do when nobody looks, each shown not to be so with ours."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Thread
from time import sleep

import psycopg
import pytest

from adapters.admission import GroupRecorder, admit
from adapters.chain import verify
from adapters.dcb import DCBQuery, DCBQueryItem, LogRecorder
from adapters.sqlite.recorder import SqliteRecorder
from tests.contracts.recorders import (
    DATABASES,
    PATIENCE_SECONDS,
    any_of,
    event,
    everything,
    in_threads,
    migrated,
    opened,
    positions,
    tamper,
)

WRITERS = 6
APPENDS_EACH = 40


@pytest.fixture(params=DATABASES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_reader_never_sees_a_hole(kind: str, address: str) -> None:
    """Positions from a sequence become visible out of order, and who reads on misses some."""
    seen, reads, done = list[int](), list[int](), list[int]()

    def write(worker: int) -> None:
        with closing(opened(kind, address)) as log:
            for nth in range(APPENDS_EACH):
                batch = [event("a") for _ in range(1 + nth % 3)]
                log.append(batch, None if nth % 2 else any_of(f"w:{worker}", after=0))
        done.append(worker)

    def read() -> None:
        with closing(opened(kind, address)) as log:
            while len(done) < WRITERS or log.head() > len(seen):
                upto = log.head()
                fetched, head = log.fetch({"a": len(seen)})
                assert positions(fetched) == [*range(len(seen) + 1, head + 1)]
                assert head >= upto
                page = log.page(len(seen), 10_000)
                seen.extend(positions(page))
                reads.append(len(page))

    in_threads(read, *(partial(write, worker) for worker in range(WRITERS)))
    assert seen == [*range(1, len(seen) + 1)]
    assert len(seen) >= WRITERS * APPENDS_EACH
    assert sum(map(bool, reads)) > 5, "the reader came too late to see anything"


def test_half_a_megabyte_hangs_nobody(log: LogRecorder) -> None:
    """One event, a batch, and a group of several: no save is a pipeline that waits for itself."""
    assert isinstance(log, GroupRecorder)
    large = bytes(range(256)) * 2_400
    assert log.append([event("a", data=large)]) == 1
    assert log.append([event("a", data=large) for _ in range(3)], any_of("a", after=1)) == 4
    group = [admit([event(f"g:{nth}", data=large)], any_of("a", after=4)) for nth in range(6)]
    assert log.append_group(group) == [*range(5, 11)]
    assert {row.data for row in everything(log)} == {large}


def test_an_append_waits_for_another_writer_and_follows_it(tmp_path: Path) -> None:
    """A transaction that began with a look fails at once when another one has written since."""
    address = migrated("sqlite", str(tmp_path / "log.db"))
    with (
        closing(SqliteRecorder(address)) as log,
        closing(sqlite3.connect(address, isolation_level=None)) as other,
    ):
        log.append([event()])
        outcomes = list[int]()
        thread = Thread(target=lambda: outcomes.append(log.append([event("mine")])))
        other.execute("BEGIN IMMEDIATE")
        thread.start()
        sleep(0.2)
        other.execute(
            "INSERT INTO events VALUES (2, 'x', 't', 1, 0, '', '', '', '[]', x'', zeroblob(32))"
        )
        other.execute("COMMIT")
        thread.join(PATIENCE_SECONDS)
        assert outcomes == [3]


def test_vacuum_moves_no_event(tmp_path: Path) -> None:
    """Not even behind a hole, where rows without a number of their own are counted anew."""
    address = migrated("sqlite", str(tmp_path / "log.db"))
    with closing(SqliteRecorder(address)) as log:
        log.append([event("a", id=f"a:{nth}") for nth in range(5)])
        before = everything(log)
    tamper("sqlite", address, "DELETE FROM events WHERE position = 2")
    with closing(sqlite3.connect(address, isolation_level=None)) as other:
        other.execute("VACUUM")
    with closing(SqliteRecorder(address)) as log:
        assert everything(log) == [before[0], *before[2:]]
        assert log.fetch({"a": 2})[0] == before[2:]
        assert verify(everything(log)) == 2


FORBID_DDL = """
CREATE FUNCTION public.no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'DDL outside of migrate: %', tg_tag; END $$;
CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION public.no_ddl();
"""


def use(kind: str, address: str, worker: int) -> None:
    """Everything that a worker does from its start to its end."""
    with closing(opened(kind, address)) as log:
        log.append([event(f"w:{worker}")], any_of(f"w:{worker}", after=0))
        log.fetch({f"w:{worker}": 0})
        list(log.read(DCBQuery([DCBQueryItem(types=["thing.happened"])])))
        log.wait(0, 0.1)


def test_workers_that_start_together_change_no_schema(kind: str, address: str) -> None:
    """DDL at start-up fails with "tuple concurrently updated"; ours is done by `bos migrate`."""
    if kind == "postgres":
        with psycopg.connect(address) as owner:
            owner.execute(FORBID_DDL.encode())
        with (
            psycopg.connect(address) as owner,
            pytest.raises(psycopg.errors.RaiseException, match="DDL outside"),
        ):
            owner.execute("CREATE TABLE public.proof ()")
    before = schema_cookie(address) if kind == "sqlite" else 0
    in_threads(*(partial(use, kind, address, worker) for worker in range(WRITERS)))
    assert before == (schema_cookie(address) if kind == "sqlite" else 0)


def schema_cookie(address: str) -> int:
    """Return the number that SQLite raises with each change of the schema."""
    with closing(sqlite3.connect(address)) as connection:
        return int(connection.execute("PRAGMA schema_version").fetchone()[0])

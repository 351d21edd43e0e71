"""Promises of the databases: how they begin, what they refuse, what they show."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.admission import admit
from adapters.chain import verify
from adapters.dcb import (
    DatabaseError,
    DCBQuery,
    DCBQueryItem,
    IntegrityError,
    LogRecorder,
    NotMigrated,
    SchemaTooNew,
)
from adapters.postgres import schema as postgres_schema
from adapters.postgres.recorder import PostgresRecorder
from adapters.sqlite import schema as sqlite_schema
from adapters.sqlite.matching import matching
from adapters.sqlite.recorder import SqliteRecorder
from tests.contracts.recorders import (
    DATABASES,
    any_of,
    event,
    everything,
    in_processes,
    migrate_again,
    migrated,
    opened,
    place,
    tamper,
)

VERSIONS = {
    "sqlite": [*range(1, sqlite_schema.VERSION + 1)],
    "postgres": [*range(1, postgres_schema.VERSION + 1)],
}


@pytest.fixture(params=DATABASES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bare(kind: str, request: pytest.FixtureRequest) -> str:
    """A place where nothing has been made yet."""
    return place(kind, request)


@pytest.fixture
def address(kind: str, bare: str) -> str:
    return migrated(kind, bare)


def execute(kind: str, address: str, statement: str) -> None:
    """Run a statement as the owner of everything, with all triggers in place."""
    if kind == "sqlite":
        with closing(sqlite3.connect(address, isolation_level=None)) as connection:
            connection.execute(statement)
    else:
        with psycopg.connect(address) as connection:
            connection.execute("SET search_path TO bos")
            connection.execute(statement.encode())


def version(kind: str, address: str) -> list[int]:
    table = "schema_version" if kind == "sqlite" else "bos.schema_version"
    connect: Callable[[str], Any] = sqlite3.connect if kind == "sqlite" else psycopg.connect
    with closing(connect(address)) as connection:
        return [row[0] for row in connection.execute(f"SELECT version FROM {table}").fetchall()]


def test_a_place_that_was_not_migrated_is_refused(kind: str, bare: str) -> None:
    with pytest.raises(NotMigrated, match="bos migrate"):
        opened(kind, bare)
    assert kind != "sqlite" or not Path(bare).exists()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.db").touch()
    with pytest.raises(NotMigrated, match="bos migrate"):
        opened("sqlite", str(tmp_path / "log.db"))


def test_a_place_that_newer_code_has_migrated_is_refused(kind: str, address: str) -> None:
    execute(kind, address, "INSERT INTO schema_version (version) VALUES (99)")
    with pytest.raises(SchemaTooNew, match="upgrade"):
        opened(kind, address)
    with pytest.raises(SchemaTooNew, match="upgrade"):
        migrated(kind, address)


def test_migrating_again_changes_nothing(kind: str, address: str, log: LogRecorder) -> None:
    log.append([event("a")])
    before = everything(log)
    migrated(kind, address)
    assert everything(log) == before
    assert version(kind, address) == VERSIONS[kind]
    assert log.append([event("b")]) == 2


def test_several_processes_may_migrate_at_once(kind: str, bare: str) -> None:
    in_processes(migrate_again, *[(kind, bare)] * 4)
    assert version(kind, bare) == VERSIONS[kind]
    with closing(opened(kind, bare)) as log:
        assert log.append([event("a")]) == 1


def test_a_log_of_the_first_version_is_upgraded(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made and written as the first release did; then refused, migrated, and gone on with."""
    with monkeypatch.context() as first_release:
        first_release.setattr(postgres_schema, "STEPS", postgres_schema.STEPS[:1])
        for module in ("schema", "recorder"):
            first_release.setattr(f"adapters.postgres.{module}.VERSION", 1)
        migrated("postgres", postgres_url)
        assert version("postgres", postgres_url) == [1]
        with closing(PostgresRecorder(postgres_url)) as log:
            log.append([event("a", id="a:0"), event("a", id="a:1")], any_of("a", after=0))
            before = everything(log)
    with pytest.raises(NotMigrated, match="schema 1"):
        opened("postgres", postgres_url)
    migrated("postgres", postgres_url)
    assert version("postgres", postgres_url) == VERSIONS["postgres"]
    with closing(PostgresRecorder(postgres_url)) as log:
        outcomes = log.append_group(
            [
                admit([event("a", id="a:0"), event("a", id="a:1")], None),
                admit([event("a")], any_of("a", after=1)),
                admit([event("b")], any_of("a", after=2)),
            ]
        )
        assert (outcomes[0], type(outcomes[1]), outcomes[2]) == (2, IntegrityError, 3)
        assert everything(log)[:2] == before
        assert verify(everything(log)) is None


@pytest.mark.parametrize("tags", [["rare", "broad"], ["broad", "rare"]])
@pytest.mark.parametrize("types", [[], ["thing.happened"]])
def test_the_rarest_tag_leads(
    kind: str, log: LogRecorder, tags: list[str], types: list[str]
) -> None:
    """However broad the others are. Rows and steps are counted, not milliseconds."""
    for _ in range(5):
        log.append([event("broad") for _ in range(1_000)])
        log.append([event("broad", "rare")])
    query = DCBQuery([DCBQueryItem(types=types, tags=tags)])
    assert len(list(log.read(query))) == 5
    if isinstance(log, SqliteRecorder):
        assert steps_of_sqlite(log, query) < 20_000
    elif isinstance(log, PostgresRecorder):
        assert rows_of_postgres(log, query) < 20


def steps_of_sqlite(log: SqliteRecorder, query: DCBQuery) -> int:
    """How many instructions of SQLite's machine a query takes, in hundreds."""
    steps = []
    with log.datastore.reading() as cursor:
        cursor.connection.set_progress_handler(lambda: steps.append(100), 100)
        cursor.execute(*matching(cursor, query, 0, None)).fetchall()
        cursor.connection.set_progress_handler(None, 0)
    return sum(steps)


def rows_of_postgres(log: PostgresRecorder, query: DCBQuery) -> int:
    """How many rows of events a query fetches; no table may be read through."""
    with log.datastore.transaction() as cursor:
        items = [{"types": item.types, "tags": item.tags} for item in query.items]
        cursor.execute("SELECT bos_match_v1(%s::jsonb, 0, NULL)", (json.dumps(items),))
        cursor.execute("SELECT * FROM pg_stat_xact_user_tables WHERE schemaname = 'bos'")
        seen = {row["relname"]: row for row in cursor.fetchall()}
    assert [seen[table]["seq_scan"] for table in ("events", "event_tags")] == [0, 0]
    return int(seen["events"]["idx_tup_fetch"])


REFUSED = [
    "UPDATE events SET type = 'other'",
    "UPDATE event_tags SET tag = 'other'",
    "DELETE FROM events WHERE position = 2",
    "DELETE FROM event_tags",
]
ROW = "'t', 1, 0, '', '', '', '[]', x'', zeroblob(32)"
REFUSED_BY_SQLITE = [
    f"INSERT OR REPLACE INTO events VALUES (1, 'new', {ROW})",
    f"INSERT OR REPLACE INTO events VALUES (3, 'a:0', {ROW})",
    f"INSERT INTO events VALUES (4, 'new', {ROW})",
    "INSERT INTO event_tags VALUES ('forged', 1)",
]
REFUSED_BY_POSTGRES = [
    "UPDATE events SET type = 'other' WHERE position = 99",
    "TRUNCATE events",
    "TRUNCATE event_tags",
    "INSERT INTO events SELECT * FROM events WHERE position = 1"
    " ON CONFLICT (position) DO UPDATE SET type = 'other'",
    "SET session_replication_role = replica; DELETE FROM events",
]


def test_nobody_changes_the_log(kind: str, address: str, log: LogRecorder) -> None:
    log.append([event("a", id="a:0"), event("a", id="a:1")])
    before = everything(log)
    for statement in (*REFUSED, *(REFUSED_BY_SQLITE if kind == "sqlite" else REFUSED_BY_POSTGRES)):
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.InsufficientPrivilege)):
            execute(kind, address, statement)
        assert everything(log) == before
        assert log.fetch({"a": 0, "forged": 0}) == (before, 2)
    assert log.append([event("b")]) == 3


EDITS = [
    *(
        f"UPDATE events SET {change} WHERE position = 3"
        for change in (
            "id = 'other'",
            "id = NULL",
            "type = 'other'",
            "schema_version = 2",
            "occurred_at = 1",
            "actor = 'other'",
            "correlation_id = 'other'",
            "causation_id = 'other'",
            "hash = (SELECT hash FROM events WHERE position = 4)",
            # one character moves from one column into the next
            "actor = 'some', correlation_id = 'onewhy'",
        )
    ),
    "DELETE FROM events WHERE position = 3",
    "DELETE FROM events WHERE position = 3; UPDATE events SET position = 3 WHERE position = 6",
    "UPDATE events SET position = 99 WHERE position = 3;"
    " UPDATE events SET position = 3 WHERE position = 4;"
    " UPDATE events SET position = 4 WHERE position = 99",
]
EDITS_OF_SQLITE = [
    'UPDATE events SET tags = \'["x","y"]\' WHERE position = 3',
    "UPDATE events SET tags = '[\"xy\"]' WHERE position = 3",
    "UPDATE events SET tags = '[]' WHERE position = 3",
    "UPDATE events SET data = x'00' WHERE position = 3",
]
EDITS_OF_POSTGRES = [
    "UPDATE events SET tags = '{x,y}' WHERE position = 3",
    "UPDATE events SET tags = '{xy}' WHERE position = 3",
    "UPDATE events SET tags = '{}' WHERE position = 3",
    "UPDATE events SET data = '\\x00' WHERE position = 3",
]


def shows(kind: str, address: str, edit: str) -> None:
    with closing(opened(kind, address)) as log:
        for nth in range(6):
            log.append([event("x", "z", id=f"e:{nth}", actor="someone", correlation_id="why")])
        assert verify(everything(log)) is None
        tamper(kind, address, *edit.split("; "))
        assert verify(everything(log)) == 3


@pytest.mark.parametrize("edit", EDITS)
def test_the_chain_shows_what_was_changed_behind_its_back(
    kind: str, address: str, edit: str
) -> None:
    shows(kind, address, edit)


@pytest.mark.parametrize("edit", EDITS_OF_SQLITE)
def test_the_chain_shows_it_in_columns_of_sqlite(tmp_path: Path, edit: str) -> None:
    shows("sqlite", migrated("sqlite", str(tmp_path / "log.db")), edit)


def test_a_damaged_row_is_an_error_with_a_name(tmp_path: Path) -> None:
    address = migrated("sqlite", str(tmp_path / "log.db"))
    with closing(opened("sqlite", address)) as log:
        log.append([event("a")])
        tamper("sqlite", address, "UPDATE events SET tags = '[1'")
        with pytest.raises(DatabaseError, match="damaged"):
            everything(log)


@pytest.mark.parametrize("edit", EDITS_OF_POSTGRES)
def test_the_chain_shows_it_in_columns_of_postgres(postgres_url: str, edit: str) -> None:
    shows("postgres", migrated("postgres", postgres_url), edit)

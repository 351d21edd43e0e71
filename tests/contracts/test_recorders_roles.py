"""Who may do what in PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from adapters.admission import admit
from adapters.dcb import IntegrityError, LogRecorder, ProgrammingError
from adapters.postgres.recorder import PostgresRecorder
from adapters.postgres.schema import VERSION, migrate
from tests.contracts.recorders import any_of, event, everything

FORBIDDEN = [
    "INSERT INTO events SELECT 2, 'x', type, 1, 0, '', '', '', tags, data, hash FROM events",
    "INSERT INTO event_tags VALUES ('forged', 1)",
    "UPDATE events SET type = 'other'",
    "DELETE FROM events",
    "TRUNCATE events",
    "SELECT 1 FROM events FOR UPDATE",
    "SELECT 1 FROM events FOR SHARE",
    "LOCK TABLE events IN EXCLUSIVE MODE",
    "ALTER TABLE events DISABLE TRIGGER USER",
    "DROP TABLE event_tags",
    "CREATE TABLE bos.mine (x int)",
    "CREATE FUNCTION bos.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "UPDATE schema_version SET version = 0",
    "SET ROLE bos_owner",
]


def acting_as(url: str, role: str) -> str:
    return f"{url}?options={quote(f'-crole={role}')}"


@contextmanager
def own_login(url: str, role: str) -> Iterator[psycopg.Connection[Any]]:
    """A session that is a member of this role alone; a superuser's might become anybody."""
    name, password = f"bos_test_{token_hex(4)}", token_hex(8)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE {role}")
        try:
            with psycopg.connect(url, user=name, password=password) as connection:
                yield connection
        finally:
            owner.execute(f"DROP ROLE {name}")


@pytest.fixture
def address(postgres_url: str) -> str:
    migrate(postgres_url)
    return postgres_url


@pytest.fixture
def log(address: str) -> Iterator[LogRecorder]:
    with closing(PostgresRecorder(acting_as(address, "bos_app"))) as recorder:
        yield recorder


def test_the_application_can_do_its_work(log: LogRecorder) -> None:
    assert log.append([event("a", id="a:0")]) == 1
    assert log.append([event("a")], any_of("a", after=1)) == 2
    with pytest.raises(IntegrityError):
        log.append([event("a")], any_of("a", after=1))
    assert isinstance(log, PostgresRecorder)
    assert log.append_group([admit([event("b")], None)] * 2) == [3, 4]
    assert log.fetch({"a": 0}) == (everything(log)[:2], 4)
    assert len(list(log.read())) == 4
    assert log.wait(1, 0.1) == 4


@pytest.mark.parametrize("role", ["bos_app", "bos_reader"])
def test_neither_the_application_nor_a_reader_can_do_more(
    address: str, log: LogRecorder, role: str
) -> None:
    log.append([event("a", id="a:0")])
    before = everything(log)
    with own_login(address, role) as connection:
        for statement in FORBIDDEN:
            connection.execute("SET search_path TO bos")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
            connection.rollback()
    assert everything(log) == before


def test_a_reader_reads_but_cannot_append(address: str, log: LogRecorder) -> None:
    log.append([event("a")])
    with closing(PostgresRecorder(acting_as(address, "bos_reader"))) as reader:
        assert everything(reader) == everything(log)
        assert len(list(reader.read())) == 1
        with pytest.raises(ProgrammingError, match="permission denied"):
            reader.append([event("a")])
        with pytest.raises(ProgrammingError, match="permission denied"):
            reader.append_group([admit([event("a")], None)] * 2)


def test_the_migrator_becomes_the_owner_and_needs_nothing_else(address: str) -> None:
    migrator = acting_as(address, "bos_migrator")
    assert migrate(migrator) == VERSION
    with psycopg.connect(migrator) as connection, pytest.raises(psycopg.Error):
        connection.execute("DELETE FROM bos.events")
    with psycopg.connect(address) as connection:
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'bos'"
            " UNION SELECT proowner::regrole::text FROM pg_proc"
            " WHERE pronamespace = 'bos'::regnamespace"
        ).fetchall()
        can_login = connection.execute(
            "SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname LIKE 'bos\\_%'"
            " ORDER BY rolname"
        ).fetchall()
    assert owners == [("bos_owner",)]
    assert can_login == [
        ("bos_app", True, False),
        ("bos_migrator", True, False),
        ("bos_owner", False, False),
        ("bos_reader", True, False),
    ]


def test_two_logs_may_share_a_database(address: str) -> None:
    migrate(address, schema="second log")
    with (
        closing(PostgresRecorder(address)) as first,
        closing(PostgresRecorder(address, schema="second log")) as second,
    ):
        first.append([event("a", id="a:0")])
        assert second.append([event("a", id="a:0")], any_of("a", after=0)) == 1
        assert second.append([event("a")]) == 2
        assert first.head() == 1
        assert second.wait(1, 0.1) == 2

"""Register: which editions of read models there are, what they could not draw, who is at work.

view_editions        view, fingerprint, columns, table_name, status, position, hash, degraded
    live      readers see it                        <view>__<random>, a name never used again
    building  being drawn beside it                 kept: the one before, for a rollback
projection_failures  table_name, view, position, event_type, error, at, tries
view_leases          work, holder, until
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Engine,
    Index,
    MetaData,
    Table,
    Text,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.schema import CreateTable

from adapters.views.columns import sql_column
from domain.ports import NotStorable, StoreUnavailable
from domain.view_store import Column, Edition, Failure, Shape

PREPARE_LOCK: Final = 4_346_708
COLUMNS: Final = msgspec.json.Decoder(tuple[Column, ...])


class Register:
    """The editions of a database of read models, and the tables that hold them."""

    def __init__(self, engine: Engine, *, schema: str | None = None) -> None:
        """Use a database; `prepare` must have been run on it once."""
        self._engine = engine
        self._tables: dict[str, Table] = {}
        self._drawn_in: dict[str, Shape] = {}
        self._schema = schema
        metadata = MetaData(schema=schema)
        self._register = Table(
            "view_editions",
            metadata,
            SqlColumn("view", Text, nullable=False),
            SqlColumn("fingerprint", Text, nullable=False),
            SqlColumn("table_name", Text, primary_key=True),
            SqlColumn("status", Text, nullable=False),
            SqlColumn("position", BigInteger, nullable=False),
            *(SqlColumn(name, Text, nullable=False, server_default="") for name in ADDED),
        )
        self._failures = Table(
            "projection_failures",
            metadata,
            SqlColumn("table_name", Text, primary_key=True),
            SqlColumn("position", BigInteger, primary_key=True, autoincrement=False),
            SqlColumn("view", Text, nullable=False),
            SqlColumn("event_type", Text, nullable=False),
            SqlColumn("error", Text, nullable=False),
            SqlColumn("at", BigInteger, nullable=False),
            SqlColumn("tries", BigInteger, nullable=False),
        )
        self._leases = Table(
            "view_leases",
            metadata,
            SqlColumn("work", Text, primary_key=True),
            SqlColumn("holder", Text, nullable=False),
            SqlColumn("until", BigInteger, nullable=False),
        )
        self._shapes: dict[str, Shape] = {}
        register = self._register.c
        self._editions = select(  # made once: every read begins with it
            register.view,
            register.fingerprint,
            register.table_name,
            register.status,
            register.position,
            register.hash,
            register.degraded,
        )
        self._live_editions = self._editions.where(register.status == "live")
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _tune_sqlite)

    def prepare(self, shapes: Sequence[Shape]) -> None:
        """Create the register, and learn the shapes that this program draws.

        Several programs may do so at once.
        """
        self._shapes = {shape.name: shape for shape in shapes}
        with self._transaction() as connection:
            if self._schema is not None:
                _prepare_schema(connection, self._schema)
            for table in (self._register, self._failures, self._leases):
                connection.execute(CreateTable(table, if_not_exists=True))
            self._add_columns(connection)

    def _add_columns(self, connection: Connection) -> None:
        """Bring a register that an earlier program made up to date, one program at a time."""
        register = self._register
        connection.execute(register.update().where(text("1 = 0")).values(position=0))
        there = inspect(connection).get_columns(register.name, schema=self._schema)
        for name in ADDED.difference(column["name"] for column in there):
            added = f"ADD COLUMN {name} TEXT NOT NULL DEFAULT ''"
            connection.exec_driver_sql(f"ALTER TABLE {register.fullname} {added}")

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def live(self, name: str) -> Edition | None:
        """Return the edition that readers see, or None if the view was never drawn."""
        with self._transaction() as connection:
            return self._live(connection, name)

    def lives(self) -> Mapping[str, Edition]:
        """Return the editions that readers see, by the name of their view."""
        with self._transaction() as connection:
            found = connection.execute(self._live_editions).all()
            return {row.view: self._edition(connection, row) for row in found}

    def editions(self) -> Sequence[Edition]:
        """Return every edition there is: live, building and kept."""
        with self._transaction() as connection:
            found = connection.execute(self._editions).all()
            return [self._edition(connection, row) for row in found]

    def positions(self) -> Mapping[str, int]:
        """Return the position that each view has reached; one that was never drawn is missing."""
        with self._transaction() as connection:
            return {row.view: row.position for row in connection.execute(self._live_editions)}

    def failures(self) -> Sequence[Failure]:
        """Return what the live editions, and those being built, could not draw."""
        failures, register = self._failures.c, self._register.c
        wanted = (
            select(self._failures)
            .join(self._register, register.table_name == failures.table_name)
            .where(register.status != "kept")
            .order_by(failures.view, failures.position)
        )
        with self._transaction() as connection:
            return [
                Failure(row.view, row.position, row.event_type, row.error, row.at, row.tries)
                for row in connection.execute(wanted)
            ]

    def _live(self, connection: Connection, name: str) -> Edition | None:
        wanted = self._live_editions.where(self._register.c.view == name)
        row = connection.execute(wanted).first()
        return None if row is None else self._edition(connection, row)

    def _edition(self, connection: Connection, row: Any) -> Edition:
        shape = self._shape(connection, row.view, row.fingerprint, row.table_name)
        return Edition(shape, row.table_name, row.status, row.position, row.hash, row.degraded)

    def _shape(self, connection: Connection, name: str, fingerprint: str, table: str) -> Shape:
        """Return the shape that an edition was drawn in, which need not be this program's."""
        ours = self._shapes.get(name)
        if ours is not None and ours.fingerprint == fingerprint:
            return ours
        if table not in self._drawn_in:
            register = self._register.c
            wanted = select(register.columns).where(register.table_name == table)
            columns = connection.scalar(wanted)
            told = COLUMNS.decode(columns) if columns else ()
            self._drawn_in[table] = Shape(name, fingerprint, told)
        return self._drawn_in[table]

    def _table(self, edition: Edition) -> Table:
        known = self._tables.get(edition.table)
        if known is None:
            columns = edition.shape.columns
            known = Table(
                edition.table,
                MetaData(schema=self._schema),
                *(sql_column(column, key=n == 0) for n, column in enumerate(columns)),
            )
            for n, column in enumerate(columns):
                if column.indexed and n:
                    Index(f"{edition.table}_{column.name}", known.c[column.name])
            self._tables[edition.table] = known
        return known

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (DataError, OverflowError) as error:
            raise NotStorable(f"the read models have no place for a value: {error}") from error
        except StatementError as error:
            if isinstance(error, DBAPIError):
                raise StoreUnavailable(f"the read models cannot be used: {error}") from error
            raise NotStorable(f"the read models have no place for a value: {error}") from error
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"the read models cannot be used: {error}") from error


ADDED: Final = frozenset({"columns", "hash", "degraded"})
"""Columns that the first registers did not have."""


def _prepare_schema(connection: Connection, schema: str) -> None:
    """Make the schema where no migration has (a superuser's database), and let readers look."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({PREPARE_LOCK})")
    there = connection.scalar(text("SELECT to_regnamespace(:name)"), {"name": schema})
    if there is None:
        connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
    if connection.scalar(text("SELECT to_regrole('bos_reader')")) is not None:
        connection.exec_driver_sql(
            f'ALTER DEFAULT PRIVILEGES IN SCHEMA "{schema}" GRANT SELECT ON TABLES TO bos_reader'
        )


def _tune_sqlite(connection: Any, _record: object) -> None:
    """Read models can be drawn again, so they need not survive a power cut."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=OFF", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

"""View reader: questions to the live editions of read models, and the register that names them.

view_editions(view, fingerprint, table_name, status, position)
    live      readers see it                        <view>__<random>, a name never used again
    building  being drawn beside it                 kept: the one before, for a rollback
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Context, Decimal
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Engine,
    Index,
    MetaData,
    Table,
    Text,
    and_,
    event,
    func,
    or_,
    select,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from adapters.views.columns import comparable, sortable, sql_column
from domain.ports import StoreUnavailable
from domain.view_store import Edition, Listing, Row, Shape, Where

PREPARE_LOCK: Final = 4_346_708


class SqlViewReader:
    """Read models as they stand, in a database of their own."""

    def __init__(self, engine: Engine, *, schema: str | None = None) -> None:
        """Use a database; `prepare` must have been run on it once."""
        self._engine = engine
        self._tables: dict[str, Table] = {}
        self._schema = schema
        self._register = Table(
            "view_editions",
            MetaData(schema=schema),
            SqlColumn("view", Text, nullable=False),
            SqlColumn("fingerprint", Text, nullable=False),
            SqlColumn("table_name", Text, primary_key=True),
            SqlColumn("status", Text, nullable=False),
            SqlColumn("position", BigInteger, nullable=False),
        )
        self._shapes: dict[str, Shape] = {}
        register = self._register.c
        self._live_editions = select(  # made once: every read begins with it
            register.view, register.fingerprint, register.table_name, register.position
        ).where(register.status == "live")
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
            connection.execute(CreateTable(self._register, if_not_exists=True))

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
            return self._lives(connection)

    def _live(self, connection: Connection, name: str) -> Edition | None:
        return self._lives(connection).get(name)

    def _lives(self, connection: Connection) -> Mapping[str, Edition]:
        found = {}
        for name, fingerprint, table, position in connection.execute(self._live_editions):
            ours = self._shapes.get(name)
            shape = Shape(name, fingerprint, ours.columns if ours is not None else ())
            found[name] = Edition(shape, table, "live", position)
        return found

    def get(self, view: str, key: str) -> Row | None:
        """Return one row."""
        found = self.find(view, Listing(where=(Where(self._shapes[view].key, "=", key),), limit=1))
        return found[0] if found else None

    def find(self, view: str, listing: Listing) -> Sequence[Row]:
        """Return some rows, in order; ties are broken by key."""
        shape = self._shapes[view]
        with self._transaction() as connection:
            live = self._readable(connection, view)
            if live is None:
                return ()
            table = self._table(live)
            statement = select(table).where(*_conditions(table, listing.where))
            order, key = sortable(table.c[listing.order or shape.key]), table.c[shape.key]
            if listing.after is not None:
                statement = statement.where(_beyond(table, shape.key, listing))
            ways = (order.desc(), key.desc()) if listing.descending else (order, key)
            found = connection.execute(statement.order_by(*ways).limit(listing.limit))
            return [dict(row) for row in found.mappings()]

    def count(self, view: str, where: Sequence[Where] = ()) -> int:
        """Count rows."""
        with self._transaction() as connection:
            live = self._readable(connection, view)
            if live is None:
                return 0
            table = self._table(live)
            counted = select(func.count()).select_from(table).where(*_conditions(table, where))
            return connection.scalar(counted) or 0

    def total(self, view: str, column: str, where: Sequence[Where] = ()) -> Decimal:
        """Add up a column of decimals, exactly."""
        with self._transaction() as connection:
            live = self._readable(connection, view)
            if live is None:
                return Decimal(0)
            table = self._table(live)
            values = connection.scalars(select(table.c[column]).where(*_conditions(table, where)))
            return _added(value for value in values if value is not None)

    def positions(self) -> Mapping[str, int]:
        """Return the position that each view has reached; one that was never drawn is missing."""
        register = self._register.c
        wanted = select(register.view, register.position).where(register.status == "live")
        with self._transaction() as connection:
            return {row.view: row.position for row in connection.execute(wanted)}

    def _readable(self, connection: Connection, view: str) -> Edition | None:
        live = self._live(connection, view)
        if live is None or live.shape.fingerprint == self._shapes[view].fingerprint:
            return live
        raise StoreUnavailable(f"{view} is being drawn anew after a change: ask again in a moment")

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
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"the read models cannot be used: {error}") from error


_EXACT: Final = Context(prec=1_000)
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    "in": lambda column, values: column.in_(values),
}


def _conditions(table: Table, where: Sequence[Where]) -> list[ColumnElement[bool]]:
    return [_OPERATORS[each.op](*comparable(table.c[each.column], each.value)) for each in where]


def _added(values: Iterable[Decimal]) -> Decimal:
    """Add up, to the last digit."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, value)
    return total


def _beyond(table: Table, key_name: str, listing: Listing) -> ColumnElement[bool]:
    assert listing.after is not None
    value, last = listing.after
    key = table.c[key_name]
    order, edge = comparable(table.c[listing.order or key_name], value)
    if listing.descending:
        return or_(order < edge, and_(order == edge, key < last))
    return or_(order > edge, and_(order == edge, key > last))


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

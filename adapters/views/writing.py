"""Writing: many rows at once, by the shortest way that each database has.

insert    SQLite: one prepared statement          PostgreSQL: COPY
upsert    the same, on conflict by key            PostgreSQL: arrays through unnest
Never a pipeline of psycopg, which may hang for ever on half a megabyte.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Table
from sqlalchemy.engine import Connection

from domain.ports import NotStorable, StoreUnavailable
from domain.view_store import Row

ROWS_A_STATEMENT: Final = 500


def insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Store rows whose keys the table does not hold."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        _execute_many(connection, table, rows)


def upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Store rows in place of those with the same keys."""
    if not rows:
        return
    key, *rest = (_quoted(column.name) for column in table.columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in rest)
    on_conflict = f" ON CONFLICT ({key}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"
    if connection.dialect.name == "postgresql":
        _unnest(connection, table, rows, on_conflict)
    else:
        _execute_many(connection, table, rows, on_conflict)


def _bound(connection: Connection, table: Table, rows: Sequence[Row]) -> Iterator[tuple[Any, ...]]:
    """Return rows as the database's driver takes them. Raises `NotStorable`."""
    dialect = connection.dialect
    kinds = ((column.name, column.type.dialect_impl(dialect)) for column in table.columns)
    plan = [(name, kind.bind_processor(dialect)) for name, kind in kinds]
    try:
        for row in rows:
            yield tuple([row[name] if bind is None else bind(row[name]) for name, bind in plan])
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise NotStorable(f"a row has no place in {table.name}: {error!r}") from error


def _execute_many(
    connection: Connection, table: Table, rows: Sequence[Row], on_conflict: str = ""
) -> None:
    places = ", ".join("?" * len(table.columns))
    statement = f"INSERT INTO {_into(table)} VALUES ({places}){on_conflict}"
    connection.exec_driver_sql(statement, list(_bound(connection, table, rows)))


def _unnest(connection: Connection, table: Table, rows: Sequence[Row], on_conflict: str) -> None:
    kinds = (column.type.compile(connection.dialect) for column in table.columns)
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
    statement = f"INSERT INTO {_into(table)} SELECT * FROM unnest({arrays}){on_conflict}"
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        bound = _bound(connection, table, rows[start : start + ROWS_A_STATEMENT])
        connection.exec_driver_sql(statement, tuple(map(list, zip(*bound, strict=True))))


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    import psycopg

    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {_into(table)} FROM STDIN") as copy:
            for row in _bound(connection, table, rows):
                copy.write_row(row)
    except (psycopg.DataError, ValueError) as error:
        raise NotStorable(f"a row has no place in {table.name}: {error}") from error
    except psycopg.Error as error:
        raise StoreUnavailable(f"the read models cannot be used: {error}") from error


def _into(table: Table) -> str:
    name = ".".join(map(_quoted, filter(None, (table.schema, table.name))))
    return f"{name} ({', '.join(_quoted(column.name) for column in table.columns)})"


def _quoted(name: str) -> str:
    return f'"{name}"'  # names of views and columns are the program's own

"""View store: editions of read models as tables, drawn beside each other and swapped."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import MetaData, Table, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from adapters.views.reader import SqlViewReader
from domain.ports import Conflict
from domain.view_store import Edition, Row, Shape

KEYS_A_QUERY: Final = 500
ROWS_A_STATEMENT: Final = 500
STREAMED: Final = 1_000


class SqlViewStore(SqlViewReader):
    """Read models in a database of their own; it may be thrown away at any moment."""

    # -- editions

    def begin(self, shape: Shape) -> Edition:
        """Start an empty edition beside the live one; an unfinished one is thrown away."""
        register = self._register.c
        with self._transaction() as connection:
            self._hold(connection, shape.name)
            unfinished = connection.scalars(
                select(register.table_name).where(
                    register.view == shape.name, register.status == "building"
                )
            )
            for left in unfinished.all():
                self._drop(connection, shape, left)
            table_name = f"{shape.name}__{secrets.token_hex(6)}"  # never a name used before
            edition = Edition(shape, table_name, "building", 0)
            self._table(edition).create(connection)
            connection.execute(
                insert(self._register).values(
                    view=shape.name,
                    fingerprint=shape.fingerprint,
                    table_name=table_name,
                    status="building",
                    position=0,
                )
            )
        return edition

    def swap(self, edition: Edition, *, head: int) -> Edition:
        """Make an edition the live one, in one step; drop what is older than the one before."""
        register = self._register.c
        name = edition.shape.name
        with self._transaction() as connection:
            self._hold(connection, name)
            live = self._live(connection, name)
            if live is not None and edition.position < live.position <= head:
                raise Conflict(f"the live {name} is already at {live.position}")
            if not self._set(connection, edition.table, status="live"):
                raise Conflict(f"somebody has thrown {edition.table} away")
            older = connection.scalars(
                select(register.table_name).where(
                    register.view == name,
                    register.table_name != edition.table,
                    register.table_name != (live.table if live is not None else ""),
                )
            ).all()
            for table_name in older:
                self._drop(connection, edition.shape, table_name)
            if live is not None and live.table != edition.table:
                self._set(connection, live.table, status="kept")
        return Edition(edition.shape, edition.table, "live", edition.position)

    def discard(self, edition: Edition) -> None:
        """Drop an edition that is not live."""
        with self._transaction() as connection:
            self._drop(connection, edition.shape, edition.table)

    def _drop(self, connection: Connection, shape: Shape, table_name: str) -> None:
        Table(table_name, MetaData(schema=self._schema)).drop(connection, checkfirst=True)
        connection.execute(delete(self._register).where(self._register.c.table_name == table_name))

    def _set(self, connection: Connection, table_name: str, **values: Any) -> bool:
        where = self._register.c.table_name == table_name
        return connection.execute(update(self._register).where(where).values(**values)).rowcount > 0

    def _hold(self, connection: Connection, view: str) -> None:
        """Let nobody else move the editions of a view before this transaction ends."""
        register = self._register.c
        same = update(self._register).where(register.view == view)
        connection.execute(same.values(view=register.view))

    # -- rows

    def load(self, edition: Edition, keys: Sequence[str]) -> dict[str, Row]:
        """Return the rows with some keys."""
        table, key = self._table(edition), edition.shape.key
        found: dict[str, Row] = {}
        with self._transaction() as connection:
            for start in range(0, len(keys), KEYS_A_QUERY):
                wanted = table.c[key].in_(keys[start : start + KEYS_A_QUERY])
                for row in connection.execute(select(table).where(wanted)).mappings():
                    found[row[key]] = dict(row)
        return found

    def rows(self, edition: Edition) -> Iterator[Row]:
        """Return every row, in order of the key."""
        table = self._table(edition)
        with self._transaction() as connection:
            ordered = select(table).order_by(table.c[edition.shape.key])
            for row in connection.execute(ordered).yield_per(STREAMED).mappings():
                yield dict(row)

    def save(self, edition: Edition, rows: Mapping[str, Row | None], upto: int) -> Edition:
        """Store rows and the position together; see the port."""
        self.save_together([(edition, rows)], upto)
        return Edition(edition.shape, edition.table, edition.status, upto)

    def save_together(
        self, drawn: Sequence[tuple[Edition, Mapping[str, Row | None]]], upto: int
    ) -> None:
        """Store the rows of several editions, and the position of all; see the port."""
        register = self._register.c
        before = {edition.position for edition, _rows in drawn}
        assert len(before) == 1, "editions are saved together from the same position on"
        names = [edition.table for edition, _rows in drawn]
        moving = update(self._register).where(
            register.table_name.in_(names), register.position == before.pop()
        )
        with self._transaction() as connection:
            moved = connection.execute(moving.values(position=upto)).rowcount
            if moved != len(names):
                raise Conflict(f"somebody else has moved {', '.join(names)} on")
            for edition, rows in drawn:
                self._store(connection, edition, rows)

    def _store(
        self, connection: Connection, edition: Edition, rows: Mapping[str, Row | None]
    ) -> None:
        if not rows:
            return
        table, key = self._table(edition), edition.shape.key
        gone = [name for name, row in rows.items() if row is None]
        for start in range(0, len(gone), KEYS_A_QUERY):
            keys = gone[start : start + KEYS_A_QUERY]
            connection.execute(delete(table).where(table.c[key].in_(keys)))
        kept = [dict(row) for row in rows.values() if row is not None]
        self._upsert(connection, table, key, kept)

    def _upsert(
        self, connection: Connection, table: Table, key: str, rows: list[dict[str, Any]]
    ) -> None:
        if not rows:
            return
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table)
        changed = {c.name: statement.excluded[c.name] for c in table.c if c.name != key}
        connection.execute(
            statement.on_conflict_do_update(index_elements=[key], set_=changed), rows
        )

    def fill(self, edition: Edition, rows: Sequence[Row], upto: int) -> Edition:
        """Store the rows of an edition that is still empty, all at once."""
        table = self._table(edition)
        with self._transaction() as connection:
            for start in range(0, len(rows), ROWS_A_STATEMENT):
                batch = [dict(row) for row in rows[start : start + ROWS_A_STATEMENT]]
                connection.execute(insert(table), batch)
            if not self._set(connection, edition.table, position=upto):
                raise Conflict(f"somebody has thrown {edition.table} away")
        return Edition(edition.shape, edition.table, edition.status, upto)

"""View store: editions of read models as tables, drawn beside each other and swapped."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
from sqlalchemy import MetaData, Table, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateTable

from adapters.views import writing
from adapters.views.reader import SqlViewReader
from domain.core.instant import Instant
from domain.ports import Conflict
from domain.view_store import (
    NOTHING_CHANGED,
    SKIPPING,
    STOPPED,
    Edition,
    Failure,
    Row,
    Shape,
)

KEYS_A_QUERY: Final = 500
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
                self._drop(connection, left)
            table_name = f"{shape.name}__{secrets.token_hex(6)}"  # never a name used before
            edition = Edition(shape, table_name, "building", 0)
            connection.execute(CreateTable(self._table(edition)))
            connection.execute(
                insert(self._register).values(
                    view=shape.name,
                    fingerprint=shape.fingerprint,
                    columns=msgspec.json.encode(shape.columns).decode(),
                    table_name=table_name,
                    status="building",
                    position=0,
                )
            )
        return edition

    def index(self, edition: Edition) -> None:
        """Make the indexes of an edition that was filled, one after the other; see the port."""
        for index in self._table(edition).indexes:
            with self._transaction() as connection:
                index.create(connection, checkfirst=True)

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
            for index in self._table(edition).indexes:
                index.create(connection, checkfirst=True)
            older = connection.scalars(
                select(register.table_name).where(
                    register.view == name,
                    register.table_name != edition.table,
                    register.table_name != (live.table if live is not None else ""),
                )
            ).all()
            for table_name in older:
                self._drop(connection, table_name)
            if live is not None and live.table != edition.table:
                self._set(connection, live.table, status="kept")
        return replace(edition, status="live")

    def discard(self, edition: Edition) -> None:
        """Drop an edition that is not live."""
        with self._transaction() as connection:
            self._drop(connection, edition.table)

    def _drop(self, connection: Connection, table_name: str) -> None:
        Table(table_name, MetaData(schema=self._schema)).drop(connection, checkfirst=True)
        for table in (self._failures, self._register):
            connection.execute(delete(table).where(table.c.table_name == table_name))

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

    def save(
        self, edition: Edition, rows: Mapping[str, Row | None], upto: int, hash: str = ""
    ) -> Edition:
        """Store rows and the position together; see the port."""
        self.save_together([(edition, rows)], upto, hash)
        return replace(edition, position=upto, hash=hash)

    def save_together(
        self,
        drawn: Sequence[tuple[Edition, Mapping[str, Row | None]]],
        upto: int,
        hash: str = "",
    ) -> None:
        """Store the rows of several editions, and the position of all; see the port."""
        with self._transaction() as connection:
            self._move(connection, [edition for edition, _rows in drawn], upto, hash)
            for edition, rows in drawn:
                self._store(connection, edition, rows)

    def fill(
        self,
        edition: Edition,
        rows: Sequence[Row],
        upto: int,
        *,
        hash: str = "",
        changed: Mapping[str, Row | None] = NOTHING_CHANGED,
    ) -> Edition:
        """Store many rows that an edition has not, and those that have `changed`; see the port."""
        with self._transaction() as connection:
            self._move(connection, [edition], upto, hash)
            writing.insert(connection, self._table(edition), rows)
            self._store(connection, edition, changed)
        return replace(edition, position=upto, hash=hash)

    def _move(
        self, connection: Connection, editions: Sequence[Edition], upto: int, hash: str
    ) -> None:
        """Move editions on together, if they all stand where they stood when they were drawn."""
        register = self._register.c
        before = {edition.position for edition in editions}
        assert len(before) == 1, "editions are saved together from the same position on"
        names = [edition.table for edition in editions]
        moving = update(self._register).where(
            register.table_name.in_(names), register.position == before.pop()
        )
        moved = connection.execute(moving.values(position=upto, hash=hash)).rowcount
        if moved != len(names):
            raise Conflict(f"somebody else has moved {', '.join(names)} on")

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
        writing.upsert(connection, table, [row for row in rows.values() if row is not None])

    # -- what could not be drawn

    def fail(self, edition: Edition, failure: Failure, *, skip: bool, hash: str = "") -> Edition:
        """Note that an edition cannot draw the event after its position; see the port."""
        degraded = SKIPPING if skip else STOPPED
        upto, hash = (failure.position, hash) if skip else (edition.position, edition.hash)
        table = self._failures
        same = (table.c.table_name == edition.table, table.c.position == failure.position)
        told = {"event_type": failure.event_type, "error": failure.error, "at": failure.at}
        again = update(table).where(*same).values(tries=table.c.tries + failure.tries, **told)
        first = insert(table).values(
            table_name=edition.table,
            position=failure.position,
            view=failure.view,
            tries=failure.tries,
            **told,
        )
        with self._transaction() as connection:
            self._move(connection, [edition], upto, hash)
            self._set(connection, edition.table, degraded=degraded)
            if connection.execute(again).rowcount == 0:
                connection.execute(first)
        return replace(edition, position=upto, hash=hash, degraded=degraded)

    def recover(self, edition: Edition) -> Edition:
        """Note that a stopped edition has drawn what it could not draw before."""
        failures = self._failures
        with self._transaction() as connection:
            connection.execute(delete(failures).where(failures.c.table_name == edition.table))
            self._set(connection, edition.table, degraded="")
        return replace(edition, degraded="")

    # -- who is at work

    def lease(self, work: str, holder: str, *, now: Instant, lasting: Instant) -> bool:
        """Take or renew the right to do some work for a while; see the port.

        A lease that ends later than anybody could have asked for was taken before the clock was
        set back, and is over.
        """
        leases = self._leases
        mine = leases.c.holder == holder
        over = or_(leases.c.until <= now, leases.c.until > now + lasting)
        taking = update(leases).where(leases.c.work == work, or_(mine, over))
        values = {"holder": holder, "until": now + lasting}
        with self._transaction() as connection:
            if connection.execute(taking.values(values)).rowcount:
                return True
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            new = dialect.insert(leases).values(work=work, **values)
            taken = new.on_conflict_do_nothing().returning(leases.c.holder)
            return connection.scalar(taken) is not None

    def release(self, work: str, holder: str) -> None:
        """Give the right back, if it is still the holder's."""
        leases = self._leases
        mine = delete(leases).where(leases.c.work == work, leases.c.holder == holder)
        with self._transaction() as connection:
            connection.execute(mine)

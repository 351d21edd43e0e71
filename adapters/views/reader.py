"""View reader: questions to the live editions of read models, whoever has drawn them.

An edition that another version of the program drew answers too: what it lacks reads as nothing,
and cannot be asked by until this program's own edition takes its place.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, and_, func, or_, select
from sqlalchemy.engine import Connection

from adapters.views.columns import comparable, sortable
from adapters.views.register import Register
from domain.ports import StoreUnavailable
from domain.view_store import Listing, Row, Shape, Where


@dataclass(frozen=True, slots=True)
class Readable:
    """The live edition of a view, as this program may read it."""

    table: Table
    shape: Shape
    lacking: frozenset[str] = frozenset()

    def columns(self, *names: str) -> list[ColumnElement[Any]]:
        """Return columns to ask by. Raises `StoreUnavailable` for one that is not drawn yet."""
        for name in names:
            if name in self.lacking:
                raise StoreUnavailable(
                    f"{self.shape.name} is being drawn anew after a change and cannot be asked by"
                    f" {name} yet: ask again in a moment"
                )
        return [self.table.c[name] for name in names]

    def shown(self) -> list[ColumnElement[Any]]:
        """Return what a row is made of, without what the edition lacks."""
        names = (column.name for column in self.shape.columns)
        return [self.table.c[name] for name in names if name not in self.lacking]

    def conditions(self, where: Sequence[Where]) -> list[ColumnElement[bool]]:
        """Return what rows must fulfil."""
        columns = self.columns(*(each.column for each in where))
        return [
            _OPERATORS[each.op](*comparable(column, each.value))
            for each, column in zip(where, columns, strict=True)
        ]


class SqlViewReader(Register):
    """Read models as they stand, in a database of their own."""

    def get(self, view: str, key: str) -> Row | None:
        """Return one row."""
        found = self.find(view, Listing(where=(Where(self._shapes[view].key, "=", key),), limit=1))
        return found[0] if found else None

    def find(self, view: str, listing: Listing) -> Sequence[Row]:
        """Return some rows, in order; ties are broken by key."""
        with self._transaction() as connection:
            live = self._readable(connection, view)
            if live is None:
                return ()
            statement = select(*live.shown()).where(*live.conditions(listing.where))
            asked, key = live.columns(listing.order or live.shape.key, live.shape.key)
            order = sortable(asked)
            if listing.after is not None:
                statement = statement.where(_beyond(asked, key, listing))
            ways = (order.desc(), key.desc()) if listing.descending else (order, key)
            found = connection.execute(statement.order_by(*ways).limit(listing.limit))
            nothing = dict.fromkeys(live.lacking)
            return [{**row, **nothing} for row in found.mappings()]

    def count(self, view: str, where: Sequence[Where] = ()) -> int:
        """Count rows."""
        with self._transaction() as connection:
            live = self._readable(connection, view)
            if live is None:
                return 0
            counted = select(func.count()).select_from(live.table).where(*live.conditions(where))
            return connection.scalar(counted) or 0

    def total(self, view: str, column: str, where: Sequence[Where] = ()) -> Decimal:
        """Add up a column of decimals, exactly."""
        with self._transaction() as connection:
            live = self._readable(connection, view)
            if live is None:
                return Decimal(0)
            values = connection.scalars(
                select(*live.columns(column)).where(*live.conditions(where))
            )
            return _added(value for value in values if value is not None)

    def _readable(self, connection: Connection, view: str) -> Readable | None:
        live, ours = self._live(connection, view), self._shapes[view]
        if live is None:
            return None
        if live.shape is ours:
            return Readable(self._table(live), ours)
        drawn = {column.name: column.kind for column in live.shape.columns}
        lacking = {each.name for each in ours.columns if drawn.get(each.name) is not each.kind}
        if ours.key in lacking or live.shape.key != ours.key:
            raise StoreUnavailable(
                f"{view} is being drawn anew after a change: ask again in a moment"
            )
        return Readable(self._table(live), ours, frozenset(lacking))


_EXACT: Final = Context(prec=1_000)
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    "in": lambda column, values: column.in_(values),
}


def _added(values: Iterable[Decimal]) -> Decimal:
    """Add up, to the last digit."""
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, value)
    return total


def _beyond(
    asked: ColumnElement[Any], key: ColumnElement[Any], listing: Listing
) -> ColumnElement[bool]:
    assert listing.after is not None
    value, last = listing.after
    order, edge = comparable(asked, value)
    if listing.descending:
        return or_(order < edge, and_(order == edge, key < last))
    return or_(order > edge, and_(order == edge, key > last))

"""Columns: how the kinds of values in a view are stored, alike on both databases.

instant ─► BIGINT (unix µs)     decimal ─► NUMERIC, or TEXT on SQLite (exact)     json ─► TEXT
"""

from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Boolean, ColumnElement, Numeric, Text, literal
from sqlalchemy import Column as SqlColumn
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.view_store import Column, Kind

JSON_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
NUL_SHOWN: Final = "\u2400"
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class Json(TypeDecorator[Any]):
    """Any JSON value; numbers that are not integers come back as decimals."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Write a value."""
        return JSON_ENCODER.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Read a value."""
        return None if value is None else _DECODER.decode(value)


class Plain(TypeDecorator[str]):
    """Text. NUL, which PostgreSQL has no place for, is shown as its picture, U+2400, everywhere:
    no text that somebody wrote may stop a picture from being drawn."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Write a text."""
        return value.replace("\0", NUL_SHOWN) if value and "\0" in value else value


class Exact(TypeDecorator[Decimal]):
    """A decimal, to the last digit."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite has only binary floats, so it gets text."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Write a decimal."""
        if value is None:
            return None
        return format(Decimal(value), "f") if dialect.name == "sqlite" else Decimal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read a decimal."""
        return None if value is None else Decimal(value)


_TYPES: Final[dict[Kind, type[TypeEngine[Any]]]] = {
    Kind.TEXT: Plain,
    Kind.INTEGER: BigInteger,
    Kind.BOOLEAN: Boolean,
    Kind.INSTANT: BigInteger,
    Kind.DECIMAL: Exact,
    Kind.JSON: Json,
}


def sql_column(column: Column, *, key: bool) -> SqlColumn[Any]:
    """Return a column of a view as a column of a table."""
    return SqlColumn(
        column.name, _TYPES[column.kind](), primary_key=key, nullable=not key, autoincrement=False
    )


def comparable(column: ColumnElement[Any], value: Any) -> tuple[ColumnElement[Any], Any]:
    """Return both sides of a comparison as numbers, where decimals are kept as text (SQLite).

    Comparing binary floats is exact enough for a filter: two decimals of up to 15 digits are equal
    as floats if and only if they are equal.
    """
    if not isinstance(column.type, Exact):
        return column, value
    if isinstance(value, list | tuple):
        return AsNumber(column), [AsNumber(literal(each, Exact())) for each in value]
    return AsNumber(column), AsNumber(literal(value, Exact()))


def sortable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column as something whose order is the order of its values."""
    return AsNumber(column) if isinstance(column.type, Exact) else column


class AsNumber(GenericFunction[Any]):
    """A decimal as a number to compare by."""

    type = Numeric(asdecimal=False)
    inherit_cache = True


@compiles(AsNumber)
def _plain(element: AsNumber, compiler: SQLCompiler, **rest: Any) -> str:
    return compiler.process(element.clauses, **rest)


@compiles(AsNumber, "sqlite")
def _cast(element: AsNumber, compiler: SQLCompiler, **rest: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **rest)} AS REAL)"

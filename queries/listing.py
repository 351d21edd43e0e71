"""Listing: the rows of a read model, filtered, in order, a page at a time.

filters ("status=pending", "amount>=100") ──► Listing ──► rows ──► {items, nextCursor}
A cursor is opaque to callers: the order value and key of the last row they were given.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from domain.core.instant import instant, written
from domain.view_store import Column, Kind, Listing, Row, ViewReader, Where
from projections.view import View

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 500
DIGITS_MAX: Final = 64

Filters: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""What to ask of columns, by name; as pairs, a column may be asked for twice (from, to)."""


class BadQuestion(Exception):
    """A question that cannot be answered; the message says what was wrong and what is possible."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of rows, ready to be written as JSON."""

    items: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted unless somebody asks otherwise."""

    column: str
    descending: bool = True


NEWEST_FIRST: Final = Order("last_position")


def camel(name: str) -> str:
    """Return a column name as JSON writes it: `org_unit_id` is `orgUnitId`."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def rows_of(
    reader: ViewReader,
    view: View,
    *,
    filters: Filters,
    limit: int = LIMIT_DEFAULT,
    cursor: str | None = None,
    order: Order = NEWEST_FIRST,
) -> Answer:
    """List rows of a view. Raises `BadQuestion` for what makes no sense."""
    if not 1 <= limit <= LIMIT_MAX:
        raise BadQuestion(f"limit must be between 1 and {LIMIT_MAX}, not {limit}")
    columns = {camel(column.name): column for column in view.shape.columns}
    pairs = filters.items() if isinstance(filters, Mapping) else filters
    where = tuple(_where(view, columns, name, text) for name, text in pairs)
    sorted_by = next(each for each in view.shape.columns if each.name == order.column)
    listing = Listing(
        where=where,
        order=order.column,
        descending=order.descending,
        limit=limit + 1,
        after=_opened(cursor, sorted_by) if cursor else None,
    )
    found = reader.find(view.name, listing)
    more = len(found) > limit
    page = found[:limit]
    last = page[-1] if more else None
    key = view.shape.key
    next_cursor = None if last is None else _sealed(last[order.column], str(last[key]))
    return Answer([told(view.shape.columns, row) for row in page], next_cursor)


def told(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """Return a row as it is shown: camelCase names, instants as RFC 3339."""
    return {
        camel(column.name): written(row[column.name])
        if column.kind is Kind.INSTANT and row[column.name] is not None
        else row[column.name]
        for column in columns
    }


_OPERATORS: Final = ((">=", ">="), ("<=", "<="), ("!=", "!="))


def _where(view: View, columns: Mapping[str, Column], name: str, text: str) -> Where:
    column = columns.get(name)
    if column is None or column.kind is Kind.JSON:
        possible = ", ".join(sorted(n for n, c in columns.items() if c.kind is not Kind.JSON))
        raise BadQuestion(f"{view.name} cannot be filtered by {name!r}, only by: {possible}")
    for prefix, op in _OPERATORS:
        if text.startswith(prefix):
            if column.kind is Kind.BOOLEAN and op != "!=":
                raise BadQuestion(f"{name} is true or false: neither is more than the other")
            return Where(column.name, op, _value(column, name, text[len(prefix) :]))
    if "," in text and column.kind is Kind.TEXT and column.indexed:
        parts = [_value(column, name, part) for part in text.split(",") if part]
        return Where(column.name, "in", parts)
    return Where(column.name, "=", _value(column, name, text))


def _value(column: Column, name: str, text: str) -> Any:
    try:
        match column.kind:
            case Kind.INTEGER:
                return _integer(text)
            case Kind.BOOLEAN:
                return {"true": True, "false": False}[text.lower()]
            case Kind.INSTANT:
                at = datetime.fromisoformat(text)
                return instant(at if at.tzinfo else at.replace(tzinfo=UTC))
            case Kind.DECIMAL:
                number = Decimal(text)
                if not number.is_finite():
                    raise ValueError(text)
                if len(text) > DIGITS_MAX or abs(number.adjusted()) > DIGITS_MAX:
                    raise ValueError(text)
                return number
            case _:
                return _text(text)
    except (ValueError, KeyError, InvalidOperation, OverflowError):
        raise BadQuestion(f"{name}: {text[:100]!r} is not {_EXPECTED[column.kind]}") from None


_EXPECTED: Final = {
    Kind.INTEGER: "a whole number below 2^63",
    Kind.BOOLEAN: "true or false",
    Kind.INSTANT: "a time such as 2030-01-31T09:00:00Z",
    Kind.DECIMAL: "a number",
    Kind.TEXT: "text without NUL characters",
}


def _integer(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError(text)
    text.encode()  # a lone surrogate is no text
    return text


def _sealed(value: Any, key: str) -> str:
    plain = json.dumps([str(value) if isinstance(value, Decimal) else value, key])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _opened(cursor: str, column: Column) -> tuple[Any, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value, key = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        whole = column.kind in (Kind.INTEGER, Kind.INSTANT)
        if type(value) is not (int if whole else str) or not isinstance(key, str):
            raise ValueError(cursor)
        found = _integer(str(value)) if whole else _value(column, column.name, str(value))
        return found, _text(key)
    except (ValueError, TypeError, RecursionError, BadQuestion):
        raise BadQuestion("this cursor is not one that a list has answered with") from None

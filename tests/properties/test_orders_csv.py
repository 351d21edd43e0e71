"""Laws of reading: every file is read or refused, and what was written is what is read."""

import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from adapters.imports import UnreadableFile
from adapters.imports.layout import guess_layout
from adapters.imports.orders_csv import ImportedLine, ImportedOrder, ReadResult, read_orders

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice"]
HEADER += ["CustomerID", "Country", "Currency"]
GOOD = b"1,x,RACK,3,2010-12-01 08:34:00,4.95,13047.0,France,EUR"

# Surrogates, NUL and lone carriage returns are no text a line can hold; see the examples.
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"), max_size=20
).map(str.strip)
names = words.filter(bool)
prices = st.decimals(min_value=-10_000, max_value=10_000, places=4)
lines = st.builds(
    ImportedLine,
    sku=words,
    description=words,
    quantity=st.integers(-99_999, 99_999),
    unit_price=prices,
    line_number=st.just(0),
)
orders = st.builds(
    ImportedOrder,
    order_id=names,
    cancellation=st.just(False),
    customer_id=st.none() | st.integers(0, 99_999).map(str),
    country=st.none() | names,
    placed_at=st.datetimes(min_value=datetime(1000, 1, 1)).map(  # noqa: DTZ001 - wall time
        lambda moment: moment.replace(microsecond=0)
    ),
    lines=st.lists(lines, min_size=1, max_size=4).map(tuple),
    currency=st.none() | st.sampled_from(["EUR", "GBP"]),
)
# The csv module leaves a line feed bare when lines end otherwise: only quotes tell those apart.
endings = st.sampled_from(
    [("\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_MINIMAL), ("\r", csv.QUOTE_ALL)]
)


@contextmanager
def a_file(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        path.write_bytes(content)
        yield path


def read_or_refused(content: bytes, encoding: str | None = None) -> ReadResult | None:
    with a_file(content) as path:
        try:
            return read_orders(path, guess_layout(path, encoding=encoding))
        except UnreadableFile:
            return None


@given(st.binary(max_size=400), st.sampled_from([None, "utf-8", "cp1252", "utf-16", "utf-7"]))
def test_any_bytes_are_read_or_refused(content: bytes, encoding: str | None) -> None:
    read_or_refused(content, encoding)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([GOOD, b'"', b"\n", b"\r", b","])))
def test_any_bytes_under_a_good_header_are_read_or_refused(parts: list[bytes]) -> None:
    read_or_refused(",".join(HEADER).encode() + b"\n" + b"".join(parts))


@given(st.lists(st.sampled_from([GOOD, b"bad", b'1,"x', b'1,x"', b'"', b'1,"x"y', b"\0", b"\xff"])))
def test_good_lines_survive_any_company(company: list[bytes]) -> None:
    header = ",".join(HEADER).encode()
    with a_file(b"".join(line + b"\n" for line in (header, GOOD, *company))) as path:
        result = read_orders(path, guess_layout(path, encoding="utf-8"))
    read = [line.line_number for order in result.orders for line in order.lines]
    bad = [problem.line_number for problem in result.problems]
    good = [2, *(n for n, line in enumerate(company, 3) if line == GOOD)]
    assert sorted(read + bad) == list(range(2, 3 + len(company)))
    assert set(read) <= set(good)
    if not any(b'"' in line for line in company):
        assert read == good


@given(
    st.lists(orders, unique_by=lambda order: order.order_id, max_size=5),
    st.sampled_from(",;\t|"),
    endings,
)
def test_what_was_written_is_what_is_read(
    written: list[ImportedOrder], delimiter: str, ending: tuple[str, Literal[0, 1]]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending[0], quoting=ending[1])
    writer.writerow(HEADER)
    for order in written:
        for line in order.lines:
            when, who = order.placed_at.isoformat(), (order.customer_id, order.country)
            what = (line.sku, line.description, line.quantity, when, line.unit_price)
            writer.writerow((order.order_id, *what, *who, order.currency))
    with a_file(text.getvalue().encode()) as path:
        layout = guess_layout(path, date_format="ISO", decimal_mark=".", cancellation_prefix="")
        result = read_orders(path, layout)
    assert result.problems == ()
    assert [_without_places(order) for order in result.orders] == written
    assert sum(o.amount for o in result.orders) == sum(
        (line.quantity * line.unit_price for o in written for line in o.lines), Decimal(0)
    )


def _without_places(order: ImportedOrder) -> ImportedOrder:
    return replace(order, lines=tuple(replace(line, line_number=0) for line in order.lines))

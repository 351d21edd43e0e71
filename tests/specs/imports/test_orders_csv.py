"""What a merchant's export says, line by line."""

import csv
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, localcontext
from pathlib import Path

import pytest

import adapters.imports
from adapters.imports import UnreadableFile
from adapters.imports.layout import guess_layout
from adapters.imports.orders_csv import (
    ImportedLine,
    ImportedOrder,
    LineProblem,
    ReadResult,
    read_orders,
)

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"

Read = Callable[..., ReadResult]


def row(
    order: str = "1",
    *,
    sku: str = "x",
    description: str = "RACK",
    quantity: str = "1",
    date: str = "2010-12-01 08:34:00",
    price: str = "4.95",
    customer: str = "",
    country: str = "",
) -> str:
    return ",".join((order, sku, description, quantity, date, price, customer, country))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


@pytest.fixture
def read(export: Path) -> Read:
    """Read lines, or bytes as they are, with everything a guess could get wrong given."""

    def result(*lines: str | bytes, header: str = HEADER, end: bytes = b"\n") -> ReadResult:
        content = (line.encode() if isinstance(line, str) else line for line in (header, *lines))
        export.write_bytes(b"".join(line + end for line in content))
        return read_orders(export, guess_layout(export, date_format="ISO", decimal_mark="."))

    return result


def only_problem(result: ReadResult) -> tuple[int, str]:
    assert len(result.problems) == 1
    return result.problems[0].line_number, result.problems[0].reason


def test_lines_are_grouped_by_order_in_order_of_appearance(read: Read) -> None:
    result = read(
        row("8", sku="a", customer="13047.0", country="France"),
        row("7", sku="b", quantity="2"),
        row("8", sku="c", date="2010-12-01 08:35:00"),
    )
    assert result == ReadResult(
        orders=(
            ImportedOrder(
                order_id="8",
                cancellation=False,
                customer_id="13047",
                country="France",
                placed_at=datetime(2010, 12, 1, 8, 34),  # noqa: DTZ001 - wall time
                lines=(
                    ImportedLine("a", "RACK", 1, Decimal("4.95"), 2),
                    ImportedLine("c", "RACK", 1, Decimal("4.95"), 4),
                ),
            ),
            ImportedOrder(
                order_id="7",
                cancellation=False,
                customer_id=None,
                country=None,
                placed_at=datetime(2010, 12, 1, 8, 34),  # noqa: DTZ001 - wall time
                lines=(ImportedLine("b", "RACK", 2, Decimal("4.95"), 3),),
            ),
        ),
        problems=(),
    )


def test_an_order_is_placed_when_its_earliest_line_is(read: Read) -> None:
    late, early = "2010-12-01T09:00", "2010-12-01"
    assert read(row(date=late), row(date=early)).orders[0].placed_at.hour == 0


@pytest.mark.parametrize(
    ("order", "cancellation"),
    [("C1", True), ("1", False), ("C", False), ("CX1", False), ("c1", False), ("1C1", False)],
)
def test_a_cancellation_begins_with_c_and_a_digit(
    read: Read, order: str, cancellation: bool
) -> None:
    assert read(row(order)).orders[0].cancellation is cancellation


def test_the_cancellation_prefix_is_a_choice(export: Path) -> None:
    export.write_text("\n".join([HEADER, row("R-1"), row("C1"), ""]))
    for prefix, cancellations in (("R-", [True, False]), ("", [False, False])):
        layout = guess_layout(export, cancellation_prefix=prefix)
        assert [o.cancellation for o in read_orders(export, layout).orders] == cancellations


def test_the_amount_of_a_cancellation_is_negative_as_in_the_file(read: Read) -> None:
    lines = [row("C1", quantity="-3", price="0.1"), row("C1", quantity="-1", price="0.2")]
    assert read(*lines).orders[0].amount == Decimal("-0.5")


def test_amounts_are_exact_whatever_the_precision_around_them(read: Read) -> None:
    large = row(quantity="999999999", price="99999999999.9999")
    with localcontext(prec=3):
        order = read(large, large, row(price="0.0001")).orders[0]
        assert order.amount == Decimal("199999999799999800000.0003")


@pytest.mark.parametrize(
    ("customer", "known_as"),
    [("13047.0", "13047"), ("13047", "13047"), ("", None), ("ada.0", "ada.0"), ("1.5", "1.5")],
)
def test_a_customer_number_is_not_a_fraction(
    read: Read, customer: str, known_as: str | None
) -> None:
    assert read(row(customer=customer)).orders[0].customer_id == known_as


def test_customer_and_country_come_from_the_first_line_that_says_them(read: Read) -> None:
    order = read(row(), row(customer="7", country="EIRE"), row(customer="8")).orders[0]
    assert (order.customer_id, order.country) == ("7", "EIRE")


def test_identical_lines_are_two_lines(read: Read) -> None:
    assert read(row(), row()).orders[0].amount == Decimal("9.90")


def test_zero_prices_and_negative_adjustments_are_kept(read: Read) -> None:
    result = read(row("1", price="0"), row("2", price="-11062.06"), row("3", quantity="-7"))
    assert [order.amount for order in result.orders] == [
        Decimal(0),
        Decimal("-11062.06"),
        Decimal("-34.65"),
    ]
    assert not any(order.cancellation for order in result.orders)


def test_a_formula_is_text(read: Read) -> None:
    formula = '=HYPERLINK("http://example.org","win")'
    quoted = '"' + formula.replace('"', '""') + '"'
    assert read(row(description=quoted)).orders[0].lines[0].description == formula


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("1,x,RACK", "3 columns where the header has 8"),
        (row() + ",more", "9 columns where the header has 8"),
        (row(quantity=""), "a quantity that is not a whole number"),
        (row(quantity="2.5"), "a quantity that is not a whole number"),
        (row(quantity="3.000"), "a quantity that is not a whole number"),
        (row(quantity="1e3"), "a quantity that is not a whole number"),
        (row(quantity="1_000"), "a quantity that is not a whole number"),
        (row(quantity="٣"), "a quantity that is not a whole number"),
        (row(quantity="1234567890"), "a quantity of more than 9 digits"),
        (row(price=""), "a price that is not a number with decimal ."),
        (row(price="."), "a price that is not a number with decimal ."),
        (row(price="NaN"), "a price that is not a number with decimal ."),
        (row(price="-Infinity"), "a price that is not a number with decimal ."),
        (row(price="1e3"), "a price that is not a number with decimal ."),
        (row(price='"4,95"'), "a price that is not a number with decimal ."),
        (row(price="4.12345"), "a price with more than 4 decimals"),
        (row(price="1234567890123456"), "a price of more than 15 digits"),
        (row(price="123456789012.3456"), "a price of more than 15 digits"),
        (row("  "), "no order number"),
        (row(date="2011-02-30"), "a date that is not ISO"),
        (row(date=""), "a date that is not ISO"),
        (row(description="R\0CK"), "a NUL byte, which no text has"),
        (b"1,x,R\xffCK", "bytes that are not text in the encoding of the file"),
        (row(description="x" * 4_097), "a field of more than 4,096 characters"),
        (row(description="x" * 70_000), "a line of more than 65,536 characters"),
        (row(description="x" * 200_000), "a line of more than 65,536 characters"),
        (row(description='"RACK'), adapters.imports.QUOTES),
        (row(description='"12" RACK"'), adapters.imports.QUOTES),
    ],
)
def test_a_bad_line_loses_nothing_but_itself(read: Read, bad: str | bytes, reason: str) -> None:
    accents = [row("é")] * 2  # so that one broken line does not make the file cp1252
    result = read(*accents, row("1", sku="a"), bad, row("1", sku="c"), row("2"))
    assert only_problem(result) == (5, reason)
    assert [line.sku for line in result.orders[1].lines] == ["a", "c"]
    assert [order.order_id for order in result.orders] == ["é", "1", "2"]
    assert result.orders[1].lines[1].line_number == 6


@pytest.mark.parametrize(
    ("text", "quantity"), [("3.0", 3), ("-3.00", -3), ("+3", 3), (" 3 ", 3), ("000", 0)]
)
def test_a_whole_number_may_be_written_as_a_float(read: Read, text: str, quantity: int) -> None:
    assert read(row(quantity=text)).orders[0].lines[0].quantity == quantity


@pytest.mark.parametrize(
    ("text", "mark", "price"),
    [
        ("4", ".", "4"),
        (".5", ".", "0.5"),
        ("+4.9500", ".", "4.95"),
        ('"1,234.50"', ".", "1234.50"),
        ("999999999999999", ".", "999999999999999"),
        ('"4,95"', ",", "4.95"),
        ('"-1.234.567,8"', ",", "-1234567.8"),
    ],
)
def test_prices_are_read_with_either_decimal_mark(
    export: Path, text: str, mark: str, price: str
) -> None:
    export.write_text(f"{HEADER}\n{row(price=text)}\n")
    layout = guess_layout(export, decimal_mark=mark)
    assert read_orders(export, layout).orders[0].lines[0].unit_price == Decimal(price)


@pytest.mark.parametrize("text", ["1,23", "12,34.5", "1,2345", "1.2.3"])
def test_groups_of_thousands_have_three_digits(read: Read, text: str) -> None:
    assert only_problem(read(row(price=f'"{text}"'))) == (
        2,
        "a price that is not a number with decimal .",
    )


def test_line_numbers_are_those_an_editor_shows(read: Read) -> None:
    two_lines = row(description='"RED\n""RACK"""')
    for end in (b"\n", b"\r\n", b"\r"):
        lines = [line.encode().replace(b"\n", end) for line in (two_lines, "", row(), "bad")]
        result = read(*lines, end=end)
        assert [line.line_number for line in result.orders[0].lines] == [2, 5]
        assert result.orders[0].lines[0].description == 'RED\n"RACK"'
        assert only_problem(result)[0] == 6


def test_blank_lines_are_no_lines(read: Read) -> None:
    result = read("", "   ", row(), ",,,,,,,", "")
    assert (len(result.orders), result.problems) == (1, ())


def test_an_open_quote_gives_back_the_lines_it_swallowed(read: Read) -> None:
    opening = row(description='"RACK')
    for closing in (row("2"), row("2", description='"RED, LARGE"'), '"2",x,RACK,1,2011-01-01,1,,'):
        result = read(opening, closing, row("3"))
        assert only_problem(result) == (2, adapters.imports.QUOTES)
        assert [order.order_id for order in result.orders] == ["2", "3"]


def test_an_open_quote_in_a_long_file_gives_every_line_back(read: Read) -> None:
    result = read(row(description='"RACK'), *(row(str(n)) for n in range(500)))
    assert only_problem(result) == (2, adapters.imports.QUOTES)
    assert len(result.orders) == 500


def test_a_field_of_too_many_lines_is_an_open_quote(read: Read) -> None:
    most = "\n" * (adapters.imports.RECORD_LINES_MAX - 1)
    assert read(row(description=f'"a{most}b"')).problems == ()
    result = read(row(description=f'"a{most}\nb"'), row("2"))
    assert result.problems[0] == LineProblem(2, adapters.imports.QUOTES, '1,x,"a')
    assert [order.order_id for order in result.orders] == ["2"]


def test_a_broken_line_inside_quotes_is_reported_with_the_line_that_opened_them(
    read: Read,
) -> None:
    result = read(row(description='"RED\n\0\nLARGE"'), row("2"))
    assert [problem.line_number for problem in result.problems] == [2, 3, 4]
    assert [order.order_id for order in result.orders] == ["2"]


def test_a_last_line_without_an_end_is_read(export: Path) -> None:
    export.write_text(f"{HEADER}\n{row()}")
    assert len(read_orders(export, guess_layout(export)).orders) == 1


@pytest.mark.parametrize("last", ["2,x,RA", '2,x,"RACK'])
def test_a_last_line_that_was_cut_off_is_said_to_be(export: Path, last: str) -> None:
    export.write_text(f"{HEADER}\n{row()}\n{last}")
    result = read_orders(export, guess_layout(export))
    assert result.problems == (LineProblem(3, adapters.imports.CUT_OFF, last),)
    assert len(result.orders) == 1


def test_a_problem_shows_its_line_safe_to_print(read: Read) -> None:
    (problem,) = read(row(description="\x1b[2J", price="free")).problems
    assert problem.text == row(description="\ufffd[2J", price="free")
    (problem,) = read("x" * 1_000).problems
    assert problem.text == "x" * 200 + "…"


def test_a_header_alone_is_a_file_without_orders(read: Read) -> None:
    assert read() == ReadResult(orders=(), problems=())


def test_columns_that_are_not_there_say_nothing(export: Path) -> None:
    export.write_text("order,sku,qty,date,price\n1,x,1,2011-01-01,4.95\n")
    (order,) = read_orders(export, guess_layout(export)).orders
    assert (order.customer_id, order.country, order.currency) == (None, None, None)
    assert order.lines[0].description == ""


def test_an_order_has_one_currency(read: Read) -> None:
    header = f"{HEADER},Currency"
    result = read(*(row() + code for code in (",", ",GBP", ",EUR", ",")), header=header)
    assert only_problem(result) == (4, "another currency than the rest of its order, GBP")
    assert (result.orders[0].currency, len(result.orders[0].lines)) == ("GBP", 3)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read(export: Path, encoding: str) -> None:
    export.write_bytes(f"{HEADER}\r\n{row(description='CAFÉ €')}\r\n".encode(encoding))
    (order,) = read_orders(export, guess_layout(export)).orders
    assert order.lines[0].description == "CAFÉ €"


def test_bytes_the_encoding_does_not_have_cost_their_line(export: Path) -> None:
    export.write_bytes(f"{HEADER}\n{row()}\n".encode("utf-16") + b"\x00\xd8\n\x00")
    result = read_orders(export, guess_layout(export))
    assert only_problem(result) == (3, adapters.imports.NOT_THE_ENCODING)
    assert len(result.orders) == 1


def test_progress_is_told_in_steps_and_at_the_end(export: Path) -> None:
    export.write_text("\n".join([HEADER, *(row(str(n)) for n in range(2_500)), ""]))
    heard: list[int] = []
    read_orders(export, guess_layout(export), on_progress=heard.append)
    assert heard == [1_000, 2_000, 2_501]


def test_a_file_that_changes_while_it_is_read_is_refused(export: Path) -> None:
    export.write_text("\n".join([HEADER, *(row(str(n)) for n in range(2_500)), ""]))

    def grow(lines: int) -> None:
        with export.open("a") as file:
            file.write(row() + "\n")

    with pytest.raises(UnreadableFile, match="changed while it was being read"):
        read_orders(export, guess_layout(export), on_progress=grow)


def test_a_file_whose_header_is_no_longer_the_one_guessed_is_refused(export: Path) -> None:
    export.write_text(f"{HEADER}\n")
    layout = guess_layout(export)
    export.write_text("a,b\n")
    with pytest.raises(UnreadableFile, match="is not the one its layout was made for"):
        read_orders(export, layout)


def test_a_file_of_too_many_lines_is_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters.imports, "FILE_LINES_MAX", 3)
    assert len(read(row(), row()).orders[0].lines) == 2
    with pytest.raises(UnreadableFile, match="more than 3 lines: export a shorter period"):
        read(row(), row(), row())


def test_a_real_export_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "retail" / "orders.csv"
    # The same figures by another road: the csv module alone, and nothing of ours.
    amounts: dict[str, Decimal] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            amount = int(line["Quantity"]) * Decimal(line["UnitPrice"])
            order = line["InvoiceNo"]
            amounts[order] = amounts.get(order, Decimal(0)) + amount
    sold = [amount for order, amount in amounts.items() if not order.startswith("C")]
    returned = [amount for order, amount in amounts.items() if order.startswith("C")]

    result = read_orders(path, guess_layout(path))
    orders = [order for order in result.orders if not order.cancellation]
    cancellations = [order for order in result.orders if order.cancellation]

    assert result.problems == ()
    assert {order.order_id: order.amount for order in result.orders} == amounts
    assert [order.order_id for order in result.orders] == list(amounts)
    assert len(result.orders) == 5_885
    assert sum(len(order.lines) for order in result.orders) == 13_278
    assert len(cancellations) == len(returned) == 273
    assert sum(len(order.lines) for order in cancellations) == 303
    assert sum(-order.amount > 500 for order in cancellations) == 5
    assert len(orders) == len(sold) == 5_612
    assert sum(order.amount for order in orders) == sum(sold) == Decimal("278043.45")
    assert sum(o.amount for o in cancellations) == sum(returned) == Decimal("-10502.35")

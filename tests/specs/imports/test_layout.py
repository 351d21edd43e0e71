"""What a file tells about its own shape, and what has to be asked."""

import codecs
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import adapters.imports
from adapters.imports import UnreadableFile, shown
from adapters.imports.layout import DATE_FORMATS, guess_layout, parse_date

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
ROW = "536368,22914,RACK,3,2010-12-01 08:34:00,4.95,13047.0,United Kingdom"
ARABIC_DIGITS = "\u0662\u0660\u0661\u0661-\u0660\u0661-\u0660\u0661"
SHORT = "order,sku,qty,date,price"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*lines: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "orders.csv"
        path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
        return path

    return written


def refusal(path: Path, **given: Any) -> str:
    with pytest.raises(UnreadableFile) as refused:
        guess_layout(path, **given)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert str(path.parent) not in sentence
    return sentence


def dated(write: Write, *dates: str) -> Path:
    return write(SHORT, *(f"{n},x,1,{date},0.50" for n, date in enumerate(dates, 1)))


def priced(write: Write, *prices: str) -> Path:
    rows = (f"{n};x;1;2011-01-01;{price}" for n, price in enumerate(prices, 1))
    return write(SHORT.replace(",", ";"), *rows)


def test_a_plain_export_needs_no_questions(write: Write) -> None:
    layout = guess_layout(write(HEADER, ROW))
    assert (layout.encoding, layout.delimiter) == ("utf-8", ",")
    assert (layout.date_format, layout.decimal_mark) == ("ISO", ".")
    assert layout.columns == {
        "order": 0,
        "sku": 1,
        "description": 2,
        "quantity": 3,
        "date": 4,
        "price": 5,
        "customer": 6,
        "country": 7,
    }


def test_a_person_is_shown_every_field_and_what_is_left_unread(write: Write) -> None:
    shape = guess_layout(write(HEADER + ",Email", ROW + ",a@example.org")).describe()
    assert shape == [
        ("file", "", "utf-8, comma between columns"),
        ("order", "InvoiceNo", "C and a digit begin a cancellation"),
        ("sku", "StockCode", ""),
        ("description", "Description", ""),
        ("quantity", "Quantity", ""),
        ("date", "InvoiceDate", "ISO, local time of the business"),
        ("price", "UnitPrice", "per unit, point for decimals"),
        ("customer", "CustomerID", ""),
        ("country", "Country", ""),
        ("currency", "", "not in this file"),
        ("not read", "Email", ""),
    ]


def test_a_file_without_cancellations_says_so(write: Write) -> None:
    layout = guess_layout(write(HEADER, ROW), cancellation_prefix="")
    assert ("order", "InvoiceNo", "no cancellations") in layout.describe()


@pytest.mark.parametrize(
    ("encoding", "guessed"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
    ],
)
def test_the_encoding_is_seen(write: Write, encoding: str, guessed: str) -> None:
    path = write(HEADER, ROW.replace("RACK", "CAFÉ €"), encoding=encoding)
    assert guess_layout(path).encoding == guessed


def test_big_endian_utf_16_is_seen_by_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(codecs.BOM_UTF16_BE + f"{HEADER}\r\n{ROW}\r\n".encode("utf-16-be"))
    assert guess_layout(path).columns["order"] == 0


def test_a_byte_order_mark_is_no_part_of_a_name(write: Write) -> None:
    layout = guess_layout(write(HEADER, ROW, encoding="utf-8-sig"), encoding="utf-8")
    assert layout.headers[0] == "InvoiceNo"


def test_one_broken_line_does_not_make_a_utf8_file_something_else(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes("\n".join([HEADER, "é", "é", ""]).encode() + b"\xe9\n")
    assert guess_layout(path, date_format="ISO", decimal_mark=".").encoding == "utf-8"


def test_a_character_may_straddle_two_blocks(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(HEADER, ROW.replace("RACK", "É"))
    for block_bytes in range(100, 110):
        monkeypatch.setattr(adapters.imports, "_BLOCK_BYTES", block_bytes)
        assert guess_layout(path).encoding == "utf-8"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04rest", "an Excel workbook or a zip archive"),
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        (b"\x1f\x8brest", "a gzip archive"),
        (b"%PDF-1.7", "a PDF document"),
        (bytes(range(256)), "not text"),
        ("InvoiceNo,StockCode\n".encode("utf-16-le"), "not text"),
    ],
)
def test_what_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    assert refusal(path) == f"orders.csv is {kind}: export it as CSV, in UTF-8."


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_seen(write: Write, delimiter: str) -> None:
    header, row = (text.replace(",", delimiter) for text in (HEADER, ROW))
    assert guess_layout(write(header, row)).delimiter == delimiter


def test_known_headers_weigh_more_than_many_columns(write: Write) -> None:
    path = write("order;sku;qty;date;price;a,b,c,d,e,f,g", "1;x;1;2011-01-01;4,95;")
    assert guess_layout(path).delimiter == ";"


def test_quoted_headers_are_seen_under_their_delimiter(write: Write) -> None:
    header = ";".join(f'"{name}"' for name in SHORT.split(","))
    assert guess_layout(write(header, "1;x;1;2011-01-01;4,95")).delimiter == ";"


def test_the_separator_line_of_excel_is_no_header(write: Write) -> None:
    path = write("sep=;", SHORT.replace(",", ";"), "1;x;1;2011-01-01;4,95")
    assert guess_layout(path).headers == ("order", "sku", "qty", "date", "price")


@pytest.mark.parametrize(
    "header",
    [
        "Invoice No.,Stock Code,Qty,Invoice Date,Unit Price (GBP)",
        "order-id,sku,quantity-purchased,purchase-date,price",
        "Order ID,Lineitem sku,Lineitem quantity,Created at,Lineitem price",
        "RECHNUNGSNUMMER,Artikelnummer,Menge,Datum,Einzelpreis",
        '"invoice_no",product_code,units,timestamp,price each',
    ],
)
def test_columns_are_known_by_many_names(write: Write, header: str) -> None:
    layout = guess_layout(write(header, "1,x,1,2011-01-01,4.95"))
    assert list(layout.columns.items()) == [
        ("order", 0),
        ("sku", 1),
        ("quantity", 2),
        ("date", 3),
        ("price", 4),
    ]


def test_one_column_is_not_two_fields(write: Write) -> None:
    columns = guess_layout(write("order,product,sku,qty,date,price")).columns
    assert (columns["sku"], columns["description"]) == (2, 1)
    columns = guess_layout(write("order,product,qty,date,price")).columns
    assert (columns["sku"], columns.get("description")) == (1, None)


def test_people_are_not_taken_for_customer_numbers(write: Write) -> None:
    columns = guess_layout(write(SHORT + ",Email,Customer Name")).columns
    assert "customer" not in columns


def test_a_missing_column_is_named_with_the_headers_seen(write: Write) -> None:
    assert refusal(write("Nummer,sku,qty,date,Betrag", "1,x,1,2011-01-01,4.95")) == (
        "orders.csv has no column we know for order, price among its headers"
        " Nummer, sku, qty, date, Betrag: say which it is, as in --map order=HEADER."
    )


def test_a_column_can_be_mapped_by_its_exact_or_similar_name(write: Write) -> None:
    path = write("Nummer,sku,qty,date,Betrag,BETRAG", "1,x,1,2011-01-01,4.95,9")
    layout = guess_layout(path, columns={"order": "nummer", "price": "BETRAG"})
    assert (layout.columns["order"], layout.columns["price"]) == (0, 5)


def test_a_mapping_to_nothing_is_refused(write: Write) -> None:
    path = write(SHORT + ",")
    assert "no column 'Betrag' for --map price" in refusal(path, columns={"price": "Betrag"})
    assert "no column '' for --map price" in refusal(path, columns={"price": ""})
    assert "--map cannot be 'money'" in refusal(path, columns={"money": "price"})


@pytest.mark.parametrize(
    ("date", "date_format"),
    [
        ("2011-06-30", "ISO"),
        ("2011-06-30 19:58", "ISO"),
        ("2011-06-30T19:58:00", "ISO"),
        ("2011-06-30 19:58:00.000", "ISO"),
        ("2011/06/30 19:58", "Y/m/d"),
        ("30/06/2011 19:58:00", "d/m/Y"),
        ("30.6.2011", "d/m/Y"),
        ("6/30/2011 19:58", "m/d/Y"),
        ("06-30-2011", "m/d/Y"),
    ],
)
def test_the_date_format_is_seen(write: Write, date: str, date_format: str) -> None:
    assert guess_layout(dated(write, date)).date_format == date_format


def test_one_date_deep_in_the_column_decides_for_all(write: Write) -> None:
    ambiguous = ["03/04/2011"] * 500
    assert guess_layout(dated(write, *ambiguous, "13/04/2011")).date_format == "d/m/Y"
    assert guess_layout(dated(write, *ambiguous, "04/13/2011")).date_format == "m/d/Y"


@pytest.mark.parametrize("dates", [["03/04/2011", "soon"], ["13/04/2011", "04/13/2011"]])
def test_day_or_month_first_is_asked_when_the_dates_do_not_tell(
    write: Write, dates: list[str]
) -> None:
    path = dated(write, *dates)
    assert "do not tell whether the day or the month comes first" in refusal(path)
    assert refusal(path).endswith("say --date-format d/m/Y or --date-format m/d/Y.")
    assert guess_layout(path, date_format="m/d/Y").date_format == "m/d/Y"


def test_the_question_shows_a_date_that_raises_it(write: Write) -> None:
    assert "such as '03/04/2011'" in refusal(dated(write, "now", "03/04/2011", "soon"))


@pytest.mark.parametrize("date", ["30 June 2011", "6/30/11", "2011-06-30 07:58 PM", "30/06-2011"])
def test_dates_in_no_format_we_know_are_refused(write: Write, date: str) -> None:
    assert f"such as {date!r}, are in none of the formats ISO" in refusal(dated(write, date))


def test_one_bad_date_does_not_refuse_the_others(write: Write) -> None:
    assert guess_layout(dated(write, "2011-01-01", "soon", "2011-02-30")).date_format == "ISO"


@pytest.mark.parametrize("text", ["2011-02-29", "0000-01-01", "2011-01-01 24:00", ARABIC_DIGITS])
@pytest.mark.parametrize("date_format", DATE_FORMATS)
def test_a_day_that_never_was_is_no_date(text: str, date_format: str) -> None:
    assert parse_date(text, date_format) is None


@pytest.mark.parametrize(
    ("prices", "mark"),
    [
        (["4.95"], "."),
        (["4,95"], ","),
        (["1.234,56"], ","),
        (["1,234.56"], "."),
        (["1.234.567"], ","),
        (["-0.850"], "."),
        (["12"], "."),
        (["1,234", "4.95"], "."),
        (["1.234", "4,95"], ","),
        (["free", "4,95", "1.5", "2,5"], ","),
    ],
)
def test_the_decimal_mark_is_seen(write: Write, prices: list[str], mark: str) -> None:
    assert guess_layout(priced(write, *prices)).decimal_mark == mark


@pytest.mark.parametrize("prices", [["1,234"], ["1.234", "12"], ["4.95", "4,95"]])
def test_a_price_that_could_be_a_thousand_times_itself_is_asked(
    write: Write, prices: list[str]
) -> None:
    path = priced(write, *prices)
    assert "say --decimal-mark . or --decimal-mark ," in refusal(path)
    assert guess_layout(path, decimal_mark=",").decimal_mark == ","


def test_a_header_alone_has_a_shape(write: Write) -> None:
    assert guess_layout(write(HEADER)).date_format == "ISO"


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(content)
    assert refusal(path) == "orders.csv is empty: export it again, with its header line."


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "there is no file absent.csv" in refusal(tmp_path / "absent.csv")
    assert "is a directory" in refusal(tmp_path)
    assert "is not an ordinary file" in refusal(tmp_path / "pipe")
    assert "cannot be opened" in refusal(tmp_path / "a\0b")
    assert "cannot be opened" in refusal(tmp_path / ("x" * 300))


def test_a_header_that_cannot_be_read_refuses_the_file(write: Write) -> None:
    assert "the header of orders.csv, line 1, cannot be read" in refusal(write('"InvoiceNo,a'))


def test_a_file_of_too_many_bytes_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters.imports, "FILE_BYTES_MAX", 100)
    assert "and 100 is the limit: export a shorter period." in refusal(write(HEADER, ROW))


@pytest.mark.parametrize(
    "given",
    [
        {"encoding": "klingon"},
        {"encoding": "rot13"},
        {"encoding": "undefined"},
        {"encoding": "utf-16"},
        {"delimiter": "#"},
        {"date_format": "Y-d-m"},
        {"decimal_mark": "'"},
    ],
)
def test_a_choice_nothing_can_be_read_with_is_refused(write: Write, given: dict[str, str]) -> None:
    assert refusal(write(HEADER, ROW), **given)


def test_every_field_of_a_layout_can_be_overridden(write: Write) -> None:
    path = write("a\tb\tc\td\te", "1\tx\t1\t03/04/2011\t1,234")
    layout = guess_layout(
        path,
        columns={"order": "a", "sku": "b", "quantity": "c", "date": "d", "price": "e"},
        encoding="cp1252",
        delimiter="tab",
        date_format="d/m/Y",
        decimal_mark=",",
        cancellation_prefix="R-",
    )
    assert (layout.encoding, layout.delimiter, layout.date_format) == ("cp1252", "\t", "d/m/Y")
    assert replace(layout, date_format="m/d/Y").date_format == "m/d/Y"
    with pytest.raises(UnreadableFile, match="--date-format cannot be 'soon'"):
        replace(layout, date_format="soon")


def test_text_of_a_file_is_shown_without_its_control_characters() -> None:
    assert shown("a\x1b[31mb\0\udcff\n") == "a\ufffd[31mb\ufffd\ufffd"
    assert shown("x" * 300) == "x" * 200 + "…"

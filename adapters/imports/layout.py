"""layout: which shape does this export have?

    the first bytes    byte order mark, or a format that is no text     ─┐
    all bytes          UTF-8, unless most accented lines are not        ─┤
    the header line    delimiter and columns, by the names we know      ─┼─► Layout
    the date column    ISO, Y/m/d, d/m/Y or m/d/Y: what every cell says ─┤
    the price column   decimal point or decimal comma, likewise         ─┘

What a file cannot tell is asked, never supposed: 03/04/2011 is the third of April for some and
the fourth of March for others, and 1,234 a price for some and a thousand times it for others.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from adapters.imports import Record, UnreadableFile, guess_encoding, records, shown

SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "order": (
        *("invoiceno", "invoicenumber", "invoiceid", "invoice", "orderno", "ordernumber"),
        *("orderid", "order", "receiptnumber", "rechnungsnummer", "bestellnummer"),
    ),
    "sku": (
        *("stockcode", "sku", "itemsku", "lineitemsku", "productcode", "itemcode", "productid"),
        *("itemid", "articlenumber", "artikelnummer", "product", "item"),
    ),
    "description": (
        *("description", "productdescription", "itemdescription", "productname", "itemname"),
        *("lineitemname", "producttitle", "product", "item", "title", "bezeichnung"),
    ),
    "quantity": (
        *("quantity", "qty", "lineitemquantity", "itemquantity", "quantitypurchased", "units"),
        *("menge", "anzahl"),
    ),
    "date": (
        *("invoicedate", "orderdate", "purchasedate", "createdat", "orderedat", "placedat"),
        *("datetime", "timestamp", "date", "rechnungsdatum", "bestelldatum", "datum"),
    ),
    "price": ("unitprice", "priceeach", "lineitemprice", "price", "einzelpreis", "preis"),
    # No mail address and no name: an order needs to know that it is the same customer, not who.
    "customer": ("customerid", "customerno", "customernumber", "clientid", "customer", "kunde"),
    "country": ("country", "shippingcountry", "shipcountry", "billingcountry", "land"),
    "currency": ("currency", "currencycode", "waehrung"),
}
REQUIRED: Final = ("order", "sku", "quantity", "date", "price")
DELIMITERS: Final[Mapping[str, str]] = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DECIMAL_MARKS: Final = (".", ",")

_YEAR, _MONTH, _DAY = r"(?P<y>[0-9]{4})", r"(?P<m>[0-9]{1,2})", r"(?P<d>[0-9]{1,2})"
_CLOCK = r"(?:[T ] ?(?P<H>[0-9]{1,2}):(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:\.[0-9]{1,9})?)?)?"
DATE_FORMATS: Final[Mapping[str, re.Pattern[str]]] = {
    "ISO": re.compile(f"{_YEAR}-{_MONTH}-{_DAY}{_CLOCK}"),
    "Y/m/d": re.compile(f"{_YEAR}(?P<s>[/.]){_MONTH}(?P=s){_DAY}{_CLOCK}"),
    "d/m/Y": re.compile(f"{_DAY}(?P<s>[/.-]){_MONTH}(?P=s){_YEAR}{_CLOCK}"),
    "m/d/Y": re.compile(f"{_MONTH}(?P<s>[/.-]){_DAY}(?P=s){_YEAR}{_CLOCK}"),
}
_DAY_OR_MONTH_FIRST: Final = ("d/m/Y", "m/d/Y")
_GROUP_OR_DECIMALS: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")

_HEADERS_SHOWN_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read one export; change any field with `dataclasses.replace`."""

    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    columns: Mapping[str, int]
    date_format: str = "ISO"
    decimal_mark: str = "."
    cancellation_prefix: str = "C"

    def __post_init__(self) -> None:
        """Refuse what no file can be read with."""
        _check_option("--delimiter", self.delimiter, DELIMITERS.values())
        _check_option("--date-format", self.date_format, DATE_FORMATS)
        _check_option("--decimal-mark", self.decimal_mark, DECIMAL_MARKS)

    def value(self, field: str, fields: tuple[str, ...]) -> str:
        """Return what a row says in the column of a field; nothing when there is none."""
        column = self.columns.get(field)
        return "" if column is None else fields[column].strip()

    def describe(self) -> list[tuple[str, str, str]]:
        """Return rows of field, column and note for a person to check before anything is stored."""
        names = {char: name for name, char in DELIMITERS.items()}
        notes = {
            "order": "no cancellations",
            "date": f"{self.date_format}, local time of the business",
            "price": f"per unit, {'point' if self.decimal_mark == '.' else 'comma'} for decimals",
        }
        if self.cancellation_prefix:
            notes["order"] = f"{self.cancellation_prefix} and a digit begin a cancellation"
        rows = [("file", "", f"{self.encoding}, {names[self.delimiter]} between columns")]
        for field in SYNONYMS:
            column = self.columns.get(field)
            header = "" if column is None else shown(self.headers[column])
            rows.append((field, header, notes.get(field, "") if header else "not in this file"))
        unread = [h for i, h in enumerate(self.headers) if i not in self.columns.values()]
        return [*rows, ("not read", shown(", ".join(unread)), "")] if unread else rows


def guess_layout(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    date_format: str | None = None,
    decimal_mark: str | None = None,
    cancellation_prefix: str = "C",
) -> Layout:
    """Work out the shape of an export; whatever is given is taken as it is, not guessed."""
    name = shown(path.name)
    encoding = encoding or guess_encoding(path)
    if delimiter is None:
        delimiter = _guess_delimiter(path, encoding)
    delimiter = DELIMITERS.get(delimiter, delimiter)
    _check_option("--delimiter", delimiter, DELIMITERS.values())
    headers = _headers(path, encoding, delimiter)
    layout = Layout(
        encoding=encoding,
        delimiter=delimiter,
        headers=headers,
        columns=_map_columns(name, headers, columns or {}),
        date_format=date_format or "ISO",
        decimal_mark=decimal_mark or ".",
        cancellation_prefix=cancellation_prefix,
    )
    if date_format and decimal_mark:
        return layout
    dates, prices = _Dates(), Counter[str]()
    with closing(records(path, encoding=encoding, delimiter=delimiter)) as rows:
        next(rows)
        for row in rows:
            if not row.fault:
                dates.see(layout.value("date", row.fields))
                prices[_mark_in(layout.value("price", row.fields))] += 1
    return replace(
        layout,
        date_format=date_format or dates.format(name),
        decimal_mark=decimal_mark or _decimal_mark(name, prices),
    )


@lru_cache(maxsize=4_096)
def parse_date(text: str, date_format: str) -> datetime | None:
    """Return the wall time a cell says, to the second, or nothing when it says none."""
    match = DATE_FORMATS[date_format].fullmatch(text)
    if match is None:
        return None
    part = {name: int(digits or 0) for name, digits in match.groupdict().items() if name != "s"}
    try:
        return datetime(  # noqa: DTZ001 - an export says the wall time, only its merchant the zone
            part["y"], part["m"], part["d"], part["H"], part["M"], part["S"]
        )
    except ValueError:
        return None


def _check_option(option: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise UnreadableFile(
            f"{option} cannot be {shown(value)!r}: choose one of {', '.join(map(repr, choices))}."
        )


def _headers(path: Path, encoding: str, delimiter: str) -> tuple[str, ...]:
    with closing(records(path, encoding=encoding, delimiter=delimiter)) as rows:
        return header_names(next(rows))


def header_names(header: Record) -> tuple[str, ...]:
    """Return the names in a header, without a byte order mark that was read as text."""
    return tuple(name.strip().removeprefix("\ufeff") for name in header.fields)


def _plain(header: str) -> str:
    return "".join(filter(str.isalnum, re.sub(r"\([^()]*\)", "", header.casefold())))


def _map_columns(
    name: str, headers: tuple[str, ...], given: Mapping[str, str]
) -> Mapping[str, int]:
    seen = shown(", ".join(h or "(no name)" for h in headers[:_HEADERS_SHOWN_MAX]), chars_max=1_000)
    plain = [_plain(header) for header in headers]
    columns: dict[str, int] = {}
    for field, header in given.items():
        _check_option("--map", field, SYNONYMS)
        alike = [*_places(headers, header.strip()), *_places(plain, _plain(header))]
        if not alike or not header.strip():
            raise UnreadableFile(
                f"{name} has no column {shown(header)!r} for --map {field}: its headers are {seen}."
            )
        columns[field] = alike[0]
    for field in (field for field in SYNONYMS if field not in given):
        known = [place for word in SYNONYMS[field] for place in _places(plain, word)]
        free = [place for place in known if place not in columns.values()]
        if free:
            columns[field] = free[0]
    missing = [field for field in REQUIRED if field not in columns]
    if missing:
        raise UnreadableFile(
            f"{name} has no column we know for {', '.join(missing)} among its headers {seen}:"
            f" say which it is, as in --map {missing[0]}=HEADER."
        )
    return columns


def _places(headers: Sequence[str], wanted: str) -> list[int]:
    return [place for place, header in enumerate(headers) if header == wanted]


class _Dates:
    """What a column of dates says about the format it is written in."""

    def __init__(self) -> None:
        self._readable: Counter[str] = Counter()
        self._slashed = 0  # cells that fit d/m/Y, m/d/Y or both
        self._example = ""

    def see(self, cell: str) -> None:
        """Count one cell for every format that reads it."""
        fits = [name for name in DATE_FORMATS if parse_date(cell, name)]
        self._readable.update(fits)
        self._slashed += any(way in fits for way in _DAY_OR_MONTH_FIRST)
        if cell and (not self._example or len(fits) == 2):
            self._example = shown(cell, chars_max=40)

    def format(self, name: str) -> str:
        """Return the format that reads most cells, if no other reads them just as well."""
        best = max(DATE_FORMATS, key=lambda known: self._readable[known])
        if self._example and not self._readable[best]:
            raise UnreadableFile(
                f"the dates of {name}, such as {self._example!r}, are in none of the formats"
                f" {', '.join(DATE_FORMATS)}: export them as ISO, or --map date to another column."
            )
        # Each order must fail somewhere for the other to be proved; both failing proves a mixture.
        proved = {self._slashed - self._readable[way] > 0 for way in _DAY_OR_MONTH_FIRST}
        if best in _DAY_OR_MONTH_FIRST and len(proved) == 1:
            raise UnreadableFile(
                f"the dates of {name}, such as {self._example!r}, do not tell whether the day or"
                " the month comes first: say --date-format d/m/Y or --date-format m/d/Y."
            )
        return best


def _mark_in(price: str) -> str:
    """Return the decimal mark a price proves; "?" if it could be a group of thousands; or ""."""
    digits = price.lstrip("+-")
    marks = re.sub("[0-9]", "", digits)
    if not marks or set(marks) - set(DECIMAL_MARKS):
        return ""
    if _GROUP_OR_DECIMALS.fullmatch(digits):
        return "?"
    grouping = marks.count(marks[-1]) > 1
    return ("," if marks[-1] == "." else ".") if grouping else marks[-1]


def _decimal_mark(name: str, prices: Counter[str]) -> str:
    point, comma = (prices[mark] for mark in DECIMAL_MARKS)
    if point == comma and (point or prices["?"]):
        raise UnreadableFile(
            f"the prices of {name} do not tell a decimal point from a decimal comma:"
            " say --decimal-mark . or --decimal-mark ,"
        )
    return "," if comma > point else "."


def _guess_delimiter(path: Path, encoding: str) -> str:
    """Return the delimiter under which the header holds most names we know, then most columns."""
    known = {word for words in SYNONYMS.values() for word in words}
    scores = {}
    refusal = None
    for delimiter in DELIMITERS.values():
        try:
            headers = _headers(path, encoding, delimiter)
        except UnreadableFile as refused:
            refusal = refusal or refused
        else:
            scores[delimiter] = (len(known.intersection(map(_plain, headers))), len(headers))
    if refusal and not scores:
        raise refusal
    return max(scores, key=scores.__getitem__)

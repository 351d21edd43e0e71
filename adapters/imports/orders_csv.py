"""orders_csv: the orders in a merchant's export, exactly as the file says them.

    line 2   536368,22914,BLUE COAT RACK,3,2010-12-01 08:34:00,4.95,…  ─┐
    line 3   536368,22912,YELLOW RACK,1,2010-12-01 08:34:00,4.95,…     ─┴► ImportedOrder 536368
    line 4   C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,…         ──► a cancellation, -27.50
    line 5   536380,22961,JAM SET,a dozen,2010-12-01 09:41:00,1.45,…   ──► LineProblem 5

Lines are grouped by order, in the order in which orders first appear. Money is exact. Identical
lines are two lines, a price of zero is a price, and a formula is text: nothing is corrected,
nothing is dropped in silence.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal, Inexact
from pathlib import Path
from typing import Final

from adapters.imports import Record, UnreadableFile, records, shown
from adapters.imports.layout import Layout, header_names, parse_date

PRICE_DECIMALS_MAX: Final = 4
PRICE_DIGITS_MAX: Final = 15
QUANTITY_DIGITS_MAX: Final = 9
PROGRESS_LINES: Final = 1_000

_WHOLE: Final = re.compile(r"([+-]?[0-9]+)(?:[.,]0{1,2})?")  # 3.0 is how some tools write 3
_PRICES: Final[Mapping[str, re.Pattern[str]]] = {
    ".": re.compile(r"[+-]?(?=[.0-9])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.[0-9]+)?"),
    ",": re.compile(r"[+-]?(?=[,0-9])(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*)(?:,[0-9]+)?"),
}
_FLOAT_ID: Final = re.compile(r"([0-9]+)\.0+")
_EXACT: Final = Context(prec=60, traps=[Inexact])  # FILE_LINES_MAX of the largest amounts fit


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """One line of an order, and where in the file it begins."""

    sku: str
    description: str
    quantity: int
    unit_price: Decimal
    line_number: int


@dataclass(frozen=True, slots=True)
class ImportedOrder:
    """An order or a cancellation; `placed_at` is the earliest wall time its lines say."""

    order_id: str
    cancellation: bool
    customer_id: str | None
    country: str | None
    placed_at: datetime
    lines: tuple[ImportedLine, ...]
    currency: str | None = None

    @property
    def amount(self) -> Decimal:
        """Return quantity times unit price over all lines: negative when money goes back."""
        total = Decimal(0)
        for line in self.lines:
            of_line = _EXACT.multiply(Decimal(line.quantity), line.unit_price)
            total = _EXACT.add(total, of_line)
        return total


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line that was left out: where it begins, why, and what it says, safe to print."""

    line_number: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class ReadResult:
    """Everything a file says: its orders, and the lines that could not be read."""

    orders: tuple[ImportedOrder, ...]
    problems: tuple[LineProblem, ...]


@dataclass(slots=True)
class _Draft:
    placed_at: datetime
    customer_id: str = ""
    country: str = ""
    currency: str = ""
    lines: list[ImportedLine] = field(default_factory=list)


def read_orders(
    path: Path, layout: Layout, *, on_progress: Callable[[int], None] = lambda lines: None
) -> ReadResult:
    """Read every order; `on_progress` hears now and then how many lines are behind us."""
    drafts: dict[str, _Draft] = {}
    problems: list[LineProblem] = []
    told = 0
    with closing(records(path, encoding=layout.encoding, delimiter=layout.delimiter)) as rows:
        record = next(rows)
        if header_names(record) != layout.headers:
            raise UnreadableFile(
                f"the header of {shown(path.name)} is not the one its layout was made for:"
                " look at the columns again, then import."
            )
        for record in rows:
            reason = record.fault or _add(record, layout, drafts)
            if reason:
                problems.append(LineProblem(record.line_number, reason, shown(record.text)))
            if record.line_number - told >= PROGRESS_LINES:
                told = record.line_number
                on_progress(told)
    on_progress(record.line_number)
    orders = (_finished(order_id, draft, layout) for order_id, draft in drafts.items())
    return ReadResult(tuple(orders), tuple(problems))


def _add(record: Record, layout: Layout, drafts: dict[str, _Draft]) -> str | None:
    """Add one line to its order, or return why it belongs to none."""
    order_id = layout.value("order", record.fields)
    if not order_id:
        return "no order number"
    placed_at = parse_date(layout.value("date", record.fields), layout.date_format)
    if placed_at is None:
        return f"a date that is not {layout.date_format}"
    line = _line(record, layout)
    if isinstance(line, str):
        return line
    draft = drafts.get(order_id) or _Draft(placed_at)
    currency = layout.value("currency", record.fields)
    if currency and draft.currency not in ("", currency):
        return f"another currency than the rest of its order, {shown(draft.currency)}"
    drafts[order_id] = draft
    draft.lines.append(line)
    draft.placed_at = min(draft.placed_at, placed_at)
    draft.customer_id = draft.customer_id or layout.value("customer", record.fields)
    draft.country = draft.country or layout.value("country", record.fields)
    draft.currency = draft.currency or currency
    return None


def _line(record: Record, layout: Layout) -> ImportedLine | str:
    quantity = _WHOLE.fullmatch(layout.value("quantity", record.fields))
    if quantity is None:
        return "a quantity that is not a whole number"
    if len(quantity[1].lstrip("+-")) > QUANTITY_DIGITS_MAX:
        return f"a quantity of more than {QUANTITY_DIGITS_MAX} digits"
    price = _price(layout.value("price", record.fields), layout.decimal_mark)
    if isinstance(price, str):
        return price
    return ImportedLine(
        sku=layout.value("sku", record.fields),
        description=layout.value("description", record.fields),
        quantity=int(quantity[1]),
        unit_price=price,
        line_number=record.line_number,
    )


def _price(text: str, decimal_mark: str) -> Decimal | str:
    """Return an exact price, or why the text is none; infinity and 1e9 are no prices."""
    if not _PRICES[decimal_mark].fullmatch(text):
        return f"a price that is not a number with decimal {decimal_mark}"
    grouping = "," if decimal_mark == "." else "."
    plain = text.replace(grouping, "").replace(decimal_mark, ".")
    _, _, decimals = plain.partition(".")
    if len(decimals) > PRICE_DECIMALS_MAX:
        return f"a price with more than {PRICE_DECIMALS_MAX} decimals"
    if len(re.sub("[^0-9]", "", plain)) > PRICE_DIGITS_MAX:
        return f"a price of more than {PRICE_DIGITS_MAX} digits"
    return Decimal(plain)


def _finished(order_id: str, draft: _Draft, layout: Layout) -> ImportedOrder:
    prefix = layout.cancellation_prefix
    after = order_id[len(prefix) : len(prefix) + 1]
    customer = _FLOAT_ID.fullmatch(draft.customer_id)
    return ImportedOrder(
        order_id=order_id,
        cancellation=bool(prefix) and order_id.startswith(prefix) and "0" <= after <= "9",
        customer_id=(customer[1] if customer else draft.customer_id) or None,
        country=draft.country or None,
        placed_at=draft.placed_at,
        lines=tuple(draft.lines),
        currency=draft.currency or None,
    )

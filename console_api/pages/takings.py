"""Takings: what was sold and given back over time, ready to be drawn.

state_snapshots of the whole business ──► days, gaps filled ──► weeks or months if it is long
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from domain.kernel.org_unit import ROOT
from domain.view_store import Listing, Row, ViewReader, Where

RANGES: Final[dict[str, int | None]] = {"7d": 7, "30d": 30, "90d": 90, "all": None}
RANGE_DEFAULT: Final = "30d"
ROWS_MAX: Final = 2_000
DAYS_AS_DAYS_MAX: Final = 100
DAYS_AS_WEEKS_MAX: Final = 800
DAILY: Final = (Where("snapshot_type", "=", "daily"), Where("org_unit_id", "=", ROOT))


@dataclass(frozen=True, slots=True)
class Point:
    """One day, week or month of the business."""

    begins: date
    label: str
    revenue: Decimal = Decimal(0)
    orders: int = 0
    refunds: int = 0
    refunded: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Series:
    """What a chart shows. `others` are currencies that are sold in but not drawn."""

    points: Sequence[Point]
    step: str
    currency: str
    others: tuple[str, ...]


def series(reader: ViewReader, *, asked: str, currency: str) -> Series:
    """Return the takings of the whole business up to the newest day that there is."""
    days = RANGES.get(asked, RANGES[RANGE_DEFAULT])
    rows = _newest(reader, days)
    if not rows:
        return Series((), "day", currency, ())
    first, last = (date.fromisoformat(rows[n]["timestamp"]) for n in (-1, 0))
    if days is not None:
        first = last - timedelta(days=days - 1)
        rows = [row for row in rows if row["timestamp"] >= first.isoformat()]
    others = {name for row in rows for name in _currencies(row["metrics"])} - {currency}
    by_day = _by_day(rows, currency)
    full = [by_day.get(day) or Point(day, "") for day in _days(first, last)]
    step = _step(len(full))
    return Series(_grouped(full, step), step, currency, tuple(sorted(others)))


def _newest(reader: ViewReader, days: int | None) -> Sequence[Row]:
    """Return the newest rows of the whole business, the last day first."""
    limit = ROWS_MAX if days is None else days
    listing = Listing(DAILY, order="timestamp", descending=True, limit=limit)
    return reader.find("state_snapshots", listing)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _currencies(metrics: Mapping[str, Any]) -> set[str]:
    return {metrics["currency"], *metrics["otherCurrencies"]} - {None}


def _by_day(rows: Iterable[Row], currency: str) -> dict[date, Point]:
    found: dict[date, Point] = {}
    for row in rows:
        day, metrics = date.fromisoformat(row["timestamp"]), row["metrics"]
        ours = metrics["currency"] == currency
        one = Point(
            begins=day,
            label="",
            revenue=Decimal(str(metrics["revenue"])) if ours else Decimal(0),
            orders=metrics["orders"],
            refunds=metrics["refunds"],
            refunded=Decimal(str(metrics["refundAmount"])) if ours else Decimal(0),
        )
        found[day] = one
    return found


def _sum(one: Point, other: Point) -> Point:
    return Point(
        begins=one.begins,
        label=one.label,
        revenue=one.revenue + other.revenue,
        orders=one.orders + other.orders,
        refunds=one.refunds + other.refunds,
        refunded=one.refunded + other.refunded,
    )


def _step(days: int) -> str:
    if days <= DAYS_AS_DAYS_MAX:
        return "day"
    return "week" if days <= DAYS_AS_WEEKS_MAX else "month"


def _grouped(points: Sequence[Point], step: str) -> Sequence[Point]:
    groups: dict[date, Point] = {}
    for point in points:
        begins = _begins(point.begins, step)
        label = f"{begins:%b %Y}" if step == "month" else f"{begins.day} {begins:%b %Y}"
        group = groups.get(begins) or Point(begins, label)
        groups[begins] = _sum(group, point)
    return list(groups.values())


def _begins(day: date, step: str) -> date:
    match step:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case _:
            return day

"""What the chart of takings is drawn from: every day once, whatever the rows look like."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from console_api.pages.charts import hours_chart, takings_chart
from console_api.pages.takings import DAILY, Series, series
from domain.view_store import Listing, Row


def day(timestamp: str, revenue: str = "0", *, unit: str = "business", **more: Any) -> Row:
    metrics = {
        "revenue": Decimal(revenue), "orders": 1, "refunds": 0, "refundAmount": Decimal(0),
        "refundRate": None, "currency": "USD", "otherCurrencies": {},
    }  # fmt: skip
    return {"org_unit_id": unit, "timestamp": timestamp, "metrics": metrics | more}


@dataclass
class Rows:
    """A reader that knows the rows of one view, and counts how often it is asked."""

    rows: Sequence[Row]
    asked: list[Listing] = field(default_factory=list)

    def find(self, view: str, listing: Listing) -> Sequence[Row]:
        assert view == "state_snapshots"
        assert listing.where == DAILY
        self.asked.append(listing)
        newest_first = sorted(self.rows, key=lambda row: str(row["timestamp"]), reverse=True)
        return newest_first[: listing.limit]


def drawn(*rows: Row, asked: str = "7d") -> Series:
    return series(Rows(rows), asked=asked, currency="USD")  # type: ignore[arg-type]


def test_days_without_sales_are_zero() -> None:
    found = drawn(day("2026-03-01", "5"), day("2026-03-04", "7"))
    assert [str(point.revenue) for point in found.points] == ["0", "0", "0", "5", "0", "0", "7"]
    assert found.points[-1].label == "4 Mar 2026"


def test_a_chart_takes_one_question() -> None:
    reader = Rows([day(f"2026-03-{n:02}", "1") for n in range(1, 20)])
    found = series(reader, asked="7d", currency="USD")  # type: ignore[arg-type]
    assert len(reader.asked) == 1
    assert sum(point.revenue for point in found.points) == 7


def test_another_currency_is_named_and_not_added() -> None:
    euros = day("2026-03-02", "9", currency="EUR")
    mixed = day("2026-03-03", "4", otherCurrencies={"GBP": Decimal(3)})
    found = drawn(euros, mixed)
    assert sum(point.revenue for point in found.points) == 4
    assert found.others == ("EUR", "GBP")


@pytest.mark.parametrize(
    ("first", "step", "points"),
    [
        ("2026-03-01", "day", 31),
        ("2025-10-01", "week", 27),
        ("2010-12-01", "month", 184),
    ],
)
def test_a_long_time_is_drawn_in_longer_steps(first: str, step: str, points: int) -> None:
    found = drawn(day(first, "1"), day("2026-03-31", "1"), asked="all")
    assert (found.step, len(found.points)) == (step, points)
    assert sum(point.revenue for point in found.points) == 2


def test_nothing_sold_is_no_points() -> None:
    assert drawn().points == ()


def test_a_range_that_nobody_knows_is_the_usual_one() -> None:
    assert len(drawn(day("2026-03-31", "1"), asked="forever").points) == 30


@pytest.mark.parametrize("count", [1, 2, 7, 90])
@pytest.mark.parametrize("revenue", ["0", "0.01", "-5", "1e9"])
def test_a_chart_is_well_formed_and_has_no_style(count: int, revenue: str) -> None:
    rows = [day(f"2026-{1 + n // 28:02}-{1 + n % 28:02}", revenue) for n in range(count)]
    markup = takings_chart(drawn(*rows, asked="all"))
    figure = ElementTree.fromstring(markup)
    assert "style" not in markup
    assert "nan" not in markup.lower()
    label = figure.findall(".//svg[@role='img']")[0].get("aria-label", "")
    assert label.startswith("From 1 Jan 2026")
    assert "USD" in label


def test_hours_without_decisions_are_marked_as_such() -> None:
    bars = ElementTree.fromstring(hours_chart([0, 4, 2])).findall("rect")
    assert [bar.get("class") for bar in bars] == ["none", None, None]

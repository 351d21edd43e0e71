"""Real orders become events, and each cancellation a refund that is governed."""

import contextlib
import csv
import sqlite3
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.terminal import Terminal

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
SMALL = HEADER + (
    "1001,A,Mug,2,2030-03-01 09:00:00,4.50,7,France\n"
    "1001,B,Plate,1,2030-03-01 09:00:00,12.00,7,France\n"
    "1002,A,Mug,three,2030-03-01 23:30:00,4.50,8,France\n"
    "1002,B,Plate,1,2030-03-01 23:30:00,12.00,8,France\n"
    "C1003,A,Mug,-2,2030-03-02 10:00:00,4.50,7,France\n"
    "C1004,C,Sofa,-1,2030-03-02 11:00:00,500.01,9,France\n"
    "1005,C,Sofa,1,2030-03-02 12:00:00,500.01,9,France\n"
    "nonsense\n"
)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "data")


def test_orders_refunds_and_bad_lines(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(SMALL)
    told = terminal.json("import", "orders", str(file), "--currency", "EUR")

    counted = (told["orders done"], told["refunds done"], told["refunds held"])
    assert counted == (3, 1, 1)
    assert [each["line"] for each in told["problems"]] == [4, 9]
    dashboard = terminal.json("ask", "dashboard")
    totals = dashboard["totals"]
    assert (totals["orders"], totals["revenue"]) == (3, 21 + 12 + 500.01)
    assert (totals["refunds"], totals["refundAmount"], totals["currency"]) == (1, 9, "EUR")
    assert dashboard["refundsPending"] == {"count": 1, "amount": 500.01}

    days = terminal.json("ask", "state-history", "--snapshot-type", "daily")["items"]
    by_day = {row["timestamp"]: row["metrics"] for row in days}
    assert set(by_day) == {"2030-03-01", "2030-03-02"}
    assert (by_day["2030-03-01"]["revenue"], by_day["2030-03-01"]["orders"]) == (33, 2)
    assert by_day["2030-03-02"]["refundRate"] == 1
    hours = terminal.json("ask", "state-history", "--snapshot-type", "hourly")["items"]
    assert {row["timestamp"] for row in hours} == {
        "2030-03-01T09",
        "2030-03-01T23",
        "2030-03-02T10",
        "2030-03-02T12",
    }


def test_the_same_file_twice_adds_nothing(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(SMALL)
    terminal.json("import", "orders", str(file))
    head = terminal.json("ask", "dashboard")["head"]
    told = terminal.json("import", "orders", str(file))
    assert (told["orders already there"], told["refunds already there"]) == (3, 2)
    assert terminal.json("ask", "dashboard")["head"] == head


def test_an_order_that_changed_since_is_refused_by_name(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(SMALL)
    terminal.json("import", "orders", str(file))
    file.write_text(SMALL.replace("1001,A,Mug,2", "1001,A,Mug,3"))
    said = terminal.bos("import", "orders", str(file), "--json")
    assert said.code == 1
    assert [each["order"] for each in said.json["refused"]] == ["1001"]
    assert terminal.json("ask", "dashboard")["totals"]["orders"] == 3


@pytest.mark.slow
def test_an_import_that_was_killed_goes_on_where_it_was(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    rows = "".join(
        f"{n},A,Mug,1,2030-03-0{n % 9 + 1} 09:00:00,{n}.25,7,France\n"
        if n % 10
        else f"C{n},A,Mug,-1,2030-03-0{n % 9 + 1} 10:00:00,{n}.25,7,France\n"
        for n in range(1, 401)
    )
    file.write_text(HEADER + rows)
    terminal.json("ask", "dashboard")
    for reached in (60, 250, 500):
        process = terminal.start("import", "orders", str(file))
        wait_for_position(terminal, reached)
        process.kill()
        process.communicate()
    told = terminal.json("import", "orders", str(file))
    assert not told["refused"]
    totals = terminal.json("ask", "dashboard")["totals"]
    sold = sum(Decimal(f"{n}.25") for n in range(1, 401) if n % 10)
    assert (totals["orders"], Decimal(str(totals["revenue"]))) == (360, sold)
    refunded = sum(Decimal(f"{n}.25") for n in range(10, 401, 10))
    assert (totals["refunds"], Decimal(str(totals["refundAmount"]))) == (40, refunded)
    assert {row["result"] for row in terminal.json("rebuild", "--verify")["items"]} == {"equal"}
    assert terminal.json("audit", "verify")["ok"]


def wait_for_position(terminal: Terminal, position: int) -> None:
    """Look into the log from outside until it has grown that far."""
    ends = time.monotonic() + 60
    with contextlib.closing(sqlite3.connect(terminal.data / "log.db")) as log:
        while (log.execute("SELECT max(position) FROM events").fetchone()[0] or 0) < position:
            assert time.monotonic() < ends, f"the import did not reach position {position}"
            time.sleep(0.01)


def independent_sums(file: Path) -> dict[str, Decimal]:
    """Add up the file with nothing of ours."""
    sums: dict[str, Decimal] = {}
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            value = int(row["Quantity"]) * Decimal(row["UnitPrice"])
            sums[row["InvoiceNo"]] = sums.get(row["InvoiceNo"], Decimal(0)) + value
    return sums


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_half_a_year_of_a_real_retailer(terminal: Terminal, shared_data: Path) -> None:
    file = shared_data / "retail" / "orders.csv"
    sums = independent_sums(file)
    orders = {name: value for name, value in sums.items() if not name.startswith("C")}
    refunds = {name: -value for name, value in sums.items() if name.startswith("C")}
    large = {name: value for name, value in refunds.items() if value > 500}
    assert len(large) == 5

    told: dict[str, Any] = terminal.json("import", "orders", str(file), "--currency", "GBP")
    assert (told["orders done"], told["refunds done"]) == (len(orders), len(refunds) - 5)
    assert (told["refunds held"], told["malformedLines"]) == (5, 0)

    pending = terminal.json("ask", "approvals", "--status", "pending")["items"]
    asked = {row["context"]["payload"]["orderId"]: Decimal(str(row["amount"])) for row in pending}
    assert asked == large

    dashboard = terminal.json("ask", "dashboard")
    totals = dashboard["totals"]
    assert totals["orders"] == len(orders) == 5_612
    assert Decimal(str(totals["revenue"])) == sum(orders.values())
    done = sum(refunds.values()) - sum(large.values())
    assert Decimal(str(totals["refundAmount"])) == done
    assert Decimal(str(dashboard["refundsPending"]["amount"])) == sum(large.values())

    verified = terminal.json("rebuild", "--verify")["items"]
    assert {row["result"] for row in verified} == {"equal"}
    assert terminal.json("audit", "verify")["ok"]

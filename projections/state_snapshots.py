"""State snapshots: the business by the hour and by the day, on its own clock.

A sale belongs to the hour that its order was placed in, a refund to the hour it was asked for,
however late they become known; so a picture drawn late is the picture drawn in time.
"""

from collections.abc import Iterable
from typing import Any, Final

from domain.kernel.order import ORDER
from domain.kernel.org_unit import ROOT
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.takings import NOTHING, add
from projections.view import View

COLUMNS: Final = (
    Column("id"),
    Column("org_unit_id", indexed=True),
    Column("snapshot_type", indexed=True),
    Column("timestamp", indexed=True),
    Column("metrics", Kind.JSON),
)


def keys(recorded: Recorded) -> Iterable[str]:
    """Return the hour and the day that a sale or a refund belongs to, there and on the whole."""
    fact = recorded.fact
    units = (ROOT,) if fact.org_unit_id == ROOT else (ROOT, fact.org_unit_id)
    hours = [f"{unit}/hourly/{fact.hour}" for unit in units]
    return (*hours, *(f"{unit}/daily/{fact.day}" for unit in units))


def draw(row: Row | None, recorded: Recorded, key: str) -> dict[str, Any] | None:
    """Add one sale or refund to an hour or a day."""
    unit, snapshot_type, timestamp = key.rsplit("/", 2)
    return {
        "id": key,
        "org_unit_id": unit,
        "snapshot_type": snapshot_type,
        "timestamp": timestamp,
        "metrics": add(row["metrics"] if row else NOTHING, recorded.fact),
    }


STATE_SNAPSHOTS: Final = View(
    name="state_snapshots",
    version=1,
    columns=COLUMNS,
    facts=ORDER.events,
    keys=keys,
    draw=draw,
)

"""Dashboard: what an org unit has sold, given back and decided, added up. One row an org unit.

`decisions_by_hour` counts the governor's answers to proposed actions by UTC hour, for two days.
"""

from collections.abc import Iterable
from typing import Any, Final

from domain.core.instant import HOUR
from domain.governor.verdict import VerdictRecorded
from domain.kernel.order import ORDER
from domain.kernel.org_unit import ROOT
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.takings import NOTHING, add
from projections.view import View

HOURS_KEPT: Final = 50

COLUMNS: Final = (
    Column("id"),
    Column("totals", Kind.JSON),
    Column("decisions_by_hour", Kind.JSON),
    Column("decisions", Kind.JSON),
)


def keys(recorded: Recorded) -> Iterable[str]:
    """Return the org unit concerned and the whole business."""
    fact = recorded.fact
    if isinstance(fact, VerdictRecorded) and fact.command != "ProposeAction":
        return ()
    unit = fact.org_unit_id
    return (ROOT,) if unit in (ROOT, "") else (ROOT, unit)


def draw(row: Row | None, recorded: Recorded, key: str) -> dict[str, Any] | None:
    """Add one sale, refund or decision."""
    before: Row = row or {
        "id": key,
        "totals": NOTHING,
        "decisions_by_hour": {},
        "decisions": {},
    }
    fact = recorded.fact
    if not isinstance(fact, VerdictRecorded):
        return {**before, "totals": add(before["totals"], fact)}
    hour = recorded.occurred_at // HOUR
    kept = {
        name: count
        for name, count in before["decisions_by_hour"].items()
        if int(name) > hour - HOURS_KEPT
    }
    kept[str(hour)] = kept.get(str(hour), 0) + 1
    outcomes = before["decisions"]
    counted = outcomes | {fact.outcome: outcomes.get(fact.outcome, 0) + 1}
    return {**before, "decisions_by_hour": kept, "decisions": counted}


DASHBOARD: Final = View(
    name="dashboard",
    version=1,
    columns=COLUMNS,
    facts=(*ORDER.events, VerdictRecorded),
    keys=keys,
    draw=draw,
)

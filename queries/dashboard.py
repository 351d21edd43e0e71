"""What needs a person now, and how is the business doing?"""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.core.instant import HOUR, Instant, instant, moment, written
from domain.kernel.org_unit import ROOT
from domain.ports import StoreUnavailable
from domain.view_store import Listing, Row, ViewReader, Where
from projections.catalog import VIEWS
from projections.takings import NOTHING
from queries.listing import BadQuestion

HOLDING: Final = Where("status", "=", "pending")
OPEN: Final = Where("status", "in", ["open", "investigating"])


def dashboard(
    reader: ViewReader, *, at: Instant, head: int, org_unit_id: str = ROOT
) -> dict[str, Any]:
    """Return the front page of one org unit; of the root, of the whole business.

    `lag` says, for each projection, by how many events it is behind the log.
    """
    unit = reader.get("org_units", org_unit_id)
    if unit is None and "org_units" not in reader.positions():
        raise StoreUnavailable("the read models are drawn for the first time: ask again soon")
    if unit is None:
        raise BadQuestion(f"no org unit is called {org_unit_id!r}: see `bos ask org-units`")
    here = () if org_unit_id == ROOT else (Where("org_unit_id", "=", org_unit_id),)
    drawn = reader.get("dashboard", org_unit_id) or {}
    totals = dict(drawn.get("totals", NOTHING))
    refunds = (HOLDING, Where("action", "=", "process_refund"), *here)
    timezone = unit["settings"]["timezone"]
    here_or_above = Where("org_unit_id", "in", ["*", *unit["path"]])
    stopped = Listing((Where("status", "=", "engaged"), here_or_above), limit=len(unit["path"]) + 1)
    engaged = reader.find("kill_switches", stopped)
    reached = reader.positions()
    stops = [_stop(row) for row in engaged]
    return {
        "orgUnitId": org_unit_id,
        "name": unit["name"],
        "at": written(at),
        "activeWorkflows": 0,
        "activeAgents": reader.count("agents", (Where("status", "=", "active"), *here)),
        "pendingApprovals": reader.count("approvals", (HOLDING, *here)),
        "openIncidents": reader.count("incidents", (OPEN, *here)),
        "decisionsToday": _today(drawn.get("decisions_by_hour", {}), at, timezone),
        "decisions": drawn.get("decisions", {}),
        "totals": totals,
        "refundsPending": {
            "count": reader.count("approvals", refunds),
            "amount": reader.total("approvals", "amount", refunds),
        },
        "newestSnapshot": _newest(reader, org_unit_id),
        "killSwitch": {"engaged": bool(stops), "stops": stops},
        "head": head,
        "lag": {view.name: max(0, head - reached.get(view.name, 0)) for view in VIEWS},
    }


def _stop(row: Row) -> dict[str, Any]:
    return {
        "orgUnitId": row["org_unit_id"],
        "engagedBy": row["engaged_by"],
        "engagedAt": written(row["engaged_at"]),
        "position": row["engaged_position"],
        "reason": row["reason"],
    }


def _today(by_hour: dict[str, int], at: Instant, timezone: str) -> int:
    """Count what was decided since midnight on the business's clock, by whole UTC hours."""
    now = moment(at).astimezone(ZoneInfo(timezone))
    midnight = instant(datetime(now.year, now.month, now.day, tzinfo=now.tzinfo))
    first = midnight // HOUR
    return sum(count for hour, count in by_hour.items() if int(hour) >= first)


def _newest(reader: ViewReader, org_unit_id: str) -> dict[str, Any] | None:
    where = (Where("org_unit_id", "=", org_unit_id), Where("snapshot_type", "=", "daily"))
    found = reader.find(
        "state_snapshots", Listing(where, order="timestamp", descending=True, limit=1)
    )
    return None if not found else {"day": found[0]["timestamp"], **found[0]["metrics"]}

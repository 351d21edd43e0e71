"""Overview: four numbers, what needs a person now, the takings, and what happened last."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Response

from console_api.pages import feed
from console_api.pages.charts import hours_chart, takings_chart
from console_api.pages.render import day_began, zone_of
from console_api.pages.requests_shown import shown
from console_api.pages.takings import RANGE_DEFAULT, RANGES, series
from console_api.pages.visit import ROOT, Visit
from domain.core.instant import HOUR, Instant
from domain.view_store import Where
from queries.catalog import BY_NAME

NEEDED_MAX: Final = 5
ACTIVITY_MAX: Final = 15
BEHIND_MAX: Final = 100
"""Events that read models may be behind before it is worth a warning."""
HOURS_SHOWN: Final = 24
GRAVE: Final = {"status": "open,investigating", "severity": "critical,high"}


def overview(visit: Visit) -> Response:
    """Show the front page."""
    business = visit.business
    board = business.dashboard(ROOT)
    needed = business.ask(BY_NAME["approvals"], {"status": "pending"}, limit=NEEDED_MAX).items
    chosen = visit.asked("range", RANGE_DEFAULT)
    chosen = chosen if chosen in RANGES else RANGE_DEFAULT
    unit = visit.console.unit()
    currency = board["totals"]["currency"] or (unit["settings"]["currency"] if unit else "")
    drawn = series(business.views, asked=chosen, currency=currency)
    return visit.page(
        "overview.html",
        board=board,
        behind=max(board["lag"].values()),
        behind_max=BEHIND_MAX,
        needed=[shown(row) for row in needed],
        more_needed=board["pendingApprovals"] - len(needed),
        pending=board["pendingApprovals"],
        incidents_open=board["openIncidents"],
        grave=_grave(visit) if board["openIncidents"] else 0,
        today=day_began(business.clock(), zone_of(unit)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        hours=hours_chart(_by_hour(visit, business.clock())),
        chosen=chosen,
        ranges=list(RANGES),
        currency=currency,
        drawn=drawn,
        chart=takings_chart(drawn) if drawn.points else None,
        activity=feed.newest(business, limit=ACTIVITY_MAX),
    )


def _grave(visit: Visit) -> int:
    where = tuple(Where(name, "in", text.split(",")) for name, text in GRAVE.items())
    return visit.business.views.count("incidents", where)


def _by_hour(visit: Visit, at: Instant) -> Sequence[int]:
    """Return how much was decided in each of the last hours, the current one last."""
    row: Mapping[str, Any] = visit.business.views.get("dashboard", ROOT) or {}
    counts: Mapping[str, int] = row.get("decisions_by_hour", {})
    now = at // HOUR
    return [counts.get(str(hour), 0) for hour in range(now - HOURS_SHOWN + 1, now + 1)]

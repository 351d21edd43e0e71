"""Feed: the audit log as lines that people can read.

proposals are told as what they would do     "Refund USD 600.00 for order 1"
what is done about them says so              "Start: Refund USD 600.00 for order 1"
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console_api.business import Business
from console_api.pages.wording import title_of, words
from domain.view_store import Listing, Row, Where
from queries.catalog import BY_NAME
from queries.listing import LIMIT_MAX

ERRANDS: Final = {
    "start_action": "Start",
    "complete_action": "Completed",
    "fail_action": "Failed",
    "cancel_action": "Cancel",
}
"""What is asked about an action once it is decided; all else about actions are decisions."""

_PLAIN: Final = {
    "engage_kill_switch": "Stop everything",
    "expire_approval": "Close a request that nobody answered",
    "follow_link": "Sign in by a link",
    "grant_approval": "Approve a request",
    "issue_token": "Issue a token",
    "reject_approval": "Reject a request",
    "release_kill_switch": "Release the kill switch",
    "revoke_token": "Revoke a token",
    "update_incident": "Work on an incident",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One answer of the governor: to whom, about what, and how it went."""

    id: str
    position: int
    at: str
    actor: str
    title: str
    about: str
    outcome: str
    reason: str


def newest(business: Business, *, limit: int) -> list[Line]:
    """Return the newest lines."""
    return lines(business, business.ask(BY_NAME["audit-log"], {}, limit=limit).items)


def lines(business: Business, rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return entries of the audit log as lines."""
    ids = {row["entityId"] for row in rows if row["entityType"] == "action"}
    actions: dict[str, Row] = {}
    if ids:
        listing = Listing((Where("id", "in", sorted(ids)),), limit=LIMIT_MAX)
        actions = {row["id"]: row for row in business.views.find("actions", listing)}
    return [_line(row, actions.get(row["entityId"])) for row in rows]


def _line(row: Mapping[str, Any], action: Row | None) -> Line:
    is_action = row["entityType"] == "action"
    return Line(
        id=row["id"],
        position=row["position"],
        at=row["timestamp"],
        actor=f"{row['actorType']}:{row['actorId']}",
        title=_title(row, action if is_action else None),
        about="" if is_action else row["entityId"],
        outcome=row["outcome"],
        reason="; ".join(row["output"]["reasons"]),
    )


def _title(row: Mapping[str, Any], action: Row | None) -> str:
    errand = ERRANDS.get(row["action"])
    if action is not None:
        title = title_of(action["action_type"], action["arguments"])
        return f"{errand}: {title}" if errand else title
    request = row["input"]
    if request and isinstance(request.get("payload"), dict):
        return title_of(row["action"], request["payload"])
    return _PLAIN.get(row["action"]) or words(row["action"]).capitalize()

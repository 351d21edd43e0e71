"""Lists: what can be read and not changed here: policies, agents, the audit log; and the way there.

Every filter and every selection is in the address, so that it can be sent to somebody.
"""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Response

from console_api.pages import feed
from console_api.pages.session import BASE
from console_api.pages.visit import Visit
from queries.catalog import BY_NAME
from queries.listing import Answer

POLICIES_MAX: Final = 200
AGENTS_PAGE: Final = 50
AUDIT_PAGE: Final = 40
OUTCOMES: Final = ("all", "done", "held", "denied", "refused")
AGENT_FILTERS: Final = ("all", "active", "disabled")
AUDIT: Final = BY_NAME["audit-log"]


def policies(visit: Visit) -> Response:
    """Show every policy with its rules, those in force first."""
    found = visit.business.ask(BY_NAME["policies"], {}, limit=POLICIES_MAX).items
    ranked = sorted(found, key=lambda row: (row["status"] != "active", row["name"].lower()))
    return visit.page("policies.html", rows=ranked)


def agents(visit: Visit) -> Response:
    """Show the agents, and what each may do."""
    chosen = visit.asked("status", "all")
    chosen = chosen if chosen in AGENT_FILTERS else "all"
    filters = {} if chosen == "all" else {"status": chosen}
    cursor = visit.asked("cursor") or None
    answer = visit.business.ask(BY_NAME["agents"], filters, limit=AGENTS_PAGE, cursor=cursor)
    return visit.page(
        "agents.html",
        chosen=chosen,
        filters=AGENT_FILTERS,
        rows=answer.items,
        next_cursor=answer.next_cursor,
    )


def audit(visit: Visit) -> Response:
    """Show what was asked of the business and what it answered, newest first."""
    outcome = visit.asked("outcome", "all")
    outcome = outcome if outcome in OUTCOMES else "all"
    actor, since = visit.asked("actor").strip(), visit.asked("since")
    decisions = visit.asked("show") == "decisions"
    kept = {
        "outcome": outcome if outcome != "all" else "",
        "actor": actor,
        "show": "decisions" if decisions else "",
        "since": since,
    }
    answer = _entries(visit, outcome, actor, since, decisions=decisions)
    asked = visit.asked("id")
    return visit.page(
        "audit.html",
        outcome=outcome,
        outcomes=OUTCOMES,
        actor=actor,
        since=since,
        decisions=decisions,
        lines=feed.lines(visit.business, answer.items),
        next_cursor=answer.next_cursor,
        query=urlencode({name: text for name, text in kept.items() if text}),
        kept=kept,
        picked=_entry(visit, asked) if asked else None,
    )


def _entries(visit: Visit, outcome: str, actor: str, since: str, *, decisions: bool) -> Answer:
    """Ask for a page of the audit log. Decisions are the answers to what was proposed."""
    kind, _, name = actor.rpartition(":")
    filters = [
        ("outcome", "" if outcome == "all" else outcome),
        ("actorType", kind),
        ("actorId", name),
        ("timestamp", f">={since}" if since else ""),
    ]
    if decisions:
        filters += [("entityType", "action"), *(("action", f"!={each}") for each in feed.ERRANDS)]
    told = [(column, text) for column, text in filters if text]
    return visit.business.ask(AUDIT, told, limit=AUDIT_PAGE, cursor=visit.asked("cursor") or None)


def _entry(visit: Visit, asked: str) -> dict[str, Any]:
    row = visit.row("audit-log", asked, back=f"{BASE}/audit")
    return {**row, "line": feed.lines(visit.business, [row])[0]}


def more(visit: Visit) -> Response:
    """Show the way to everything else: what the bar of a phone has no room for."""
    return visit.page("more.html")

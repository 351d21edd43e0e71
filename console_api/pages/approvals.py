"""Approvals: the inbox, one request in full, and a yes or a no to exactly what was shown.

GET  ?status=waiting&id=apr-…&do=approve        POST  id + payload hash + word ──► desk.answer
                                                      id + question | answer   ──► business.do
"""

from dataclasses import replace
from typing import Any, Final

from fastapi import Response

from commands.governor.inquiry import GiveInformation, RequestInformation
from commands.message import Command, Held, Refused
from console_api import desk
from console_api.pages.requests_shown import (
    Shown,
    earlier,
    objection,
    policies_of,
    shown,
    standings,
)
from console_api.pages.session import BASE
from console_api.pages.visit import Visit, refusal
from queries.catalog import BY_NAME
from queries.listing import Order

FILTERS: Final = {
    "waiting": "pending",
    "approved": "approved,consumed",
    "rejected": "rejected",
    "expired": "expired",
    "cancelled": "cancelled",
    "all": "",
}
INBOX: Final = BY_NAME["approvals"]
HISTORY: Final = replace(INBOX, order=Order("expires_at"))
PAGE: Final = 30
HERE: Final = f"{BASE}/approvals"


def approvals(visit: Visit) -> Response:
    """Show the inbox or a part of the history, and one request of it in full."""
    return _page(visit, visit.asked("id"), do=visit.asked("do"))


def _page(visit: Visit, asked: str, *, do: str, wrong: str = "", status: int = 200) -> Response:
    chosen = visit.asked("status", "waiting")
    chosen = chosen if chosen in FILTERS else "waiting"
    filters = {"status": FILTERS[chosen]} if FILTERS[chosen] else {}
    question = INBOX if chosen == "waiting" else HISTORY
    cursor = visit.asked("cursor") or None
    answer = visit.business.ask(question, filters, limit=PAGE, cursor=cursor)
    rows = [shown(row) for row in answer.items]
    picked = _picked(visit, rows, asked) if asked else next(iter(rows), None)
    return visit.page(
        "approvals.html",
        status=status,
        chosen=chosen,
        filters=list(FILTERS),
        rows=rows,
        next_cursor=answer.next_cursor,
        is_asked=bool(asked),
        do=do,
        wrong=wrong,
        typed=visit.form,
        picked=picked,
        **(_detail(visit, picked) if picked is not None else {}),
    )


def _picked(visit: Visit, rows: list[Shown], asked: str) -> Shown:
    for row in rows:
        if row.id == asked:
            return row
    return shown(visit.row("approvals", asked, back=HERE))


def _detail(visit: Visit, picked: Shown) -> dict[str, Any]:
    """Return what the detail of a request shows beside its row."""
    row, is_pending = picked.row, picked.status == "pending"
    entity = row["entityId"]
    return {
        "policies": policies_of(row),
        "by_kill_switch": any(str(t).startswith("kill_switch:") for t in row["triggeringPolicies"]),
        "objection": objection(visit.business, picked.id, visit.actor) if is_pending else "",
        "standings": standings(visit.business, picked.id),
        "similar": visit.business.approvals_similar(picked.id) or [],
        "earlier": earlier(visit.business, row),
        "action": visit.business.views.get("actions", entity) if entity else None,
    }


def answer(visit: Visit) -> Response:
    """Take a yes or a no, a question, or what was asked for."""
    if visit.form.get("answer") in ("ask", "inform"):
        return _talk(visit)
    form = visit.form
    asked, approved = form.get("id", ""), form.get("answer") == "approve"
    picked = _picked(visit, [], asked)
    if picked.status == "pending" and (wrong := _unconfirmed(visit, picked, approved=approved)):
        again = "approve" if approved else "reject"
        return _page(visit, asked, do=again, wrong=wrong, status=422)
    answered = desk.answer(
        visit.business,
        visit.actor,
        approval_id=asked,
        approved=approved,
        payload_hash=form.get("hash", "") or "-",
        reason="" if approved else form.get("reason", ""),
        notes=form.get("notes", "") if approved else "",
        key=form.get("once", ""),
    )
    if isinstance(answered.receipt, Refused):
        raise refusal(answered.receipt, back=f"{HERE}?id={asked}")
    return _went_on(visit, picked, answered, approved=approved)


def _talk(visit: Visit) -> Response:
    """Take a question, or an answer to one."""
    asked, word = visit.form.get("id", ""), visit.form["answer"]
    picked = _picked(visit, [], asked)
    words = visit.form.get("words", "").strip()
    if not words:
        missing = "A question needs words." if word == "ask" else "An answer needs words."
        return _page(visit, asked, do=word, wrong=missing, status=422)
    command: Command
    if word == "ask":
        command, said = RequestInformation(approval_id=asked, question=words), "Asked about"
    else:
        command, said = GiveInformation(approval_id=asked, text=words), "Answered about"
    receipt = visit.business.do(command, visit.actor, key=visit.form.get("once", ""))
    here = f"{HERE}?id={picked.id}"
    if isinstance(receipt, Refused):
        raise refusal(receipt, back=here)
    return visit.on(here, f"{said} {picked.title}", tone="ok", position=receipt.position)


def _unconfirmed(visit: Visit, picked: Shown, *, approved: bool) -> str:
    """Say what is still missing from an answer, or nothing."""
    if not approved:
        return "" if visit.form.get("reason", "").strip() else "A rejection needs a reason."
    typed = visit.form.get("confirm", "").strip().lower()
    if picked.risk == "high" and typed not in (picked.id.lower(), picked.key.lower()):
        return f"This is not the end of the id: type {picked.key} to confirm."
    return ""


def _went_on(visit: Visit, picked: Shown, answered: desk.Answered, *, approved: bool) -> Response:
    """Say what was recorded, and what became of the request that waited for it."""
    receipt = answered.resumed or answered.receipt
    is_counted = approved and answered.resumed is None
    if isinstance(answered.receipt, Held):
        text, tone = "Your answer itself waits: a policy asks another person about it", "warn"
    elif not approved:
        text, tone = f"Rejected: {picked.title}", "ok"
    elif is_counted:
        text, tone = f"Your yes counts, others must agree too: {picked.title}", "ok"
    elif isinstance(receipt, Refused):
        reasons = "; ".join(receipt.reasons)
        text, tone = f"Approved, but it is not carried out: {reasons}", "bad"
    elif isinstance(receipt, Held):
        text, tone = "Approved, but the rules became stricter meanwhile: it is asked again", "warn"
    else:
        text, tone = f"Approved: {picked.title}", "ok"
    return visit.on(HERE, text, tone=tone, position=receipt.position)

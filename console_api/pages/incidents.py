"""Incidents: the list, one story in full, and the next step of the work on it.

GET  ?status=open&id=inc-…&do=resolve           POST  id + status or assignee ──► UpdateIncident
"""

from typing import Any, Final

from fastapi import Response

from commands.governor.incident import UpdateIncident
from console_api.business import Business
from console_api.pages.session import BASE
from console_api.pages.visit import Visit
from domain.core.principal import DESK
from domain.governor.incident import INCIDENT, Incident, Stage, update
from queries.catalog import BY_NAME

FILTERS: Final = {
    "open": "open,investigating",
    "resolved": "resolved",
    "closed": "closed",
    "all": "",
}
QUESTION: Final = BY_NAME["incidents"]
PAGE: Final = 30
HERE: Final = f"{BASE}/incidents"
PEOPLE_MAX: Final = 100


def incidents(visit: Visit) -> Response:
    """Show incidents, and one of them in full."""
    return _page(visit, visit.asked("id"), do=visit.asked("do"))


def _page(visit: Visit, asked: str, *, do: str, wrong: str = "", status: int = 200) -> Response:
    chosen = visit.asked("status", "open")
    chosen = chosen if chosen in FILTERS else "open"
    filters = {"status": FILTERS[chosen]} if FILTERS[chosen] else {}
    cursor = visit.asked("cursor") or None
    answer = visit.business.ask(QUESTION, filters, limit=PAGE, cursor=cursor)
    picked = visit.row("incidents", asked, back=HERE) if asked else next(iter(answer.items), None)
    return visit.page(
        "incidents.html",
        status=status,
        chosen=chosen,
        filters=list(FILTERS),
        rows=answer.items,
        next_cursor=answer.next_cursor,
        is_asked=bool(asked),
        do=do,
        wrong=wrong,
        typed=visit.form,
        picked=picked,
        **(_detail(visit, picked) if picked is not None else {}),
    )


def _detail(visit: Visit, picked: dict[str, Any]) -> dict[str, Any]:
    at_the_desk = visit.actor.role in DESK
    return {
        "moves": _moves(visit.business, picked["id"]) if at_the_desk else (),
        "people": _people(visit.business) if at_the_desk else (),
        "timeline": list(reversed(picked["timeline"])),
    }


def _moves(business: Business, incident_id: str) -> tuple[str, ...]:
    """Return where an incident can go from here; the decider itself is asked."""
    state: Incident = business.state(INCIDENT, incident_id)

    def leads_on(stage: Stage) -> bool:
        decision = update(
            state,
            incident_id=incident_id,
            status=stage.value,
            assigned_to=None,
            root_cause="known",
            resolution="known",
            by="",
        )
        return isinstance(decision, tuple) and bool(decision)

    return tuple(stage.value for stage in Stage if stage is not Stage.UNKNOWN and leads_on(stage))


def _people(business: Business) -> tuple[str, ...]:
    roles = ",".join(role.value for role in DESK)
    found = business.ask(
        BY_NAME["users"], {"status": "active", "role": roles}, limit=PEOPLE_MAX
    ).items
    return tuple(sorted(row["id"] for row in found))


def move(visit: Visit) -> Response:
    """Take the next step of the work: assign it, or change where it stands."""
    form = visit.form
    asked, status = form.get("id", ""), form.get("status", "")
    cause, resolution = form.get("cause", "").strip(), form.get("resolution", "").strip()
    if status == "resolved" and not (cause and resolution):
        missing = "Resolving needs both a root cause and a resolution."
        return _page(visit, asked, do="resolve", wrong=missing, status=422)
    command = UpdateIncident.model_validate(
        {
            "incidentId": asked or "-",
            "status": status or None,
            "assignedTo": form.get("assignee") or None,
            "rootCause": cause,
            "resolution": resolution,
        }
    )
    receipt = visit.do(command, back=f"{HERE}?id={asked}")
    text = f"Now {status}" if status else f"Assigned to {form.get('assignee', '')}"
    stay = f"{HERE}?status=all&id={asked}"
    return visit.on(stay, text, position=receipt.position)

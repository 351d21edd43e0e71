"""Reads: lists, rows, the dashboard, the state of anything at any position.

request ──may they?──► parameters, each once ──minPosition?──► read model ──► JSON
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.responses import Response

from commands.actions import ACTION_TYPES, ActionType
from console_api.business import Business
from console_api.http import describe, schemas
from console_api.http.answers import answer
from console_api.http.catalog import READERS, SHELVES, STATE_HISTORY, Shelf
from console_api.http.describe import HOURS_A_WEEK
from console_api.http.guard import Watermark
from console_api.http.problems import Problem, again
from console_api.http.routing import API, add
from domain.core.principal import Actor, Role
from domain.kernel.org_unit import ROOT
from queries.listing import LIMIT_DEFAULT, BadQuestion, camel, told

WAIT_SECONDS: Final = 2.0
_PAGING: Final = ("limit", "cursor")
_SPAN: Final = {"from": ">=", "to": "<="}

Identify = Callable[[Request], Actor]


class Reading:
    """How the API reads from a business: who may, what they asked for, and how fresh."""

    def __init__(self, business: Business, caller: Identify, watermark: Watermark) -> None:
        """Read from a business."""
        self.business = business
        self.caller = caller
        self.watermark = watermark

    def asked(
        self,
        request: Request,
        operation: str,
        known: tuple[str, ...] | None = (),
        *,
        view: str = "",
    ) -> tuple[Actor, dict[str, str]]:
        """Return who reads, and the parameters, when the read models are fresh enough for them.

        `known` names the parameters there are; a list checks its filters itself (None).
        `view` names the one read model that is read, where it is one: no other is waited for.
        """
        actor = self.reader(request, operation)
        pairs = request.query_params.multi_items()
        found = dict(pairs)
        if len(found) < len(pairs):
            raise BadQuestion("a parameter stands in the address twice")
        fresh_from = found.pop("minPosition", None)
        if known is not None:
            _nothing_but(known, found)
        self._wait(fresh_from, view)
        return actor, found

    def reader(self, request: Request, operation: str) -> Actor:
        """Return who reads, if they may. Raises `NotAuthenticated`, `StoreUnavailable`."""
        actor = self.caller(request)
        if actor.role not in READERS[operation]:
            raise Problem(
                403, "role_not_permitted", f"{actor} is {actor.role.value}, who may not read this"
            )
        return actor

    def _wait(self, text: str | None, view: str) -> None:
        head = self.watermark.saw(self.business.log.head())
        if text is None:
            return
        position = number("minPosition", text)
        if position > head:
            raise BadQuestion(f"minPosition {position} is beyond the head of the log, {head}")
        if not self.business.reached(position, timeout_seconds=WAIT_SECONDS, view=view):
            raise again(
                503, "not_reached", f"The read models have not reached position {position} yet"
            )

    def row(self, shelf: Shelf, key: str) -> dict[str, Any] | None:
        """Return one row as it is shown."""
        shape = shelf.asked.view.shape
        found = self.business.views.get(shape.name, key)
        return None if found is None else told(shape.columns, found)


def number(name: str, text: str) -> int:
    """Read a whole number of an address."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadQuestion(f"{name} must be a whole number, not {text[:100]!r}")
    return int(text)


def _nothing_but(known: tuple[str, ...], asked: Mapping[str, str]) -> None:
    if unknown := sorted(asked.keys() - set(known)):
        possible = ", ".join((*known, "minPosition"))
        raise BadQuestion(f"{unknown[0][:100]!r} is not a parameter here, only: {possible}")


def add_reads(app: FastAPI, reading: Reading) -> None:
    """Add every operation that reads."""
    for shelf in SHELVES:
        _add_list(app, reading, shelf)
        _add_row(app, reading, shelf)
    _add_dashboard(app, reading)
    _add_state(app, reading)
    _add_action_types(app, reading)


def _add_list(app: FastAPI, reading: Reading, shelf: Shelf) -> None:
    question = shelf.asked
    history = shelf.question == STATE_HISTORY

    def listed(request: Request) -> Response:
        actor, asked = reading.asked(request, shelf.many, None, view=question.view.name)
        default = HOURS_A_WEEK if history else LIMIT_DEFAULT
        limit = number("limit", asked["limit"]) if "limit" in asked else default
        filters = [pair for pair in asked.items() if pair[0] not in _PAGING]
        if history:
            filters = _spanned(filters)
        if actor.role is Role.AGENT:
            filters.append((camel(shelf.own), _name_in(shelf, actor)))
        cursor = asked.get("cursor")
        if cursor == "":
            raise BadQuestion("cursor is empty: leave it out to begin, stop where it is null")
        page = reading.business.ask(question, filters, limit=limit, cursor=cursor)
        return answer({"items": page.items, "nextCursor": page.next_cursor})

    about = describe.read(schemas.PAGES[shelf.noun], *describe.listing(shelf))
    path, summary = f"{API}/{shelf.question}", f"List {shelf.words}"
    add(app, "GET", path, listed, operation=shelf.many, summary=summary, about=about)


def _name_in(shelf: Shelf, actor: Actor) -> str:
    return actor.id if shelf.own == "agent_id" else str(actor)


def _may_see(actor: Actor, shelf: Shelf, row: Mapping[str, Any]) -> bool:
    return actor.role is not Role.AGENT or row[camel(shelf.own)] == _name_in(shelf, actor)


def _spanned(filters: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Read `from` and `to` as conditions on the timestamp; hours unless days are asked for."""
    if "snapshotType" not in dict(filters):
        filters = [*filters, ("snapshotType", "hourly")]
    return [
        ("timestamp", _SPAN[name] + text) if name in _SPAN else (name, text)
        for name, text in filters
    ]


def _add_row(app: FastAPI, reading: Reading, shelf: Shelf) -> None:
    def one(request: Request) -> Response:
        actor, _asked = reading.asked(request, shelf.one, view=shelf.asked.view.name)
        key = request.path_params["id"]
        row = None if "\0" in key else reading.row(shelf, key)
        if row is None or not _may_see(actor, shelf, row):
            raise Problem(404, "unknown_id", f"{shelf.question} has no {key[:200]!r} for {actor}")
        return answer(row)

    about = describe.read(schemas.ROWS[shelf.noun], describe.path("id", "Its id"), more=(404,))
    path, summary = f"{API}/{shelf.question}/{{id:path}}", f"Get one of {shelf.words}"
    add(app, "GET", path, one, operation=shelf.one, summary=summary, about=about)


def _add_dashboard(app: FastAPI, reading: Reading) -> None:
    def dashboard(request: Request) -> Response:
        _actor, asked = reading.asked(request, "getDashboard", ("orgUnitId",))
        return answer(reading.business.dashboard(asked.get("orgUnitId", ROOT)))

    unit = describe.query("orgUnitId", "The org unit; by default the whole business")
    about = describe.read(schemas.Dashboard, unit)
    path, summary = f"{API}/dashboard", "Get the front page of an org unit"
    add(app, "GET", path, dashboard, operation="getDashboard", summary=summary, about=about)


def _add_state(app: FastAPI, reading: Reading) -> None:
    def state(request: Request) -> Response:
        _actor, asked = reading.asked(request, "getState", ("at",))
        at = number("at", asked["at"]) if "at" in asked else None
        name = request.path_params["stream"]
        if "\0" in name:
            raise BadQuestion("the name of a history has no NUL character")
        found = reading.business.state_told(name, at)
        if not found["events"]:
            raise Problem(
                404, "unknown_id", f"nothing had happened to {name[:200]!r} by {found['position']}"
            )
        return answer(found)

    about = describe.read(
        schemas.StateAnswer,
        describe.path("stream", "Its history: <category>:<key>, such as action:act-1"),
        describe.query("at", "As of this position of the log", {"type": "integer", "minimum": 0}),
        more=(404,),
    )
    path, summary = f"{API}/state/{{stream:path}}", "Get the state of anything at any position"
    add(app, "GET", path, state, operation="getState", summary=summary, about=about)


def _add_action_types(app: FastAPI, reading: Reading) -> None:
    rows = {each.name: _shown(each) for each in ACTION_TYPES.values()}

    def listed(request: Request) -> Response:
        reading.asked(request, "listActionTypes")
        return answer({"items": list(rows.values()), "nextCursor": None})

    def one(request: Request) -> Response:
        reading.asked(request, "getActionType")
        key = request.path_params["id"]
        if key not in rows:
            raise Problem(404, "unknown_id", f"no action type is called {key[:200]!r}")
        return answer(rows[key])

    path, words = f"{API}/action-types", "what can be proposed"
    about = describe.read(schemas.PAGES["ActionType"])
    add(app, "GET", path, listed, operation="listActionTypes", summary=f"List {words}", about=about)
    name = describe.path("id", "Its name")
    about = describe.read(schemas.ROWS["ActionType"], name, more=(404,))
    summary, path = f"Get one of {words}", path + "/{id:path}"
    add(app, "GET", path, one, operation="getActionType", summary=summary, about=about)


def _shown(kind: ActionType) -> dict[str, Any]:
    return {
        "id": kind.name,
        "effectClass": kind.effect_class,
        "risk": kind.risk,
        "kind": kind.kind,
        "compensation": kind.compensation,
        "payload": describe.payload(kind),
    }

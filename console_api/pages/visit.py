"""Visit: one request to the console, from the door to the answer.

GET   who? ──► handler ──► page                 POST  ours? who? ──► handler ──► 303 and a word
Every answer carries the same headers, and whatever goes wrong is said in one plain sentence.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from jinja2 import Environment
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from commands.actions import problems_of
from commands.message import Command, Held, Receipt, Refused
from console_api.business import Business
from console_api.pages import render, session
from console_api.pages.assets import Assets, load
from console_api.pages.live import Live, drawn
from console_api.pages.session import BASE, BadForm, Seals, Visitor
from console_api.settings import Settings
from domain.core.principal import DESK, Actor, Role
from domain.governor.law import LAW, Law
from domain.ports import BrokenWorld, Conflict
from domain.view_store import Listing, Row, Where
from queries.catalog import BY_NAME
from queries.listing import BadQuestion

ROOT: Final = "business"
STOPS_MAX: Final = 20
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
TOLD_CHARACTERS_MAX: Final = 400
PENDING: Final = Where("status", "=", "pending")
OPEN: Final = Where("status", "in", ["open", "investigating"])
ENGAGED: Final = Listing((Where("status", "=", "engaged"),), limit=STOPS_MAX)


class Problem(Exception):
    """Something that a person has to be told instead of a page."""

    def __init__(self, status: int, title: str, text: str, *, back: str = "") -> None:
        """Say it in one plain sentence; `back` is where to go from here."""
        super().__init__(text)
        self.status, self.title, self.text, self.back = status, title, text, back


STATUS_OF_REFUSAL: Final = {
    "approval_decided": 409,
    "approval_expired": 409,
    "idempotency_key_reused": 409,
    "move_impossible": 409,
    "payload_changed": 409,
    "approval_unknown": 404,
    "incident_unknown": 404,
    "reason_missing": 422,
    "resolution_missing": 422,
}
PLAIN: Final = {
    "approval_decided": "Somebody has answered this request already; your answer was not recorded.",
    "payload_changed": "The request is not the one on your screen: look at it again, then decide.",
}
TITLES: Final = {
    404: "There is no such thing",
    409: "Nothing was done: this has changed",
    422: "Something is missing",
}


def refusal(refused: Refused, *, back: str = "") -> Problem:
    """Return a refusal as people are told of it."""
    status = STATUS_OF_REFUSAL.get(refused.code, 403)
    told = "; ".join(refused.reasons) or "The business does not allow this"
    text = PLAIN.get(refused.code) or f"{told[:1].upper()}{told[1:].rstrip('.')}."
    return Problem(status, TITLES.get(status, "This is not allowed"), text, back=back)


@dataclass(frozen=True, slots=True)
class Console:
    """What every page needs."""

    business: Business
    settings: Settings
    live: Live
    assets: Assets = field(default_factory=load)
    seals: Seals = field(default_factory=Seals)
    templates: Environment = field(default_factory=render.environment)
    _units: dict[str, Row] = field(default_factory=dict)

    def unit(self) -> Row | None:
        """Return the root org unit, whose name, clock and currency are settled for good."""
        if ROOT not in self._units and (row := self.business.views.get("org_units", ROOT)):
            self._units[ROOT] = row
        return self._units.get(ROOT)

    def is_exposed(self, request: Request) -> bool:
        """Say whether others on the network could read along."""
        private = self.settings.host in LOOPBACK or session.is_https(request)
        return not private and request.headers.get("x-forwarded-proto") != "https"

    def get(
        self, router: APIRouter, path: str, show: "Handler", *, open_to_all: bool = False
    ) -> None:
        """Serve a page."""

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(self._answer, request, {}, show, open_to_all)

        _add(router, path, endpoint, "GET")

    def post(
        self, router: APIRouter, path: str, act: "Handler", *, open_to_all: bool = False
    ) -> None:
        """Take a form."""

        async def endpoint(request: Request) -> Response:
            try:
                session.check_origin(request)
                form = await session.posted(request)
            except BadForm as bad:
                problem = Problem(403, "Nothing was done", str(bad))
                return await run_in_threadpool(self._told, request, None, problem)
            return await run_in_threadpool(self._answer, request, form, act, open_to_all)

        _add(router, path, endpoint, "POST")

    def _answer(
        self, request: Request, form: Mapping[str, str], handler: "Handler", open_to_all: bool
    ) -> Response:
        visitor: Visitor | None = None
        try:
            visitor = session.visitor_of(self.business, request)
            if visitor is None and not open_to_all:
                return self._to_the_door(request)
            if visitor is not None and request.method == "POST" and not open_to_all:
                self._check_token(form, visitor)
            position = self.live.seen() if visitor is not None else 0
            return handler(Visit(self, request, visitor, form, position))
        except Problem as problem:
            return self._told(request, visitor, problem)
        except (BadQuestion, ValidationError) as error:
            wrong = problems_of(error) if isinstance(error, ValidationError) else str(error)
            return self._told(request, visitor, Problem(422, "This cannot be asked", f"{wrong}."))
        except Conflict:
            busy = "Others changed the same thing at the same time, so nothing was done: try again."
            return self._told(request, visitor, Problem(409, "Nothing was done", busy))
        except BrokenWorld as broken:
            gone = Problem(503, "The business cannot be reached", f"{broken}.")
            return self._told(request, None, gone)

    def _check_token(self, form: Mapping[str, str], visitor: Visitor) -> None:
        if not self.seals.is_ours(form.get("token", ""), visitor.session_id):
            old = "This form is older than the server's last start: go back, and send it again."
            raise Problem(403, "Nothing was done", old)

    def _to_the_door(self, request: Request) -> Response:
        if request.headers.get("x-fragment"):
            return Response(status_code=401, headers=render.FRESH)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.method != "GET":
            wanted = f"{BASE}/"
        return render.elsewhere(f"{BASE}/login?{urlencode({'next': wanted})}")

    def _told(self, request: Request, visitor: Visitor | None, problem: Problem) -> Response:
        position = self.live.seen() if visitor is not None else 0
        visit = Visit(self, request, visitor, {}, position)
        return visit.page("problem.html", status=problem.status, problem=problem)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, and whoever made it. Whatever the page shows is at `position` or newer."""

    console: Console
    request: Request
    visitor: Visitor | None
    form: Mapping[str, str]
    position: int

    @property
    def business(self) -> Business:
        """Return the business."""
        return self.console.business

    @property
    def actor(self) -> Actor:
        """Return the person who is signed in."""
        assert self.visitor is not None, "this page is not open to all"
        return self.visitor.actor

    def asked(self, name: str, default: str = "") -> str:
        """Return a word of the address."""
        return self.request.query_params.get(name, default)

    def row(self, question: str, key: str, *, back: str) -> dict[str, Any]:
        """Return one row of a list. Raises `Problem` if there is none."""
        found = self.business.ask(BY_NAME[question], {"id": key}, limit=1).items
        if not found or found[0]["id"] != key:
            gone = f"Nothing among the {question.replace('-', ' ')} is called {key}."
            raise Problem(404, "There is no such thing", gone, back=back)
        return found[0]

    def do(self, command: Command, *, back: str = "") -> Receipt:
        """Carry out a command once per form. Raises `Problem` if the answer is no."""
        receipt = self.business.do(command, self.actor, key=self.form.get("once", ""))
        if isinstance(receipt, Refused):
            raise refusal(receipt, back=back)
        if isinstance(receipt, Held):
            told = f"A policy asks another person about it: {'; '.join(receipt.reasons)}."
            raise Problem(202, "This waits for approval", told, back=back)
        return receipt

    def on(self, path: str, text: str, *, tone: str = "ok", position: int = 0) -> Response:
        """Go on to a page that shows a position, and say something there."""
        drawn(self.business, position)
        response = render.elsewhere(path)
        said = self.console.seals.seal([tone, text[:TOLD_CHARACTERS_MAX]])
        session.tell(self.request, response, said)
        return response

    def page(self, template: str, *, status: int = 200, **words: Any) -> Response:
        """Return a page; what was to be said is said, unless the page only looks at itself."""
        flash = self._flash()
        told = {**self._surroundings(words), "flash": flash, **words}
        text = self.console.templates.get_template(template).render(told)
        response = render.html(self.request, text, status=status)
        if flash is not None:
            session.tell(self.request, response, "")
        return response

    def _flash(self) -> list[str] | None:
        sealed = self.request.cookies.get(session.FLASH, "")
        if not sealed or self.request.headers.get("x-fragment"):
            return None
        value = self.console.seals.open(sealed)
        return value if isinstance(value, list) else None

    def _surroundings(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """Return what every page shows; a page for strangers shows nothing of the business."""
        common: dict[str, Any] = {
            "base": BASE,
            "static": f"{BASE}/static/{self.console.assets.version}",
            "theme": session.theme_of(self.request),
            "at": self.business.clock(),
            "path": self.request.url.path.removeprefix(BASE) or "/",
            "here": quote(self.request.url.path)
            + (f"?{self.request.url.query}" if self.request.url.query else ""),
            "visitor": self.visitor,
            "stop_reason": "",
            "is_exposed": self.console.is_exposed(self.request),
        }
        if self.visitor is None:
            return common
        role = self.visitor.actor.role
        count, unit = self.business.views.count, self.console.unit()
        return common | {
            "position": self.position,
            "business_name": unit["name"] if unit is not None else "Business",
            "zone": render.zone_of(unit),
            "pending": known["pending"] if "pending" in known else count("approvals", (PENDING,)),
            "incidents_open": known["incidents_open"]
            if "incidents_open" in known
            else count("incidents", (OPEN,)),
            "stops": self._stops(),
            "at_the_desk": role in DESK,
            "is_founder": role is Role.FOUNDER,
            "token": self.console.seals.form_token(self.visitor.session_id),
            "once": self.business.ids(),
        }

    def _stops(self) -> Sequence[Row]:
        """Return the kill switches that are engaged; the law itself says whether any is."""
        law: Law = self.business.state(LAW, ROOT)
        return self.business.views.find("kill_switches", ENGAGED) if law.stops else ()


Handler: TypeAlias = Callable[[Visit], Response]


def _add(router: APIRouter, path: str, endpoint: Callable[..., Any], method: str) -> None:
    assert asyncio.iscoroutinefunction(endpoint)
    router.add_api_route(
        path, endpoint, methods=[method], include_in_schema=False, response_model=None
    )

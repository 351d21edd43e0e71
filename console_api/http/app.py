"""App: the HTTP application, made of a business.

GET  /health, /openapi.json         for anybody
     /api/v1/…                      for whoever has a token: reads by role, writes by the governor
     /admin/operations-console      pages for people
"""

from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import Response

from console_api import VERSION
from console_api.business import Business
from console_api.http import describe
from console_api.http.answers import answer
from console_api.http.caller import identify
from console_api.http.guard import Guard, Watermark
from console_api.http.health import Health, health
from console_api.http.problems import handle_problems
from console_api.http.reads import Reading, add_reads
from console_api.http.routing import add
from console_api.http.stream import add_stream
from console_api.http.waiting import add_waiting
from console_api.http.writes import Writing, add_writes
from console_api.pages.router import pages
from console_api.settings import Settings

TITLE: Final = "AI Business OS"
ABOUT: Final = (
    "Agents propose, the governor answers, people stay in control. Every write is answered with a"
    " receipt: done, held for an approval, or a recorded no. Errors are RFC 9457 documents."
)


class Api(FastAPI):
    """FastAPI, with the schemas that its routes point at."""

    def openapi(self) -> dict[str, Any]:
        """Return the document; it is made once."""
        if not self.openapi_schema:
            super().openapi()["components"] = describe.components()
        return super().openapi()


def create_app(business: Business, settings: Settings) -> FastAPI:
    """Return the application of a running business; workers and closing are the caller's."""
    app = Api(
        title=TITLE,
        version=VERSION,
        description=ABOUT,
        docs_url=None,  # both load scripts of others
        redoc_url=None,
        redirect_slashes=False,
    )
    watermark = Watermark()
    app.add_middleware(Guard, hosts=_names(settings), watermark=watermark)
    handle_problems(app)
    caller = identify(business)
    reading = Reading(business, caller, watermark)
    tail = add_stream(app, reading)  # before the lists: one event is called events/{id}
    add_reads(app, reading)
    add_waiting(app, reading)
    add_writes(app, Writing(business, reading), caller)
    _add_health(app, reading)
    before = len(business.on_close)
    app.include_router(pages(business, settings), include_in_schema=False)
    business.on_close.append(tail.close)
    app.state.on_stop = business.on_close[before:]  # streams end before the server does
    return app


def _names(settings: Settings) -> frozenset[str]:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return frozenset(name.lower() for name in (*settings.allowed_hosts, host))


def _add_health(app: FastAPI, reading: Reading) -> None:
    def told() -> Response:
        head = reading.watermark.saw(reading.business.log.head())
        return answer(health(reading.business, head))

    about = describe.read(Health, public=True)
    add(app, "GET", "/health", told, operation="health", summary="Say how it is", about=about)

"""Router: every address of the console, in one list.

app.include_router(pages(business, settings))          mount once, at the root of the application
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from console_api.business import Business
from console_api.pages import entrance, incidents, lists, render, session, stops
from console_api.pages.approvals import answer, approvals
from console_api.pages.live import Live
from console_api.pages.overview import overview
from console_api.pages.session import BASE
from console_api.pages.visit import Console, Problem, Visit
from console_api.settings import Settings

LAST_EVENT_DIGITS_MAX = 18


def pages(business: Business, settings: Settings) -> APIRouter:
    """Return the console of a business. Its streams end when the business is closed."""
    console = Console(business, settings, Live(business))
    business.on_close.append(console.live.close)
    router = APIRouter(prefix=BASE)
    _add_files(router, console)
    _add_events(router, console)
    _add_entrance(router, console)
    console.get(router, "", overview)
    console.get(router, "/", overview)
    console.get(router, "/approvals", approvals)
    console.post(router, "/approvals", answer)
    console.get(router, "/incidents", incidents.incidents)
    console.post(router, "/incidents", incidents.move)
    console.get(router, "/policies", lists.policies)
    console.get(router, "/agents", lists.agents)
    console.get(router, "/audit", lists.audit)
    console.get(router, "/more", lists.more)
    console.get(router, "/kill-switch", stops.kill_switch)
    console.post(router, "/kill-switch", stops.act)
    console.get(router, "/{rest:path}", _nothing_here)
    return router


def _add_entrance(router: APIRouter, console: Console) -> None:
    console.get(router, "/login", entrance.login, open_to_all=True)
    console.get(router, "/sign-in", entrance.sign_in_page, open_to_all=True)
    console.post(router, "/sign-in", entrance.sign_in, open_to_all=True)
    console.post(router, "/sign-out", entrance.sign_out)
    console.post(router, "/theme", entrance.choose_theme)


def _nothing_here(visit: Visit) -> Response:
    raise Problem(404, "There is no such page", "Nothing of the console is at this address.")


def _add_files(router: APIRouter, console: Console) -> None:
    assets = console.assets

    async def file(request: Request, version: str, name: str) -> Response:
        asset = assets.files.get(name)
        if asset is None:
            return Response("no such file", 404, render.FRESH, media_type="text/plain")
        headers = dict(render.KEPT if version == assets.version else render.FRESH)
        body = asset.plain
        if render.takes_packed(request):
            headers["Content-Encoding"], body = "gzip", asset.packed
        return Response(body, 200, headers, media_type=asset.type)

    router.add_api_route(
        "/static/{version}/{name}", file, include_in_schema=False, response_model=None
    )


def _add_events(router: APIRouter, console: Console) -> None:
    live, business = console.live, console.business

    async def events(request: Request) -> Response:
        visitor = await run_in_threadpool(session.visitor_of, business, request)
        if visitor is None:
            return Response("sign in first", 401, render.FRESH, media_type="text/plain")
        if live.is_full():
            return Response("too many open pages", 503, render.FRESH, media_type="text/plain")
        await run_in_threadpool(live.seen)

        def may_go_on() -> bool:
            return session.visitor_of(business, request) == visitor

        headers = {**render.FRESH, "X-Accel-Buffering": "no"}
        stream = live.stream(_position(request), may_go_on)
        return StreamingResponse(stream, 200, headers, media_type="text/event-stream")

    router.add_api_route("/events", events, include_in_schema=False, response_model=None)


def _position(request: Request) -> int:
    """Return the position that a page is at; what makes no sense means far behind."""
    text = request.headers.get("last-event-id") or request.query_params.get("since", "")
    sound = text.isascii() and text.isdigit() and len(text) <= LAST_EVENT_DIGITS_MAX
    return int(text) if sound else -1

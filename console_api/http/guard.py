"""Guard: what every request meets first, and what every answer carries.

request ──host known?──► the routes ──► headers: security, X-Position ──► answer
                             └─ a bug ──► the log, and a 500 that says nothing of the inside
An answer's own headers win: the pages of the console bring a policy of theirs.
"""

import logging
from threading import Lock
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console_api.http.problems import Problem, unexpected

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POSITION: Final = "X-Position"
_log = logging.getLogger(__name__)


class Watermark:
    """The newest position of the log that this process has seen. It never goes back."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self._lock = Lock()
        self.position = 0

    def saw(self, position: int) -> int:
        """Take note of a position; return it."""
        with self._lock:
            self.position = max(self.position, position)
        return position


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], watermark: Watermark) -> None:
        """Guard an application that answers to some host names."""
        self._app = app
        self._hosts = hosts
        self._watermark = watermark

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add_headers(message)
            await send(message)

        try:
            if problem := self._stranger(scope):
                await problem.answer()(scope, receive, sent)
            else:
                await self._app(scope, receive, sent)
        except ClientDisconnect:
            return
        except Exception:
            _log.exception("%s %s met a bug", scope["method"], scope["path"])
            if started:
                raise
            await unexpected().answer()(scope, receive, sent)

    def _stranger(self, scope: Scope) -> Problem | None:
        """Refuse names that are not ours: a page elsewhere may have bent its own name to us."""
        name = host_name(Headers(scope=scope).get("host", ""))
        if name in self._hosts:
            return None
        return Problem(
            400, "unknown_host", f"This server is not called {name!r}: see BOS_ALLOWED_HOSTS"
        )

    def _add_headers(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers[POSITION] = str(self._watermark.position)


def host_name(host: str) -> str:
    """Return the name in a Host header: no port, lower case; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()

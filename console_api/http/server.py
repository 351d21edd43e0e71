"""Server: the application behind a socket, until somebody says stop.

bind ──► on_ready(port) ──► serve ──SIGINT, SIGTERM, stop──► finish what runs ──► return
What never ends by itself, such as an event stream, is ended by the callables in `state.on_stop`.
"""

import contextlib
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from console_api.http.event_stream import HANG_UP
from console_api.settings import Settings

GRACE_SECONDS: Final = 3
BACKLOG: Final = 512
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # linger: on, for no time
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class _Line(H11Protocol):
    """HTTP that can be cut: closing would wait, for ever, for a client that does not read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner: Any = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), HANG_UP: self.hang_up}
            await inner(scope, receive, send)

        self.app = app

    def hang_up(self) -> None:
        """Drop the line with everything that was not read, here and in the kernel."""
        line: socket.socket = self.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()


class _Server(uvicorn.Server):
    """Uvicorn, that says when it listens and returns when it was told to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        stop: threading.Event,
        on_stop: Sequence[Callable[[], None]],
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._stop = stop
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = self.should_exit or self._stop.is_set()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for end in self._on_stop:
            end()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals while serving. Uvicorn's own would raise them again afterwards, so
        that the log and its lock could not be closed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in _SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def serve(
    app: FastAPI,
    settings: Settings,
    on_ready: Callable[[int], None],
    *,
    stop: threading.Event | None = None,
) -> None:
    """Serve until a signal comes or `stop` is set, then let what runs finish, and return.

    `on_ready` is told the port, which the system chooses if the settings say 0. Raises `OSError`
    if the address cannot be had. Uvicorn logs by the program's own logging.
    """
    listener = listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        http=_Line,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    endings = getattr(app.state, "on_stop", ())
    server = _Server(config, lambda: on_ready(port), stop or threading.Event(), endings)
    with listener:
        server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address, of either family.

    Accepted connections inherit TCP_NODELAY. Without it, Nagle's algorithm and delayed
    acknowledgments cost every answer on a kept connection 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host.strip("[]"), port), family=family, backlog=BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener

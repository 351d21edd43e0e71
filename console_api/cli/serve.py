"""bos up, serve, worker, project, migrate: the roles of a running business.

up         everything in one process, on files under data/
serve      the API and the console        worker   reactions, effects, timers
project    the read models                migrate  the log's schema; never touches events
"""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from adapters.lock import Server
from console_api.access import issue
from console_api.bootstrap import BOOTSTRAP, migrate, open_business
from console_api.business import Business
from console_api.cli.options import Target
from console_api.cli.output import errors, out
from console_api.settings import Settings
from console_api.workers.engine_room import EngineRoom

CONSOLE: Final = "/admin/operations-console"
DRAWN_AT_ONCE_MAX: Final = 1_000


def _settings(data: Path | None, **more: object) -> Settings:
    return Target(data, None, None, "founder", False).settings(**more)


def _quietly() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


@click.command("up")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the business.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on.")
@click.option("--sandbox/--no-sandbox", default=None, help="Run the sandbox business.")
def up_(data: Path | None, host: str | None, port: int | None, sandbox: bool | None) -> None:
    """Start everything in one process; with the sandbox business on the first start."""
    _quietly()
    settings = _settings(data, host=host, port=port, sandbox=sandbox)
    business = open_business(settings)
    try:
        if business.log.head() < DRAWN_AT_ONCE_MAX:
            business.draw()  # so that the first page somebody opens has an answer
        with _working(business, settings, draw=True, work=True):
            _serve(business, settings, announce=True, live=settings.sandbox)
    finally:
        business.close()


@click.command("serve")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of an embedded business.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on.")
def serve_(data: Path | None, host: str | None, port: int | None) -> None:
    """Serve the API and the console only; `bos project` and `bos worker` do the rest."""
    _quietly()
    settings = _settings(data, host=host, port=port)
    business = open_business(settings)
    try:
        _serve(business, settings, announce=False, live=False)
    finally:
        business.close()


@click.command("worker")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of an embedded business.")
def worker_(data: Path | None) -> None:
    """Follow up facts, run effects, watch the time."""
    _until_stopped(_settings(data), draw=False, work=True)


@click.command("project")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of an embedded business.")
def project_(data: Path | None) -> None:
    """Draw the read models as the log grows."""
    _until_stopped(_settings(data), draw=True, work=False)


@click.command("migrate")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of an embedded business.")
def migrate_(data: Path | None) -> None:
    """Create the log's schema, or bring it up to date; never touches events."""
    migrate(_settings(data))
    out().print("The log's schema is up to date.")


@contextmanager
def _working(
    business: Business, settings: Settings, *, draw: bool, work: bool
) -> Iterator[EngineRoom]:
    room = EngineRoom(business, settings.effect_threads, settings.lease_seconds)
    room.start(draw=draw, work=work)
    try:
        yield room
    finally:
        room.stop()


def _until_stopped(settings: Settings, *, draw: bool, work: bool) -> None:
    _quietly()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    business = open_business(settings)
    try:
        with _working(business, settings, draw=draw, work=work):
            stop.wait()
    finally:
        business.close()


def _serve(business: Business, settings: Settings, *, announce: bool, live: bool) -> None:
    """Serve until a signal; `live` lets the sandbox business in, if the log is its own or empty."""
    from console_api.http.app import create_app
    from console_api.http.server import serve

    stop = threading.Event()
    threads: list[threading.Thread] = []

    def on_ready(port: int) -> None:
        url = f"http://{settings.host}:{port}"
        if announce:
            _announce(business, url)
        _welcome(business, url)
        if live:
            threads.append(_live(business, settings, stop=stop))

    try:
        serve(create_app(business, settings), settings, on_ready)
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)


def _announce(business: Business, url: str) -> None:
    """Leave a key for `bos` on this machine, readable only by whoever started the server."""
    key = issue(business, holder="user:founder", by=BOOTSTRAP)
    if business.lock is not None:
        business.lock.announce(Server(url, key.text))


def _welcome(business: Business, url: str) -> None:
    link = issue(business, holder="user:founder", by=BOOTSTRAP, kind="link")
    show = errors() if not out().is_terminal else out()
    show.print(f"\nOperations Console   {url}{CONSOLE}", markup=False, soft_wrap=True)
    sign_in = f"{url}{CONSOLE}/sign-in?link={link.text}"
    show.print(f"Sign in as founder   {sign_in}", markup=False, soft_wrap=True)
    show.print("                     (this link works once, within the hour)")
    show.print("Stop with Ctrl-C.\n")


def _live(business: Business, settings: Settings, *, stop: threading.Event) -> threading.Thread:
    """Start the sandbox business; it stays out by itself where somebody else's business runs."""
    from console_api.sandbox.driver import SandboxDriver

    driver = SandboxDriver(business, settings.sandbox_seed)
    thread = threading.Thread(target=driver.run, args=(stop,), name="sandbox", daemon=True)
    thread.start()
    return thread

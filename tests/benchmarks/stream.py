"""The log as server-sent events: how fast one stream is, and how soon what is committed arrives.

replay     events/s that one client receives from a stored log        beside: the log's own page()
delay      from the receipt's commit to the event at the client, p50 and p95, with more streams open

python -m tests.benchmarks.stream [--json] [--events 20000] [--commits 200] [--streams 50]
"""

import argparse
import json
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import SecretStr

from adapters.dcb import LogEvent
from commands.access.user import AddUser
from console_api import access, interpreter
from console_api.bootstrap import migrate, open_business
from console_api.business import Business
from console_api.cli.following import PATH
from console_api.http.app import create_app
from console_api.http.server import serve
from console_api.settings import Settings
from domain.core.principal import Actor, Role
from tools import realsvc

FOUNDER: Final = Actor("founder", Role.FOUNDER)
BATCH: Final = 500
PATIENCE_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.02
Json = dict[str, Any]
Address: TypeAlias = tuple[str, str, str]


@contextmanager
def served(business: Business) -> Iterator[Address]:
    """Where a server listens, and the key to it."""
    ready, stop, ports = threading.Event(), threading.Event(), list[int]()

    def on_ready(port: int) -> None:
        ports.append(port)
        ready.set()

    settings = Settings(port=0)
    app = create_app(business, settings)
    thread = threading.Thread(target=serve, args=(app, settings, on_ready), kwargs={"stop": stop})
    thread.start()
    assert ready.wait(PATIENCE_SECONDS)
    token = access.issue(business, holder="user:founder", by=FOUNDER).text
    interpreter.tune()  # as in every process with workers
    yield "127.0.0.1", str(ports[0]), token
    stop.set()
    thread.join()


def fill(business: Business, events: int) -> None:
    """Append users that nobody asked for: what they are does not matter here."""
    for start in range(0, events, BATCH):
        batch = []
        for nth in range(start, start + BATCH):
            fact = {"user_id": f"u{nth}", "name": "Somebody", "role": "viewer"}
            tags = [f"user:u{nth}"]
            batch.append(LogEvent("user.added", json.dumps(fact).encode(), tags, id=f"f{nth}:0"))
        business.log.recorder.append(batch)


def listener(address: Address, *words: str) -> "subprocess.Popen[str]":
    """Start clients in a process of their own, so that they do not slow the server down."""
    command = [sys.executable, "-m", "tests.benchmarks.stream", "--listen", *address, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def listen(host: str, port: str, token: str, query: str, streams: int, events: int) -> None:
    """Open streams; print when each event of the first has arrived, until there are enough."""
    lines = [socket.create_connection((host, int(port))) for _ in range(streams)]
    watch = selectors.DefaultSelector()
    for nth, line in enumerate(lines):
        request = f"GET {PATH}?{query} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}"
        line.sendall(f"{request}\r\n\r\n".encode())
        watch.register(line, selectors.EVENT_READ, nth)
    open_, found, rest = set[int](), 0, b""
    while found < events:
        for key, _ in watch.select():
            part, now = lines[key.data].recv(1_000_000), time.monotonic()
            if key.data not in open_ and b"retry: " in part:
                open_.add(key.data)
                if len(open_) == streams:
                    print(f"open {now}", flush=True)
            if key.data:
                continue
            *whole, rest = (rest + part).split(b"\n")
            for text in whole:
                if text.startswith(b'data: {"position":'):
                    found += 1
                    print(int(text[18:].partition(b",")[0]), now)


def replay(address: Address, head: int) -> float:
    """Return the seconds that one stream takes for the whole log."""
    with listener(address, "after=0", "1", str(head)) as process:
        assert process.stdout is not None
        began = float(process.stdout.readline().split()[1])
        arrived = [line.split() for line in process.stdout]
    assert [int(position) for position, _ in arrived] == list(range(1, head + 1))
    return float(arrived[-1][1]) - began


def paged(business: Business, head: int) -> float:
    """Return the seconds that reading and decoding alone take."""
    began, position = time.perf_counter(), 0
    while position < head:
        position = business.log.page(after=position, limit=BATCH)[-1].position
    return time.perf_counter() - began


def delays(address: Address, business: Business, commits: int, streams: int) -> list[float]:
    """Return the seconds from commit to arrival, of a stream among others."""
    committed: dict[int, float] = {}
    with listener(address, "", str(streams), str(2 * commits)) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("open")
        for nth in range(commits):
            receipt = business.do(AddUser(user_id=f"d{nth}", name="D", role="viewer"), FOUNDER)
            committed[receipt.position] = time.monotonic()
            time.sleep(PAUSE_SECONDS)
        found = (line.split() for line in process.stdout)
        arrived = {int(position): float(at) for position, at in found}
    return [max(0.0, arrived[position] - at) for position, at in committed.items()]


def measured(name: str, business: Business, options: argparse.Namespace) -> Json:
    """Return the figures of one database."""
    fill(business, options.events)
    with served(business) as address:
        head = business.log.head()
        stream, page = replay(address, head), paged(business, head)
        found = delays(address, business, options.commits, options.streams)
    cuts = statistics.quantiles(found, n=20)
    return {
        "database": name,
        "streamEventsPerSecond": round(head / stream),
        "pageEventsPerSecond": round(head / page),
        "streams": options.streams,
        "delayP50Ms": round(statistics.median(found) * 1_000, 2),
        "delayP95Ms": round(cuts[18] * 1_000, 2),
    }


def on_sqlite(options: argparse.Namespace) -> Json:
    """Measure on a file."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        business = open_business(Settings(data=Path(folder)))
        try:
            return measured("SQLite", business, options)
        finally:
            business.close()


def on_postgres(options: argparse.Namespace) -> Json:
    """Measure on a durable server of our own."""
    server = realsvc.Postgres.create(durable=True, parent=options.folder)
    with server, tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), database_url=SecretStr(server.url()))
        migrate(settings)
        business = open_business(settings)
        try:
            return measured("PostgreSQL", business, options)
        finally:
            business.close()


def main() -> int:
    """Print the figures of both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--folder")
    parser.add_argument("--listen", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.listen:
        host, port, token, query, streams, events = options.listen
        listen(host, port, token, query, int(streams), int(events))
        return 0
    rows = [on_sqlite(options), on_postgres(options)]
    if options.json:
        print(json.dumps({"items": rows}))
        return 0
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

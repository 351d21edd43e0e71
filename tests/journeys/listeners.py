"""Listeners: a real server on any database, and clients that follow its log through HTTP."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import httpx
from pydantic import SecretStr

from commands.access.user import AddUser
from commands.kernel.agent import RegisterAgent
from commands.message import Done
from console_api import access
from console_api.bootstrap import in_memory, migrate, open_business
from console_api.business import Business
from console_api.http.app import create_app
from console_api.http.server import serve
from console_api.settings import Settings
from domain.core.principal import Actor, Role

STREAM: Final = "/api/v1/events/stream"
PATIENCE_SECONDS: Final = 20.0
FOUNDER: Final = Actor("founder", Role.FOUNDER)


def eventually(true: Any, seconds: float = PATIENCE_SECONDS) -> None:
    ends = monotonic() + seconds
    while not true():
        assert monotonic() < ends, "this did not come true"
        sleep(0.01)


@dataclass(frozen=True, slots=True)
class Block:
    """One event of a stream, or a comment or a position alone."""

    id: int | None
    event: str
    data: Any
    comment: str


def blocks(parts: Iterable[bytes]) -> Iterator[Block]:
    """Read a stream as the standard says; only what ends with an empty line counts."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n\n")
        for text in whole:
            fields: dict[str, str] = {}
            for line in text.decode().split("\n"):
                name, _, value = line.partition(":")
                fields[name or "comment"] = value.removeprefix(" ")
            data = json.loads(fields["data"]) if "data" in fields else None
            position = int(fields["id"]) if "id" in fields else None
            yield Block(position, fields.get("event", ""), data, fields.get("comment", ""))


@dataclass
class Station:
    """A business behind a real server."""

    business: Business
    url: str
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, who: str) -> str:
        if who not in self.tokens:
            self.tokens[who] = access.issue(self.business, holder=who, by=FOUNDER).text
        return self.tokens[who]

    def headers(self, who: str = "user:founder", **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(who)}", **more}

    def get(self, who: str = "user:founder", path: str = STREAM, **query: Any) -> httpx.Response:
        """Ask for a stream that ends at the head, or for anything else."""
        return httpx.get(
            self.url + path, headers=self.headers(who), params=query, timeout=PATIENCE_SECONDS
        )

    def told(self, **query: Any) -> list[Block]:
        """What a stream tells up to the head."""
        response = self.get(follow="false", **query)
        assert response.status_code == 200, response.text
        return list(blocks([response.content]))

    def add_user(self, user_id: str, name: str = "") -> int:
        wire = {"userId": user_id, "name": name or user_id, "role": "viewer"}
        command = AddUser.model_validate(wire)
        receipt = self.business.do(command, FOUNDER)
        assert isinstance(receipt, Done), receipt
        return receipt.position


@dataclass
class Listener(threading.Thread):
    """A client in a thread: it listens until its stream ends, or until it has heard enough."""

    station: Station
    after: int | None = None
    who: str = "user:founder"
    query: dict[str, Any] = field(default_factory=dict)
    enough: int | None = None
    heard: list[Block] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    ended: float = 0.0
    status: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.start()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        came = {} if self.after is None else {"Last-Event-ID": str(self.after)}
        headers = self.station.headers(self.who, **came)
        timeout = httpx.Timeout(PATIENCE_SECONDS)
        with httpx.stream(
            "GET", self.station.url + STREAM, headers=headers, params=self.query, timeout=timeout
        ) as response:
            self.status = response.status_code
            for block in blocks(response.iter_raw()):
                self.began.set()
                self.heard.append(block)
                self.arrived.append(monotonic())
                if self.enough is not None and len(self.events) >= self.enough:
                    break
        self.ended = monotonic()

    @property
    def events(self) -> list[Block]:
        return [each for each in self.heard if each.data is not None]

    @property
    def positions(self) -> list[int]:
        return [each.data["position"] for each in self.events]


@contextmanager
def station(business: Business) -> Iterator[Station]:
    """Serve a business on a free port; close both afterwards."""
    ready, stop, ports = threading.Event(), threading.Event(), list[int]()

    def on_ready(port: int) -> None:
        ports.append(port)
        ready.set()

    settings = Settings(port=0)
    app = create_app(business, settings)
    thread = threading.Thread(target=serve, args=(app, settings, on_ready), kwargs={"stop": stop})
    thread.start()
    assert ready.wait(PATIENCE_SECONDS)
    try:
        yield Station(business, f"http://127.0.0.1:{ports[0]}")
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
        business.close()
        assert not thread.is_alive()


@contextmanager
def staffed(business: Business) -> Iterator[Station]:
    """A station with a viewer, vera, and an agent, support."""
    with station(business) as opened:
        opened.add_user("vera")
        business.do(RegisterAgent(agent_id="support", name="support"), FOUNDER)
        for who in ("user:founder", "user:vera", "agent:support"):
            opened.token(who)
        yield opened


def opened(kind: str, folder: Path, url: str | None) -> Business:
    """A new business in memory, in files or in PostgreSQL."""
    if kind == "memory":
        return in_memory()
    settings = Settings(data=folder, database_url=SecretStr(url) if url else None)
    migrate(settings)
    return open_business(settings)

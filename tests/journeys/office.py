"""Office: a business with its people and agents, spoken to through HTTP.

founder, grace (founders)   bob (admin)   olga (operator)   vera (viewer)   agent:support, agent:ads
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import httpx2
from starlette.testclient import TestClient

from adapters.clock import HandClock
from adapters.ids import CountedIds
from commands.access.user import AddUser
from commands.kernel.agent import RegisterAgent
from commands.message import Command, Done
from console_api import access
from console_api.bootstrap import in_memory
from console_api.business import Business
from console_api.http.app import create_app
from console_api.settings import Settings
from console_api.workers.engine_room import EngineRoom, settle
from domain.core.instant import DAY
from domain.core.principal import Actor
from domain.ports import Recorded

MORNING: Final = 22_000 * DAY + DAY // 2
"""2030-03-27T12:00Z."""

API: Final = "/api/v1"
PEOPLE: Final = {"grace": "founder", "bob": "admin", "olga": "operator", "vera": "viewer"}
AGENTS: Final = {"support": ("process_refund", "update_price"), "ads": ("increase_ad_spend",)}
EVERYBODY: Final = ("founder", *PEOPLE, *(f"agent:{each}" for each in AGENTS))
REFUND: Final = {"orderId": "o-1", "amount": 40, "currency": "USD"}


@dataclass
class Office:
    """A business, the way in, and everybody's token."""

    business: Business
    clock: HandClock
    client: TestClient
    tokens: dict[str, str] = field(default_factory=dict)

    def actor(self, who: str) -> Actor:
        return access.actor_named(self.business, who)

    def did(self, command: Command, who: str = "founder") -> Done:
        """Do something that this test is not about."""
        receipt = self.business.do(command, self.actor(who))
        assert isinstance(receipt, Done), receipt
        return receipt

    def headers(self, who: str | None) -> dict[str, str]:
        return {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}

    def get(self, path: str, who: str | None = "founder", **query: str | int) -> httpx2.Response:
        return self.client.get(f"{API}/{path}", params=query, headers=self.headers(who))

    def post(
        self, path: str, body: Any, who: str | None = "founder", key: str = "", **more: str
    ) -> httpx2.Response:
        """Send JSON; bytes are sent as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self.headers(who), **more}
        if key:
            headers["Idempotency-Key"] = key
        return self.client.post(f"{API}/{path}", content=content, headers=headers)

    def propose(self, amount: object = 40, who: str = "agent:support", **more: Any) -> Any:
        """Ask for a refund; the answer's JSON."""
        body = {"actionType": "process_refund", "payload": {**REFUND, "amount": amount}, **more}
        return told(self.post("actions", body, who))

    def held(self, amount: int = 600) -> Any:
        """Return a refund that waits for a founder, as the inbox shows it."""
        approval_id = self.propose(amount)["approvalId"]
        self.settle()
        return told(self.get(f"approvals/{approval_id}"))

    def settle(self) -> int:
        return settle(self.business)

    def head(self) -> int:
        return self.business.log.head()

    def since(self, position: int) -> list[Recorded]:
        return list(self.business.log.page(after=position, limit=500))


def told(response: httpx2.Response) -> Any:
    """The JSON of an answer, with its numbers exact."""
    return json.loads(response.text, parse_float=Decimal)


@contextmanager
def open_office(*, working: bool = False) -> Iterator[Office]:
    """Open the office; `working` starts the workers, otherwise tests settle by hand."""
    clock = HandClock(MORNING)
    business = in_memory(clock=clock, ids=CountedIds())
    room = EngineRoom(business)
    app = create_app(business, Settings())
    with TestClient(app) as client:
        office = Office(business, clock, client)
        for user_id, role in PEOPLE.items():
            office.did(AddUser.model_validate({"userId": user_id, "name": user_id, "role": role}))
        for agent_id, tools in AGENTS.items():
            office.did(RegisterAgent(agent_id=agent_id, name=agent_id, tool_permissions=tools))
        for who in EVERYBODY:
            holder = who if ":" in who else f"user:{who}"
            minted = access.issue(business, holder=holder, by=office.actor("founder"))
            office.tokens[who] = minted.text
        office.settle()
        if working:
            room.start()
        try:
            yield office
        finally:
            if working:
                room.stop()
    business.close()

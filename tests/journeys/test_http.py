"""A day through the HTTP API: propose, hold, approve, look, stop, and find it all again."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
import schemathesis.engine
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import ScenarioRecorder

from adapters.event_store import LogEventStore
from commands.kernel.order import RecordOrder
from console_api import VERSION
from console_api.bootstrap import in_memory
from console_api.http import event_stream, reads, writes
from console_api.http.app import create_app
from console_api.http.server import GRACE_SECONDS, serve
from console_api.settings import Settings
from domain.core.instant import HOUR
from domain.ports import StoreUnavailable
from tests.journeys.office import API, REFUND, Office, open_office, told

ROOT: Final = Path(__file__).parents[2]
PATIENCE_SECONDS: Final = 20
PROCEDURES: Final = {
    "getDashboard", "listApprovals", "approveAction", "listIncidents", "updateIncident",
    "listAgents", "getStateHistory", "killSwitch",
}  # fmt: skip


@pytest.fixture
def office() -> Iterator[Office]:
    with open_office() as opened:
        yield opened


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for read models that this test leaves behind on purpose."""
    monkeypatch.setattr(reads, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(writes, "WAIT_SECONDS", 0.05)


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < ends, "it did not come true"
        time.sleep(0.02)


def yes(office: Office, row: Any, who: str = "founder", **more: Any) -> Any:
    wire = {"approvalId": row["id"], "approved": True, "payloadHash": row["payloadHash"], **more}
    response = office.post("approvals/answer", wire, who)
    assert response.status_code == 200, response.text
    return told(response)


# -- days


def test_a_founders_day_adds_up() -> None:
    with open_office(working=True) as office:
        small = office.propose(40)
        large = office.propose(600)
        larger = office.propose(900)
        spend = {"campaignId": "c", "amount": 50, "currency": "USD", "roas": 3}
        denied = office.post(
            "actions",
            {"actionType": "increase_ad_spend", "payload": {**spend, "cashRunwayDays": 10}},
            "agent:ads",
        )
        assert small["status"] == "done"
        assert (large["status"], larger["status"]) == ("held", "held")
        assert (denied.status_code, told(denied)["code"]) == (403, "policy_denied")
        assert "cash runway" in told(denied)["detail"]

        inbox = told(
            office.get("approvals", status="pending", minPosition=told(denied)["position"])
        )
        assert [row["amount"] for row in inbox["items"]] == [600, 900]
        assert all("exceeds $500" in row["reason"] for row in inbox["items"])

        first = yes(office, inbox["items"][0], notes="a good customer")
        assert first["approval"]["status"] == "consumed"
        assert first["approval"]["decidedBy"] == "user:founder"
        assert first["resumed"]["status"] == "done"
        assert first["action"]["id"] == large["subject"].partition(":")[2]

        second = {"approvalId": inbox["items"][1]["id"], "approved": False, "reason": "too much"}
        no = office.post(
            "approvals/answer", {**second, "payloadHash": inbox["items"][1]["payloadHash"]}
        )
        assert told(no)["approval"]["status"] == "rejected"
        assert told(no)["action"]["status"] == "denied"
        assert told(no)["resumed"] is None

        until(lambda: len(told(office.get("actions", status="completed"))["items"]) == 2)
        until(lambda: told(office.get("dashboard"))["openIncidents"] == 1)
        page = told(office.get("dashboard"))
        assert page["decisions"] == {"done": 2, "held": 2, "denied": 1}
        assert page["decisionsToday"] == 5
        assert page["totals"]["refunds"] == 2
        assert page["totals"]["refundAmount"] == 640
        assert page["refundsPending"] == {"count": 0, "amount": 0}
        assert page["pendingApprovals"] == 0
        assert page["activeAgents"] == 2
        assert page["newestSnapshot"]["refundAmount"] == 640


def test_a_denied_agent_leaves_an_incident_that_a_person_works_off(office: Office) -> None:
    payload = {"productId": "p", "newPrice": 9, "currency": "USD", "marginPercent": 0.01}
    office.post("actions", {"actionType": "update_price", "payload": payload}, "agent:support")
    office.settle()
    (row,) = told(office.get("incidents", status="open"))["items"]
    assert row["type"] == "policy_violation"

    def update(**wire: str) -> Any:
        response = office.post("incidents/update", {"incidentId": row["id"], **wire}, "olga")
        office.settle()
        return response

    with_projector(office, lambda: update(status="investigating", assignedTo="olga"))
    assert told(office.get(f"incidents/{row['id']}"))["assignedTo"] == "olga"
    early = update(status="closed")
    assert (early.status_code, told(early)["code"]) == (409, "move_impossible")
    assert told(update(status="resolved"))["code"] == "resolution_missing"
    done = with_projector(
        office, lambda: update(status="resolved", rootCause="a wrong cost", resolution="corrected")
    )
    assert done["incident"]["status"] == "resolved"
    assert done["receipt"]["status"] == "done"
    assert told(office.get("dashboard"))["openIncidents"] == 0


def with_projector(office: Office, act: Callable[[], Any]) -> Any:
    """Do something that waits for the read models, while they are drawn."""
    stop = threading.Event()

    def project() -> None:
        while not stop.wait(0.005):
            office.business.draw()

    thread = threading.Thread(target=project)
    thread.start()
    try:
        response = act()
    finally:
        stop.set()
        thread.join()
    assert response.status_code == 200, response.text
    return told(response)


def test_the_kill_switch_stops_agents_until_a_founder_releases_it(office: Office) -> None:
    office.propose(10)  # authorized, and not yet started
    stopped = with_projector(office, lambda: office.post("kill-switch", {"reason": "fire"}, "vera"))
    assert stopped["receipt"]["position"] == stopped["position"]
    assert {"kind": "org_unit", "id": "business"} in stopped["stopped"]
    assert {"kind": "agent", "id": "support"} in stopped["stopped"]
    assert [each["kind"] for each in stopped["stopped"]].count("action") == 1
    assert told(office.get(f"incidents/{stopped['incidentId']}"))["severity"] == "critical"
    again = with_projector(office, lambda: office.post("kill-switch", {"reason": "more fire"}))
    assert again["incidentId"] == stopped["incidentId"]

    parked = office.propose(10)
    assert parked["status"] == "held"
    assert parked["position"] > stopped["position"]
    assert "kill switch" in parked["reasons"][0]
    office.settle()
    assert told(office.get("dashboard"))["killSwitch"]["engaged"] is True
    assert told(office.get("kill-switches", status="engaged"))["items"][0]["reason"] == "fire"

    assert office.post("kill-switch/release", {"reason": "out"}, "bob").status_code == 403
    assert told(office.post("kill-switch/release", {"reason": "out"}))["status"] == "done"
    assert office.propose(10)["status"] == "done"


def test_a_stop_of_one_org_unit_names_what_is_below_it(office: Office) -> None:
    wire = {"orgUnitId": "shop", "name": "Shop"}
    assert office.post("commands/CreateOrgUnit", wire).status_code == 200
    stop = {"reason": "fire", "orgUnitId": "shop"}
    told_ = with_projector(office, lambda: office.post("kill-switch", stop))
    assert told_["stopped"] == [{"kind": "org_unit", "id": "shop"}]


# -- promises


def test_money_is_exact_to_the_last_digit(office: Office) -> None:
    for amount in ("0.1", "0.2", "123.000001"):
        payload = b'{"orderId":"o","amount":%s,"currency":"USD"}' % amount.encode()
        body = b'{"actionType":"process_refund","payload":%s}' % payload
        assert office.post("actions", body, "agent:support").status_code == 200
    office.settle()
    assert '"refundAmount":123.300001' in office.get("dashboard").text
    amounts = [row["arguments"]["amount"] for row in told(office.get("actions"))["items"]]
    assert sorted(amounts) == [Decimal("0.1"), Decimal("0.2"), Decimal("123.000001")]


def test_asking_twice_with_one_key_is_asking_once(office: Office) -> None:
    body = {"actionType": "process_refund", "payload": REFUND}
    first = office.post("actions", body, "agent:support", key="k-1")
    head = office.head()
    again = office.post("actions", body, "agent:support", key="k-1")
    other = office.post("actions", body, "agent:support", key="k-2")
    assert told(first) == told(again)
    assert told(other)["position"] > head
    assert office.post("actions", body, "founder", key="k-1").status_code == 200


def test_what_waits_and_what_was_like_it(office: Office) -> None:
    first = office.held(600)
    yes(office, first)
    second = office.held(700)
    digest = told(office.get("approvals-digest"))
    assert (digest["waiting"], digest["mostUrgent"]["id"]) == (1, second["id"])
    assert digest["money"] == [{"currency": "USD", "count": 1, "amount": 700}]
    (similar,) = told(office.get(f"approvals-similar/{second['id']}"))["items"]
    assert (similar["id"], similar["decidedBy"]) == (first["id"], "user:founder")
    assert office.get("approvals-similar/apr-none").status_code == 404


def test_an_approval_given_twice_with_one_key_is_given_once(office: Office) -> None:
    row = office.held()
    wire = {"approvalId": row["id"], "approved": True, "payloadHash": row["payloadHash"]}

    def approve() -> Any:
        return office.post("approvals/answer", wire, key="yes-1")

    first = with_projector(office, approve)
    head = office.head()
    again = with_projector(office, approve)
    assert (again["receipt"], again["resumed"]) == (first["receipt"], first["resumed"])
    assert office.head() == head


@pytest.mark.usefixtures("hasty")
def test_a_reader_sees_what_it_wrote_or_is_told_to_ask_again(office: Office) -> None:
    position = office.propose()["position"]
    early = office.get("actions", minPosition=position)
    assert (early.status_code, told(early)["code"]) == (503, "not_reached")
    assert early.headers["Retry-After"] == "1"
    assert told(office.get("actions"))["items"] == []
    office.business.draw()
    late = office.get("actions", minPosition=position)
    assert len(told(late)["items"]) == 1
    assert int(late.headers["X-Position"]) == office.head() == position


@pytest.mark.usefixtures("hasty")
def test_an_approval_is_recorded_even_while_read_models_are_behind(office: Office) -> None:
    given = yes(office, office.held())
    assert (given["approval"], given["action"]) == (None, None)
    assert given["receipt"]["status"] == given["resumed"]["status"] == "done"


def test_a_held_command_answers_202_wherever_it_was_sent(office: Office) -> None:
    rule = {
        "id": "ask",
        "condition": "data.action == 'grant_approval' || data.action == 'issue_token'",
        "action": "require_approval",
        "message": "Two people, please",
    }
    policy = {"policyId": "two", "name": "Two", "rules": [rule]}
    assert office.post("commands/DraftPolicy", policy).status_code == 200
    row = office.held()
    activate = {"policyId": "two", "reason": "care"}
    assert office.post("commands/ActivatePolicy", activate).status_code == 200
    wire = {"approvalId": row["id"], "approved": True, "payloadHash": row["payloadHash"]}
    parked = office.post("approvals/answer", wire)
    assert (parked.status_code, told(parked)["status"]) == (202, "held")
    assert told(parked)["reasons"] == ["Two people, please"]
    token = office.post("tokens", {"holder": "agent:ads"})
    assert (token.status_code, told(token)["receipt"]["status"]) == (202, "held")
    office.tokens["held"] = told(token)["token"]
    assert office.get("action-types", who="held").status_code == 401


def test_a_list_goes_page_by_page_and_misses_nothing(office: Office) -> None:
    whole = told(office.get("events", limit=500))["items"]
    found, cursor = [], None
    while True:
        more: dict[str, Any] = {} if cursor is None else {"cursor": cursor}
        page = told(office.get("events", limit=7, **more))
        found += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert found == whole
    assert [row["position"] for row in found] == list(range(office.head(), 0, -1))


def test_a_list_is_filtered_by_its_columns(office: Office) -> None:
    held = office.held()
    office.propose(5)
    office.settle()

    def ids(**query: Any) -> list[str]:
        return [row["id"] for row in told(office.get("actions", **query))["items"]]

    assert ids(status="awaiting_approval") == [held["entityId"]]
    assert len(ids(status="awaiting_approval,completed")) == 2
    assert ids(status="!=completed") == [held["entityId"]]
    assert ids(agentId="ads") == []
    assert ids(createdAt=">=2031-01-01") == []
    assert len(ids(createdAt="<=2031-01-01T00:00:00Z")) == 2


def test_the_state_history_has_hours_and_days(office: Office) -> None:
    for hour in range(3):
        office.did(
            RecordOrder.model_validate(
                {
                    "orderId": f"o{hour}",
                    "placedAt": f"2030-03-27T0{hour}:30:00Z",
                    "lines": [{"sku": "s", "quantity": 2, "unitPrice": Decimal("1.25")}],
                }
            )
        )
    office.settle()
    rows = told(office.get("state-history", orgUnitId="business"))["items"]
    assert [row["timestamp"] for row in rows] == [f"2030-03-27T0{hour}" for hour in (2, 1, 0)]
    assert rows[0]["metrics"]["revenue"] == Decimal("2.5")
    span: dict[str, Any] = {"from": "2030-03-27T01", "to": "2030-03-27T01"}
    assert [row["id"] for row in told(office.get("state-history", **span))["items"]] == [
        "business/hourly/2030-03-27T01"
    ]
    (day,) = told(office.get("state-history", snapshotType="daily"))["items"]
    assert day["metrics"]["orders"] == 3
    one = told(office.get("state-history/business/daily/2030-03-27"))
    assert one == day


def test_anything_can_be_seen_as_it_stood(office: Office) -> None:
    row = office.held()
    before = office.head()
    yes_ = with_projector(
        office,
        lambda: office.post(
            "approvals/answer",
            {"approvalId": row["id"], "approved": True, "payloadHash": row["payloadHash"]},
        ),
    )
    name = f"approval:{row['id']}"
    assert told(office.get(f"state/{name}", at=before))["state"]["stage"] == "pending"
    now = told(office.get(f"state/{name}", minPosition=yes_["resumed"]["position"]))
    assert now["state"]["stage"] == "consumed"
    assert [each["type"] for each in now["events"]] == [
        "approval.requested", "approval.granted", "approval.consumed",
    ]  # fmt: skip
    assert now["eventCount"] == 3


def test_a_token_opens_the_door_until_it_is_revoked(office: Office) -> None:
    issued = told(office.post("tokens", {"holder": "user:vera", "lifetimeSeconds": 3600}, "bob"))
    office.tokens["new"] = issued["token"]
    assert office.get("dashboard", who="new").status_code == 200
    revoked = office.post("tokens/revoke", {"tokenId": issued["tokenId"]}, "new")
    assert told(revoked)["status"] == "done"
    assert office.get("dashboard", who="new").status_code == 401


def test_a_token_request_with_a_key_makes_one_token(office: Office) -> None:
    wire = {"holder": "agent:ads"}
    assert office.post("tokens", wire, key="t").status_code == 200
    again = office.post("tokens", wire, key="t")
    assert (again.status_code, told(again)["code"]) == (409, "idempotency_key_reused")


def test_the_action_types_say_what_their_payloads_are(office: Office) -> None:
    listed = told(office.get("action-types", who="agent:ads"))
    one = told(office.get("action-types/process_refund", who="agent:ads"))
    assert one in listed["items"]
    assert one["payload"]["properties"]["amount"] == {
        "exclusiveMinimum": 0, "title": "Amount", "type": "number",
    }  # fmt: skip


# -- the document


def test_generated_clients_find_the_procedures(office: Office) -> None:
    document = office.client.get("/openapi.json").json()
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert set(names) >= PROCEDURES
    assert len(names) == len(set(names))
    assert all({"200", "400", "500", "503"} <= each["responses"].keys() for each in operations)
    assert not [path for path in document["paths"] if not path.startswith((API, "/health"))]
    assert {each for each in pointers(document) if not points(document, each)} == set()


def pointers(value: Any) -> Iterator[str]:
    """Every $ref of a document."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        if name == "$ref":
            yield inner
        yield from pointers(inner)
    for inner in value if isinstance(value, list) else ():
        yield from pointers(inner)


def points(document: Any, pointer: str) -> bool:
    found = document
    for name in pointer.removeprefix("#/").split("/"):
        found = found.get(name, {})
    return bool(found)


def test_the_document_tells_the_version_of_the_program() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


FUZZING: Final = schemathesis.Config.from_dict(
    {
        "generation": {"max-examples": 15, "deterministic": True},
        "phases": {"stateful": {"enabled": False}},  # it needs links, which we do not write
        "checks": {
            # what a cursor, a filter or a rule may say is more than a schema can tell
            "positive_data_acceptance": {"enabled": False},
            "negative_data_rejection": {
                "expected-statuses": [400, 401, 403, 404, 405, 409, 413, 415]
            },
        },
    }
)


@pytest.mark.slow
def test_nothing_that_is_sent_breaks_it_or_surprises_a_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "STREAM_SECONDS_MAX", 0.01)  # an answer that ends
    statuses: Counter[int] = Counter()
    failures: list[str] = []
    with open_office(working=True) as office:
        schema = schemathesis.openapi.from_asgi("/openapi.json", office.client.app, config=FUZZING)
        schema.config.update(headers=office.headers("founder"))
        for event in schemathesis.engine.from_schema(schema).execute():
            if isinstance(event, NonFatalError | FatalError):
                failures.append(str(event))
            if isinstance(event, ScenarioFinished):
                failures += failures_of(event.recorder)
                answers = [each.response for each in event.recorder.interactions.values()]
                statuses.update(each.status_code for each in answers if each is not None)
    assert failures == []
    assert statuses.keys() >= {200, 400, 401, 403, 404, 405, 409, 415}
    assert sum(statuses.values()) > 1_000


def failures_of(recorder: ScenarioRecorder) -> list[str]:
    return [
        f"{recorder.label}: {check.name}: {check.failure_info.failure!s:.500}"
        for checks in recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]


# -- the server


def test_health_says_how_it_is(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.propose()
    good = office.client.get("/health")
    assert good.status_code == 200
    assert good.json()["head"] == office.head()
    assert good.json()["lag"]["actions"] == office.head() - office.business.drawn()

    def broken(_self: LogEventStore) -> int:
        raise StoreUnavailable("db.internal:5432 refused")

    monkeypatch.setattr(LogEventStore, "head", broken)
    bad = office.client.get("/health")
    assert (bad.status_code, bad.headers["content-type"]) == (503, "application/problem+json")
    assert "internal:5432" not in bad.text


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/nowhere", f"{API}/dashboard"])
def test_every_answer_carries_the_guard_s_headers(office: Office, path: str) -> None:
    for response in (office.client.get(path), office.client.get(path, headers={"Host": "evil"})):
        headers = response.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Position"].isdigit()
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_a_stranger_s_name_for_this_server_is_refused(office: Office) -> None:
    for host in ("evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io:8000"):
        response = office.client.get("/health", headers={"Host": host})
        assert (response.status_code, response.json()["code"]) == (400, "unknown_host")
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
        assert office.client.get("/health", headers={"Host": host}).status_code == 200


def test_the_server_finds_a_port_serves_and_stops() -> None:
    business = in_memory()
    ready, stop, ports = threading.Event(), threading.Event(), list[int]()

    def on_ready(port: int) -> None:
        ports.append(port)
        ready.set()

    app, free = create_app(business, Settings()), Settings(port=0)
    thread = threading.Thread(target=serve, args=(app, free, on_ready), kwargs={"stop": stop})
    thread.start()
    assert ready.wait(PATIENCE_SECONDS)
    with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/health") as response:
        assert response.status == 200
        assert "Server" not in response.headers
    with pytest.raises(OSError, match="in use"):
        serve(app, Settings(port=ports[0]), on_ready)
    stop.set()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    business.close()


def test_the_server_ends_its_streams_before_it_stops() -> None:
    ended, stop, begun = threading.Event(), threading.Event(), threading.Event()
    app = FastAPI()
    app.state.on_stop = [ended.set]

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            while not ended.is_set():
                yield b"."
                await asyncio.sleep(0.01)

        return StreamingResponse(parts())

    def read(port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/stream") as response:
            response.read(1)
            begun.set()
            response.read()

    def on_ready(port: int) -> None:
        threading.Thread(target=read, args=(port,)).start()

    free = Settings(port=0)
    thread = threading.Thread(target=serve, args=(app, free, on_ready), kwargs={"stop": stop})
    thread.start()
    assert begun.wait(PATIENCE_SECONDS)
    stop.set()
    thread.join(GRACE_SECONDS)
    assert not thread.is_alive()


SERVER: Final = """
from console_api.bootstrap import in_memory
from console_api.http.app import create_app
from console_api.http.server import serve
from console_api.settings import Settings
settings = Settings(port=0)
serve(create_app(in_memory(), settings), settings, lambda port: print(port, flush=True))
print("closed", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_returns_when_it_is_told_to_stop(number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        assert int(server.stdout.readline()) > 0
        server.send_signal(number)
        assert server.stdout.read() == "closed\n"
        assert server.wait(PATIENCE_SECONDS) == 0


def test_hours_pass_by_the_business_s_clock(office: Office) -> None:
    office.propose(600)
    office.clock.forward(25 * HOUR)
    office.settle()
    (row,) = told(office.get("approvals"))["items"]
    assert row["status"] == "expired"
    assert told(office.get("incidents"))["items"][0]["type"] == "approval_timeout"

"""What the HTTP API does not take: each with its status, its code and a sentence that helps.

nonsense       400 404 408 413 415     nothing is written at all
strangers      401                     nothing is written at all
recorded no    403 409                 one verdict is written, and nothing that it refused
broken world   409 503 500             nothing is allowed, and nothing of the inside is told
"""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest

from adapters.event_store import LogEventStore
from commands.kernel.agent import DisableAgent
from console_api.http import caller, writes
from console_api.requests import BODY_BYTES_MAX
from domain.access.token import LIFETIME_MAX
from domain.core.instant import HOUR
from domain.governor.verdict import VerdictRecorded
from domain.ports import Conflict, NotStorable, StoreUnavailable
from tests.journeys.office import API, REFUND, Office, open_office, told


@pytest.fixture(scope="module")
def shared() -> Iterator[Office]:
    """An office for requests that change nothing."""
    with open_office() as opened:
        yield opened


@pytest.fixture
def office() -> Iterator[Office]:
    with open_office() as opened:
        yield opened


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody draws read models here, so nobody waits for them."""
    monkeypatch.setattr(writes, "WAIT_SECONDS", 0.0)


def refused(response: httpx2.Response, status: int, code: str, *words: str) -> Any:
    """Check a problem document; return it."""
    problem = told(response)
    assert (response.status_code, problem["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"urn:business-os:problem:{code}"
    for word in words:
        assert word in problem["detail"], problem["detail"]
    return problem


def only_a_refusal(office: Office, before: int, code: str) -> None:
    """Check that one verdict was written, and nothing that it refused."""
    (recorded,) = office.since(before)
    assert isinstance(recorded.fact, VerdictRecorded)
    assert recorded.fact.outcome in ("denied", "refused")
    assert recorded.fact.code == code


def refund(**payload: Any) -> Any:
    return {"actionType": "process_refund", "payload": {**REFUND, **payload}}


# -- nonsense

DEEP: Final = b'{"a":' * 40 + b"1" + b"}" * 40
BAD_BODIES: Final = {
    "broken": (b'{"actionType": ', 400, "not_json", "line 1, column"),
    "empty": (b"", 400, "not_json", "line 1"),
    "list": (b"[]", 400, "not_an_object", "{…}"),
    "NaN": (b'{"payload": {"amount": NaN}}', 400, "not_a_number", "NaN"),
    "Infinity": (b'{"payload": {"amount": -Infinity}}', 400, "not_a_number", "Infinity"),
    "name twice": (b'{"reason": "a", "reason": "b"}', 400, "name_twice", "twice"),
    "too deep": (DEEP, 400, "too_deep", "32 deep"),
    "far too deep": (b"[" * 200_000, 400, "too_deep", "32 deep"),
    "not UTF-8": (b'{"reason": "\xff"}', 400, "not_utf8", "UTF-8"),
    "half a pair": (b'{"reason": "\\ud800"}', 400, "not_text", "surrogate"),
    "long number": (b'{"a": 1%s}' % (b"0" * 99), 400, "number_too_long", "64"),
    "huge number": (b'{"a": 1e9999}', 400, "number_too_large", "range"),
    "too large": (b" " * (BODY_BYTES_MAX + 1), 413, "too_large", "1000000 bytes"),
    "unknown field": (
        json.dumps({**refund(), "colour": "red"}).encode(), 400, "invalid_command", "colour",
    ),
    "wrong type": (
        json.dumps({**refund(), "actionType": 5}).encode(), 400, "invalid_command", "actionType",
    ),
    "missing field": (b'{"payload": {}}', 400, "invalid_command", "actionType: Field required"),
    "payload is a list": (
        b'{"actionType": "process_refund", "payload": []}', 400, "invalid_command", "payload",
    ),
    "bad id": (
        json.dumps({**refund(), "actionId": "a b"}).encode(), 400, "invalid_command", "actionId",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("path", ["actions", "commands/ProposeAction"])
def test_a_body_that_makes_no_sense_is_explained(shared: Office, path: str, name: str) -> None:
    body, status, code, words = BAD_BODIES[name]
    head = shared.head()
    refused(shared.post(path, body, "agent:support"), status, code, words)
    assert shared.head() == head


def test_a_body_at_the_limit_is_read(shared: Office) -> None:
    body = b'{"a":1}'.ljust(BODY_BYTES_MAX)
    refused(shared.post("actions", body), 400, "invalid_command", "actionType")


def test_a_body_is_counted_while_it_arrives(shared: Office) -> None:
    headers = {**shared.headers("founder"), "Content-Type": "application/json"}
    parts = (b" " * 100_000 for _ in range(15))  # a generator: no length is announced
    response = shared.client.post(f"{API}/actions", content=parts, headers=headers)
    assert "content-length" not in response.request.headers
    refused(response, 413, "too_large", "1000000 bytes")


def test_a_body_announced_as_too_large_is_not_read(shared: Office) -> None:
    for length in (str(BODY_BYTES_MAX + 1), "9" * 30):
        response = shared.post("actions", b"{}", "founder", **{"Content-Length": length})
        refused(response, 413, "too_large")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1",
        "application/jsonp", "multipart/form-data", "application/problem+json", "",
    ],
)  # fmt: skip
def test_only_json_is_read(shared: Office, kind: str) -> None:
    response = shared.post("actions", refund(), "agent:support", **{"Content-Type": kind})
    refused(response, 415, "not_json_type", "application/json")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_may_be_spelled_out(shared: Office, kind: str) -> None:
    response = shared.post("actions", {}, **{"Content-Type": kind})
    refused(response, 400, "invalid_command")


@pytest.mark.parametrize("key", [b"a b", "é".encode(), b"x" * 201, b""])
def test_an_idempotency_key_is_visible_ascii(shared: Office, key: bytes) -> None:
    headers = {
        b"Authorization": f"Bearer {shared.tokens['founder']}".encode(),
        b"Content-Type": b"application/json",
        b"Idempotency-Key": key,
    }
    response = shared.client.post(f"{API}/actions", content=b"{}", headers=headers)
    refused(response, 400, "bad_idempotency_key", "200 visible ASCII")


def test_a_write_has_no_query(shared: Office) -> None:
    refused(shared.post("actions?dryRun=true", refund()), 400, "query_not_empty", "body")


def test_commands_paths_and_methods_that_do_not_exist(shared: Office) -> None:
    refused(shared.post("commands/Destroy", {}), 404, "unknown_command", "Destroy", "ProposeAction")
    refused(shared.get("nothing"), 404, "no_such_path", "openapi.json")
    response = shared.client.delete(f"{API}/actions")
    refused(response, 405, "method_not_allowed", "DELETE", "GET, POST")
    assert response.headers["Allow"] == "GET, POST"
    response = shared.client.put(f"{API}/approvals/answer")
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("actions", {"limit": 0}, "between 1 and 500"),
        ("actions", {"limit": 501}, "between 1 and 500"),
        ("actions", {"limit": "ten"}, "limit must be a whole number"),
        ("actions", {"limit": "-1"}, "limit must be a whole number"),
        ("actions", {"limit": "9" * 40}, "limit must be a whole number"),
        ("actions", {"cursor": "x"}, "this cursor is not one"),
        ("actions", {"cursor": ""}, "cursor is empty"),
        ("actions", {"colour": "red"}, "cannot be filtered by 'colour', only by: actionType"),
        ("actions", {"arguments": "{}"}, "cannot be filtered by 'arguments'"),
        ("actions", {"latencyMs": "soon"}, "latencyMs: 'soon' is not a whole number"),
        ("actions", {"costUsd": "1e999999999"}, "costUsd: '1e999999999' is not a number"),
        ("actions", {"createdAt": "yesterday"}, "is not a time such as"),
        ("actions", {"status": "a\0"}, "without NUL"),
        ("outcomes", {"success": "maybe"}, "true or false"),
        ("actions", {"minPosition": "x"}, "minPosition must be a whole number"),
        ("actions", {"minPosition": 10**9}, "beyond the head of the log"),
        ("actions/a", {"limit": 5}, "'limit' is not a parameter here"),
        ("dashboard", {"colour": "red"}, "only: orgUnitId, minPosition"),
        ("dashboard", {"orgUnitId": "mars"}, "no org unit is called 'mars'"),
        ("action-types", {"limit": 5}, "'limit' is not a parameter here"),
        ("state/nonsense", {}, "is not <category>:<key>"),
        ("state/planet:mars", {}, "categories are"),
        ("state/law:business", {"at": "-1"}, "at must be a whole number"),
        ("state/law:business", {"at": 10**9}, "is not between 0 and the head"),
        ("state/law:%00", {}, "NUL"),
    ],
)
def test_a_question_that_makes_no_sense_is_explained(
    shared: Office, path: str, query: dict[str, Any], words: str
) -> None:
    refused(shared.get(path, **query), 400, "bad_question", words)


def test_a_parameter_stands_once(shared: Office) -> None:
    headers = shared.headers("vera")
    response = shared.client.get(f"{API}/actions?limit=1&limit=2", headers=headers)
    refused(response, 400, "bad_question", "twice")


@pytest.mark.parametrize(
    "inside",
    [[10**30, "x"], ["a", "x"], [True, "x"], [1, "\ud800"], [1, "\0"], [1.5, "x"], [1], {}, "x"],
    ids=str,
)
def test_a_cursor_of_one_s_own_is_refused(shared: Office, inside: Any) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(inside).encode()).decode().rstrip("=")
    refused(shared.get("events", cursor=forged), 400, "bad_question", "this cursor is not one")


@pytest.mark.parametrize(
    "path",
    [
        "actions/nobody", "actions/", "approvals/answer", "incidents/x%00y", "policies/a%2Fb",
        "action-types/destroy", "state/action:nobody", "kill-switches/" + "x" * 3_000,
    ],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(shared: Office, path: str) -> None:
    refused(shared.get(path), 404, "unknown_id")


# -- strangers


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, "Authorization: Bearer"),
        ({"Authorization": "Basic Zm9v"}, "Authorization: Bearer"),
        ({"Authorization": "Bearer"}, "looks like bos_"),
        ({"Authorization": "Bearer nonsense"}, "looks like bos_"),
        ({"Authorization": "Bearer bos_x_y"}, "not valid"),
        ({"Authorization": "Bearer bos_" + "x" * 300 + "_y"}, "looks like bos_"),
        ({"Authorization": "Bearer bos_\xe9_y"}, "only letters"),
    ],
)
def test_a_stranger_learns_nothing(shared: Office, header: dict[str, str], words: str) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in header.items()}
    head = shared.head()
    for response in (
        shared.client.get(f"{API}/dashboard", headers=raw),
        shared.client.post(f"{API}/kill-switch", content=b"{", headers=raw),
    ):
        refused(response, 401, "not_authenticated", words)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert shared.head() == head


def test_a_token_in_the_address_opens_nothing(shared: Office) -> None:
    token = shared.tokens["founder"]
    for name in ("token", "access_token", "Authorization"):
        response = shared.get("dashboard", None, **{name: token})
        refused(response, 401, "not_authenticated")


def test_a_wrong_secret_and_an_unknown_token_sound_alike(shared: Office) -> None:
    known = shared.tokens["founder"][:-1] + "~"
    answers = []
    for text in (known, "bos_nobody_secret"):
        headers = {"Authorization": f"Bearer {text}"}
        answers.append(shared.client.get(f"{API}/dashboard", headers=headers).text)
    assert answers[0] == answers[1]


def test_a_sign_in_link_is_not_a_token(office: Office) -> None:
    link = told(office.post("tokens", {"holder": "user:vera", "kind": "link"}))
    office.tokens["link"] = link["token"]
    refused(office.get("dashboard", who="link"), 401, "not_authenticated", "not valid")


def test_an_expired_token_opens_nothing(office: Office) -> None:
    office.clock.forward(LIFETIME_MAX["api"])
    head = office.head()
    response = office.post("actions", refund(), "agent:support")
    refused(response, 401, "not_authenticated", "expired", "issue a new one")
    assert office.head() == head


def test_a_revoked_token_opens_nothing(office: Office) -> None:
    token_id = office.tokens["agent:support"].split("_")[1]
    assert office.post("tokens/revoke", {"tokenId": token_id}).status_code == 200
    head = office.head()
    response = office.post("actions", refund(), "agent:support")
    refused(response, 401, "not_authenticated", "revoked")
    assert office.head() == head


def test_whoever_has_left_is_a_stranger(office: Office) -> None:
    assert office.post("commands/RemoveUser", {"userId": "bob"}).status_code == 200
    refused(office.get("dashboard", who="bob"), 401, "not_authenticated", "nobody here is called")


# -- a recorded no

UNSOUND: Final[dict[str, tuple[Any, str, str, str]]] = {
    "unknown action": (
        {"actionType": "launch_rocket", "payload": {}},
        "agent:support", "unknown_action", "'launch_rocket' is not an action type",
    ),
    "unknown agent": ({**refund(), "agentId": "ghost"}, "founder", "agent_unknown", "ghost"),
    "another agent": ({**refund(), "agentId": "ads"}, "agent:support", "not_yourself", "ads"),
    "not its tool": (refund(), "agent:ads", "tool_not_permitted", "process_refund"),
    "amount is text": (
        refund(amount="40"), "agent:support", "invalid_payload", "amount: must be a JSON number",
    ),
    "amount is nothing": (
        refund(amount=0), "agent:support", "invalid_payload", "greater than 0",
    ),
    "amount is true": (refund(amount=True), "agent:support", "invalid_payload", "JSON number"),
    "amount is too fine": (
        refund(amount=0.0000001), "agent:support", "invalid_payload", "6 decimal places",
    ),
    "unknown argument": (refund(tip=1), "agent:support", "invalid_payload", "tip"),
    "unknown org unit": (
        {**refund(), "orgUnitId": "mars"}, "founder", "org_unit_unknown", "mars",
    ),
    "a viewer": (refund(), "vera", "role_not_permitted", "viewer"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSOUND)
def test_the_governor_refuses_what_is_unsound_and_records_it(shared: Office, name: str) -> None:
    body, who, code, words = UNSOUND[name]
    before = shared.head()
    problem = refused(shared.post("actions", body, who), 403, code, words)
    only_a_refusal(shared, before, code)
    assert problem["outcome"] == "denied"
    assert problem["position"] == shared.head()
    assert shared.since(before)[0].id.startswith(problem["commandId"])


def test_a_disabled_agent_is_refused(office: Office) -> None:
    office.did(DisableAgent(agent_id="support", reason="it went astray"))
    before = office.head()
    response = office.post("actions", refund(), "agent:support")
    refused(response, 403, "agent_disabled", "agent support is disabled")
    only_a_refusal(office, before, "agent_disabled")


def test_a_policy_s_no_is_a_recorded_denial(office: Office) -> None:
    payload = {"productId": "p", "newPrice": 9, "currency": "USD", "marginPercent": 0.01}
    before = office.head()
    response = office.post(
        "actions", {"actionType": "update_price", "payload": payload}, "agent:support"
    )
    problem = refused(response, 403, "policy_denied", "margin below 15% floor")
    assert problem["reasons"] == ["Cannot set price: margin below 15% floor"]
    types = [recorded.type for recorded in office.since(before)]
    assert types == ["verdict.recorded", "action.proposed", "action.denied"]


def answer(office: Office, row: Any, who: str, *, approved: bool = True, **more: Any) -> Any:
    wire = {"approvalId": row["id"], "approved": approved, "payloadHash": row["payloadHash"]}
    return office.post("approvals/answer", {**wire, **more}, who)


def test_a_forged_payload_hash_approves_nothing(office: Office) -> None:
    row = office.held()
    before = office.head()
    response = answer(office, row, "founder", payloadHash="0" * 64)
    refused(response, 409, "payload_changed", "not the one of this request")
    only_a_refusal(office, before, "payload_changed")


def test_a_second_person_s_answer_comes_too_late(office: Office) -> None:
    row = office.held()
    assert answer(office, row, "founder").status_code == 200
    before = office.head()
    refused(answer(office, row, "grace"), 409, "approval_decided", "already consumed")
    only_a_refusal(office, before, "approval_decided")
    before = office.head()
    refused(
        answer(office, row, "grace", approved=False, reason="no"),
        409,
        "approval_decided",
        "already",
    )
    only_a_refusal(office, before, "approval_decided")


def test_an_approval_expires(office: Office) -> None:
    row = office.held()
    office.clock.forward(24 * HOUR)
    before = office.head()
    refused(answer(office, row, "founder"), 409, "approval_expired", "expired")
    only_a_refusal(office, before, "approval_expired")


@pytest.mark.parametrize(
    ("who", "status", "code", "words"),
    [
        ("agent:support", 403, "role_not_permitted", "agent"),
        ("vera", 403, "role_not_permitted", "viewer"),
        ("olga", 409, "role_too_low", "needs the role founder"),
        ("bob", 409, "role_too_low", "needs the role founder"),
    ],
)
def test_only_who_may_approve_approves(
    office: Office, who: str, status: int, code: str, words: str
) -> None:
    row = office.held()
    before = office.head()
    refused(answer(office, row, who), status, code, words)
    only_a_refusal(office, before, code)


def test_nobody_approves_a_request_of_their_own(office: Office) -> None:
    held = office.post("actions", refund(amount=600), "founder")
    office.settle()
    row = told(office.get(f"approvals/{told(held)['approvalId']}"))
    before = office.head()
    refused(answer(office, row, "founder"), 409, "own_request", "of their own")
    only_a_refusal(office, before, "own_request")


def test_an_unknown_approval_is_refused(office: Office) -> None:
    before = office.head()
    row = {"id": "apr-none", "payloadHash": "0"}
    refused(answer(office, row, "founder"), 409, "approval_unknown", "no such approval")
    only_a_refusal(office, before, "approval_unknown")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"approved": "true"}, "approved: Input should be a valid boolean"),
        ({"approved": 1}, "approved: Input should be a valid boolean"),
        ({"approved": False}, "a rejection needs a reason"),
        ({"approved": False, "reason": "  "}, "a rejection needs a reason"),
        ({"payloadHash": None}, "payloadHash"),
        ({"id": "x"}, "id: Extra inputs are not permitted"),
        ({"approvalId": "a b"}, "approvalId"),
        ({"notes": "x" * 2_001}, "notes"),
    ],
)
def test_an_answer_that_makes_no_sense_is_explained(
    shared: Office, more: dict[str, Any], words: str
) -> None:
    head = shared.head()
    wire = {"approvalId": "apr-1", "approved": True, "payloadHash": "0", **more}
    response = shared.post("approvals/answer", wire)
    assert response.status_code == 400
    assert words in told(response)["detail"]
    assert shared.head() == head


def test_a_key_used_for_another_payload_is_refused(office: Office) -> None:
    assert office.post("actions", refund(amount=40), "agent:support", key="k").status_code == 200
    before = office.head()
    response = office.post("actions", refund(amount=41), "agent:support", key="k")
    refused(response, 409, "idempotency_key_reused", "used before with another payload")
    assert office.head() == before


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        ({"holder": "vera"}, "holder"),
        ({"holder": "system:doorkeeper"}, "holder"),
        ({"holder": "user:vera", "kind": "session"}, "kind"),
        ({"holder": "user:vera", "lifetimeSeconds": 0}, "lifetimeSeconds"),
        ({"holder": "user:vera", "lifetimeSeconds": 1.5}, "lifetimeSeconds"),
        ({"holder": "user:vera", "lifetimeSeconds": "60"}, "lifetimeSeconds"),
        ({"holder": "user:vera", "secretHash": "0" * 64}, "secretHash"),
    ],
)
def test_a_token_request_that_makes_no_sense_is_explained(
    shared: Office, wire: dict[str, Any], words: str
) -> None:
    refused(shared.post("tokens", wire), 400, "invalid_request", words)


def test_a_token_above_one_s_own_role_is_refused(office: Office) -> None:
    before = office.head()
    response = office.post("tokens", {"holder": "user:founder"}, "bob")
    refused(response, 403, "role_above_own", "cannot issue a token of a founder")
    only_a_refusal(office, before, "role_above_own")


# -- a broken world


def fail_with(monkeypatch: pytest.MonkeyPatch, method: str, error: Exception) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(LogEventStore, method, fail)


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (StoreUnavailable("db.internal refused"), 503, "store_unavailable", True),
        (Conflict("db.internal moved"), 409, "conflict", True),
        (RuntimeError("db.internal is a bug"), 500, "internal_error", False),
    ],
)
def test_a_broken_world_allows_nothing_and_tells_nothing(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
    retry: bool,
) -> None:
    head = office.head()
    with monkeypatch.context() as broken:
        fail_with(broken, "append", error)
        response = office.post("actions", refund(), "agent:support")
    problem = refused(response, status, code)
    assert "internal" not in problem["detail"]
    assert ("Retry-After" in response.headers) is retry
    assert "X-Position" in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert office.head() == head


def test_a_bug_is_told_to_the_log_and_to_nobody_else(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail_with(monkeypatch, "read", RuntimeError("the secret reason"))
    response = office.get("dashboard")
    refused(response, 500, "internal_error", "log")
    assert "the secret reason" not in response.text
    assert "the secret reason" in caplog.text


def test_no_log_means_nobody_is_known(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, "read", StoreUnavailable("gone"))
    refused(office.get("dashboard"), 503, "store_unavailable", "nothing is allowed")


def test_what_the_log_does_not_take_is_too_large(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, "append", NotStorable("1200000 bytes in action.proposed"))
    response = office.post("actions", refund(), "agent:support")
    refused(response, 413, "not_storable", "1200000 bytes")


def test_a_body_that_never_comes_is_not_waited_for(
    shared: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_request: object) -> bytes:
        await asyncio.sleep(60)
        return b""

    monkeypatch.setattr(caller, "BODY_SECONDS_MAX", 0.05)
    monkeypatch.setattr(caller, "_read", hang)
    refused(shared.post("actions", refund()), 408, "too_slow", "0.05 seconds")

"""Who may do what through HTTP: every operation by every role, and what an agent sees.

reads     one table in the catalog of the API, walked here against the document itself
writes    the governor's word, written out here once more on purpose
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from commands import catalog
from console_api.http.catalog import NOT_AGENTS, READERS
from domain.core.principal import EVERYONE, Role
from tests.journeys.office import API, MORNING, REFUND, Office, open_office, told

WHO: Final = {
    Role.FOUNDER: "founder",
    Role.ADMIN: "bob",
    Role.OPERATOR: "olga",
    Role.VIEWER: "vera",
    Role.AGENT: "agent:support",
}
MANAGERS: Final = {Role.FOUNDER, Role.ADMIN}
DESK: Final = MANAGERS | {Role.OPERATOR}
OPEN: Final = {"health"}
ENDS: Final = {"streamEvents": "?follow=false"}
"""What makes an answer end that otherwise goes on."""

WRITES: Final[dict[str, tuple[str, Any, set[Role]]]] = {
    "proposeAction": (
        "actions", {"actionType": "process_refund", "payload": REFUND}, DESK | {Role.AGENT},
    ),
    "approveAction": (
        "approvals/answer", {"approvalId": "apr-x", "approved": True, "payloadHash": "0"}, DESK,
    ),
    "updateIncident": ("incidents/update", {"incidentId": "inc-x", "status": "open"}, DESK),
    "killSwitch": ("kill-switch", {"reason": "r"}, {*DESK, Role.VIEWER}),
    "releaseKillSwitch": ("kill-switch/release", {"reason": "r"}, {Role.FOUNDER}),
    "issueToken": ("tokens", {"holder": "agent:ads"}, MANAGERS),
    "revokeToken": ("tokens/revoke", {"tokenId": "x"}, MANAGERS),
    "doCommand": (
        "commands/OpenIncident", {"incidentId": "i", "kind": "system_error", "title": "t"}, DESK,
    ),
}  # fmt: skip
"""Path, body, and the roles that are not denied. A foreign token is only managers' to revoke."""

ALLOW: Final = {"id": "r", "condition": "true", "action": "allow", "message": "m"}
REPORT: Final = {"actionId": "a", "orgUnitId": "business", "latencyMs": 1}
TOKEN: Final = {
    "tokenId": "t", "holder": "agent:ads", "secretHash": "0" * 64, "expiresAt": MORNING + 1,
}  # fmt: skip
ORDER: Final = {
    "orderId": "o", "placedAt": "2030-01-01T00:00:00Z",
    "lines": [{"sku": "s", "quantity": 1, "unitPrice": 1}],
}  # fmt: skip

COMMANDS: Final[dict[str, tuple[Any, set[Role]]]] = {
    "FoundBusiness": ({"name": "n"}, {Role.FOUNDER}),
    "CreateOrgUnit": ({"orgUnitId": "u", "name": "n"}, MANAGERS),
    "DisableOrgUnit": ({"orgUnitId": "u", "reason": "r"}, MANAGERS),
    "EnableOrgUnit": ({"orgUnitId": "u"}, MANAGERS),
    "RegisterAgent": ({"agentId": "a", "name": "n"}, MANAGERS),
    "PermitTools": ({"agentId": "a", "toolPermissions": []}, MANAGERS),
    "DisableAgent": ({"agentId": "ads", "reason": "r"}, MANAGERS),
    "EnableAgent": ({"agentId": "ads"}, MANAGERS),
    "ProposeAction": (
        {"actionType": "process_refund", "payload": REFUND}, DESK | {Role.AGENT},
    ),
    "CancelAction": ({"actionId": "a", "reason": "r"}, DESK),
    "StartAction": (
        {"actionId": "a", "orgUnitId": "business", "toolName": "t", "attempt": 1}, set(),
    ),
    "CompleteAction": ({**REPORT, "result": {}}, set()),
    "FailAction": ({**REPORT, "errorMessage": "e"}, set()),
    "RecordOutcome": ({"actionId": "a", "success": True, "rewardScore": "1"}, DESK),
    "RecordOrder": (ORDER, DESK),
    "GrantApproval": ({"approvalId": "a", "payloadHash": "0"}, DESK),
    "RejectApproval": ({"approvalId": "a", "payloadHash": "0", "reason": "r"}, DESK),
    "ExpireApproval": ({"approvalId": "a"}, set()),
    "AmendRequest": ({"approvalId": "a", "payloadHash": "0", "payload": {}}, DESK),
    "RequestInformation": ({"approvalId": "a", "question": "q"}, DESK),
    "GiveInformation": ({"approvalId": "a", "text": "t"}, {*DESK, Role.VIEWER, Role.AGENT}),
    "EscalateApproval": ({"approvalId": "a", "step": 1}, set()),
    "TellDigest": ({"day": "2030-01-01", "waiting": 1, "text": "t"}, set()),
    "SetApprovalLimit": ({"role": "admin", "currency": "USD", "reason": "r"}, {Role.FOUNDER}),
    "DelegateApprovals": ({"delegate": "nobody", "until": "2030-01-02", "reason": "r"}, DESK),
    "WithdrawDelegation": ({"delegate": "nobody", "reason": "r"}, DESK),
    "OverrideDenial": (
        {"verdictCommandId": "c", "reason": "because the founder wants it"}, {Role.FOUNDER},
    ),
    "DraftPolicy": ({"policyId": "p", "name": "n", "rules": [ALLOW]}, MANAGERS),
    "ActivatePolicy": ({"policyId": "p", "reason": "r"}, {Role.FOUNDER}),
    "ShadowPolicy": ({"policyId": "p", "reason": "r"}, MANAGERS),
    "ChangeParameter": (
        {"policyId": "p", "name": "n", "value": 1, "reason": "r"}, {Role.FOUNDER},
    ),
    "DisablePolicy": ({"policyId": "p", "reason": "r"}, {Role.FOUNDER}),
    "EngageKillSwitch": ({"reason": "r"}, {*DESK, Role.VIEWER}),
    "ReleaseKillSwitch": ({"reason": "r"}, {Role.FOUNDER}),
    "OpenIncident": ({"incidentId": "i", "kind": "system_error", "title": "t"}, DESK),
    "UpdateIncident": ({"incidentId": "i"}, DESK),
    "AddUser": ({"userId": "u", "name": "n", "role": "viewer"}, MANAGERS),
    "ChangeUserRole": ({"userId": "vera", "role": "viewer"}, {Role.FOUNDER}),
    "RemoveUser": ({"userId": "u"}, {Role.FOUNDER}),
    "IssueToken": (TOKEN, MANAGERS),
    "RevokeToken": ({"tokenId": "nobody-s"}, MANAGERS),
    "FollowLink": ({"linkId": "l", "sessionId": "s", "sessionHash": "0" * 64}, set()),
}  # fmt: skip
"""Body, and the roles that are not denied; an action or a token of nobody is only theirs."""


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with open_office() as opened:
        yield opened


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console_api.http.writes.WAIT_SECONDS", 0.0)


def operations(office: Office) -> dict[str, tuple[str, str]]:
    """Every operation of the document: its method and its path."""
    paths = office.client.get("/openapi.json").json()["paths"]
    return {
        about["operationId"]: (method, path)
        for path, methods in paths.items()
        for method, about in methods.items()
    }


def test_every_operation_is_in_one_of_the_tables(office: Office) -> None:
    found = operations(office)
    assert found.keys() == READERS.keys() | WRITES.keys() | OPEN
    assert all(found[name][0] == "get" for name in READERS.keys() | OPEN)
    assert {name: f"{API}/{path}" for name, (path, _, _) in WRITES.items()} == {
        name: path.replace("{name}", "OpenIncident")
        for name, (method, path) in found.items()
        if method == "post"
    }


def test_nobody_reads_or_writes_without_a_token(office: Office) -> None:
    head = office.head()
    for name, (method, path) in operations(office).items():
        response = office.client.request(method, path.replace("{name}", "OpenIncident"))
        assert response.status_code == (200 if name in OPEN else 401), name
    assert office.head() == head


@pytest.mark.parametrize("role", WHO)
def test_reads_are_for_whom_the_table_says(office: Office, role: Role) -> None:
    found = operations(office)
    for name, readers in READERS.items():
        path = found[name][1].replace("{id}", "x").replace("{stream}", "law:x")
        path += ENDS.get(name, "")
        response = office.client.get(path, headers=office.headers(WHO[role]))
        if role in readers:
            assert response.status_code in (200, 404), (name, response.text)
        else:
            assert response.status_code == 403, name
            assert told(response)["code"] == "role_not_permitted"


def test_agents_read_little_and_everybody_else_everything() -> None:
    assert {name for name, readers in READERS.items() if Role.AGENT in readers} == {
        "listActions", "getAction", "listApprovals", "getApproval", "listActionTypes",
        "getActionType",
    }  # fmt: skip
    assert all(readers in (EVERYONE, NOT_AGENTS) for readers in READERS.values())


@pytest.mark.parametrize("role", WHO)
@pytest.mark.parametrize("name", WRITES)
def test_writes_are_for_whom_the_governor_says(name: str, role: Role) -> None:
    path, body, permitted = WRITES[name]
    with open_office() as office:
        response = office.post(path, body, WHO[role])
        allowed = response.status_code != 403
        assert allowed is (role in permitted), response.text
        if not allowed:
            assert told(response)["code"] in ("role_not_permitted", "not_yours")
            assert office.since(told(response)["position"] - 1)[0].type == "verdict.recorded"


@pytest.mark.parametrize("role", WHO)
def test_commands_are_for_whom_the_governor_says(office: Office, role: Role) -> None:
    assert COMMANDS.keys() == catalog.COMMANDS.keys()
    for name, (body, permitted) in COMMANDS.items():
        response = office.post(f"commands/{name}", body, WHO[role])
        allowed = response.status_code != 403
        assert allowed is (role in permitted), (name, response.text)


# -- what an agent sees


@pytest.fixture(scope="module")
def busy() -> Iterator[Office]:
    """Actions and approvals of an agent, and of others."""
    with open_office() as office:
        office.propose(40)
        office.propose(600)
        office.propose(700, "founder")
        spend = {"campaignId": "c", "amount": 5, "currency": "USD", "roas": 1}
        ads = {"actionType": "increase_ad_spend", "payload": {**spend, "cashRunwayDays": 90}}
        assert office.post("actions", ads, "agent:ads").status_code == 202
        office.settle()
        yield office


def rows(office: Office, what: str, who: str, **query: Any) -> list[Any]:
    found: list[Any] = told(office.get(what, who, **query))["items"]
    return found


def test_an_agent_sees_its_own_actions_and_their_approvals(busy: Office) -> None:
    assert len(rows(busy, "actions", "founder")) == 4
    assert {row["agentId"] for row in rows(busy, "actions", "agent:support")} == {"support"}
    assert len(rows(busy, "actions", "agent:support")) == 2
    assert len(rows(busy, "approvals", "founder")) == 3
    (waiting,) = rows(busy, "approvals", "agent:support")
    assert (waiting["requestedBy"], waiting["amount"]) == ("agent:support", 600)


def test_an_agent_cannot_ask_for_others_rows(busy: Office) -> None:
    assert rows(busy, "actions", "agent:support", agentId="ads") == []
    assert rows(busy, "actions", "agent:support", agentId="!=support") == []
    assert rows(busy, "approvals", "agent:support", requestedBy="agent:ads") == []


@pytest.mark.parametrize("what", ["actions", "approvals"])
def test_an_agent_does_not_learn_that_others_rows_exist(busy: Office, what: str) -> None:
    own = {row["id"] for row in rows(busy, what, "agent:support")}
    for row in rows(busy, what, "founder"):
        response = busy.get(f"{what}/{row['id']}", "agent:support")
        assert response.status_code == (200 if row["id"] in own else 404)
        if response.status_code == 404:
            nobody = busy.get(f"{what}/{'x' * len(row['id'])}", "agent:support")
            assert told(response)["code"] == told(nobody)["code"]


def test_a_change_of_role_counts_from_the_next_request_on() -> None:
    with open_office() as office:
        assert office.post("commands/CreateOrgUnit", {}, "olga").status_code == 400
        wire = {"orgUnitId": "u", "name": "U"}
        assert office.post("commands/CreateOrgUnit", wire, "olga").status_code == 403
        promote = {"userId": "olga", "role": "admin"}
        assert office.post("commands/ChangeUserRole", promote).status_code == 200
        assert office.post("commands/CreateOrgUnit", wire, "olga").status_code == 200

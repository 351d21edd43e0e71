"""An approval is for one payload, once, within a day, by somebody else, and is judged again."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

import pytest

from commands.access.token import IssueToken
from commands.access.user import AddUser, ChangeUserRole, RemoveUser
from commands.governor.approval import ExpireApproval, GrantApproval, RejectApproval
from commands.governor.incident import OpenIncident
from commands.governor.law import DraftPolicy
from commands.kernel.action import CancelAction, ProposeAction
from commands.kernel.agent import DisableAgent, RegisterAgent
from commands.kernel.order import RecordOrder
from commands.kernel.org_unit import CreateOrgUnit
from commands.message import Command, Done, Held, Receipt, Refused
from commands.planning import verb_of
from commands.reactions import parked_command
from console_api.workers.timekeeper import TIMEKEEPER
from domain.core.instant import HOUR, SECOND
from domain.core.principal import Actor
from domain.governor.approval import (
    ApprovalCancelled,
    ApprovalConsumed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRequested,
)
from domain.governor.incident import IncidentOpened
from domain.kernel.action import ActionAuthorized, ActionDenied, ActionExpired
from domain.kernel.org_unit import OrgUnitCreated
from tests.examples import (
    BUYER,
    FOUNDER,
    GRACE,
    IMPORTER,
    NOON,
    OLGA,
    SUPPORT,
    VERA,
    Shop,
    action_id,
    founded,
    refund,
)

A_DAY: Final = 24 * HOUR
REFUND_CAP: Final = "action == 'process_refund' && data.amount > 100"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


def go_on(shop: Shop, approval_id: str, **changed: object) -> Receipt:
    """Send the parked command again under its approval, as the reactor does, or a changed one."""
    command, actor = parked_command(shop.request(approval_id), shop.business.state)
    return shop.do(command.model_copy(update=changed), actor, approval_id=approval_id)


def refused(receipt: Receipt) -> str:
    assert isinstance(receipt, Refused), receipt
    return receipt.code


# ── what is asked ──


def test_a_request_shows_what_is_asked_by_whom_and_why(shop: Shop) -> None:
    held = shop.propose(refund(Decimal("900.50")), reason="broken on arrival")
    assert isinstance(held, Held)
    request = shop.request(held.approval_id)
    assert (request.action, request.entity_id) == ("process_refund", action_id(held))
    assert (request.requested_by, request.requester_role) == ("agent:support", "agent")
    assert (request.amount, request.currency, request.org_unit_id) == ("900.50", "USD", "business")
    assert request.reasons == ("Refund requires approval: amount exceeds $500",)
    assert request.triggers == ("refund-approval-limits@1/amount",)
    assert request.approver_role == "founder"
    assert request.expires_at == NOON + A_DAY
    assert request.request["payload"] == {**refund(Decimal("900.50"))}
    assert request.request["reason"] == "broken on arrival"
    proposal = shop.action(held).proposal
    assert proposal is not None
    assert request.payload_hash == proposal.payload_hash


def test_what_was_agreed_to_goes_on(shop: Shop) -> None:
    held = shop.held(refund(900))
    assert isinstance(shop.grant(held.approval_id), Done)
    assert shop.status(held) == "awaiting_approval"
    shop.settle()
    assert shop.status(held) == "completed"
    assert [each["amount"] for each in shop.till.arguments] == [900]
    (authorized,) = shop.facts(ActionAuthorized)
    assert authorized.approval_id == held.approval_id
    assert authorized.lifted == ("refund-approval-limits@1/amount",)


def test_until_somebody_agrees_nothing_runs(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.settle()
    assert shop.status(held) == "awaiting_approval"
    assert shop.till.arguments == []


# ── one payload ──


@pytest.mark.parametrize("shown", ["0" * 64, "x"])
def test_agreeing_to_something_else_is_refused(shop: Shop, shown: str) -> None:
    held = shop.held(refund(900))
    command = GrantApproval(approval_id=held.approval_id, payload_hash=shown)
    assert refused(shop.do(command)) == "payload_changed"
    assert shop.approval_status(held.approval_id) == "pending"


def test_the_hash_of_another_request_does_not_fit(shop: Shop) -> None:
    first, second = shop.held(refund(900)), shop.held(refund(900))
    other = shop.request(second.approval_id).payload_hash
    command = GrantApproval(approval_id=first.approval_id, payload_hash=other)
    assert refused(shop.do(command)) == "payload_changed"


CHANGES: Final[dict[str, dict[str, Any]]] = {
    "amount": {"payload": refund(901)},
    "order": {"payload": refund(900, orderId="1002")},
    "currency": {"payload": refund(900, currency="GBP")},
    "customer": {"payload": refund(900, customerId="c2")},
    "note": {"payload": refund(900, reason="other")},
    "small amount": {"payload": refund(1)},
    "action": {"action_id": "another"},
    "type": {"action_type": "update_price", "payload": {}},
    "unknown type": {"action_type": "print_money"},
    "invalid payload": {"payload": {}},
    "no org unit": {"org_unit_id": "mars"},
    "no agent": {"agent_id": "ghost"},
    "org unit": {"org_unit_id": "eu"},
    "agent": {"agent_id": "support"},
    "reason": {"reason": "another reason"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_parked_command_that_was_changed_does_not_go_on(
    shop: Shop, change: dict[str, Any]
) -> None:
    shop.must(CreateOrgUnit(org_unit_id="eu", name="Europe"))
    held = shop.held(refund(900), OLGA)
    shop.grant(held.approval_id)
    before = shop.head()
    receipt = go_on(shop, held.approval_id, **change)
    assert isinstance(receipt, Refused)
    assert shop.types(before) == ["verdict.recorded"]
    assert shop.status(held) == "awaiting_approval"
    assert shop.approval_status(held.approval_id) == "approved"
    assert isinstance(go_on(shop, held.approval_id), Done)


@pytest.mark.parametrize("change", [CHANGES["small amount"], CHANGES["amount"]])
def test_a_changed_payload_is_named_as_the_reason(shop: Shop, change: dict[str, Any]) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    assert refused(go_on(shop, held.approval_id, **change)) == "payload_changed"


def test_nobody_else_uses_an_approval(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    command, _ = parked_command(shop.request(held.approval_id), shop.business.state)
    assert isinstance(command, ProposeAction)
    as_herself = command.model_copy(update={"agent_id": SUPPORT.id})
    receipt = shop.do(as_herself, GRACE, approval_id=held.approval_id)
    assert refused(receipt) == "payload_changed"
    assert shop.status(held) == "awaiting_approval"


def test_every_field_of_a_proposal_is_changed_in_some_test() -> None:
    fields = {name for change in CHANGES.values() for name in change}
    assert fields == set(ProposeAction.model_fields)


def test_an_approval_of_one_action_does_not_fit_another(shop: Shop) -> None:
    first, second = shop.held(refund(900)), shop.held(refund(900))
    shop.grant(first.approval_id)
    command, actor = parked_command(shop.request(second.approval_id), shop.business.state)
    receipt = shop.do(command, actor, approval_id=first.approval_id)
    assert refused(receipt) == "payload_changed"
    assert shop.status(second) == "awaiting_approval"
    assert isinstance(go_on(shop, first.approval_id), Done)


@pytest.mark.parametrize("approval_id", ["apr-nobody", "apr1"])
def test_an_approval_that_nobody_gave_is_of_no_use(shop: Shop, approval_id: str) -> None:
    command = ProposeAction(action_type="process_refund", payload=refund(900))
    receipt = shop.do(command, SUPPORT, approval_id=approval_id)
    assert refused(receipt) == "approval_unknown"
    assert shop.facts(ActionAuthorized) == []


def test_an_approval_is_of_no_use_before_it_is_given(shop: Shop) -> None:
    held = shop.held(refund(900))
    assert refused(go_on(shop, held.approval_id)) == "approval_not_granted"


def test_an_approval_that_was_refused_is_of_no_use(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.reject(held.approval_id)
    assert refused(go_on(shop, held.approval_id)) == "approval_not_granted"


def test_an_approval_that_is_not_given_denies_nothing(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.must(DisableAgent(agent_id=SUPPORT.id, reason="misbehaves"))
    before = shop.head()
    assert refused(go_on(shop, held.approval_id)) == "approval_not_granted"
    assert shop.types(before) == ["verdict.recorded"]
    assert shop.status(held) == "awaiting_approval"
    assert shop.approval_status(held.approval_id) == "pending"


# ── once ──


def test_an_approval_is_used_once(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    assert isinstance(go_on(shop, held.approval_id), Done)
    assert refused(go_on(shop, held.approval_id)) == "approval_not_granted"
    assert len(shop.facts(ActionAuthorized)) == len(shop.facts(ApprovalConsumed)) == 1
    shop.settle()
    assert [each["amount"] for each in shop.till.arguments] == [900]


def test_agreeing_twice_is_agreeing_once(shop: Shop) -> None:
    held = shop.held(refund(900))
    assert isinstance(shop.grant(held.approval_id), Done)
    assert isinstance(shop.grant(held.approval_id), Done)
    assert len(shop.facts(ApprovalGranted)) == 1


def test_a_proposal_that_needs_no_approval_does_not_use_one(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    assert isinstance(shop.propose(refund(10)), Done)
    assert shop.approval_status(held.approval_id) == "approved"


# ── within a day ──


@pytest.mark.parametrize(
    ("late", "outcome"),
    [(0, "approved"), (A_DAY - SECOND, "approved"), (A_DAY - 1, "approved"), (A_DAY, "pending")],
)
def test_a_request_is_open_for_a_day_and_not_a_microsecond_longer(
    shop: Shop, late: int, outcome: str
) -> None:
    held = shop.held(refund(900))
    shop.clock.forward(late)
    receipt = shop.grant(held.approval_id)
    assert shop.approval_status(held.approval_id) == outcome
    if outcome == "pending":
        assert refused(receipt) == "approval_expired"
        assert refused(shop.reject(held.approval_id)) == "approval_expired"


@pytest.mark.parametrize(
    ("late", "code"), [(A_DAY - SECOND, ""), (A_DAY - 1, ""), (A_DAY, "approval_expired")]
)
def test_an_approval_is_used_within_the_same_day(shop: Shop, late: int, code: str) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.clock.forward(late)
    receipt = go_on(shop, held.approval_id)
    assert (receipt.code if isinstance(receipt, Refused) else "") == code
    assert shop.status(held) == ("awaiting_approval" if code else "authorized")


@pytest.mark.parametrize("granted", [False, True], ids=["unanswered", "unused"])
def test_what_ran_out_is_closed_with_its_action_and_an_incident(shop: Shop, granted: bool) -> None:
    held = shop.held(refund(900))
    shop.settle()
    shop.clock.forward(A_DAY - SECOND)
    shop.settle()
    assert shop.status(held) == "awaiting_approval"
    if granted:
        shop.grant(held.approval_id)
    shop.clock.forward(SECOND)
    before = shop.head()
    shop.settle()
    assert shop.approval_status(held.approval_id) == "expired"
    assert shop.status(held) == "expired"
    (incident,) = shop.facts(IncidentOpened)
    assert (incident.kind, incident.severity) == ("approval_timeout", "low")
    assert incident.subject == f"approval:{held.approval_id}"
    closing = [each for each in shop.log(before) if each.actor == str(TIMEKEEPER)]
    assert [type(each.fact) for each in closing[1:]] == [
        ApprovalExpired,
        ActionExpired,
        IncidentOpened,
    ]
    assert {each.causation_id for each in closing[1:]} == {closing[0].id}
    assert shop.till.arguments == []


def test_closing_twice_is_closing_once(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.clock.forward(A_DAY)
    shop.settle()
    before = shop.head()
    shop.settle()
    assert shop.head() == before
    shop.must(ExpireApproval(approval_id=held.approval_id), TIMEKEEPER)
    assert shop.types(before) == ["verdict.recorded"]


def test_nobody_closes_a_request_before_its_time(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.clock.forward(A_DAY - 1)
    receipt = shop.do(ExpireApproval(approval_id=held.approval_id), TIMEKEEPER)
    assert refused(receipt) == "not_due"


@pytest.mark.parametrize("actor", [FOUNDER, OLGA, SUPPORT], ids=str)
def test_only_the_clock_closes_requests(shop: Shop, actor: Actor) -> None:
    held = shop.held(refund(900))
    shop.clock.forward(A_DAY)
    receipt = shop.do(ExpireApproval(approval_id=held.approval_id), actor)
    assert refused(receipt) == "role_not_permitted"


# ── four eyes ──


@pytest.mark.parametrize("machine", [SUPPORT, BUYER, IMPORTER, TIMEKEEPER], ids=str)
@pytest.mark.parametrize("answer", ["grant", "reject"])
def test_machines_never_answer(shop: Shop, machine: Actor, answer: str) -> None:
    held = shop.held(refund(900), OLGA)
    receipt = shop.grant(held.approval_id, machine)
    if answer == "reject":
        receipt = shop.reject(held.approval_id, machine)
    assert isinstance(receipt, Refused)
    assert (receipt.denied, receipt.code) == (True, "role_not_permitted")
    assert shop.approval_status(held.approval_id) == "pending"


@pytest.mark.parametrize(
    ("by", "code"),
    [(GRACE, "role_too_low"), (OLGA, "role_too_low"), (VERA, "role_not_permitted")],
    ids=str,
)
def test_a_lower_role_does_not_answer_for_the_founder(shop: Shop, by: Actor, code: str) -> None:
    held = shop.held(refund(900))
    assert refused(shop.grant(held.approval_id, by)) == code
    assert refused(shop.reject(held.approval_id, by)) == code
    assert shop.approval_status(held.approval_id) == "pending"


@pytest.mark.parametrize(
    ("needed", "by", "fits"),
    [
        ("operator", OLGA, True),
        ("operator", GRACE, True),
        ("admin", OLGA, False),
        ("admin", GRACE, True),
        ("admin", FOUNDER, True),
        ("founder", GRACE, False),
    ],
)
def test_a_policy_names_the_role_that_answers(
    shop: Shop, needed: str, by: Actor, fits: bool
) -> None:
    shop.enact(REFUND_CAP, approver_role=needed)
    held = shop.held(refund(200))
    assert shop.request(held.approval_id).approver_role == needed
    receipt = shop.grant(held.approval_id, by)
    assert isinstance(receipt, Done if fits else Refused)


def test_of_two_policies_the_higher_role_answers(shop: Shop) -> None:
    shop.enact(REFUND_CAP, approver_role="operator")
    held = shop.held(refund(900))
    assert refused(shop.grant(held.approval_id, OLGA)) == "role_too_low"
    assert isinstance(shop.grant(held.approval_id), Done)


@pytest.mark.parametrize("answer", ["grant", "reject"])
def test_nobody_answers_a_request_of_their_own(shop: Shop, answer: str) -> None:
    held = shop.held(refund(900), FOUNDER)
    receipt = (shop.grant if answer == "grant" else shop.reject)(held.approval_id)
    assert refused(receipt) == "own_request"
    assert shop.approval_status(held.approval_id) == "pending"


def test_another_founder_answers_for_the_first(shop: Shop) -> None:
    held = shop.held(refund(900), FOUNDER)
    partner = Actor("partner", FOUNDER.role)
    assert isinstance(shop.grant(held.approval_id, partner), Done)


# ── judged again at use ──


def test_a_stricter_policy_asks_again(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.enact(REFUND_CAP)
    again = go_on(shop, held.approval_id)
    assert isinstance(again, Held)
    assert again.approval_id != held.approval_id
    assert shop.approval_status(held.approval_id) == "cancelled"
    assert shop.action(held).approval_id == again.approval_id
    assert set(shop.request(again.approval_id).triggers) == {
        "refund-approval-limits@1/amount",
        "house-rule@1/r",
    }
    shop.grant(again.approval_id)
    shop.settle()
    assert shop.status(held) == "completed"


def test_a_new_version_of_the_policy_asks_again(shop: Shop) -> None:
    shop.enact(REFUND_CAP)
    held = shop.held(refund(200))
    shop.grant(held.approval_id)
    shop.enact(REFUND_CAP.replace("100", "150"))
    assert isinstance(go_on(shop, held.approval_id), Held)


def test_a_kill_switch_engaged_meanwhile_asks_again(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.stop()
    shop.settle()
    assert shop.status(held) == "awaiting_approval"
    assert shop.till.arguments == []
    assert shop.approval_status(held.approval_id) == "cancelled"
    again = shop.facts(ApprovalRequested)[-1]
    assert any(trigger.startswith("kill_switch:") for trigger in again.triggers)
    shop.grant(again.approval_id)
    shop.settle()
    assert shop.status(held) == "completed"


def test_a_policy_that_denies_now_denies(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.enact(REFUND_CAP, "deny")
    shop.settle()
    assert shop.status(held) == "denied"
    assert shop.approval_status(held.approval_id) == "cancelled"
    assert shop.facts(ActionDenied)[-1].reasons == (REFUND_CAP,)


def test_a_policy_that_cannot_be_answered_now_denies(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.enact("action == 'process_refund' && data.requestedAt > 5")
    shop.settle()
    assert shop.status(held) == "denied"


def test_an_agent_disabled_meanwhile_is_denied(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.must(DisableAgent(agent_id=SUPPORT.id, reason="misbehaves"))
    receipt = go_on(shop, held.approval_id)
    assert refused(receipt) == "agent_disabled"
    assert shop.status(held) == "denied"
    assert shop.approval_status(held.approval_id) == "cancelled"
    assert shop.till.arguments == []


def test_a_relaxed_policy_lets_it_through(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.repeal("refund-approval-limits")
    assert isinstance(go_on(shop, held.approval_id), Done)
    assert shop.status(held) == "authorized"
    assert shop.approval_status(held.approval_id) == "consumed"


def test_one_of_two_policies_gone_lets_it_through(shop: Shop) -> None:
    shop.enact(REFUND_CAP)
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.repeal()
    assert isinstance(go_on(shop, held.approval_id), Done)


def test_an_action_taken_back_meanwhile_does_not_run(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.must(CancelAction(action_id=action_id(held), reason="changed her mind"), SUPPORT)
    shop.grant(held.approval_id)
    shop.settle()
    assert shop.status(held) == "cancelled"
    assert shop.approval_status(held.approval_id) == "cancelled"
    assert shop.till.arguments == []


# ── a no reaches the action ──


def test_a_no_reaches_the_action_in_the_same_append(shop: Shop) -> None:
    held = shop.held(refund(900))
    before = shop.head()
    assert isinstance(shop.reject(held.approval_id), Done)
    assert shop.types(before) == ["verdict.recorded", "approval.rejected", "action.denied"]
    assert shop.status(held) == "denied"
    assert shop.facts(ActionDenied)[-1].reasons == ("Rejected by founder: too much",)


def test_a_no_is_final(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.reject(held.approval_id)
    assert refused(shop.grant(held.approval_id, Actor("partner", FOUNDER.role))) == (
        "approval_decided"
    )
    before = shop.head()
    assert isinstance(shop.reject(held.approval_id), Done)
    assert shop.types(before) == ["verdict.recorded"]
    shop.settle()
    assert shop.till.arguments == []


def test_a_request_that_was_overtaken_cannot_be_answered_any_more(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.enact(REFUND_CAP)
    again = go_on(shop, held.approval_id)
    assert isinstance(again, Held)
    assert refused(shop.reject(held.approval_id)) == "approval_decided"
    assert shop.status(held) == "awaiting_approval"
    shop.reject(again.approval_id)
    assert shop.status(held) == "denied"


def test_what_waits_already_waits_on_and_nobody_is_asked_twice(shop: Shop) -> None:
    first = shop.held(refund(900), action_id="a1")
    again = shop.propose(refund(900), action_id="a1")
    assert refused(again) == "already_held"
    assert len(shop.facts(ApprovalRequested)) == 1
    shop.grant(first.approval_id)
    shop.settle()
    assert shop.status(first) == "completed"


def test_an_answer_to_nothing_is_refused(shop: Shop) -> None:
    no = RejectApproval(approval_id="apr-nobody", payload_hash="x", reason="x")
    yes = GrantApproval(approval_id="apr-nobody", payload_hash="x")
    assert refused(shop.do(no)) == refused(shop.do(yes)) == "approval_unknown"


# ── any command can be parked ──

RULE: Final = {"id": "r", "condition": "data.amount > 1.50", "action": "deny", "message": "m"}
PARKABLE: Final[dict[str, Callable[[], Command]]] = {
    "org unit": lambda: CreateOrgUnit(org_unit_id="eu", name="Europe"),
    "agent": lambda: RegisterAgent(
        agent_id="buyer", name="Buyer", tool_permissions=("reorder_stock", "update_price")
    ),
    "person": lambda: AddUser(user_id="nina", name="Nina", role="operator"),
    "token": lambda: IssueToken(
        holder="agent:support", token_id="t1", secret_hash="0" * 64, expires_at=NOON + HOUR
    ),
    "policy": lambda: DraftPolicy.model_validate(
        {"policyId": "p", "name": "P", "rules": (RULE,), "parameters": {"limit": Decimal("1.50")}}
    ),
    "policy with a whole number": lambda: DraftPolicy.model_validate(
        {"policyId": "p", "name": "P", "rules": (RULE,), "parameters": {"limit": 500}}
    ),
    "policy with a whole decimal": lambda: DraftPolicy.model_validate(
        {"policyId": "p", "name": "P", "rules": (RULE,), "parameters": {"limit": Decimal(500)}}
    ),
    "order": lambda: RecordOrder.model_validate(
        {
            "orderId": "1001",
            "placedAt": "2030-01-31T11:00:00Z",
            "lines": [
                {"sku": "MUG", "quantity": 2, "unitPrice": Decimal("7.10")},
                {"sku": "TEA", "quantity": 1, "unitPrice": 7},
            ],
        }
    ),
    "incident": lambda: OpenIncident(incident_id="i1", kind="system_error", title="größer 🙂"),
}


@pytest.mark.parametrize("made", PARKABLE.values(), ids=PARKABLE)
def test_any_command_is_parked_and_goes_on_as_it_was(
    shop: Shop, made: Callable[[], Command]
) -> None:
    command = made()
    shop.enact(f"action == '{verb_of(command)}'")
    held = shop.do(command, GRACE)
    assert isinstance(held, Held), held
    before = shop.head()
    assert isinstance(shop.grant(held.approval_id), Done)
    shop.settle()
    assert shop.approval_status(held.approval_id) == "consumed"
    resumed = [each for each in shop.log(before) if each.actor == str(GRACE)]
    assert len(resumed) > 2
    assert isinstance(resumed[1].fact, ApprovalConsumed)


def test_what_was_parked_and_became_impossible_is_refused_and_closed(shop: Shop) -> None:
    shop.enact("action == 'create_org_unit' && actor.role == 'admin'")
    held = shop.do(CreateOrgUnit(org_unit_id="eu", name="Europe"), GRACE)
    assert isinstance(held, Held)
    shop.must(CreateOrgUnit(org_unit_id="eu", name="Europe"))
    shop.grant(held.approval_id)
    shop.settle()
    assert shop.approval_status(held.approval_id) == "cancelled"
    assert "exists already" in shop.facts(ApprovalCancelled)[-1].reason
    assert len(shop.facts(OrgUnitCreated)) == 2


@pytest.mark.parametrize(
    "change",
    [RemoveUser(user_id="grace"), ChangeUserRole(user_id="grace", role="viewer")],
    ids=["left", "demoted"],
)
def test_what_somebody_may_not_ask_any_more_does_not_go_on(shop: Shop, change: Command) -> None:
    shop.enact("action == 'create_org_unit' && actor.role == 'admin'")
    held = shop.do(CreateOrgUnit(org_unit_id="eu", name="Europe"), GRACE)
    assert isinstance(held, Held)
    shop.grant(held.approval_id)
    shop.must(change)
    shop.settle()
    assert len(shop.facts(OrgUnitCreated)) == 1


def test_a_no_to_any_other_command_leaves_no_trace_of_it(shop: Shop) -> None:
    shop.enact("action == 'create_org_unit'")
    held = shop.do(CreateOrgUnit(org_unit_id="eu", name="Europe"), GRACE)
    assert isinstance(held, Held)
    before = shop.head()
    shop.reject(held.approval_id)
    shop.settle()
    assert shop.types(before) == ["verdict.recorded", "approval.rejected"]

"""The one road: every answer is recorded, nothing is allowed by accident, asking twice is once.

The log is real; a Tripwire stands in front of its recorder and breaks, or lets somebody else
in, at the moment that a test names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar

import pytest

from adapters.dcb import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBReadResponse,
    LogRecorder,
    LogRow,
    OperationalError,
)
from commands.catalog import PLANNERS
from commands.governor.approval import RejectApproval
from commands.governor.law import DisablePolicy, DraftPolicy, EngageKillSwitch
from commands.kernel.action import ProposeAction
from commands.kernel.agent import DisableAgent, PermitTools, RegisterAgent
from commands.kernel.effect import CompleteAction, StartAction
from commands.kernel.org_unit import CreateOrgUnit, DisableOrgUnit
from commands.kernel.outcome import RecordOutcome
from commands.message import Command, Done, Held, Receipt, Refused
from commands.pipeline import ATTEMPTS_MAX, Pipeline
from domain.access.user import UserRemoved
from domain.core.principal import Actor, Role
from domain.governor.approval import ApprovalRequested
from domain.governor.verdict import VerdictRecorded
from domain.kernel.action import (
    ActionAuthorized,
    ActionDenied,
    ActionHeld,
    ActionProposed,
)
from domain.kernel.org_unit import ROOT
from domain.ports import Conflict, Recorded, StoreUnavailable, ToolCall, ToolResult
from tests.examples import (
    BUYER,
    DISPATCHER,
    FOUNDER,
    GRACE,
    IMPORTER,
    NOON,
    OLGA,
    SUPPORT,
    VERA,
    Shop,
    Till,
    action_id,
    founded,
    payout,
    refund,
)

T = TypeVar("T")

SMALL_REFUNDS_ONLY: Final = "action == 'process_refund' && data.amount > 5"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


class Tripwire(LogRecorder):
    """A recorder that says what it is about to do, and to whom, before it does it."""

    def __init__(self, inner: LogRecorder) -> None:
        super().__init__()
        self.inner = inner
        self.before: Callable[[str], None] = lambda _name: None
        self.after: Callable[[str], None] = lambda _name: None

    def fetch(
        self, cursors: Mapping[str, int], upto: int | None = None
    ) -> tuple[list[LogRow], int]:
        return self._do("fetch", lambda: self.inner.fetch(cursors, upto))

    def page(self, after: int, limit: int, upto: int | None = None) -> list[LogRow]:
        return self._do("page", lambda: self.inner.page(after, limit, upto))

    def row(self, position: int) -> LogRow | None:
        return self._do("row", lambda: self.inner.row(position))

    def head(self) -> int:
        return self._do("head", self.inner.head)

    def append(
        self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None
    ) -> int:
        return self._do("append", lambda: self.inner.append(events, condition))

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        return self.inner.read(query, after=after, limit=limit)

    def kinds(self, after: int) -> list[tuple[str, int, int]]:
        return self._do("kinds", lambda: self.inner.kinds(after))

    def position_of(self, id: str) -> int | None:
        return self.inner.position_of(id)

    def close(self) -> None:
        self.inner.close()

    def _do(self, name: str, call: Callable[[], T]) -> T:
        self.before(name)
        done = call()
        self.after(name)
        return done


@dataclass
class Fault:
    """Breaks the k-th call and no other; counts them all."""

    at: int
    seen: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if len(self.seen) == self.at:
            raise OperationalError(f"{name} broke")


def tripwire(shop: Shop) -> Tripwire:
    wire = Tripwire(shop.business.log.recorder)
    shop.business.log.recorder = wire
    return wire


def sneak_in(shop: Shop, *others: Callable[[], object]) -> None:
    """Let somebody else come first, once for each: after a command has read, before it appends."""
    wire, waiting = tripwire(shop), list(others)

    def before(name: str) -> None:
        if name == "append" and waiting:
            other = waiting.pop(0)
            wire.before = lambda _name: None
            other()
            wire.before = before

    wire.before = before


def batches(recorded: Sequence[Recorded]) -> list[list[Recorded]]:
    """The appends of a log, each as its command made it."""
    found: list[list[Recorded]] = []
    for each in recorded:
        if not each.causation_id:
            found.append([])
        found[-1].append(each)
    return found


def a_day_at_work(shop: Shop) -> None:
    """Proposals of every kind of answer, their approvals, a stop, changes of law and people."""
    shop.hire(BUYER)
    shop.settle()
    shop.propose(refund(10))
    waiting = shop.held(refund(900))
    shop.denied(payout(reconciled=False), action_type="process_payout")
    shop.denied(refund("ten"))
    shop.do(RegisterAgent(agent_id=SUPPORT.id, name="again"))
    shop.do(RegisterAgent(agent_id="x", name="x"), SUPPORT)
    shop.settle()
    shop.grant(waiting.approval_id)
    shop.settle()
    shop.enact(SMALL_REFUNDS_ONLY, "deny")
    shop.denied(refund(10))
    shop.repeal()
    shop.stop()
    rejected = shop.held(refund(10))
    shop.reject(rejected.approval_id)
    overtaken = shop.held(refund(11))
    shop.resume()
    shop.grant(overtaken.approval_id)
    shop.must(DisableAgent(agent_id=BUYER.id, reason="done"))
    shop.settle()


# ── every answer is recorded ──


def test_what_is_allowed_is_done_and_recorded_with_its_verdict_first(shop: Shop) -> None:
    before = shop.head()
    receipt = shop.propose(refund(10))
    assert isinstance(receipt, Done)
    assert shop.types(before) == [
        "verdict.recorded",
        "action.proposed",
        "action.authorized",
        "commitment.made",
    ]
    assert receipt.position == shop.head()
    verdict = shop.facts(VerdictRecorded, before)[0]
    assert (verdict.effect, verdict.outcome, verdict.size) == ("allow", "done", 4)
    assert verdict.request is None


def test_what_waits_is_recorded_with_its_request(shop: Shop) -> None:
    before = shop.head()
    receipt = shop.held(refund(900))
    assert shop.types(before) == [
        *("verdict.recorded", "action.proposed", "action.held", "approval.requested"),
    ]
    assert receipt.position == shop.head()
    (verdict,) = shop.facts(VerdictRecorded, before)
    assert (verdict.effect, verdict.outcome, verdict.size) == ("require_approval", "held", 4)
    assert verdict.approval_id == receipt.approval_id
    assert verdict.request is not None
    assert shop.facts(ActionHeld)[0].approval_id == receipt.approval_id


def test_what_a_policy_denies_is_recorded_as_a_denied_action(shop: Shop) -> None:
    before = shop.head()
    receipt = shop.denied(payout(reconciled=False), action_type="process_payout")
    assert shop.types(before) == ["verdict.recorded", "action.proposed", "action.denied"]
    (verdict,) = shop.facts(VerdictRecorded, before)
    assert (verdict.effect, verdict.outcome, verdict.code) == ("deny", "denied", "policy_denied")
    assert (receipt.code, receipt.reasons) == (verdict.code, verdict.reasons)
    assert shop.facts(ActionDenied)[0].reasons == receipt.reasons


def test_what_the_business_refuses_is_recorded_as_a_refusal(shop: Shop) -> None:
    before = shop.head()
    receipt = shop.do(RegisterAgent(agent_id=SUPPORT.id, name="again"))
    assert isinstance(receipt, Refused)
    assert (receipt.denied, receipt.code) == (False, "agent_exists")
    (verdict,) = shop.facts(VerdictRecorded, before)
    assert shop.types(before) == ["verdict.recorded"]
    assert (verdict.effect, verdict.outcome, verdict.code) == ("allow", "refused", "agent_exists")
    assert verdict.request is not None
    assert verdict.request["agentId"] == SUPPORT.id


def test_what_is_so_already_is_done_and_recorded_too(shop: Shop) -> None:
    shop.must(DisableAgent(agent_id=SUPPORT.id, reason="x"))
    before = shop.head()
    again = shop.do(DisableAgent(agent_id=SUPPORT.id, reason="x"))
    assert isinstance(again, Done)
    assert shop.types(before) == ["verdict.recorded"]


def test_a_verdict_tells_who_asked_for_what_and_what_it_was_based_on(shop: Shop) -> None:
    before = shop.head()
    receipt = shop.propose(refund(10))
    (verdict,) = shop.facts(VerdictRecorded, before)
    proposed = shop.facts(ActionProposed)[0]
    assert (verdict.command, verdict.action) == ("ProposeAction", "process_refund")
    assert (verdict.actor_id, verdict.actor_role) == ("agent:support", "agent")
    assert (verdict.subject, verdict.org_unit_id) == (receipt.subject, ROOT)
    assert verdict.payload_hash == proposed.payload_hash
    assert verdict.as_of == before


def test_every_event_has_its_verdict_in_the_same_append(shop: Shop) -> None:
    a_day_at_work(shop)
    log = shop.log()
    outcomes = set()
    for first, *others in batches(log):
        verdict = first.fact
        assert isinstance(verdict, VerdictRecorded)
        assert first.id == f"{verdict.command_id}:0"
        assert first.tags == (f"verdict:{verdict.command_id}",)
        assert verdict.size == 1 + len(others)
        outcomes.add(verdict.outcome)
        for number, other in enumerate(others, 1):
            assert not isinstance(other.fact, VerdictRecorded)
            assert other.causation_id == first.id
            assert other.id == f"{verdict.command_id}:{number}"
            assert other.position == first.position + number
            assert (other.actor, other.occurred_at) == (first.actor, first.occurred_at)
            assert other.correlation_id == first.correlation_id
    assert outcomes == {"done", "held", "denied", "refused"}
    assert [each.position for each in log] == list(range(1, shop.head() + 1))


def test_nothing_but_a_yes_authorizes(shop: Shop) -> None:
    a_day_at_work(shop)
    for first, *others in batches(shop.log()):
        kinds = {type(other.fact) for other in others}
        if first.fact.outcome != "done":
            assert ActionAuthorized not in kinds
        if first.fact.outcome == "held":
            assert ApprovalRequested in kinds
        if first.fact.outcome in ("denied", "refused"):
            assert ApprovalRequested not in kinds
        if first.fact.effect == "deny":
            assert first.fact.outcome == "denied"


# ── who may propose what ──


def assert_denied_and_nothing_else(shop: Shop, receipt: Receipt, code: str, after: int) -> None:
    assert isinstance(receipt, Refused), receipt
    assert (receipt.denied, receipt.code) == (True, code)
    assert shop.types(after) == ["verdict.recorded"]
    (verdict,) = shop.facts(VerdictRecorded, after)
    assert (verdict.effect, verdict.outcome, verdict.code) == ("deny", "denied", code)
    assert verdict.request is not None
    assert verdict.request["command"] == "ProposeAction"


def disabled(shop: Shop) -> None:
    shop.must(DisableAgent(agent_id=SUPPORT.id, reason="x"))


def with_other_tools(shop: Shop) -> None:
    shop.must(PermitTools(agent_id=SUPPORT.id, tool_permissions=("update_price",)))


def with_europe(shop: Shop) -> None:
    shop.must(CreateOrgUnit(org_unit_id="eu", name="Europe"))


def with_europe_closed(shop: Shop) -> None:
    with_europe(shop)
    shop.must(DisableOrgUnit(org_unit_id="eu", reason="sold"))


def with_a_colleague(shop: Shop) -> None:
    shop.hire(BUYER)


def as_it_is(_shop: Shop) -> None:
    pass


@pytest.mark.parametrize(
    ("before", "actor", "asked", "code"),
    [
        (as_it_is, SUPPORT, {"action_type": "print_money"}, "unknown_action"),
        (as_it_is, SUPPORT, {"payload": {"orderId": "1001"}}, "invalid_payload"),
        (as_it_is, SUPPORT, {"payload": refund(10, note="x")}, "invalid_payload"),
        (as_it_is, SUPPORT, {"payload": refund(-1)}, "invalid_payload"),
        (as_it_is, Actor("ghost", Role.AGENT, ROOT), {}, "agent_unknown"),
        (as_it_is, OLGA, {"agent_id": "ghost"}, "agent_unknown"),
        (disabled, SUPPORT, {}, "agent_disabled"),
        (disabled, FOUNDER, {"agent_id": SUPPORT.id}, "agent_disabled"),
        (with_other_tools, SUPPORT, {}, "tool_not_permitted"),
        (with_europe, SUPPORT, {"org_unit_id": "eu"}, "foreign_org_unit"),
        (with_europe, Actor("support", Role.AGENT, "eu"), {}, "foreign_org_unit"),
        (as_it_is, OLGA, {"org_unit_id": "mars"}, "org_unit_unknown"),
        (with_europe_closed, OLGA, {"org_unit_id": "eu"}, "org_unit_unknown"),
        (with_a_colleague, SUPPORT, {"agent_id": BUYER.id}, "not_yourself"),
        (as_it_is, VERA, {}, "role_not_permitted"),
        (as_it_is, IMPORTER, {}, "role_not_permitted"),
        (as_it_is, DISPATCHER, {"agent_id": SUPPORT.id}, "role_not_permitted"),
    ],
)
def test_who_may_not_propose_is_denied_and_nothing_else_is_written(
    shop: Shop, before: Callable[[Shop], None], actor: Actor, asked: dict[str, Any], code: str
) -> None:
    before(shop)
    wire: dict[str, Any] = {"action_type": "process_refund", "payload": refund(10), **asked}
    after = shop.head()
    receipt = shop.do(ProposeAction.model_validate(wire), actor)
    assert_denied_and_nothing_else(shop, receipt, code, after)


@pytest.mark.parametrize("actor", [FOUNDER, GRACE, OLGA, SUPPORT], ids=str)
def test_agents_and_people_at_the_desk_may_propose(shop: Shop, actor: Actor) -> None:
    assert isinstance(shop.propose(refund(10), actor), Done)


def test_a_person_may_propose_in_the_name_of_an_agent(shop: Shop) -> None:
    assert isinstance(shop.propose(refund(10), OLGA, agent_id=SUPPORT.id), Done)
    assert shop.facts(ActionProposed)[0].agent_id == SUPPORT.id


@pytest.mark.parametrize("actor", [OLGA, VERA, SUPPORT, IMPORTER], ids=str)
def test_a_command_outside_a_role_is_denied(shop: Shop, actor: Actor) -> None:
    before = shop.head()
    receipt = shop.do(DisableAgent(agent_id=SUPPORT.id, reason="x"), actor)
    assert isinstance(receipt, Refused)
    assert (receipt.denied, receipt.code) == (True, "role_not_permitted")
    assert shop.types(before) == ["verdict.recorded"]


# ── one id stands for one action ──


def test_an_id_in_use_is_not_proposed_again(shop: Shop) -> None:
    shop.propose(refund(9), action_id="a1")
    before = shop.head()
    receipt = shop.propose(refund(10), action_id="a1")
    assert isinstance(receipt, Refused)
    assert receipt.code == "action_not_open"
    assert shop.types(before) == ["verdict.recorded"]


def test_nobody_is_asked_about_a_proposal_under_an_id_in_use(shop: Shop) -> None:
    shop.propose(refund(9), action_id="a1")
    receipt = shop.propose(refund(900), action_id="a1")
    assert isinstance(receipt, Refused)
    assert shop.facts(ApprovalRequested) == []


def test_a_small_proposal_does_not_authorize_the_large_one_that_waits(shop: Shop) -> None:
    waiting = shop.held(refund(900), action_id="a1")
    shop.propose(refund(10), action_id="a1")
    shop.settle()
    assert shop.status(waiting) == "awaiting_approval"
    assert [each["amount"] for each in shop.till.arguments] == []


def test_what_was_agreed_to_is_what_runs(shop: Shop) -> None:
    shop.held(refund(90_000), action_id="a1")
    second = shop.propose(refund(501), action_id="a1")
    if isinstance(second, Held):
        assert shop.request(second.approval_id).request["payload"]["amount"] == 501  # type: ignore[index]
        shop.grant(second.approval_id)
    shop.settle()
    assert 90_000 not in [each["amount"] for each in shop.till.arguments]


@pytest.mark.parametrize("actor", [VERA, BUYER, IMPORTER], ids=str)
def test_nobody_denies_the_action_of_another_by_proposing_under_its_id(
    shop: Shop, actor: Actor
) -> None:
    waiting = shop.held(refund(900), action_id="a1")
    shop.propose(refund(10), actor, action_id="a1")
    assert shop.status(waiting) == "awaiting_approval"


# ── idempotency keys ──


def test_the_same_key_gives_the_first_receipt_and_writes_nothing(shop: Shop) -> None:
    first = shop.propose(refund(10), key="k1")
    before = shop.head()
    assert shop.propose(refund(10), key="k1") == first
    assert shop.head() == before


@pytest.mark.parametrize(
    ("payload", "kind"), [(refund(10), Done), (refund(900), Held), (refund("ten"), Refused)]
)
def test_each_kind_of_receipt_is_given_again(
    shop: Shop, payload: dict[str, Any], kind: type
) -> None:
    first = shop.propose(payload, key="k1")
    assert isinstance(first, kind)
    shop.clock.forward(1)
    shop.propose(refund(3))
    before = shop.head()
    assert shop.propose(payload, key="k1") == first
    assert shop.head() == before


def test_a_refusal_is_given_again_although_it_would_be_allowed_now(shop: Shop) -> None:
    shop.enact(SMALL_REFUNDS_ONLY, "deny")
    first = shop.propose(refund(10), key="k1")
    assert isinstance(first, Refused)
    shop.repeal()
    assert shop.propose(refund(10), key="k1") == first
    assert isinstance(shop.propose(refund(10), key="k2"), Done)


def test_the_same_key_with_another_payload_is_refused(shop: Shop) -> None:
    shop.propose(refund(10), key="k1")
    before = shop.head()
    again = shop.propose(refund(11), key="k1")
    assert isinstance(again, Refused)
    assert (again.code, again.denied) == ("idempotency_key_reused", False)
    assert shop.head() == before


def test_the_same_key_for_another_command_is_refused(shop: Shop) -> None:
    shop.do(DisableAgent(agent_id=SUPPORT.id, reason="x"), key="k1")
    before = shop.head()
    again = shop.do(PermitTools(agent_id=SUPPORT.id, tool_permissions=()), key="k1")
    assert isinstance(again, Refused)
    assert again.code == "idempotency_key_reused"
    assert shop.head() == before


def test_the_same_number_written_otherwise_is_the_same_payload(shop: Shop) -> None:
    first = shop.propose(refund(10), key="k1")
    assert shop.propose(refund(Decimal("10.00")), key="k1") == first


@pytest.mark.parametrize(
    "other", [{"org_unit_id": "eu"}, {"agent_id": SUPPORT.id}], ids=["org unit", "agent"]
)
def test_the_same_key_for_somewhere_or_somebody_else_is_refused(
    shop: Shop, other: dict[str, str]
) -> None:
    with_europe(shop)
    shop.propose(refund(10), OLGA, key="k1")
    again = shop.propose(refund(10), OLGA, key="k1", **other)
    assert isinstance(again, Refused)
    assert again.code == "idempotency_key_reused"


def test_the_same_key_of_somebody_else_is_another_key(shop: Shop) -> None:
    mine = shop.propose(refund(10), SUPPORT, key="k1")
    theirs = shop.propose(refund(10), OLGA, key="k1")
    assert isinstance(mine, Done)
    assert isinstance(theirs, Done)
    assert mine.subject != theirs.subject
    assert len(shop.facts(ActionAuthorized)) == 2


def test_without_a_key_asking_twice_is_asking_twice(shop: Shop) -> None:
    first, second = shop.propose(refund(10)), shop.propose(refund(10))
    assert first.subject != second.subject
    assert len(shop.facts(ActionAuthorized)) == 2


def test_two_at_once_with_the_same_key_are_one(shop: Shop) -> None:
    sneaked: list[Receipt] = []
    sneak_in(shop, lambda: sneaked.append(shop.propose(refund(10), key="k1")))
    receipt = shop.propose(refund(10), key="k1")
    assert [receipt] == sneaked
    assert len(shop.facts(ActionAuthorized)) == 1


# ── what was read has moved ──


def test_a_stop_that_sneaks_in_is_not_overlooked(shop: Shop) -> None:
    sneak_in(shop, shop.stop)
    receipt = shop.propose(refund(10))
    assert isinstance(receipt, Held)
    assert shop.facts(ActionAuthorized) == []
    assert shop.facts(VerdictRecorded)[-1].as_of > shop.facts(VerdictRecorded)[-2].as_of


def test_a_policy_that_sneaks_in_is_not_overlooked(shop: Shop) -> None:
    sneak_in(shop, lambda: shop.enact(SMALL_REFUNDS_ONLY, "deny"))
    receipt = shop.propose(refund(10))
    assert isinstance(receipt, Refused)
    assert receipt.code == "policy_denied"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (disabled, "agent_disabled"),
        (with_other_tools, "tool_not_permitted"),
    ],
)
def test_a_change_of_the_agent_that_sneaks_in_is_not_overlooked(
    shop: Shop, change: Callable[[Shop], None], code: str
) -> None:
    sneak_in(shop, lambda: change(shop))
    receipt = shop.propose(refund(10))
    assert isinstance(receipt, Refused)
    assert receipt.code == code


def test_an_org_unit_that_closes_meanwhile_is_not_overlooked(shop: Shop) -> None:
    with_europe(shop)
    sneak_in(shop, lambda: shop.must(DisableOrgUnit(org_unit_id="eu", reason="sold")))
    receipt = shop.propose(refund(10), OLGA, org_unit_id="eu")
    assert isinstance(receipt, Refused)
    assert receipt.code == "org_unit_unknown"


def test_somebody_elses_work_is_no_conflict(shop: Shop) -> None:
    shop.hire(BUYER)
    wire = tripwire(shop)
    calls: list[str] = []
    wire.before = calls.append
    shop.propose(refund(10))
    plain = list(calls)
    assert plain.count("append") == 1
    shop.business.log.recorder = wire.inner
    sneak_in(shop, lambda: shop.propose(refund(11), BUYER))
    assert isinstance(shop.propose(refund(12)), Done)
    assert len(shop.facts(ActionAuthorized)) == 3


def drafts(shop: Shop, count: int) -> list[Callable[[], object]]:
    rule = {"id": "r", "condition": "false", "action": "deny", "message": ""}

    def draft(number: int) -> Callable[[], object]:
        wire = {"policyId": "p", "name": f"draft {number}", "rules": (rule,)}
        return lambda: shop.must(DraftPolicy.model_validate(wire))

    return [draft(number) for number in range(count)]


def test_a_command_is_tried_as_often_as_the_limit(shop: Shop) -> None:
    assert 2 < ATTEMPTS_MAX < 100
    sneak_in(shop, *drafts(shop, ATTEMPTS_MAX - 1))
    assert isinstance(shop.propose(refund(10)), Done)
    assert len(shop.facts(ActionAuthorized)) == 1


def test_a_command_that_keeps_meeting_newer_facts_gives_up_and_writes_nothing(shop: Shop) -> None:
    sneak_in(shop, *drafts(shop, ATTEMPTS_MAX))
    with pytest.raises(Conflict, match="ProposeAction"):
        shop.propose(refund(10))
    assert shop.facts(ActionProposed) == []
    assert isinstance(shop.propose(refund(10)), Done)


def test_a_conflict_leaves_the_key_unused(shop: Shop) -> None:
    sneak_in(shop, *drafts(shop, ATTEMPTS_MAX))
    with pytest.raises(Conflict):
        shop.propose(refund(10), key="k1")
    assert isinstance(shop.propose(refund(10), key="k1"), Done)
    assert len(shop.facts(ActionAuthorized)) == 1


# ── the log breaks ──

ASKED: Final[Mapping[str, Callable[[Shop], Receipt]]] = {
    "allowed": lambda shop: shop.propose(refund(10)),
    "held": lambda shop: shop.propose(refund(900)),
    "denied": lambda shop: shop.propose(payout(reconciled=False), action_type="process_payout"),
    "refused": lambda shop: shop.do(RegisterAgent(agent_id=SUPPORT.id, name="x")),
    "stop": lambda shop: shop.do(EngageKillSwitch(reason="smoke"), OLGA),
    "keyed": lambda shop: shop.propose(refund(10), key="k1"),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_whatever_call_of_the_log_breaks_nothing_is_written_or_allowed(
    shop: Shop, asked: Callable[[Shop], Receipt]
) -> None:
    wire, head = tripwire(shop), shop.head()
    broken = 0
    while True:
        wire.before = fault = Fault(at=broken + 1)
        try:
            receipt = asked(shop)
        except StoreUnavailable:
            assert wire.inner.head() == head
            broken += 1
            continue
        break
    wire.before = lambda _name: None
    assert fault.seen == ["fetch", "append"]
    assert broken == len(fault.seen)
    assert receipt.position == shop.head() > head
    assert sum(type(fact) is VerdictRecorded for fact in shop.facts(VerdictRecorded, head)) == 1


def test_a_command_that_looks_twice_writes_nothing_when_either_look_breaks(shop: Shop) -> None:
    waiting = shop.held(refund(900))
    shown = shop.request(waiting.approval_id).payload_hash
    no = RejectApproval(approval_id=waiting.approval_id, payload_hash=shown, reason="too much")
    wire, head = tripwire(shop), shop.head()
    for at in (1, 2, 3):
        wire.before = fault = Fault(at)
        with pytest.raises(StoreUnavailable):
            shop.do(no)
        assert wire.inner.head() == head
    assert fault.seen == ["fetch", "fetch", "append"]
    assert isinstance(shop.do(no), Done)
    assert shop.status(waiting) == "denied"


def test_work_that_is_interrupted_anywhere_is_finished_once(shop: Shop) -> None:
    """Break each call of the log in turn, in the middle of all workers, until none is left."""
    shop.settle()
    proposals = [shop.propose(refund(amount)) for amount in (10, 20)]
    waiting = shop.held(refund(900))
    shop.grant(waiting.approval_id)
    wire, broken = tripwire(shop), 0
    while True:
        wire.before = fault = Fault(at=broken + 1)
        try:
            shop.settle()
        except StoreUnavailable:
            broken += 1
            shop.clock.forward(61_000_000)  # so that a start that nobody finished is taken up
            continue
        if len(fault.seen) <= broken:
            break
        broken += 1
    wire.before = lambda _name: None
    assert broken > 5
    assert [shop.status(each) for each in (*proposals, waiting)] == ["completed"] * 3
    assert sorted(int(str(each["amount"])) for each in shop.till.arguments) == [10, 20, 900]


def test_an_answer_that_got_lost_is_given_again(shop: Shop) -> None:
    wire = tripwire(shop)

    def lost(name: str) -> None:
        if name == "append":
            wire.after = lambda _name: None
            raise OperationalError("the connection is gone")

    wire.after = lost
    with pytest.raises(StoreUnavailable):
        shop.propose(refund(10), key="k1")
    before = shop.head()
    assert isinstance(shop.propose(refund(10), key="k1"), Done)
    assert shop.head() == before
    assert len(shop.facts(ActionAuthorized)) == 1


def test_an_event_that_nobody_can_read_denies_everything_about_it(shop: Shop) -> None:
    """As after a downgrade: the law holds an event of a later version."""
    row = shop.business.log.recorder.row(2)
    assert row is not None
    assert row.type == "law.constituted"
    inner = shop.business.log.recorder

    class Newer(Tripwire):
        def fetch(
            self, cursors: Mapping[str, int], upto: int | None = None
        ) -> tuple[list[LogRow], int]:
            rows, head = inner.fetch(cursors, upto)
            return [each._replace(schema_version=2) if each == row else each for each in rows], head

    shop.business.log.recorder = Newer(inner)
    business, before = shop.business, inner.head()
    begun_anew = Pipeline(business.log, business.clock, business.ids, PLANNERS)
    command = ProposeAction(action_type="process_refund", payload=refund(10))
    with pytest.raises(StoreUnavailable, match=r"law\.constituted version 2"):
        begun_anew.handle(command, SUPPORT)
    assert inner.head() == before


# ── a way out ──


@pytest.mark.parametrize("condition", ["data.amount > 500", "true"])
def test_a_founder_can_always_take_a_policy_out_of_force(shop: Shop, condition: str) -> None:
    shop.enact(condition, "deny")
    shop.do(DisablePolicy(policy_id="house-rule", reason="a mistake"))
    assert isinstance(shop.propose(refund(10)), Done)


def test_the_kill_switch_can_always_be_engaged(shop: Shop) -> None:
    shop.enact("data.amount > 500", "deny")
    assert isinstance(shop.do(EngageKillSwitch(reason="smoke")), Done)


def test_what_has_happened_in_the_world_can_always_be_reported(shop: Shop) -> None:
    receipt = shop.propose(refund(10))
    start = StartAction(action_id=action_id(receipt), org_unit_id=ROOT, tool_name="t", attempt=1)
    shop.must(start, DISPATCHER)
    shop.enact("data.amount > 500", "deny")
    done = CompleteAction(action_id=action_id(receipt), org_unit_id=ROOT, result={}, latency_ms=1)
    assert isinstance(shop.do(done, DISPATCHER), Done)


# ── what cannot be written down ──


@pytest.mark.parametrize("value", [Decimal("NaN"), float("nan"), "\ud800"], ids=ascii)
def test_a_report_that_cannot_be_written_down_is_refused_and_recorded(
    shop: Shop, value: object
) -> None:
    before = shop.head()
    report = RecordOutcome(
        action_id="a1", success=True, reward_score="1", result={"measured": value}
    )
    assert isinstance(shop.do(report), Refused)
    assert shop.types(before) == ["verdict.recorded"]


def test_an_action_ends_although_its_connector_answers_nonsense(shop: Shop) -> None:
    class Confused(Till):
        def execute(self, call: ToolCall) -> ToolResult:
            return ToolResult({"fee": float("nan")})

    shop.business.connectors = {"process_refund": Confused()}
    receipt = shop.propose(refund(10))
    shop.settle()
    assert shop.status(receipt) in ("completed", "failed")


# ── circumstances ──


def test_time_and_names_come_from_outside(shop: Shop) -> None:
    receipt = shop.propose(refund(10))
    recorded = shop.log()[-1]
    assert recorded.occurred_at == NOON
    assert receipt.command_id.startswith("c")
    assert recorded.correlation_id == receipt.command_id


def test_a_command_belongs_to_what_it_follows_from(shop: Shop) -> None:
    command = ProposeAction(action_type="process_refund", payload=refund(10))
    shop.do(command, SUPPORT, correlation_id="a-conversation")
    assert {each.correlation_id for each in shop.log()[-3:]} == {"a-conversation"}


def test_a_command_that_nobody_planned_is_a_bug(shop: Shop) -> None:
    class Unheard(Command):
        pass

    before = shop.head()
    with pytest.raises(KeyError):
        shop.do(Unheard())
    assert shop.head() == before
    assert shop.facts(UserRemoved) == []

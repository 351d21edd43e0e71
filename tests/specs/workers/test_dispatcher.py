"""The dispatcher: what was authorized runs once, whatever crashes, stops or refuses on the way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import Barrier, Event, Thread
from typing import Any, Final

import pytest

from adapters.sandbox.bank import SandboxBank
from commands.actions import ACTION_TYPES
from commands.kernel.action import CancelAction
from commands.kernel.agent import DisableAgent, EnableAgent
from commands.kernel.effect import StartAction
from commands.kernel.org_unit import CreateOrgUnit
from commands.message import Done, Receipt, Refused
from console_api.workers.dispatcher import ATTEMPTS_MAX, DISPATCHER, Dispatcher
from console_api.workers.reactor import Reactor
from domain.core.instant import SECOND
from domain.core.principal import Actor, Role
from domain.kernel.action import ActionCompleted, ActionFailed, ActionStarted
from domain.kernel.org_unit import ROOT
from domain.kernel.outcome import OutcomeRecorded
from domain.ports import BrokenWorld, ConnectorFailed, StoreUnavailable, ToolCall, ToolResult
from tests.contracts.recorders import PATIENCE_SECONDS, in_threads
from tests.examples import SUPPORT, Shop, action_id, founded, payout, refund

LEASE_SECONDS: Final = 60
RETRYABLE: Final = ConnectorFailed("busy", retryable=True)
FINAL: Final = ConnectorFailed("card closed")
CLERK: Final = Actor("clerk", Role.AGENT, "commerce")


class PowerCut(BaseException):
    """The process is gone: nothing after this runs."""


@dataclass(slots=True)
class World:
    """The bank, and what goes wrong on the way to it or back, call by call."""

    bank: SandboxBank = field(default_factory=lambda: SandboxBank(None))
    before: list[BaseException | None] = field(default_factory=list)
    after: list[BaseException | None] = field(default_factory=list)
    watch: Callable[[ToolCall], None] = lambda _call: None
    calls: list[ToolCall] = field(default_factory=list)
    name: str = "world"

    def execute(self, call: ToolCall) -> ToolResult:
        """Do as asked, unless something is in the way."""
        self.calls.append(call)
        self.watch(call)
        if self.before and (trouble := self.before.pop(0)) is not None:
            raise trouble
        result = self.bank.execute(call)
        if self.after and (trouble := self.after.pop(0)) is not None:
            raise trouble
        return result

    @property
    def moved(self) -> list[tuple[str, int]]:
        """What the bank did: each key, and how often it was asked for."""
        return [(each["idempotencyKey"], each["asked"]) for each in self.bank.movements()]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    with founded() as shop:
        shop.business.connectors = dict.fromkeys(ACTION_TYPES, world)
        yield shop


@pytest.fixture
def dispatcher(shop: Shop, pauses: list[float]) -> Dispatcher:
    return Dispatcher(shop.business, LEASE_SECONDS, pause=pauses.append)


@pytest.fixture
def pauses() -> list[float]:
    return []


def allowed(shop: Shop, amount: object = 10, **more: Any) -> tuple[Receipt, str]:
    """An action that may run at once."""
    receipt = shop.propose(refund(amount), **more)
    assert isinstance(receipt, Done)
    return receipt, action_id(receipt)


def waiting(shop: Shop, dispatcher: Dispatcher) -> list[str]:
    shop.business.draw()
    return dispatcher.waiting()


def attempts(shop: Shop) -> list[int]:
    return [fact.attempt for fact in shop.facts(ActionStarted)]


# ── once ──


def test_what_was_authorized_runs_and_leaves_a_result_and_an_outcome(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    receipt, id = allowed(shop, Decimal("12.50"))
    world.watch = lambda _call: shop.clock.forward(SECOND // 4)
    before = shop.head()
    assert waiting(shop, dispatcher) == [id]
    assert dispatcher.run(id)
    assert shop.types(before) == [
        *("verdict.recorded", "action.started"),
        *("verdict.recorded", "action.completed", "outcome.recorded", "order.refunded"),
    ]
    (completed,), (outcome,) = shop.facts(ActionCompleted), shop.facts(OutcomeRecorded)
    assert completed == ActionCompleted(
        action_id=id,
        result={"reference": "refund-000001", "provider": "sandbox"},
        latency_ms=250,
        cost_usd="0",
        retry_count=0,
    )
    assert (outcome.action_id, outcome.success, outcome.reward_score) == (id, True, Decimal(1))
    (call,) = world.calls
    assert call.arguments["amount"] == Decimal("12.50")
    assert (call.idempotency_key, call.action_type, call.org_unit_id) == (
        id,
        "process_refund",
        "business",
    )
    assert (shop.status(receipt), world.moved) == ("completed", [(id, 1)])


def test_the_start_is_recorded_before_the_world_is_touched(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    receipt, id = allowed(shop)
    seen: list[str] = []
    world.watch = lambda _call: seen.append(shop.status(receipt))
    dispatcher.run(id)
    assert seen == ["running"]
    assert [fact.tool_name for fact in shop.facts(ActionStarted)] == ["world"]


def test_an_action_runs_once_however_many_threads_run_it(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    ids = [allowed(shop)[1] for _ in range(4)]
    barrier, ran = Barrier(8), list[str]()

    def run_all() -> None:
        barrier.wait()
        for id in ids:
            if dispatcher.run(id):
                ran.append(id)

    in_threads(*[run_all] * 8)
    assert sorted(ran) == sorted(ids)
    assert sorted(world.moved) == sorted((id, 1) for id in ids)
    assert attempts(shop) == [1] * 4
    assert len(shop.facts(ActionCompleted)) == len(shop.facts(OutcomeRecorded)) == 4


def test_what_is_over_does_not_run_again(shop: Shop, dispatcher: Dispatcher, world: World) -> None:
    _receipt, id = allowed(shop)
    assert dispatcher.run(id)
    head = shop.head()
    assert not dispatcher.run(id)
    assert not dispatcher.run("act-nobody-knows")
    assert (waiting(shop, dispatcher), shop.head(), len(world.calls)) == ([], head, 1)


def test_what_was_not_allowed_does_not_run(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    held = shop.held(refund(600))
    denied = shop.denied(payout(reconciled=False), action_type="process_payout")
    _receipt, canceled = allowed(shop)
    shop.must(CancelAction(action_id=canceled, reason="not needed"))
    head = shop.head()
    for id in (action_id(held), action_id(denied), canceled):
        assert not dispatcher.run(id)
    assert (waiting(shop, dispatcher), shop.head(), world.calls) == ([], head, [])


def test_what_waits_is_listed_oldest_first(shop: Shop, dispatcher: Dispatcher) -> None:
    ids = [allowed(shop)[1] for _ in range(3)]
    held = shop.held(refund(600))
    shop.grant(held.approval_id)
    assert waiting(shop, dispatcher) == ids
    shop.settle()
    assert (waiting(shop, dispatcher), shop.status(held)) == ([], "completed")


# ── crashes ──


@pytest.mark.parametrize("when", ["before the world changed", "after the world changed"])
def test_after_a_crash_it_is_tried_again_once_its_lease_is_over_and_money_moves_once(
    shop: Shop, dispatcher: Dispatcher, world: World, when: str
) -> None:
    receipt, id = allowed(shop)
    (world.before if when.startswith("before") else world.after).append(PowerCut())
    with pytest.raises(PowerCut):
        dispatcher.run(id)
    assert shop.status(receipt) == "running"
    next_process = Dispatcher(shop.business, LEASE_SECONDS)
    shop.clock.forward(LEASE_SECONDS * SECOND - 1)
    assert waiting(shop, next_process) == []
    shop.clock.forward(1)
    assert waiting(shop, next_process) == [id]
    assert next_process.run(id)
    assert shop.status(receipt) == "completed"
    assert [call.idempotency_key for call in world.calls] == [id, id]
    assert world.moved == [(id, 1 if when.startswith("before") else 2)]
    assert (attempts(shop), [fact.retry_count for fact in shop.facts(ActionCompleted)]) == (
        [1, 2],
        [1],
    )


def test_an_action_that_keeps_crashing_its_process_is_counted(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    _receipt, id = allowed(shop)
    world.after += [PowerCut(), PowerCut()]
    for _ in range(2):
        with pytest.raises(PowerCut):
            dispatcher.run(id)
        shop.clock.forward(LEASE_SECONDS * SECOND)
        assert waiting(shop, dispatcher) == [id]
    assert dispatcher.run(id)
    assert (attempts(shop), world.moved) == ([1, 2, 3], [(id, 3)])


def test_an_effect_that_cannot_be_repeated_is_left_to_a_person_after_a_crash(
    shop: Shop, dispatcher: Dispatcher, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsafe = replace(ACTION_TYPES["process_refund"], effect_class="external_unsafe")
    monkeypatch.setitem(ACTION_TYPES, "process_refund", unsafe)
    receipt, id = allowed(shop)
    world.after.append(PowerCut())
    with pytest.raises(PowerCut):
        dispatcher.run(id)
    shop.clock.forward(LEASE_SECONDS * SECOND)
    assert dispatcher.run(id)
    (failed,) = shop.facts(ActionFailed)
    assert (shop.status(receipt), len(world.calls)) == ("failed", 1)
    assert failed.error_message == "Its outcome is unknown after a crash: a person must look"


def test_a_log_that_is_gone_when_the_world_has_changed_costs_an_attempt_and_no_money(
    shop: Shop, dispatcher: Dispatcher, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt, id = allowed(shop)

    def gone(*_: object, **__: object) -> int:
        raise StoreUnavailable("the disk is full")

    def break_the_log(_call: ToolCall) -> None:
        broken.setattr(shop.business.log, "append", gone)

    world.watch = break_the_log
    with monkeypatch.context() as broken, pytest.raises(StoreUnavailable):
        dispatcher.run(id)
    world.watch = lambda _call: None
    assert (shop.status(receipt), world.moved) == ("running", [(id, 1)])
    shop.clock.forward(LEASE_SECONDS * SECOND)
    assert waiting(shop, dispatcher) == [id]
    assert dispatcher.run(id)
    assert (shop.status(receipt), world.moved) == ("completed", [(id, 2)])


def test_a_log_that_is_gone_before_the_start_leaves_the_world_alone(
    shop: Shop, dispatcher: Dispatcher, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt, id = allowed(shop)

    def gone(*_: object, **__: object) -> int:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(shop.business.log, "append", gone)
        with pytest.raises(StoreUnavailable):
            dispatcher.run(id)
    assert (world.calls, shop.status(receipt)) == ([], "authorized")
    assert dispatcher.run(id)


def test_what_another_process_is_still_at_is_left_alone_until_its_lease_is_over(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    """Both saw it authorized; the second comes when the first has just started."""
    receipt, id = allowed(shop)
    other = Dispatcher(shop.business, LEASE_SECONDS)
    inside, go_on, ran = Event(), Event(), list[bool]()

    def slow(_call: ToolCall) -> None:
        world.watch = lambda _call: None
        inside.set()
        go_on.wait(PATIENCE_SECONDS)

    world.watch = slow
    first = Thread(target=lambda: ran.append(dispatcher.run(id)))
    first.start()
    try:
        assert inside.wait(PATIENCE_SECONDS)
        second = other.run(id)
    finally:
        go_on.set()
        first.join(PATIENCE_SECONDS)
    assert shop.status(receipt) == "completed"
    assert (second, ran, world.moved, attempts(shop)) == (False, [True], [(id, 1)], [1])


# ── refusals of the world ──


def test_what_may_be_asked_again_is_asked_again_after_a_pause(
    shop: Shop, dispatcher: Dispatcher, world: World, pauses: list[float]
) -> None:
    receipt, id = allowed(shop)
    world.before += [RETRYABLE, RETRYABLE]
    assert dispatcher.run(id)
    assert (shop.status(receipt), world.moved) == ("completed", [(id, 1)])
    assert pauses == [0.1, 0.2]
    assert (attempts(shop), shop.facts(ActionCompleted)[0].retry_count) == ([1, 2, 3], 2)
    assert {call.idempotency_key for call in world.calls} == {id}


def test_what_is_refused_again_and_again_has_failed(
    shop: Shop, dispatcher: Dispatcher, world: World, pauses: list[float]
) -> None:
    receipt, id = allowed(shop)
    world.before += [RETRYABLE] * ATTEMPTS_MAX
    assert dispatcher.run(id)
    assert (shop.status(receipt), world.moved) == ("failed", [])
    assert (len(world.calls), len(pauses)) == (ATTEMPTS_MAX, ATTEMPTS_MAX - 1)
    (failed,), (outcome,) = shop.facts(ActionFailed), shop.facts(OutcomeRecorded)
    assert (failed.error_message, failed.retry_count) == ("busy", ATTEMPTS_MAX - 1)
    assert (outcome.success, outcome.reward_score, outcome.result) == (
        False,
        Decimal(0),
        {"error": "busy"},
    )


def test_a_refusal_for_good_is_not_repeated(
    shop: Shop, dispatcher: Dispatcher, world: World, pauses: list[float]
) -> None:
    receipt, id = allowed(shop)
    world.before.append(FINAL)
    before = shop.head()
    assert dispatcher.run(id)
    assert (shop.status(receipt), pauses, len(world.calls)) == ("failed", [], 1)
    assert shop.types(before) == [
        *("verdict.recorded", "action.started"),
        *("verdict.recorded", "action.failed", "outcome.recorded"),
    ]
    assert [fact.error_message for fact in shop.facts(ActionFailed)] == ["card closed"]
    assert (waiting(shop, dispatcher), dispatcher.run(id)) == ([], False)


@pytest.mark.parametrize(
    ("message", "recorded"), [("", "failed without a reason"), ("x" * 3_000, "x" * 2_000)]
)
def test_whatever_the_world_says_can_be_recorded(
    shop: Shop, dispatcher: Dispatcher, world: World, message: str, recorded: str
) -> None:
    _receipt, id = allowed(shop)
    world.before.append(ConnectorFailed(message))
    assert dispatcher.run(id)
    assert [fact.error_message for fact in shop.facts(ActionFailed)] == [recorded]


def test_an_action_that_nobody_can_carry_out_fails_and_says_so(
    shop: Shop, dispatcher: Dispatcher
) -> None:
    shop.business.connectors = {}
    receipt, id = allowed(shop)
    assert dispatcher.run(id)
    (failed,), (outcome,) = shop.facts(ActionFailed), shop.facts(OutcomeRecorded)
    assert failed.error_message == "no connector carries out process_refund"
    assert (shop.status(receipt), outcome.success) == ("failed", False)


def test_a_connector_with_a_bug_leaves_the_action_to_be_looked_at(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    receipt, id = allowed(shop)
    world.before.append(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        dispatcher.run(id)
    assert shop.status(receipt) == "running"
    shop.clock.forward(LEASE_SECONDS * SECOND)
    assert dispatcher.run(id), "the claim of the thread that failed is gone"


# ── stops ──


def test_a_stop_holds_back_what_was_authorized_and_writes_nothing(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    receipt, id = allowed(shop)
    shop.stop()
    shop.settle()
    head = shop.head()
    for _ in range(3):
        assert waiting(shop, dispatcher) == [id]
        assert not dispatcher.run(id)
        shop.settle()
    assert (shop.head(), world.calls, shop.status(receipt)) == (head, [], "authorized")
    shop.resume()
    assert dispatcher.run(id)
    assert (shop.status(receipt), world.moved) == ("completed", [(id, 1)])


def test_a_stop_holds_back_the_next_attempt_after_a_crash(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    receipt, id = allowed(shop)
    world.before.append(PowerCut())
    with pytest.raises(PowerCut):
        dispatcher.run(id)
    shop.stop()
    shop.clock.forward(LEASE_SECONDS * SECOND)
    head = shop.head()
    assert waiting(shop, dispatcher) == [id]
    assert not dispatcher.run(id)
    assert (shop.head(), shop.status(receipt), world.moved) == (head, "running", [])


def test_a_stop_that_comes_between_looking_and_starting_is_still_in_time(
    shop: Shop, dispatcher: Dispatcher, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt, id = allowed(shop)
    monkeypatch.setattr(Dispatcher, "_held_back", lambda *_: bool(shop.stop()) and False)
    assert not dispatcher.run(id)
    assert (world.calls, shop.status(receipt)) == ([], "authorized")
    assert [fact.code for fact in _refusals(shop)] == ["kill_switch_engaged"]


def _refusals(shop: Shop) -> list[Any]:
    return [each.fact for each in shop.log() if getattr(each.fact, "outcome", "") == "denied"]


def test_a_stop_reaches_its_org_unit_and_what_is_below_it_only(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    for unit, parent in (("commerce", "business"), ("team", "commerce")):
        shop.must(CreateOrgUnit(org_unit_id=unit, name=unit, parent_id=parent))
    shop.hire(CLERK, org_unit_id="team")
    _receipt, elsewhere = allowed(shop)
    clerk = replace(CLERK, org_unit_id="team")
    _receipt, below = allowed(shop, actor=clerk)
    shop.stop("commerce")
    assert dispatcher.run(elsewhere)
    assert not dispatcher.run(below)
    assert world.moved == [(elsewhere, 1)]


def test_what_is_held_back_does_not_stand_in_the_way_of_the_rest(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console_api.workers.dispatcher.SWEPT_AT_ONCE", 2)
    shop.must(CreateOrgUnit(org_unit_id="commerce", name="commerce"))
    shop.hire(CLERK, org_unit_id="commerce")
    for _ in range(2):
        allowed(shop, actor=CLERK)
    free, _id = allowed(shop)
    shop.stop("commerce")
    shop.settle()
    assert shop.status(free) == "completed"


def test_what_was_approved_under_a_stop_runs_under_it_and_under_no_later_one(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    shop.stop()
    first, second = shop.held(refund(10)), shop.held(refund(20))
    for held in (first, second):
        shop.grant(held.approval_id)
    assert Reactor(shop.business).step() == [action_id(first), action_id(second)]
    assert dispatcher.run(action_id(first))
    assert (shop.status(first), world.moved) == ("completed", [(action_id(first), 1)])
    shop.resume()
    shop.stop()
    assert not dispatcher.run(action_id(second))
    assert (shop.status(second), len(world.calls)) == ("authorized", 1)


def test_read_models_that_are_gone_are_said_to_be(shop: Shop, dispatcher: Dispatcher) -> None:
    shop.business.views.close()
    with pytest.raises(BrokenWorld):
        dispatcher.waiting()


def test_what_a_disabled_agent_asked_for_does_not_start(
    shop: Shop, dispatcher: Dispatcher, world: World
) -> None:
    _receipt, id = allowed(shop)
    shop.must(DisableAgent(agent_id=SUPPORT.id, reason="misbehaves"))
    before = shop.head()
    assert not dispatcher.run(id)
    assert (shop.head(), world.calls) == (before, [])
    start = StartAction(action_id=id, org_unit_id=ROOT, tool_name="t", attempt=1)
    receipt = shop.do(start, DISPATCHER)
    assert isinstance(receipt, Refused)
    assert receipt.code == "agent_disabled"
    shop.must(EnableAgent(agent_id=SUPPORT.id))
    assert dispatcher.run(id)

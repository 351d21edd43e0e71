"""The engine room: workers that begin, go on through trouble, and end without a trace."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from adapters.sandbox.bank import SandboxBank
from commands.actions import ACTION_TYPES
from commands.governor.law import EngageKillSwitch
from console_api.workers import engine_room
from console_api.workers.engine_room import EngineRoom, settle
from domain.core.instant import SECOND
from domain.governor.approval import LIFETIME
from domain.kernel.action import ActionCompleted, ActionStarted
from domain.ports import Conflict, StoreUnavailable
from tests.contracts.recorders import eventually
from tests.examples import FOUNDER, Shop, action_id, founded, refund

TICK_SECONDS: Final = 0.02


@pytest.fixture(autouse=True)
def a_quick_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_room, "TICK_SECONDS", TICK_SECONDS)
    monkeypatch.setattr(engine_room, "BREATH_SECONDS", 0.001)


@pytest.fixture
def bank() -> SandboxBank:
    return SandboxBank(None)


@pytest.fixture
def shop(bank: SandboxBank) -> Iterator[Shop]:
    with founded() as shop:
        shop.business.connectors = dict.fromkeys(ACTION_TYPES, bank)
        yield shop


@pytest.fixture
def room(shop: Shop) -> Iterator[EngineRoom]:
    room = EngineRoom(shop.business)
    yield room
    room.stop()


def names() -> list[str]:
    ours = ("projector", "redrawer", "reactor", "timekeeper", "effect")
    return [each.name for each in threading.enumerate() if each.name.startswith(ours)]


# ── what they do ──


def test_the_workers_do_all_that_follows_from_a_command(
    shop: Shop, room: EngineRoom, bank: SandboxBank
) -> None:
    room.start()
    small, large = shop.propose(refund(10)), shop.held(refund(600))
    eventually(lambda: shop.status(small) == "completed")
    shop.grant(large.approval_id)
    eventually(lambda: shop.status(large) == "completed")
    assert shop.business.reached(shop.head(), timeout_seconds=20)
    assert [each["asked"] for each in bank.movements()] == [1, 1]
    assert len(shop.facts(ActionStarted)) == len(shop.facts(ActionCompleted)) == 2


def test_what_a_process_left_behind_is_done_by_the_next(
    shop: Shop, room: EngineRoom, bank: SandboxBank
) -> None:
    left = [shop.propose(refund(amount)) for amount in (1, 2)]
    expiring = shop.held(refund(600))
    shop.clock.forward(LIFETIME)
    room.start()
    for receipt in left:
        eventually(lambda: shop.status(receipt) == "completed")  # noqa: B023 - waited for here
    eventually(lambda: shop.status(expiring) == "expired")


def test_what_was_silent_for_too_long_is_tried_again(
    shop: Shop, room: EngineRoom, bank: SandboxBank
) -> None:
    class Crashing:
        name = "crashing"

        def execute(self, call: Any) -> Any:
            bank.execute(call)
            raise SystemExit

    shop.business.connectors = dict.fromkeys(ACTION_TYPES, Crashing())
    receipt = shop.propose(refund(10))
    with pytest.raises(SystemExit):
        settle(shop.business)
    shop.business.connectors = dict.fromkeys(ACTION_TYPES, bank)
    room.start()
    shop.clock.forward(room.lease_seconds * SECOND)
    eventually(lambda: shop.status(receipt) == "completed")
    assert [each["asked"] for each in bank.movements()] == [2]


def test_drawing_and_acting_may_be_done_by_different_processes(
    shop: Shop, room: EngineRoom
) -> None:
    receipt = shop.propose(refund(10))
    room.start(work=False)
    assert names() == ["projector", "redrawer"]
    assert shop.business.reached(shop.head(), timeout_seconds=20)
    assert shop.status(receipt) == "authorized"
    acting = EngineRoom(shop.business)
    acting.start(draw=False)
    eventually(lambda: shop.status(receipt) == "completed")
    acting.stop()
    assert names() == ["projector", "redrawer"]


def test_a_stop_engaged_while_they_work_holds_everything_back(
    shop: Shop, room: EngineRoom, bank: SandboxBank
) -> None:
    shop.stop()
    shop.business.draw()
    room.start()
    receipts = [shop.held(refund(amount)) for amount in (1, 2, 3)]
    assert shop.business.reached(shop.head(), timeout_seconds=20)
    assert [shop.status(receipt) for receipt in receipts] == ["awaiting_approval"] * 3
    assert bank.movements() == []


# ── beginning and ending ──


def test_nothing_is_left_when_they_have_stopped(shop: Shop) -> None:
    assert names() == []
    for _ in range(3):
        room = EngineRoom(shop.business)
        room.start()
        receipt = shop.propose(refund(10))
        eventually(lambda: shop.status(receipt) == "completed")  # noqa: B023 - waited for here
        assert {"projector", "reactor", "timekeeper"} <= set(names())
        room.stop()
        assert names() == []
    head = shop.head()
    shop.propose(refund(10))
    assert shop.business.drawn() <= head


def test_stopping_twice_or_before_the_start_is_stopping_once(shop: Shop) -> None:
    EngineRoom(shop.business).stop()
    room = EngineRoom(shop.business)
    room.start()
    room.stop()
    room.stop()
    assert names() == []


def test_an_effect_that_is_on_its_way_is_finished_before_the_end(
    shop: Shop, bank: SandboxBank
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Slow:
        name = "slow"

        def execute(self, call: Any) -> Any:
            inside.set()
            go_on.wait(20)
            return bank.execute(call)

    shop.business.connectors = dict.fromkeys(ACTION_TYPES, Slow())
    receipt = shop.propose(refund(10))
    room = EngineRoom(shop.business)
    room.start()
    assert inside.wait(20)
    stopping = threading.Thread(target=room.stop)
    stopping.start()
    go_on.set()
    stopping.join(20)
    assert (shop.status(receipt), names()) == ("completed", [])


# ── trouble ──

Break = Callable[[pytest.MonkeyPatch, Shop, Callable[..., Any]], None]
BROKEN: Final[dict[str, Break]] = {
    "the log cannot be read": lambda patch, shop, broken: patch.setattr(
        shop.business.log, "page", broken
    ),
    "the log cannot be waited for": lambda patch, shop, broken: patch.setattr(
        shop.business.log, "wait", broken
    ),
    "the log cannot be written": lambda patch, shop, broken: patch.setattr(
        shop.business.log, "append", broken
    ),
    "the read models cannot be read": lambda patch, shop, broken: patch.setattr(
        shop.business.views, "find", broken
    ),
    "the read models cannot be written": lambda patch, shop, broken: patch.setattr(
        shop.business.views, "save_together", broken
    ),
    "the read models are gone": lambda patch, shop, broken: patch.setattr(
        shop.business.views, "_transaction", broken
    ),
}


TROUBLE: Final = [StoreUnavailable("gone"), Conflict("moved"), ValueError("a bug")]


@pytest.mark.parametrize(
    ("what", "trouble"),
    [
        pytest.param(what, trouble, id=f"{what} - {trouble}")
        for what in BROKEN
        for trouble in (TROUBLE[:2] if "waited" in what else TROUBLE)
    ],
)
def test_trouble_that_passes_is_survived(
    shop: Shop, room: EngineRoom, bank: SandboxBank, what: str, trouble: Exception
) -> None:
    receipt = shop.propose(refund(10))
    tried = threading.Semaphore(0)

    def broken(*_: object, **__: object) -> Any:
        tried.release()
        raise trouble

    with pytest.MonkeyPatch.context() as patch:
        BROKEN[what](patch, shop, broken)
        room.start()
        for _ in range(3):
            assert tried.acquire(timeout=20)
        assert {"projector", "reactor", "timekeeper"} <= set(names())
    eventually(lambda: shop.status(receipt) == "completed")
    assert shop.business.reached(shop.head(), timeout_seconds=20)
    assert len(bank.movements()) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_met_while_waiting_for_the_log_is_survived(
    shop: Shop, room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, troubles = shop.business.log.wait, [ValueError("a bug")]

    def buggy(*, after: int, timeout_seconds: float) -> int:
        if troubles:
            raise troubles.pop()
        return wait(after=after, timeout_seconds=timeout_seconds)

    monkeypatch.setattr(shop.business.log, "wait", buggy)
    room.start(work=False)
    assert shop.business.reached(shop.head(), timeout_seconds=1)


def test_trouble_is_told_and_a_bug_is_told_with_its_place(
    shop: Shop, room: EngineRoom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    troubles: list[Exception] = [StoreUnavailable("the disk is full"), ZeroDivisionError("a bug")]
    draw = shop.business.log.head

    def head() -> int:
        if troubles and threading.current_thread().name == "projector":
            raise troubles.pop(0)
        return draw()

    monkeypatch.setattr(shop.business.log, "head", head)
    room.start(work=False)
    eventually(lambda: len(caplog.records) == 2)
    told = [(each.levelno, bool(each.exc_info)) for each in caplog.records]
    assert told[:2] == [(logging.WARNING, False), (logging.ERROR, True)]


def test_people_are_told_of_what_needs_them(shop: Shop, room: EngineRoom) -> None:
    told: list[tuple[str, str]] = []

    def notify(*, urgency: str, title: str, text: str, link: str) -> None:
        told.append((urgency, title))

    shop.business.notify = notify
    room.start()
    shop.held(refund(600))
    shop.do(EngageKillSwitch(reason="odd"), FOUNDER)
    eventually(lambda: len(told) == 2)
    assert told == [
        ("normal", "process_refund waits for a founder"),
        ("critical", "Kill switch engaged"),
    ]


# ── by hand ──


def test_settling_ends_where_nothing_is_left_to_do(shop: Shop, bank: SandboxBank) -> None:
    receipts = [shop.propose(refund(amount)) for amount in (1, 2, 3)]
    told: list[tuple[int, int]] = []
    assert settle(shop.business, lambda *how: told.append(how)) == shop.head()
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [action_id(receipt) for receipt in receipts] == [
        each["idempotencyKey"] for each in bank.movements()
    ]
    head = shop.head()
    assert (settle(shop.business), shop.head()) == (head, head)

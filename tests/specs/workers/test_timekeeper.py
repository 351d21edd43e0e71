"""The timekeeper: what nobody answered in time is closed, which is a no."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest

from commands.kernel.agent import DisableAgent
from commands.message import Held
from console_api.workers.timekeeper import SWEPT_AT_ONCE, Timekeeper
from domain.core.instant import HOUR
from domain.governor.approval import LIFETIME, ApprovalExpired
from domain.governor.incident import IncidentOpened
from domain.kernel.action import ActionExpired
from domain.ports import BrokenWorld
from tests.examples import GRACE, Shop, founded, refund

A_MOMENT: Final = 1


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


@pytest.fixture
def timekeeper(shop: Shop) -> Timekeeper:
    return Timekeeper(shop.business)


def step(shop: Shop, timekeeper: Timekeeper) -> int:
    shop.business.draw()
    return timekeeper.step()


def test_a_request_expires_when_its_time_is_over_and_not_before(
    shop: Shop, timekeeper: Timekeeper
) -> None:
    held = shop.held(refund(600))
    shop.clock.forward(LIFETIME - A_MOMENT)
    before = shop.head()
    assert (step(shop, timekeeper), shop.head()) == (0, before)
    shop.clock.forward(A_MOMENT)
    assert step(shop, timekeeper) == 1
    assert shop.types(before) == [
        *("verdict.recorded", "approval.expired", "action.expired", "incident.opened")
    ]
    assert (shop.approval_status(held.approval_id), shop.status(held)) == ("expired", "expired")
    (incident,) = shop.facts(IncidentOpened)
    assert (incident.kind, incident.severity, incident.subject) == (
        "approval_timeout",
        "low",
        f"approval:{held.approval_id}",
    )
    assert incident.title == "Nobody answered a request for process_refund in 24 hours"
    assert shop.log()[-1].actor == "system:timekeeper"


def test_what_expired_is_over(shop: Shop, timekeeper: Timekeeper) -> None:
    held = shop.held(refund(600))
    shop.clock.forward(LIFETIME)
    step(shop, timekeeper)
    head = shop.head()
    assert (step(shop, timekeeper), shop.head()) == (0, head)
    shop.grant(held.approval_id)
    shop.settle()
    assert shop.status(held) == "expired"


def test_requests_expire_each_in_its_own_time(shop: Shop, timekeeper: Timekeeper) -> None:
    first = shop.held(refund(600))
    shop.clock.forward(HOUR)
    second = shop.held(refund(700))
    shop.clock.forward(LIFETIME - HOUR)
    assert step(shop, timekeeper) == 1
    assert (shop.status(first), shop.status(second)) == ("expired", "awaiting_approval")
    shop.clock.forward(HOUR)
    assert step(shop, timekeeper) == 1
    assert shop.status(second) == "expired"


def test_an_approval_that_nobody_used_in_time_expires_too(
    shop: Shop, timekeeper: Timekeeper
) -> None:
    held = shop.held(refund(600))
    shop.grant(held.approval_id)
    shop.clock.forward(LIFETIME)
    assert step(shop, timekeeper) == 1
    assert (shop.approval_status(held.approval_id), shop.status(held)) == ("expired", "expired")


def test_what_was_answered_stays_answered(shop: Shop, timekeeper: Timekeeper) -> None:
    rejected, consumed = shop.held(refund(600)), shop.held(refund(700))
    shop.reject(rejected.approval_id)
    shop.grant(consumed.approval_id)
    shop.settle()
    shop.clock.forward(2 * LIFETIME)
    before = shop.head()
    assert (step(shop, timekeeper), shop.head()) == (0, before)
    assert (shop.status(rejected), shop.status(consumed)) == ("denied", "completed")


def test_a_command_that_is_no_action_expires_without_one(
    shop: Shop, timekeeper: Timekeeper
) -> None:
    shop.enact("data.action == 'disable_agent'", policy_id="two-pairs-of-eyes")
    held = shop.do(DisableAgent(agent_id="support", reason="too generous"), GRACE)
    assert isinstance(held, Held)
    shop.clock.forward(LIFETIME)
    assert step(shop, timekeeper) == 1
    assert shop.approval_status(held.approval_id) == "expired"
    assert (shop.facts(ActionExpired), len(shop.facts(ApprovalExpired))) == ([], 1)


def test_settling_expires_what_is_due(shop: Shop) -> None:
    held = shop.held(refund(600))
    shop.clock.forward(LIFETIME)
    shop.settle()
    assert shop.status(held) == "expired"
    assert shop.business.drawn() == shop.head()


def test_a_sweep_takes_as_many_as_it_says_and_the_next_takes_the_rest(
    shop: Shop, timekeeper: Timekeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SWEPT_AT_ONCE >= 100
    monkeypatch.setattr("console_api.workers.timekeeper.SWEPT_AT_ONCE", 2)
    for amount in (600, 700, 800):
        shop.held(refund(amount))
    shop.clock.forward(LIFETIME)
    assert [step(shop, timekeeper) for _ in range(3)] == [2, 1, 0]


def test_a_picture_that_is_behind_does_not_fill_the_log(shop: Shop, timekeeper: Timekeeper) -> None:
    """The sweep runs every second; drawing a picture anew may take minutes."""
    shop.held(refund(600))
    shop.clock.forward(LIFETIME)
    assert step(shop, timekeeper) == 1
    head = shop.head()
    assert (timekeeper.step(), shop.head()) == (0, head)


def test_read_models_that_are_gone_are_said_to_be(shop: Shop, timekeeper: Timekeeper) -> None:
    with closing(shop.business.views):
        pass
    with pytest.raises(BrokenWorld):
        timekeeper.step()

"""The timekeeper: what nobody answered in time is closed, which is a no."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest

from commands.kernel.agent import DisableAgent
from commands.message import Held
from console_api.workers.timekeeper import SWEPT_AT_ONCE, Timekeeper
from domain.core.instant import HOUR
from domain.governor.approval import LIFETIME, ApprovalEscalated, ApprovalExpired
from domain.governor.digest import DigestTold
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
    step(shop, timekeeper)
    shop.business.draw()
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
    assert step(shop, timekeeper) == 2  # the second is escalated
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


# ── the ladder ──


def escalations(shop: Shop) -> list[tuple[int, str]]:
    return [(each.step, each.role) for each in shop.facts(ApprovalEscalated)]


def test_a_request_climbs_the_ladder_once(shop: Shop, timekeeper: Timekeeper) -> None:
    shop.enact("data.amount > 100", approver_role="operator", expires_hours=12)
    shop.held(refund(200))
    for hours, told in ((2, 1), (4, 2), (4, 3)):
        shop.clock.forward(hours * HOUR - A_MOMENT)
        step(shop, timekeeper)
        assert len(escalations(shop)) == told - 1
        shop.clock.forward(A_MOMENT)
        assert step(shop, timekeeper) == 1
        head = shop.head()
        assert (step(shop, timekeeper), shop.head()) == (0, head)
    assert escalations(shop) == [(1, "operator"), (2, "admin"), (3, "founder")]


def test_steps_that_were_slept_through_are_left_out(shop: Shop, timekeeper: Timekeeper) -> None:
    shop.held(refund(600))
    shop.clock.forward(LIFETIME - 4 * HOUR)
    assert step(shop, timekeeper) == 1
    assert escalations(shop) == [(3, "founder")]


def test_people_are_told_of_each_step(shop: Shop, timekeeper: Timekeeper) -> None:
    said: list[dict[str, str]] = []
    shop.business.notify = lambda **news: said.append(news)
    shop.held(refund(600))
    shop.clock.forward(LIFETIME - 4 * HOUR)
    step(shop, timekeeper)
    shop.settle()
    assert [each["title"] for each in said] == [
        "process_refund waits for a founder",
        "process_refund still waits: a founder is asked",
    ]
    assert said[-1]["urgency"] == "critical"


def test_what_was_decided_is_not_escalated(shop: Shop, timekeeper: Timekeeper) -> None:
    held = shop.held(refund(600))
    shop.reject(held.approval_id)
    shop.clock.forward(LIFETIME // 2)
    assert step(shop, timekeeper) == 0


# ── the digest ──


def test_the_digest_is_told_once_in_the_morning(shop: Shop, timekeeper: Timekeeper) -> None:
    shop.enact("data.amount > 100", policy_id="slow", expires_hours=24)
    shop.clock.forward(20 * HOUR)  # 08:00
    shop.held(refund(600))
    shop.held(refund(700))
    assert step(shop, timekeeper) == 0
    shop.clock.forward(HOUR)  # 09:00
    assert step(shop, timekeeper) == 1
    (told,) = shop.facts(DigestTold)
    assert (told.day, told.waiting) == ("2030-02-01", 2)
    assert told.text == (
        "2 requests wait: 1300 USD. Most urgent: process_refund of agent:support, 23 h left"
    )
    another = Timekeeper(shop.business)
    assert (step(shop, timekeeper), step(shop, another)) == (0, 0)
    assert len(shop.facts(DigestTold)) == 1


def test_a_morning_on_which_nothing_waits_is_quiet(shop: Shop, timekeeper: Timekeeper) -> None:
    shop.clock.forward(21 * HOUR)
    assert step(shop, timekeeper) == 0
    shop.held(refund(600))
    assert step(shop, timekeeper) == 0
    assert shop.facts(DigestTold) == []

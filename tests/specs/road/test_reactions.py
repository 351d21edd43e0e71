"""What follows from a fact follows once, however often the fact is read."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from commands.message import Done, Held, Refused
from commands.reactions import GOVERNOR, FollowUp, follow_ups, parked_command
from console_api.workers.reactor import REACTOR, Reactor
from domain.core.principal import Actor
from domain.governor.approval import ApprovalGranted
from domain.governor.incident import IncidentOpened, IncidentRepeated
from domain.governor.verdict import VerdictRecorded
from domain.kernel.action import ActionAuthorized
from domain.ports import Recorded
from tests.examples import (
    BUYER,
    FOUNDER,
    GRACE,
    OLGA,
    SUPPORT,
    VERA,
    Shop,
    founded,
    payout,
    refund,
)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


def newest(shop: Shop, kind: type) -> Recorded:
    return [each for each in shop.log() if isinstance(each.fact, kind)][-1]


def following(shop: Shop, recorded: Recorded) -> tuple[FollowUp, ...]:
    return follow_ups(recorded, shop.business.state)


def unreconciled(shop: Shop, actor: Actor = SUPPORT) -> Refused:
    return shop.denied(payout(reconciled=False), actor, action_type="process_payout")


# ── a yes lets the parked command go on ──


def test_a_yes_is_followed_by_the_parked_command_as_its_sender(shop: Shop) -> None:
    held = shop.held(refund(Decimal("900.50")))
    shop.grant(held.approval_id)
    granted = newest(shop, ApprovalGranted)
    (follow_up,) = following(shop, granted)
    assert follow_up.actor == SUPPORT
    assert follow_up.approval_id == held.approval_id
    assert follow_up.correlation_id == granted.correlation_id
    assert (
        follow_up.command == parked_command(shop.request(held.approval_id), shop.business.state)[0]
    )


def test_a_yes_is_followed_once(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    (follow_up,) = following(shop, newest(shop, ApprovalGranted))
    first = shop.business.follow(follow_up)
    before = shop.head()
    assert isinstance(first, Done)
    assert shop.business.follow(follow_up) == first
    assert shop.head() == before
    assert len(shop.facts(ActionAuthorized)) == 1


def test_a_yes_that_two_readers_follow_is_followed_once(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    granted = newest(shop, ApprovalGranted)
    receipts = {shop.business.follow(each) for _ in range(3) for each in following(shop, granted)}
    assert len(receipts) == 1
    shop.settle()
    assert len(shop.till.calls) == 1


def test_a_yes_that_was_asked_again_is_followed_once_for_each_answer(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.stop()
    shop.grant(held.approval_id)
    (follow_up,) = following(shop, newest(shop, ApprovalGranted))
    first = shop.business.follow(follow_up)
    assert isinstance(first, Held)
    shop.grant(first.approval_id)
    (second,) = following(shop, newest(shop, ApprovalGranted))
    assert isinstance(shop.business.follow(second), Done)
    shop.settle()
    assert len(shop.till.calls) == 1


def test_a_no_is_followed_by_nothing(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.reject(held.approval_id)
    assert [each for recorded in shop.log() for each in following(shop, recorded)] == []


# ── a violation opens an incident ──


def test_a_denial_by_a_policy_opens_an_incident(shop: Shop) -> None:
    receipt = unreconciled(shop)
    shop.settle()
    (incident,) = shop.facts(IncidentOpened)
    assert (incident.kind, incident.severity) == ("policy_violation", "high")
    assert incident.title == "support was denied process_payout"
    assert incident.description == "Cannot process payout: reconciliation not complete"
    assert (incident.subject, incident.org_unit_id) == (receipt.subject, "business")
    assert incident.detected_by == str(GOVERNOR)


def test_the_same_violation_again_is_counted(shop: Shop) -> None:
    for _ in range(3):
        unreconciled(shop)
    shop.settle()
    assert len(shop.facts(IncidentOpened)) == 1
    assert len(shop.facts(IncidentRepeated)) == 2


def test_each_agent_and_each_policy_has_an_incident_of_its_own(shop: Shop) -> None:
    shop.hire(BUYER)
    unreconciled(shop, SUPPORT)
    unreconciled(shop, BUYER)
    shop.enact("action == 'process_refund' && data.amount > 5", "deny")
    shop.denied(refund(10))
    shop.settle()
    assert len({each.incident_id for each in shop.facts(IncidentOpened)}) == 3


def test_agents_with_long_names_have_incidents_of_their_own(shop: Shop) -> None:
    agents = [Actor(f"{'support-' * 12}{end}", SUPPORT.role, "business") for end in "ab"]
    for each in agents:
        shop.hire(each)
        unreconciled(shop, each)
    shop.settle()
    assert len(shop.facts(IncidentOpened)) == 2


def test_a_rule_that_could_not_be_answered_is_a_violation_too(shop: Shop) -> None:
    shop.enact("action == 'process_refund' && data.requestedAt > 5", "allow")
    shop.denied(refund(10))
    shop.settle()
    assert "data.requestedAt is null" in shop.facts(IncidentOpened)[0].description


def test_what_is_not_a_violation_opens_nothing(shop: Shop) -> None:
    shop.propose(refund(10))
    shop.held(refund(900))
    shop.denied(refund("ten"))
    shop.denied(refund(10), VERA)
    shop.denied(payout(reconciled=False), OLGA, action_type="process_payout")
    shop.settle()
    assert shop.facts(IncidentOpened) == []


def test_a_violation_is_followed_once(shop: Shop) -> None:
    unreconciled(shop)
    recorded = newest(shop, VerdictRecorded)
    (follow_up,) = following(shop, recorded)
    first = shop.business.follow(follow_up)
    before = shop.head()
    assert shop.business.follow(follow_up) == first
    assert shop.head() == before
    assert shop.facts(IncidentRepeated) == []


def test_what_follows_belongs_to_the_same_conversation(shop: Shop) -> None:
    unreconciled(shop)
    violation = newest(shop, VerdictRecorded)
    shop.settle()
    assert newest(shop, IncidentOpened).correlation_id == violation.correlation_id


def test_reactions_end(shop: Shop) -> None:
    """Nothing follows from what followed, or the log would never rest."""
    unreconciled(shop)
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    shop.settle()
    before = shop.head()
    shop.settle()
    assert shop.head() == before


# ── reading the log again ──


def test_reading_the_whole_log_again_does_nothing_twice(shop: Shop) -> None:
    unreconciled(shop)
    approved = shop.held(refund(900))
    rejected = shop.held(refund(901))
    shop.grant(approved.approval_id)
    shop.reject(rejected.approval_id)
    shop.stop()
    asked_again = shop.held(refund(10))
    shop.grant(asked_again.approval_id)
    shop.settle()
    before, calls = shop.head(), dict(shop.till.calls)
    for recorded in shop.log():
        for follow_up in following(shop, recorded):
            shop.business.follow(follow_up)
    assert shop.head() == before
    views = shop.business.views
    views.swap(views.begin(REACTOR), head=0)
    Reactor(shop.business).step()
    shop.settle()
    assert shop.head() == before
    assert shop.till.calls == calls


def test_people_are_told_what_waits_and_what_was_stopped(shop: Shop) -> None:
    told: list[tuple[str, str]] = []

    def notify(*, urgency: str, title: str, text: str, link: str) -> None:
        told.append((urgency, title))

    shop.business.notify = notify
    shop.held(refund(900))
    shop.stop()
    shop.settle()
    shop.settle()
    assert told == [
        ("normal", "process_refund waits for a founder"),
        ("critical", "Kill switch engaged"),
    ]


def test_people_agree_only_to_what_they_may(shop: Shop) -> None:
    held = shop.held(refund(900))
    assert isinstance(shop.grant(held.approval_id, GRACE), Refused)
    assert [each for recorded in shop.log() for each in following(shop, recorded)] == []
    assert isinstance(shop.grant(held.approval_id, FOUNDER), Done)

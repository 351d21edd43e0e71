"""While a kill switch is engaged nothing goes on that a person has not agreed to under it."""

from collections.abc import Iterator
from typing import Final

import pytest

from commands.governor.law import EngageKillSwitch, ReleaseKillSwitch
from commands.kernel.effect import CompleteAction, StartAction
from commands.kernel.org_unit import CreateOrgUnit
from commands.message import Done, Held, Receipt, Refused
from commands.reactions import follow_ups
from domain.core.principal import Actor, Role
from domain.governor.incident import IncidentOpened
from domain.governor.law import LAW, KillSwitchEngaged, KillSwitchReleased
from domain.governor.verdict import VerdictRecorded
from domain.kernel.action import ActionAuthorized, ActionStarted
from domain.kernel.org_unit import ROOT
from tests.examples import (
    DISPATCHER,
    EVERY_TOOL,
    FOUNDER,
    GRACE,
    IMPORTER,
    OLGA,
    SUPPORT,
    VERA,
    Shop,
    action_id,
    ads,
    founded,
    payout,
    price,
    refund,
)

HARMLESS: Final = {
    "process_refund": refund(1),
    "process_payout": payout(),
    "update_price": price(1),
    "increase_ad_spend": ads(),
    "create_payout_batch": {"payeeIds": ["maya"], "amount": 1, "currency": "USD"},
    "change_payee_account": {"payeeId": "maya", "accountRef": "acct-2"},
    "reorder_stock": {
        "productId": "mug",
        "supplierId": "s1",
        "quantity": 1,
        "unitCost": 1,
        "currency": "USD",
    },
    "publish_content": {"contentId": "c1", "channel": "blog", "title": "Mugs"},
}
EUROPE: Final = Actor("europe", Role.AGENT, "eu")
PARIS: Final = Actor("paris", Role.AGENT, "paris")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


@pytest.fixture
def abroad(shop: Shop) -> Shop:
    """The same business with a department, a team in it, and an agent in each."""
    shop.must(CreateOrgUnit(org_unit_id="eu", name="Europe"))
    shop.must(CreateOrgUnit(org_unit_id="paris", name="Paris", type="team", parent_id="eu"))
    shop.hire(EUROPE, org_unit_id="eu")
    shop.hire(PARIS, org_unit_id="paris")
    return shop


def started(shop: Shop, receipt: Receipt, attempt: int = 1, org_unit_id: str = ROOT) -> Receipt:
    """What the dispatcher is told when it wants to carry out an action."""
    command = StartAction(
        action_id=action_id(receipt), org_unit_id=org_unit_id, tool_name="till", attempt=attempt
    )
    return shop.do(command, DISPATCHER)


# ── engaging ──


def test_engaging_opens_a_critical_incident_in_the_same_append(shop: Shop) -> None:
    before = shop.head()
    shop.stop()
    assert shop.types(before) == [
        "verdict.recorded",
        "law.kill_switch_engaged",
        "incident.opened",
    ]
    (incident,) = shop.facts(IncidentOpened)
    assert (incident.kind, incident.severity) == ("kill_switch", "critical")
    assert incident.description == "smoke"
    assert incident.detected_by == "user:founder"


@pytest.mark.parametrize("actor", [FOUNDER, GRACE, OLGA, VERA, IMPORTER], ids=str)
def test_every_person_and_every_service_may_engage_it(shop: Shop, actor: Actor) -> None:
    assert isinstance(shop.do(EngageKillSwitch(reason="smoke"), actor), Done)
    assert shop.facts(KillSwitchEngaged)[0].by == str(actor)


def test_an_agent_does_not_engage_it(shop: Shop) -> None:
    receipt = shop.do(EngageKillSwitch(reason="smoke"), SUPPORT)
    assert isinstance(receipt, Refused)
    assert receipt.code == "role_not_permitted"


def test_engaging_twice_is_engaging_once(shop: Shop) -> None:
    shop.stop()
    before = shop.head()
    shop.stop()
    assert shop.types(before) == ["verdict.recorded"]
    assert len(shop.facts(IncidentOpened)) == 1


def test_an_org_unit_that_nobody_knows_cannot_be_stopped(shop: Shop) -> None:
    receipt = shop.do(EngageKillSwitch(reason="smoke", org_unit_id="mars"))
    assert isinstance(receipt, Refused)
    assert receipt.code == "org_unit_unknown"


# ── what waits ──


def test_there_is_an_example_of_every_action() -> None:
    assert set(HARMLESS) == set(EVERY_TOOL)


@pytest.mark.parametrize("action_type", EVERY_TOOL)
@pytest.mark.parametrize("actor", [SUPPORT, OLGA, FOUNDER], ids=str)
def test_every_action_of_everybody_waits(shop: Shop, action_type: str, actor: Actor) -> None:
    shop.stop()
    receipt = shop.propose(HARMLESS[action_type], actor, action_type=action_type)
    assert isinstance(receipt, Held)
    assert "kill switch" in receipt.reasons[0]
    assert shop.request(receipt.approval_id).approver_role == "founder"


def test_after_engagement_nothing_is_authorized_without_an_approval(shop: Shop) -> None:
    shop.propose(refund(1))
    shop.stop()
    after = shop.head()
    receipts = [shop.propose(refund(amount)) for amount in (1, 2, 900)]
    shop.settle()
    assert shop.facts(ActionAuthorized, after) == []
    assert shop.facts(ActionStarted, after) == []
    assert [shop.status(each) for each in receipts] == ["awaiting_approval"] * 3
    verdicts = [each for each in shop.facts(VerdictRecorded, after) if "Propose" in each.command]
    assert all(verdict.kill_switch for verdict in verdicts)


def test_a_denial_stays_a_denial(shop: Shop) -> None:
    shop.stop()
    shop.denied(payout(reconciled=False), action_type="process_payout")


def test_what_was_agreed_to_under_the_stop_runs_under_it(shop: Shop) -> None:
    shop.stop()
    held = shop.held(refund(10))
    shop.grant(held.approval_id)
    shop.settle()
    assert shop.status(held) == "completed"
    assert [each["amount"] for each in shop.till.arguments] == [10]


def test_only_the_founder_agrees_under_a_stop(shop: Shop) -> None:
    shop.stop()
    held = shop.held(refund(10))
    receipt = shop.grant(held.approval_id, GRACE)
    assert isinstance(receipt, Refused)
    assert receipt.code == "role_too_low"


# ── what was authorized before ──


def test_what_was_authorized_before_does_not_start(shop: Shop) -> None:
    receipt = shop.propose(refund(10))
    shop.stop()
    before = shop.head()
    refused = started(shop, receipt)
    assert isinstance(refused, Refused)
    assert (refused.denied, refused.code) == (True, "kill_switch_engaged")
    assert shop.types(before) == ["verdict.recorded"]
    shop.settle()
    assert shop.status(receipt) == "authorized"
    assert shop.till.arguments == []


def test_looking_for_work_under_a_stop_does_not_fill_the_log(shop: Shop) -> None:
    shop.propose(refund(10))
    shop.stop()
    shop.settle()
    before = shop.head()
    for _ in range(3):
        shop.settle()
    assert shop.head() == before


def test_what_was_approved_before_does_not_start(shop: Shop) -> None:
    held = shop.held(refund(900))
    shop.grant(held.approval_id)
    before = shop.head()
    shop.stop()
    refused = started(shop, held)
    assert isinstance(refused, Refused)
    shop.settle()
    assert shop.facts(ActionStarted, before) == []


def test_what_runs_already_does_not_start_another_attempt(shop: Shop) -> None:
    receipt = shop.propose(refund(10))
    assert isinstance(started(shop, receipt), Done)
    shop.stop()
    assert isinstance(started(shop, receipt, attempt=2), Refused)


def test_what_has_happened_is_still_reported(shop: Shop) -> None:
    receipt = shop.propose(refund(10))
    started(shop, receipt)
    shop.stop()
    done = CompleteAction(action_id=action_id(receipt), org_unit_id=ROOT, result={}, latency_ms=1)
    assert isinstance(shop.do(done, DISPATCHER), Done)
    assert shop.status(receipt) == "completed"


def test_an_approval_under_one_stop_does_not_hold_under_the_next(shop: Shop) -> None:
    shop.stop()
    held = shop.held(refund(10))
    shop.grant(held.approval_id)
    before = shop.head()
    shop.resume()
    shop.stop()
    shop.settle()
    assert shop.facts(ActionStarted, before) == []
    assert shop.status(held) == "awaiting_approval"


def test_what_was_authorized_under_one_stop_does_not_start_under_the_next(shop: Shop) -> None:
    shop.stop()
    held = shop.held(refund(10))
    shop.grant(held.approval_id)
    shop.business.draw()
    for follow_up in resumed(shop, held):
        assert isinstance(follow_up, Done)
    shop.resume()
    shop.stop()
    assert isinstance(started(shop, held), Refused)
    shop.settle()
    assert shop.status(held) == "authorized"
    assert shop.till.arguments == []


def resumed(shop: Shop, held: Held) -> list[Receipt]:
    business = shop.business
    found = [follow_ups(each, business.state) for each in shop.log() if "granted" in each.type]
    return [business.follow(follow_up) for some in found for follow_up in some]


# ── releasing ──


@pytest.mark.parametrize("actor", [GRACE, OLGA, VERA, SUPPORT, IMPORTER], ids=str)
def test_only_a_founder_releases_it(shop: Shop, actor: Actor) -> None:
    shop.stop()
    receipt = shop.do(ReleaseKillSwitch(reason="aired"), actor)
    assert isinstance(receipt, Refused)
    assert (receipt.denied, receipt.code) == (True, "role_not_permitted")
    assert isinstance(shop.propose(refund(10)), Held)


def test_after_release_work_goes_on(shop: Shop) -> None:
    before = shop.propose(refund(10))
    shop.stop()
    waiting = shop.held(refund(20))
    shop.settle()
    shop.resume()
    assert shop.facts(KillSwitchReleased)[0].by == "user:founder"
    assert isinstance(shop.propose(refund(30)), Done)
    shop.settle()
    assert shop.status(before) == "completed"
    assert shop.status(waiting) == "awaiting_approval"
    assert [each["amount"] for each in shop.till.arguments] == [10, 30]


def test_releasing_what_is_not_engaged_changes_nothing(shop: Shop) -> None:
    before = shop.head()
    shop.resume()
    assert shop.types(before) == ["verdict.recorded"]


def test_each_stop_has_an_incident_of_its_own(shop: Shop) -> None:
    shop.stop()
    shop.resume()
    shop.stop()
    incidents = {each.incident_id for each in shop.facts(IncidentOpened)}
    assert len(incidents) == 2


# ── one org unit ──


@pytest.mark.parametrize(
    ("stopped", "held"),
    [
        ("*", {SUPPORT, EUROPE, PARIS}),
        (ROOT, {SUPPORT, EUROPE, PARIS}),
        ("eu", {EUROPE, PARIS}),
        ("paris", {PARIS}),
    ],
)
def test_a_stop_reaches_an_org_unit_and_all_below_it(
    abroad: Shop, stopped: str, held: set[Actor]
) -> None:
    abroad.stop(stopped)
    answers = {actor: abroad.propose(refund(1), actor) for actor in (SUPPORT, EUROPE, PARIS)}
    assert {actor for actor, each in answers.items() if isinstance(each, Held)} == held
    assert {actor for actor, each in answers.items() if isinstance(each, Done)} == (
        {SUPPORT, EUROPE, PARIS} - held
    )


def test_a_stop_of_one_org_unit_holds_its_effects_back_and_no_others(abroad: Shop) -> None:
    home, away = abroad.propose(refund(1)), abroad.propose(refund(2), PARIS)
    abroad.stop("eu")
    abroad.settle()
    assert abroad.status(home) == "completed"
    assert abroad.status(away) == "authorized"
    abroad.resume("eu")
    abroad.settle()
    assert abroad.status(away) == "completed"


def test_an_effect_does_not_start_in_the_name_of_another_org_unit(abroad: Shop) -> None:
    away = abroad.propose(refund(2), PARIS)
    abroad.stop("eu")
    refused = started(abroad, away, org_unit_id=ROOT)
    assert isinstance(refused, Refused)
    assert refused.code == "action_unknown"


def test_two_stops_both_have_to_be_released(abroad: Shop) -> None:
    abroad.stop()
    abroad.stop("eu")
    abroad.resume()
    assert isinstance(abroad.propose(refund(1)), Done)
    assert isinstance(abroad.propose(refund(1), PARIS), Held)
    abroad.resume("eu")
    assert isinstance(abroad.propose(refund(1), PARIS), Done)


def test_an_approval_lifts_the_stops_that_its_approver_saw_and_no_later_one(abroad: Shop) -> None:
    abroad.stop("eu")
    held = abroad.held(refund(1), PARIS)
    abroad.stop()
    abroad.grant(held.approval_id)
    abroad.settle()
    assert abroad.status(held) == "awaiting_approval"
    assert abroad.approval_status(held.approval_id) == "cancelled"


def test_the_law_remembers_who_stopped_what(abroad: Shop) -> None:
    abroad.stop("eu")
    (engaged,) = abroad.facts(KillSwitchEngaged)
    law = abroad.business.state(LAW, ROOT)
    assert law.stops == {"eu": engaged.engagement_id}
    assert abroad.facts(IncidentOpened)[0].org_unit_id == "eu"

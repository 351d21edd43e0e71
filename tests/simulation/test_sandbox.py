"""A day of the sandbox business on a clock moved by hand: through the governor, and repeatable.

settle_in ──► tick, tick, … (three minutes apart) ──► settle ──► what the log and the console say
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from adapters.clock import HandClock
from adapters.ids import CountedIds
from adapters.sandbox.bank import SandboxBank
from adapters.sandbox.company import BY_ID, DEPARTMENTS, WORKERS
from adapters.sandbox.history import HOURS_APART
from adapters.sandbox.intents import SUMMARY, Intent, Proposal, Sale
from commands.actions import ACTION_TYPES
from commands.governor.approval import RejectApproval
from commands.governor.law import (
    ActivatePolicy,
    DraftPolicy,
    EngageKillSwitch,
    ReleaseKillSwitch,
)
from commands.governor.policy_texts import RuleText
from commands.kernel.agent import DisableAgent
from commands.kernel.order import Line, RecordOrder
from commands.kernel.org_unit import CreateOrgUnit, DisableOrgUnit
from commands.message import Command, Done, Held, Receipt, Refused
from console_api import access
from console_api.bootstrap import in_memory
from console_api.business import Business
from console_api.sandbox.census import is_sandboxed
from console_api.sandbox.driver import (
    PENDING_MAX,
    PENDING_USUAL_MAX,
    STOPPED_EVERY,
    TICK,
    SandboxDriver,
)
from console_api.sandbox.reading import SHOP
from console_api.workers.engine_room import settle
from domain.core.instant import DAY, HOUR, MINUTE, Instant, instant
from domain.core.principal import Actor, Role
from domain.kernel.action import ActionAuthorized, ActionProposed, ActionStarted
from domain.kernel.order import OrderRecorded
from domain.ports import Draft, EventStore, Recorded, StoreUnavailable
from domain.view_store import Listing, Where
from queries.catalog import BY_NAME

MONDAY: Final = instant(datetime(2026, 3, 2, 8, 17, tzinfo=UTC))
STEP: Final = 3 * MINUTE
TICKS_A_DAY: Final = DAY // STEP
TICKS_A_ROUND: Final = 10
FOUNDER: Final = Actor("founder", Role.FOUNDER)


@dataclass
class Town:
    """A business in memory with the sandbox in it."""

    seed: int = 7
    clock: HandClock = field(default_factory=lambda: HandClock(MONDAY))
    bank: SandboxBank = field(default_factory=lambda: SandboxBank(None))
    answers: list[tuple[Intent, Receipt]] = field(default_factory=list)
    settled_in: bool = False
    business: Business = field(init=False)
    driver: SandboxDriver = field(init=False)

    def __post_init__(self) -> None:
        tools = dict.fromkeys(ACTION_TYPES, self.bank)
        self.business = in_memory(clock=self.clock, ids=CountedIds(), connectors=tools)
        self.restart()

    def restart(self) -> None:
        """A new process on the same log: nothing of the driver before is left."""
        self.driver = SandboxDriver(self.business, self.seed)
        self.settled_in = False

    def live(self, ticks: int, *, settled: bool = True) -> "Town":
        self.settled_in = self.settled_in or self.driver.settle_in()
        for number in range(1, ticks + 1):
            self.clock.forward(STEP)
            self.answers += self.driver.tick(self.clock())
            if settled and number % TICKS_A_ROUND == 0:
                settle(self.business)
        if settled:
            settle(self.business)
        return self

    def do(self, command: Command, actor: Actor = FOUNDER) -> Receipt:
        return self.business.do(command, actor)

    @property
    def log(self) -> list[Recorded]:
        found: list[Recorded] = []
        while page := self.business.log.page(after=len(found), limit=2_000):
            found += page
        return found

    @property
    def orders(self) -> list[str]:
        return [each.fact.order_id for each in self.log if isinstance(each.fact, OrderRecorded)]

    @property
    def pending(self) -> Sequence[Mapping[str, Any]]:
        waiting = (Where("status", "=", "pending"),)
        return self.business.views.find("approvals", Listing(waiting, limit=500))

    def proposals(self, kind: str) -> list[tuple[Proposal, Receipt]]:
        return [
            (intent, receipt)
            for intent, receipt in self.answers
            if isinstance(intent, Proposal) and intent.action_type == kind
        ]


def bytes_of(town: Town) -> list[tuple[Any, ...]]:
    """All that is stored; the hash of each event covers its data and every event before."""
    return [
        (each.id, each.type, each.fact, each.occurred_at, each.actor, each.tags, each.hash)
        for each in town.log
    ]


@dataclass
class Breaking:
    """A log that is lost after so many appends."""

    store: EventStore
    appends_left: int

    def append(self, drafts: Sequence[Draft], **how: Any) -> int:
        if self.appends_left <= 0:
            raise StoreUnavailable("the disk is gone")
        self.appends_left -= 1
        return self.store.append(drafts, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def breaking(town: Town, after: int) -> None:
    broken: Any = Breaking(town.business.pipeline.store, after)
    town.business.pipeline.store = broken


def mend(town: Town) -> None:
    town.business.pipeline.store = town.business.log


@pytest.fixture(scope="module")
def fresh() -> Town:
    """The first start, before any tick."""
    return Town().live(0)


@pytest.fixture(scope="module")
def day() -> Town:
    """A day and a night that nobody interferes with. Tests only look at it."""
    return Town().live(TICKS_A_DAY)


# ── the first start ──


def test_the_first_start_shows_a_business_that_has_been_running_for_a_month(fresh: Town) -> None:
    front = fresh.business.dashboard("commerce")
    assert front["totals"]["orders"] > 300
    assert front["totals"]["refunds"] > 5
    days = fresh.business.ask(
        BY_NAME["state-history"], {"orgUnitId": "commerce", "snapshotType": "daily"}, limit=100
    )
    assert len(days.items) >= 30
    hours = fresh.business.views.find(
        "state_snapshots",
        Listing((Where("snapshot_type", "=", "hourly"), Where("org_unit_id", "=", "commerce")),
                order="timestamp", descending=True, limit=HOURS_APART),
    )  # fmt: skip
    assert hours[0]["timestamp"] == "2026-03-02T08"
    assert hours[-1]["timestamp"] == "2026-02-23T09"


def test_the_first_start_shows_decisions_of_every_kind(fresh: Town) -> None:
    front = fresh.business.dashboard("business")
    assert set(front["decisions"]) == {"done", "held", "denied"}
    assert front["decisionsToday"] >= 13
    assert front["pendingApprovals"] == 3
    assert front["openIncidents"] == 3
    assert front["activeAgents"] == len(WORKERS)


def test_the_first_start_is_short() -> None:
    appends = [each for each in Town().live(0, settled=False).log if each.causation_id == ""]
    assert len(appends) <= 450, "each costs about 2.5 ms on a laptop's disk"


def test_everybody_works_in_a_department_with_one_tool(fresh: Town) -> None:
    units = fresh.business.ask(BY_NAME["org-units"], {}).items
    assert {each["id"] for each in units} == {"business", *(each.id for each in DEPARTMENTS)}
    for agent in fresh.business.ask(BY_NAME["agents"], {}).items:
        worker = BY_ID[agent["id"]]
        assert agent["orgUnitId"] == worker.department
        assert agent["toolPermissions"] == [worker.tool]


def test_sales_are_recorded_by_a_service_and_actions_proposed_by_agents(day: Town) -> None:
    for each in day.log:
        if isinstance(each.fact, OrderRecorded):
            assert each.actor == str(SHOP) == "system:shop"
        if isinstance(each.fact, ActionProposed):
            assert each.actor == f"agent:{each.fact.agent_id}"
            assert each.fact.org_unit_id == BY_ID[each.fact.agent_id].department


# ── a day adds up ──


def test_the_dashboard_adds_up_to_the_intents(day: Town) -> None:
    sales = [intent for intent, answer in day.answers if isinstance(intent, Sale) and done(answer)]
    assert len(sales) == sum(isinstance(intent, Sale) for intent, _ in day.answers)
    recorded = [each.fact for each in day.log if isinstance(each.fact, OrderRecorded)]
    before = [each for each in recorded if each.source == SUMMARY]
    opening = [each.fact for each in day.log if is_of_the_first_start(each)]
    totals = day.business.dashboard("business")["totals"]
    assert totals["orders"] == len(sales) + len(before)
    assert totals["revenue"] == sum((each.amount for each in before), Decimal(0)) + sum(
        Decimal(sale.cents) / 100 for sale in sales
    )
    given_back = [proposal for proposal, answer in day.proposals("process_refund") if done(answer)]
    early = [each for each in opening if each.action_type == "process_refund"]
    small = [Decimal(str(each.arguments["amount"])) for each in early]
    small = [amount for amount in small if amount <= 500]
    assert totals["refunds"] == len(given_back) + len(small)
    amounts = [Decimal(str(each.payload["amount"])) for each in given_back]
    assert totals["refundAmount"] == sum(amounts, sum(small, Decimal(0)))


def done(answer: Receipt) -> bool:
    return isinstance(answer, Done)


def is_of_the_first_start(each: Recorded) -> bool:
    return isinstance(each.fact, ActionProposed) and each.occurred_at == MONDAY


def test_the_decisions_are_counted_as_they_were_answered(day: Town) -> None:
    kinds = {Done: "done", Held: "held", Refused: "denied"}
    live = Counter(
        kinds[type(answer)] for intent, answer in day.answers if isinstance(intent, Proposal)
    )
    first = Counter(
        each.fact.outcome
        for each in day.log
        if each.type == "verdict.recorded"
        and each.fact.command == "ProposeAction"
        and each.occurred_at == MONDAY
    )
    counted = day.business.dashboard("business")["decisions"]
    assert counted == dict(live + first)
    assert set(live) == {"done", "held", "denied"}
    assert live["done"] > 80


def test_large_refunds_wait_for_the_founder(day: Town) -> None:
    for proposal, answer in day.proposals("process_refund"):
        assert isinstance(answer, Held) == (Decimal(str(proposal.payload["amount"])) > 500)
    held = [each for each in day.pending if each["action"] == "process_refund"]
    assert held
    assert all(each["amount"] > 500 and each["approver_role"] == "founder" for each in held)
    moved = [each for each in day.bank.movements() if each["actionType"] == "process_refund"]
    assert moved
    assert max(Decimal(str(each["arguments"]["amount"])) for each in moved) <= 500


def test_unreconciled_payouts_are_denied_with_an_incident(day: Town) -> None:
    for proposal, answer in day.proposals("process_payout"):
        assert proposal.payload["reconciled"] or (isinstance(answer, Refused) and answer.denied)
    incidents = day.business.ask(BY_NAME["incidents"], {"type": "policy_violation"}).items
    ours = [each for each in incidents if "payout-agent" in each["title"]]
    assert len(ours) == 1, "the same thing again is counted, not repeated"
    denied = [
        each.fact
        for each in day.log
        if each.type == "verdict.recorded"
        and each.fact.action == "process_payout"
        and each.fact.outcome == "denied"
    ]
    assert ours[0]["occurrences"] == len(denied) >= 1
    moved = [each for each in day.bank.movements() if each["actionType"] == "process_payout"]
    assert moved
    assert all(each["arguments"]["reconciled"] is True for each in moved)


def test_the_world_reacts_to_what_was_completed(day: Town) -> None:
    prices: dict[str, set[Decimal]] = {}
    for intent, _ in day.answers:
        if isinstance(intent, Sale):
            for line in intent.lines:
                prices.setdefault(line.sku, set()).add(line.unit_price)
    assert sum(len(each) > 1 for each in prices.values()) > 5
    done_prices = {
        Decimal(str(proposal.payload["newPrice"]))
        for proposal, answer in day.proposals("update_price")
        if done(answer)
    }
    assert any(done_prices & each for each in prices.values())


# ── what waits does not pile up ──


@pytest.mark.slow
def test_what_waits_for_a_person_does_not_pile_up_and_an_answer_makes_room() -> None:
    town, most = Town().live(0), 0
    rule = RuleText(
        id="every",
        condition="action == 'update_price'",
        action="require_approval",
        message="We look at every price",
    )
    assert done(town.do(DraftPolicy(policy_id="prices", name="Prices", rules=(rule,))))
    assert done(town.do(ActivatePolicy(policy_id="prices", reason="to see them")))
    for _ in range(8):
        most = max(most, len(town.live(40).pending))
    assert most == len(town.pending) == PENDING_USUAL_MAX
    before = {each["id"] for each in town.pending}
    for each in town.pending:
        command = RejectApproval(
            approval_id=each["id"], payload_hash=each["payload_hash"], reason="not today"
        )
        assert done(town.do(command))
    rejected = {(each["action"], subject_of(each["context"]["payload"])) for each in town.pending}
    settle(town.business)
    assert not town.pending
    since = len(town.answers)
    town.live(300)
    assert town.pending
    assert not before & {each["id"] for each in town.pending}
    later = [each for each, _ in town.answers[since:] if isinstance(each, Proposal)]
    asked_again = rejected & {(each.action_type, subject_of(each.payload)) for each in later}
    assert asked_again


def subject_of(payload: Mapping[str, Any]) -> object:
    names = ("productId", "campaignId", "payeeId", "orderId", "contentId", "period")
    return next(payload[name] for name in names if name in payload)


# ── the same again ──


@pytest.mark.slow
def test_the_same_seed_gives_the_same_log_to_the_byte() -> None:
    one, other = Town().live(120), Town().live(120)
    assert bytes_of(one) == bytes_of(other)


def test_another_seed_gives_another_log() -> None:
    assert Town(seed=8).live(5, settled=False).orders != Town().live(5, settled=False).orders


@pytest.mark.slow
def test_restarts_do_not_change_a_byte(day: Town) -> None:
    town = Town()
    for ticks in (70, 10, 40):
        town.live(ticks)
        town.restart()
    ours = bytes_of(town)
    assert ours == bytes_of(day)[: len(ours)]


def test_a_new_driver_at_the_same_moment_does_nothing_twice() -> None:
    town, busy = Town().live(0, settled=False), 0
    for _ in range(12):
        before = len(town.answers)
        town.live(1, settled=False)
        busy += len(town.answers) > before
        head = town.business.log.head()
        town.restart()
        assert town.driver.settle_in()
        assert town.driver.tick(town.clock()) == ()
        assert town.business.log.head() == head
    assert busy > 3


@pytest.mark.parametrize("after", [0, 1, 7, 12, 40, 44, 200, 380])
def test_a_crash_while_it_settles_in_is_made_up_for(after: int, fresh: Town) -> None:
    town = Town()
    breaking(town, after)
    with pytest.raises(StoreUnavailable):
        town.driver.settle_in()
    mend(town)
    town.restart()
    town.live(0, settled=False)
    assert sorted(town.orders) == sorted(fresh.orders)
    assert names_of_the_opening(town) == names_of_the_opening(fresh)
    head = town.business.log.head()
    town.restart()
    town.live(0, settled=False)
    assert town.business.log.head() == head


def names_of_the_opening(town: Town) -> list[str]:
    return sorted(each.id for each in town.log if each.id.startswith("sandbox-7-0-"))


@pytest.mark.parametrize("after", range(4))
def test_a_crash_in_the_middle_of_a_tick_does_nothing_twice(after: int) -> None:
    town = Town().live(0, settled=False)
    breaking(town, after)
    with pytest.raises(StoreUnavailable):
        town.live(60, settled=False)
    mend(town)
    town.restart()
    town.live(10)
    names = [each.id for each in town.log]
    assert len(names) == len(set(names))
    assert len(town.orders) == len(set(town.orders))
    keys = [each["idempotencyKey"] for each in town.bank.movements()]
    assert len(keys) == len(set(keys))
    assert all(each["asked"] == 1 for each in town.bank.movements())


def test_hours_that_nobody_lived_through_are_filled_in_once() -> None:
    town = Town().live(10, settled=False)
    town.clock.forward(9 * HOUR)
    town.restart()
    before = len(town.orders)
    town.live(0, settled=False)
    assert len(town.orders) == before + 9
    town.restart()
    town.live(0, settled=False)
    assert len(town.orders) == before + 9
    assert hours_of(town) == sorted(set(hours_of(town)))


def hours_of(town: Town) -> list[Instant]:
    facts = [each.fact for each in town.log if isinstance(each.fact, OrderRecorded)]
    return sorted(each.placed_at // HOUR for each in facts if each.source == SUMMARY)


# ── people stay in charge ──


@pytest.mark.slow
def test_a_kill_switch_in_the_middle_of_the_day_holds_everything() -> None:
    town = Town().live(100)
    assert done(town.do(EngageKillSwitch(reason="something is wrong")))
    position = town.business.log.head()
    settle(town.business)
    since = len(town.answers)
    town.live(40 * STOPPED_EVERY)
    after = [each for each in town.log if each.position > position]
    assert not [each for each in after if isinstance(each.fact, ActionAuthorized)]
    assert not [each for each in after if isinstance(each.fact, ActionStarted)]
    answers = town.answers[since:]
    held = [answer for intent, answer in answers if isinstance(intent, Proposal)]
    assert any(isinstance(answer, Held) for answer in held)
    assert not any(isinstance(answer, Done) for answer in held)
    assert any(isinstance(intent, Sale) for intent, _ in answers), "customers go on buying"
    assert PENDING_USUAL_MAX <= len(town.pending) <= PENDING_MAX
    assert done(town.do(ReleaseKillSwitch(reason="it was a false alarm")))
    since = len(town.answers)
    town.live(60)
    asked = [answer for intent, answer in town.answers[since:] if isinstance(intent, Proposal)]
    assert any(map(done, asked))


@pytest.mark.slow
def test_a_disabled_agent_and_a_closed_department_rest() -> None:
    town = Town().live(0)
    assert done(town.do(DisableAgent(agent_id="pricing-agent", reason="too eager")))
    assert done(town.do(DisableOrgUnit(org_unit_id="marketing", reason="no budget")))
    town.live(200)
    kinds = {intent.action_type for intent, _ in town.answers if isinstance(intent, Proposal)}
    assert not kinds & {"update_price", "increase_ad_spend", "publish_content"}
    assert kinds >= {"process_refund", "process_payout"}
    assert done(town.do(DisableOrgUnit(org_unit_id="commerce", reason="closed")))
    before = len(town.orders)
    town.live(50)
    assert len(town.orders) == before


# ── whose business it is ──


def test_people_and_tokens_do_not_make_a_business_somebodys_own() -> None:
    town = Town()
    access.issue(town.business, holder="user:founder", by=FOUNDER)
    assert not is_sandboxed(town.business)
    assert town.driver.settle_in()
    assert is_sandboxed(town.business)


IMPORTED: Final = RecordOrder(
    order_id="536365",
    placed_at="2025-12-01T08:26:00",
    lines=(Line(sku="85123A", quantity=6, unit_price=Decimal("2.55")),),
)


@pytest.mark.parametrize(
    "command",
    [
        IMPORTED,
        CreateOrgUnit(org_unit_id="commerce", name="Our own commerce"),
        DraftPolicy(
            policy_id="ours",
            name="Ours",
            rules=(RuleText(id="r", condition="data.amount > 5", action="deny", message="no"),),
        ),
    ],
    ids=lambda command: type(command).__name__,
)
def test_it_stays_out_of_somebodys_own_business(command: Command) -> None:
    town = Town()
    assert done(town.do(command))
    head = town.business.log.head()
    assert not town.driver.settle_in()
    town.driver.run(threading.Event())
    assert not is_sandboxed(town.business)
    assert town.business.log.head() == head


def test_an_import_into_the_sandbox_does_not_end_it() -> None:
    town = Town().live(3, settled=False)
    assert done(town.do(IMPORTED))
    town.restart()
    assert town.driver.settle_in()


# ── in real time ──


def until(what: str, holds: Any, seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def test_it_lives_in_real_time_and_waits_for_a_broken_world(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("console_api.sandbox.driver.RETRY_SECONDS", 0.05)
    town = Town()
    opened, began = town.clock.now, time.monotonic_ns()
    town.business.clock = lambda: opened + (time.monotonic_ns() - began) // 1_000
    breaking(town, 5)
    stop = threading.Event()
    thread = threading.Thread(target=town.driver.run, args=(stop,), daemon=True)
    thread.start()
    until("it has met the broken log", lambda: town.business.log.head() > 20)
    time.sleep(0.2)
    assert thread.is_alive()
    mend(town)
    until(
        "a customer bought something live",
        lambda: any(not each.startswith("order-7-h") for each in town.orders),
    )
    stop.set()
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert TICK == 1_000_000

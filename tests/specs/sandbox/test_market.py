"""The market of the sandbox: the same seed is the same business, and its world adds up."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.company import BY_ID, WORKERS
from adapters.sandbox.customers import BUYERS_MAX, buyers_per_mille
from adapters.sandbox.desks import LARGE_CENTS
from adapters.sandbox.dice import Dice
from adapters.sandbox.history import DAYS_BACK, opening, slots, summary
from adapters.sandbox.intents import Intent, Proposal, Sale, cents
from adapters.sandbox.market import intents
from adapters.sandbox.world import World, hour_of, open_world
from domain.core.instant import DAY, HOUR, MINUTE, SECOND, Instant, instant

MONDAY: Final = instant(datetime(2026, 3, 2, 17, tzinfo=UTC))
PINNED: Final = {
    7: "2875d341cbeeaecebafac819aaa717a29b6a1c5b30ce27dd0abef2299c68fd81",
    8: "a94c700aa4e05e7e4353d1062c97f5e3549b9af7a375a0a1fde2aafb91769ec2",
}


def foreseen(proposal: Proposal) -> str:
    """What the four built-in policies answer, written down once more, independently."""
    data = proposal.payload
    match proposal.action_type:
        case "process_refund":
            return "held" if Decimal(str(data["amount"])) > 500 else "done"
        case "process_payout" if not data["reconciled"]:
            return "denied"
        case "process_payout":
            return "held" if Decimal(str(data["riskScore"])) > Decimal("0.7") else "done"
        case "update_price":
            return "denied" if Decimal(str(data["marginPercent"])) < Decimal("0.15") else "done"
        case "increase_ad_spend" if Decimal(str(data["cashRunwayDays"])) < 30:
            return "denied"
        case "increase_ad_spend":
            return "held" if Decimal(str(data["roas"])) < 2 else "done"
        case _:
            return "done"


@dataclass
class Life:
    """A world whose wishes come true at once, unless a policy says no or asks a person."""

    seed: int
    step: Instant = SECOND
    currency: str = "USD"
    world: World = field(init=False)
    found: list[tuple[int, Intent]] = field(default_factory=list)
    tick: int = 0

    def __post_init__(self) -> None:
        self.world = open_world(self.seed, opened_at=MONDAY, currency=self.currency)

    @property
    def now(self) -> Instant:
        return MONDAY + self.tick * self.step

    def live(self, ticks: int) -> "Life":
        for _ in range(ticks):
            self.tick += 1
            for intent in intents(self.world, self.tick, self.now):
                self.found.append((self.tick, intent))
                self.take(intent)
        return self

    def take(self, intent: Intent) -> None:
        if isinstance(intent, Sale):
            self.world.sold(intent)
            return
        kind, payload = intent.action_type, intent.payload
        self.world.proposed(kind, payload, at=self.now)
        if foreseen(intent) == "done":
            self.world.completed(kind, payload, at=self.now)
        else:
            self.world.dropped(kind, payload)

    @property
    def sales(self) -> list[Sale]:
        return [intent for _, intent in self.found if isinstance(intent, Sale)]

    @property
    def proposals(self) -> list[Proposal]:
        return [intent for _, intent in self.found if isinstance(intent, Proposal)]

    def digest(self) -> str:
        text = json.dumps([[tick, told(intent)] for tick, intent in self.found], default=str)
        return sha256(text.encode()).hexdigest()


def told(intent: Intent) -> list[object]:
    if isinstance(intent, Proposal):
        return [intent.agent_id, intent.action_type, dict(intent.payload), intent.reason]
    lines = [[each.sku, each.description, each.quantity, each.unit_price] for each in intent.lines]
    who = [intent.order_id, intent.customer_id, intent.country, intent.placed_at, intent.source]
    return [*who, lines]


@pytest.fixture(scope="module", params=[1, 7, 8])
def hour(request: pytest.FixtureRequest) -> Life:
    return Life(request.param).live(1_000)


# ── the same seed, the same business ──


@pytest.mark.parametrize("seed", sorted(PINNED))
def test_the_same_seed_gives_the_same_intents_on_every_python(seed: int) -> None:
    assert Life(seed).live(400).digest() == PINNED[seed]


def test_another_seed_gives_another_business() -> None:
    assert Life(1).live(50).digest() != Life(2).live(50).digest()


def test_asking_what_comes_next_changes_nothing() -> None:
    life = Life(7).live(60)
    once = intents(life.world, 61, life.now + SECOND)
    assert intents(life.world, 61, life.now + SECOND) == once
    assert life.live(1).digest() == Life(7).live(61).digest()


def test_dice_are_named_not_counted() -> None:
    dice = Dice(7)
    assert [dice.roll(1_000, "a", n) for n in range(4)] == [
        dice.roll(1_000, "a", n) for n in range(4)
    ]
    assert dice.roll(10**6, "a", 1) != dice.roll(10**6, "a", 2)
    assert dice.pick([0, 0], "nothing") == -1


@given(st.integers(), st.lists(st.integers(0, 50), min_size=1, max_size=20), st.text())
def test_what_weighs_nothing_is_never_picked(seed: int, weights: list[int], name: str) -> None:
    index = Dice(seed).pick(weights, name)
    assert index == -1 if not any(weights) else weights[index] > 0


# ── nothing is lost and nothing comes from nowhere ──


@pytest.mark.parametrize("seed", [1, 7])
def test_stock_is_what_was_there_and_arrived_less_what_was_sold(seed: int) -> None:
    life = Life(seed, step=20 * SECOND)
    before = {sku: shelf.stock for sku, shelf in life.world.shop.shelves.items()}
    for _ in range(120):
        life.live(10)
        assert min(each.on_hand(life.now) for each in life.world.shop.shelves.values()) >= 0
    sold: Counter[str] = Counter()
    bought: Counter[str] = Counter()
    for sale in life.sales:
        for line in sale.lines:
            assert line.quantity > 0
            sold[line.sku] += line.quantity
    for each in life.proposals:
        if each.action_type == "reorder_stock":
            bought[str(each.payload["productId"])] += int(str(each.payload["quantity"]))
    assert sum(sold.values()) > 1_000
    assert sum(bought.values()) > 100
    for sku, shelf in life.world.shop.shelves.items():
        now = shelf.on_hand(life.now) + shelf.ordered(life.now)
        assert now == before[sku] + bought[sku] - sold[sku]


def test_what_creators_are_owed_is_commission_less_payouts(hour: Life) -> None:
    fresh = open_world(hour.seed, opened_at=MONDAY)
    for sale in hour.sales:
        fresh.sold(sale)
    for each in hour.proposals:
        if each.action_type == "process_payout" and foreseen(each) == "done":
            fresh.stage.paid(str(each.payload["payeeId"]), cents(each.payload["amount"]))
    assert hour.world.stage.balances == fresh.stage.balances


@pytest.mark.parametrize("left", [0, 1])
def test_a_shelf_sells_no_more_than_is_left(left: int) -> None:
    life = Life(7)
    for shelf in life.world.shop.shelves.values():
        shelf.stock = left
    life.live(300)
    sold = Counter(line.sku for sale in life.sales for line in sale.lines)
    assert all(line.quantity == 1 for sale in life.sales for line in sale.lines)
    assert max(sold.values(), default=0) == left
    assert {each.action_type for each in life.proposals} >= {"reorder_stock"}


# ── a business with ups and downs ──


def test_a_thousand_ticks_hold_something_of_everything(hour: Life) -> None:
    outcomes = Counter(map(foreseen, hour.proposals))
    kinds = Counter(each.action_type for each in hour.proposals)
    assert 200 <= len(hour.proposals) <= 300
    assert 250 <= len(hour.sales) <= 900
    assert 0.80 <= outcomes["done"] / len(hour.proposals) <= 0.97
    assert 0.01 <= outcomes["held"] / len(hour.proposals) <= 0.15
    assert 0.01 <= outcomes["denied"] / len(hour.proposals) <= 0.10
    assert set(kinds) == {worker.tool for worker in WORKERS}
    assert kinds["create_payout_batch"] == 1


@pytest.mark.parametrize("seed", [7, 8])
def test_a_day_holds_every_kind_of_answer_to_every_kind_of_question(seed: int) -> None:
    life = Life(seed, step=20 * SECOND).live(DAY // (20 * SECOND))
    found = Counter((each.action_type, foreseen(each)) for each in life.proposals)
    for kind, rare in (
        ("process_refund", ("held",)),
        ("process_payout", ("held", "denied")),
        ("update_price", ("denied",)),
        ("increase_ad_spend", ("held", "denied")),
    ):
        for outcome in rare:
            assert 0 < found[kind, outcome] < found[kind, "done"]


def test_refunds_are_mostly_small_and_never_more_than_was_paid(hour: Life) -> None:
    paid = {sale.order_id: sale.cents for sale in hour.sales}
    refunds = [each for each in hour.proposals if each.action_type == "process_refund"]
    amounts = [cents(each.payload["amount"]) for each in refunds]
    assert all(
        amount <= paid[str(each.payload["orderId"])]
        for each, amount in zip(refunds, amounts, strict=True)
    )
    assert sum(amount > LARGE_CENTS for amount in amounts) <= len(amounts) // 4
    assert len({each.payload["orderId"] for each in refunds}) == len(refunds)


def test_a_tick_brings_at_most_three_buyers_and_one_proposal(hour: Life) -> None:
    sales = Counter(tick for tick, intent in hour.found if isinstance(intent, Sale))
    proposals = Counter(tick for tick, intent in hour.found if isinstance(intent, Proposal))
    assert max(sales.values()) <= BUYERS_MAX
    assert max(proposals.values()) == 1


def test_evenings_are_busier_than_nights_on_the_clock_of_the_business() -> None:
    utc = open_world(7, opened_at=MONDAY)
    tokyo = open_world(7, opened_at=MONDAY, zone=ZoneInfo("Asia/Tokyo"))
    evening, night = MONDAY + 3 * HOUR, MONDAY + 11 * HOUR
    assert buyers_per_mille(utc, evening) > 2 * buyers_per_mille(utc, night)
    assert buyers_per_mille(tokyo, evening - 9 * HOUR, lift=0) == buyers_per_mille(
        utc, evening, lift=0
    )
    assert buyers_per_mille(utc, night) > 100, "never so quiet that it looks dead"


def test_every_agent_uses_its_own_tool_and_says_why(hour: Life) -> None:
    for each in hour.proposals:
        assert BY_ID[each.agent_id].tool == each.action_type
        assert each.reason
        assert "currency" not in each.payload or each.payload["currency"] == "USD"


def test_nobody_asks_twice_while_an_answer_is_awaited() -> None:
    world = open_world(7, opened_at=MONDAY)
    waiting: Counter[tuple[str, object]] = Counter()
    subjects = {"process_payout": "payeeId", "update_price": "productId"}
    subjects |= {"increase_ad_spend": "campaignId", "reorder_stock": "productId"}
    for tick in range(1, 600):
        for intent in intents(world, tick, MONDAY + tick * SECOND):
            if isinstance(intent, Proposal):
                world.proposed(intent.action_type, intent.payload, at=MONDAY + tick * SECOND)
                subject = subjects.get(intent.action_type)
                if subject is not None:
                    waiting[intent.action_type, intent.payload[subject]] += 1
    assert waiting
    assert max(waiting.values()) == 1


# ── the world reacts ──


def test_a_dearer_product_is_bought_less_gladly() -> None:
    shelf = open_world(7, opened_at=MONDAY).shop.shelves["TEC-02"]
    usual = shelf.appeal
    shelf.price_cents = shelf.list_cents * 120 // 100
    assert 0 < shelf.appeal < usual


def test_a_completed_price_is_the_price_of_the_next_sale() -> None:
    world = open_world(7, opened_at=MONDAY)
    arguments = {"productId": "TEC-02", "newPrice": Decimal("41.50")}
    world.completed("update_price", arguments, at=MONDAY)
    assert world.shop.shelves["TEC-02"].price_cents == 4_150


def test_a_delivery_arrives_when_its_supplier_needs_that_long() -> None:
    world = open_world(7, opened_at=MONDAY)
    shelf = world.shop.shelves["TEC-02"]
    before, arrives = shelf.stock, MONDAY + shelf.lead_minutes * MINUTE
    world.completed("reorder_stock", {"productId": "TEC-02", "quantity": 40}, at=MONDAY)
    assert (shelf.on_hand(arrives - 1), shelf.ordered(arrives - 1)) == (before, 40)
    assert (shelf.on_hand(arrives), shelf.ordered(arrives)) == (before + 40, 0)


def test_ad_spend_saturates_and_its_effect_fades() -> None:
    world = open_world(7, opened_at=MONDAY)
    campaign = world.ads.campaigns["spring-glow"]
    before = campaign.roas(MONDAY)
    arguments = {"campaignId": "spring-glow", "amount": 20_000}
    world.completed("increase_ad_spend", arguments, at=MONDAY)
    assert campaign.roas(MONDAY) < before
    assert campaign.roas(MONDAY + HOUR) > campaign.roas(MONDAY)
    assert campaign.roas(MONDAY + 3 * DAY) > before


def test_what_was_denied_changes_nothing_but_may_be_asked_again() -> None:
    world = open_world(7, opened_at=MONDAY)
    arguments = {"productId": "TEC-02", "newPrice": Decimal("1.00")}
    before = world.shop.shelves["TEC-02"].price_cents
    world.proposed("update_price", arguments, at=MONDAY)
    assert world.is_open("update_price", "TEC-02")
    world.dropped("update_price", arguments)
    assert not world.is_open("update_price", "TEC-02")
    assert world.shop.shelves["TEC-02"].price_cents == before


def test_what_it_has_never_heard_of_does_not_stop_it() -> None:
    world = open_world(7, opened_at=MONDAY)
    world.completed("update_price", {"productId": "elsewhere", "newPrice": 5}, at=MONDAY)
    world.completed("process_payout", {"payeeId": "a-supplier", "amount": 5}, at=MONDAY)
    world.completed("launch_rocket", {}, at=MONDAY)
    assert intents(world, 1, MONDAY + SECOND) is not None


# ── before it opened ──


@given(st.integers(MONDAY, MONDAY + 400 * DAY))
def test_slots_cover_thirty_days_without_a_gap_or_an_overlap(now: Instant) -> None:
    hours = sorted(hour for slot in slots(now) for hour in slot.each)
    assert hours == list(range(hours[0], hour_of(now) + 1))
    assert abs(len(hours) - DAYS_BACK * 24) <= 3
    assert len(list(slots(now))) <= 400


def summaries(world: World, now: Instant) -> Iterator[Sale]:
    for slot in slots(now):
        yield summary(world, slot, until=now).sale


def test_what_was_sold_before_lies_before_and_looks_like_what_is_sold_now() -> None:
    now = MONDAY + 25 * MINUTE
    world = open_world(7, opened_at=now)
    past = list(summaries(world, now))
    assert all(sale.placed_at <= now for sale in past)
    assert all(line.quantity > 0 for sale in past for line in sale.lines)
    live = Life(7, step=30 * SECOND).live(2_880).sales
    per_day = sum(sale.cents for sale in live) * 30
    yesterday = sum(sale.cents for sale in past if now - sale.placed_at < DAY)
    assert 0.7 <= per_day / yesterday <= 1.4


@given(st.integers(0, 10_000))
def test_the_opening_shows_every_kind_of_answer(seed: int) -> None:
    outcomes = Counter(map(foreseen, opening(open_world(seed, opened_at=MONDAY))))
    assert outcomes["done"] >= 6
    assert outcomes["held"] == 3
    assert outcomes["denied"] == 3

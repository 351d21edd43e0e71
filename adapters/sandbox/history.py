"""History: what the sandbox business did before anybody watched, and how it opens.

slots     thirty days before now, newest first: hours, and beyond a week three hours at a time
summary   one order that stands for all sales of a slot, and now and then a refund
opening   a first round of proposals: some are done, some are held, some are denied
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from adapters.sandbox import requests
from adapters.sandbox.creators import ROSTER
from adapters.sandbox.customers import buyers_per_mille
from adapters.sandbox.desks import restock
from adapters.sandbox.intents import SUMMARY, Line, Proposal, Sale, money
from adapters.sandbox.shop import Shelf
from adapters.sandbox.world import Ticket, World, hour_of
from domain.core.instant import HOUR, MINUTE, SECOND, Instant

DAYS_BACK: Final = 30
HOURS_APART: Final = 7 * 24
"""Hours that have an order of their own; charts by the hour reach back so far."""

HOURS_TOGETHER: Final = 3
USUAL_LIFT: Final = 160
BASKET_CENTS: Final = 6_000
"""What a live sale comes to on average, so that the hours before look like the hours after."""

_PRODUCTS: Final = 12
_REFUND_PER_MILLE_AN_HOUR: Final = 35
_GROWTH_PER_MILLE_A_DAY: Final = 8


class Slot(NamedTuple):
    """Some hours in a row; `first` is counted since 1970."""

    first: int
    hours: int

    @property
    def each(self) -> range:
        """Return them one by one."""
        return range(self.first, self.first + self.hours)


class Summary(NamedTuple):
    """A slot in one order, and the refund that was asked for later in it, if one was."""

    sale: Sale
    refund: Proposal | None


def slots(now: Instant) -> Iterator[Slot]:
    """Return the stretches of thirty days, the hour that is running first."""
    hour = hour_of(now)
    week_ago = (hour - HOURS_APART) // HOURS_TOGETHER * HOURS_TOGETHER
    for each in range(hour, week_ago - 1, -1):
        yield Slot(each, 1)
    for first in range(week_ago - HOURS_TOGETHER, hour - DAYS_BACK * 24, -HOURS_TOGETHER):
        yield Slot(first, HOURS_TOGETHER)


def summary(world: World, slot: Slot, *, until: Instant) -> Summary:
    """Return the sales of a slot, or of the part of it that lies before an instant.

    Nothing but the seed and the time decides.
    """
    start, end = slot.first * HOUR, min(until, (slot.first + slot.hours) * HOUR)
    takings = sum(_takings(world, hour, min(HOUR, end - hour * HOUR)) for hour in slot.each)
    middle = (start + end) // 2
    sale = Sale(
        order_id=order_of(world, slot.first),
        customer_id="",
        country="",
        placed_at=middle,
        lines=_lines(world, slot.first, takings),
        source=SUMMARY,
    )
    over = end - start == slot.hours * HOUR
    return Summary(sale, _refund(world, slot, middle) if over else None)


def order_of(world: World, hour: int) -> str:
    """Name the order that stands for the slot that begins with an hour."""
    return f"order-{world.seed}-h{hour}"


def _takings(world: World, hour: int, lasted: Instant) -> int:
    """Return what an hour brought, in cents, so far as it lasted; business was less before."""
    noise = world.dice.between(88, 112, "hour", hour)
    days_before = max(0, hour_of(world.opened_at) - hour) // 24
    buyers = buyers_per_mille(world, hour * HOUR, lift=USUAL_LIFT) * (lasted // SECOND) // 1_000
    growth = 1_000 - _GROWTH_PER_MILLE_A_DAY * min(days_before, 60)
    return buyers * BASKET_CENTS * noise // 100 * growth // 1_000


def _lines(world: World, hour: int, takings: int) -> tuple[Line, ...]:
    """Share takings out among some products, by how well they sell."""
    dice, shelves = world.dice, list(world.shop.shelves.values())
    chosen: dict[str, Shelf] = {}
    for n in range(_PRODUCTS):
        shelf = shelves[dice.pick([each.ware.popularity for each in shelves], "past", hour, n)]
        chosen[shelf.ware.sku] = shelf
    worth = {sku: each.ware.popularity * each.list_cents for sku, each in chosen.items()}
    whole = sum(worth.values())
    return tuple(
        Line(
            sku,
            shelf.ware.title,
            max(1, takings * worth[sku] // whole // shelf.list_cents),
            money(shelf.list_cents),
        )
        for sku, shelf in chosen.items()
    )


def _refund(world: World, slot: Slot, middle: Instant) -> Proposal | None:
    dice = world.dice
    if not dice.chance(_REFUND_PER_MILLE_AN_HOUR * slot.hours, "past refund", slot.first):
        return None
    amount = dice.between(15, 480, "past amount", slot.first) * 100
    ticket = Ticket(order_of(world, slot.first), "", amount)
    return requests.refund(world, ticket, amount, "arrived damaged", asked_at=middle + 20 * MINUTE)


def opening(world: World) -> tuple[Proposal, ...]:
    """Return the first round, of a world in which nothing has happened yet.

    The two hours before it opened have been recorded.
    """
    at = world.opened_at
    shelves = list(world.shop.shelves.values())
    low = min(shelves, key=lambda shelf: shelf.cover_minutes(at))
    plans = sorted(world.ads.campaigns.values(), key=lambda campaign: campaign.roas(at))
    worn, fair, fresh = plans[0], plans[-2], plans[-1]
    last = order_of(world, hour_of(at) - 1)
    before = order_of(world, hour_of(at) - 2)
    owed = world.stage.balances
    nova, kai, mira = ROSTER[:3]
    serum, camera = world.shop.shelves["BTY-01"], world.shop.shelves["TEC-08"]
    return (
        requests.refund(world, Ticket(last, "customer-17", 4_990), 4_990, "wrong size"),
        requests.refund(world, Ticket(before, "customer-512", 89_900), 89_900, "arrived damaged"),
        requests.payout(world, kai, owed[kai.id], reconciled=False, risk_percent=18),
        requests.payout(world, nova, owed[nova.id], reconciled=True, risk_percent=12),
        requests.price(world, camera, _at_margin(camera, 8), "clear the shelf"),
        requests.price(world, serum, serum.price_cents * 103 // 1_000 * 10, "demand is high"),
        requests.spend(world, worn, 40_000, roas=worn.roas(at), runway_days=64),
        requests.spend(world, fresh, 25_000, roas=fresh.roas(at), runway_days=64),
        requests.spend(world, fair, 90_000, roas=fair.roas(at), runway_days=21),
        requests.payout(world, mira, owed[mira.id], reconciled=True, risk_percent=83),
        restock(world, low, at),
        requests.refund(world, Ticket(before, "customer-88", 2_490), 2_490, "not as shown"),
        requests.publish(nova, serum, number="clip-0", channel="shorts", words="unboxes"),
    )


def _at_margin(shelf: Shelf, percent: int) -> int:
    return shelf.cost_cents * 100 // (100 - percent)

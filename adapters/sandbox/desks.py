"""Desks: what each agent sees in a tick, and whether it asks for anything.

one tick in four ──► one desk, by weight ──► Proposal; a desk with nothing to do lets content work
"""

from collections.abc import Callable
from typing import Final

from adapters.sandbox import requests
from adapters.sandbox.creators import ROSTER
from adapters.sandbox.intents import Proposal
from adapters.sandbox.shop import Shelf
from adapters.sandbox.world import Ticket, World, hour_of
from domain.core.instant import DAY, MINUTE, Instant

PROPOSALS_PER_MILLE: Final = 250
LARGE_CENTS: Final = 50_000
"""A refund above this needs the founder, as every business starts."""

_LARGE_PER_MILLE: Final = 80
_PAYOUT_CENTS_MIN: Final = 4_000
_PAYOUT_PAUSE: Final = 4 * MINUTE
_PRICE_PAUSE: Final = 3 * MINUTE
_CLEARANCE_PER_MILLE: Final = 140
_COVER_MINUTES_MIN: Final = 100
_COVER_MINUTES_AIM: Final = 190
_COMPLAINTS: Final = (
    "arrived damaged", "wrong size", "arrived late", "not as shown", "changed their mind",
)  # fmt: skip
_CHANNELS: Final = ("shorts", "stories", "newsletter", "live-feed")
_WORDS: Final = ("unboxes", "tries", "answers questions about", "shows a trick with", "compares")


def proposals(world: World, tick: int, at: Instant) -> tuple[Proposal, ...]:
    """Return what agents ask for in one tick: one thing, or nothing."""
    if not world.dice.chance(PROPOSALS_PER_MILLE, "proposal", tick):
        return ()
    due = _batch(world, at)
    if due is not None:
        return (due,)
    desk = _DESKS[world.dice.pick([weight for weight, _ in _DESKS], "desk", tick)][1]
    return (desk(world, tick, at) or _content(world, tick, at),)


def _refund(world: World, tick: int, _at: Instant) -> Proposal | None:
    dice = world.dice
    large = [each for each in world.tickets.values() if each.cents > LARGE_CENTS]
    small = [each for each in world.tickets.values() if each.cents <= LARGE_CENTS]
    why = _COMPLAINTS[dice.roll(len(_COMPLAINTS), "complaint", tick)]
    if large and dice.chance(_LARGE_PER_MILLE, "large", tick):
        ticket = large[dice.roll(len(large), "ticket", tick)]
        return requests.refund(world, ticket, ticket.cents, why)
    if not small:
        return None
    ticket = small[dice.roll(len(small), "ticket", tick)]
    return requests.refund(world, ticket, _part(world, ticket, tick), why)


def _part(world: World, ticket: Ticket, tick: int) -> int:
    percent = (25, 50, 100)[world.dice.pick([2, 3, 5], "part", tick)]
    return max(100, ticket.cents * percent // 100)


def _payout(world: World, tick: int, at: Instant) -> Proposal | None:
    dice, stage = world.dice, world.stage
    due = [
        creator
        for creator in ROSTER
        if stage.balances[creator.id] >= _PAYOUT_CENTS_MIN
        and not world.is_open("process_payout", creator.id)
        and world.since_asked("process_payout", creator.id, at) >= _PAYOUT_PAUSE
    ]
    if not due:
        return None
    creator = max(due, key=lambda each: stage.balances[each.id])
    worry = 55 if dice.chance(90, "worry", tick) else 0
    return requests.payout(
        world,
        creator,
        stage.balances[creator.id],
        reconciled=dice.chance(880, "books", creator.id, at // _PAYOUT_PAUSE),
        risk_percent=min(99, creator.risk + dice.roll(25, "risk", tick) + worry),
    )


def _price(world: World, tick: int, at: Instant) -> Proposal | None:
    dice = world.dice
    shelves = [
        shelf
        for shelf in world.shop.shelves.values()
        if not world.is_open("update_price", shelf.ware.sku)
        and world.since_asked("update_price", shelf.ware.sku, at) >= _PRICE_PAUSE
    ]
    if not shelves:
        return None
    shelf = shelves[dice.roll(len(shelves), "shelf", tick)]
    if dice.chance(_CLEARANCE_PER_MILLE, "clearance", tick):
        new = _rounded(shelf.cost_cents * dice.between(96, 116, "clear", tick) // 100)
        return requests.price(world, shelf, new, "clear the shelf, it sells too slowly")
    percent = _move(world, shelf, tick)
    new = _rounded(shelf.price_cents * (100 + percent) // 100)
    return requests.price(world, shelf, new, f"{percent:+d}% while demand is what it is")


def _move(world: World, shelf: Shelf, tick: int) -> int:
    """Return a change of price in percent, back towards what is usual if it went far."""
    moves: tuple[int, ...] = (-5, -3, 3, 5)
    if shelf.price_cents * 100 < shelf.list_cents * 90:
        moves = (3, 5)
    elif shelf.price_cents * 100 > shelf.list_cents * 112:
        moves = (-5, -3)
    return moves[world.dice.roll(len(moves), "move", tick)]


def _rounded(price_cents: int) -> int:
    return max(100, price_cents // 10 * 10)


def _ads(world: World, tick: int, at: Instant) -> Proposal | None:
    dice = world.dice
    campaigns = [
        each
        for each in world.ads.campaigns.values()
        if not world.is_open("increase_ad_spend", each.plan.id)
    ]
    if not campaigns:
        return None
    campaign = campaigns[dice.roll(len(campaigns), "campaign", tick)]
    amount = dice.between(10, 60, "spend", tick) * 1_000
    return requests.spend(
        world, campaign, amount, roas=campaign.roas(at), runway_days=runway_days(world, tick, at)
    )


def runway_days(world: World, tick: int, at: Instant) -> int:
    """Return how long the cash lasts; now and then a supplier wants to be paid in advance."""
    if world.dice.chance(30, "prepayment", tick):
        return world.dice.between(11, 29, "short", tick)
    return world.dice.between(45, 95, "runway", at // DAY)


def _stock(world: World, _tick: int, at: Instant) -> Proposal | None:
    low = [
        shelf
        for shelf in world.shop.shelves.values()
        if shelf.cover_minutes(at) < _COVER_MINUTES_MIN + shelf.lead_minutes
        and not world.is_open("reorder_stock", shelf.ware.sku)
    ]
    if not low:
        return None
    return restock(world, min(low, key=lambda shelf: shelf.cover_minutes(at)), at)


def restock(world: World, shelf: Shelf, at: Instant) -> Proposal:
    """Order as much as brings the cover of a product back to what it should be."""
    missing = _COVER_MINUTES_AIM + shelf.lead_minutes - shelf.cover_minutes(at)
    return requests.reorder(world, shelf, max(5, shelf.units_an_hour * missing // 60), at)


def _content(world: World, tick: int, at: Instant) -> Proposal:
    dice, shelves = world.dice, list(world.shop.shelves.values())
    airing = world.stage.on_air(hour_of(at), world.local(at).hour)
    return requests.publish(
        airing[dice.roll(len(airing), "clip", tick)][0],
        shelves[dice.roll(len(shelves), "shown", tick)],
        number=f"clip-{tick}",
        channel=_CHANNELS[dice.roll(len(_CHANNELS), "channel", tick)],
        words=_WORDS[dice.roll(len(_WORDS), "words", tick)],
    )


def _batch(world: World, at: Instant) -> Proposal | None:
    """Once a week, for the week that is over."""
    year, week, _ = world.local(at - 7 * DAY).isocalendar()
    period = f"{year}-W{week:02d}"
    owed = {key: owes for key, owes in world.stage.balances.items() if owes > 0}
    if not owed or ("create_payout_batch", period) in world.asked:
        return None
    return requests.batch(world, tuple(owed), sum(owed.values()), period)


_DESKS: Final[tuple[tuple[int, Callable[[World, int, Instant], Proposal | None]], ...]] = (
    (16, _refund),
    (12, _payout),
    (28, _price),
    (18, _ads),
    (10, _stock),
    (16, _content),
)

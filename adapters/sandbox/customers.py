"""Customers: who buys what in a tick. Never more than is on the shelf.

hour of the day, day of the week, ads ──► 0 to 3 buyers ──► a show ──► one to three products
"""

from typing import Final

from adapters.sandbox.creators import Creator
from adapters.sandbox.dice import Dice
from adapters.sandbox.intents import LIVE, Line, Sale, money
from adapters.sandbox.shop import Shelf
from adapters.sandbox.world import World, hour_of
from domain.core.instant import Instant

BUYERS_MAX: Final = 3
BUYERS_PER_MILLE: Final = 600
"""Buyers in a thousand ticks at an hour and on a day that both count 100."""

_HOURS: Final = (
    55, 48, 45, 45, 45, 48, 55, 62, 70, 76, 80, 86,
    92, 88, 82, 80, 84, 92, 104, 118, 128, 124, 104, 76,
)  # fmt: skip
_WEEKDAYS: Final = (92, 94, 96, 100, 108, 118, 112)
_COUNTRIES: Final = (
    ("US", 52), ("GB", 12), ("CA", 9), ("DE", 7), ("FR", 5), ("AU", 5), ("JP", 4), ("MX", 3),
    ("BR", 3),
)  # fmt: skip
_CUSTOMERS: Final = 9_000
_FEATURED: Final = 4
_FEATURE_FACTOR: Final = 8
_LOOKS: Final = 3
_DEAR_CENTS: Final = 15_000


def buyers_per_mille(world: World, at: Instant, *, lift: int | None = None) -> int:
    """Return how many buyers a thousand ticks bring at this time."""
    local = world.local(at)
    usual = BUYERS_PER_MILLE * _HOURS[local.hour] * _WEEKDAYS[local.weekday()] // 10_000
    return usual * (1_000 + (world.ads.lift_per_mille(at) if lift is None else lift)) // 1_000


def sales(world: World, tick: int, at: Instant) -> tuple[Sale, ...]:
    """Return the sales of one tick."""
    chance = buyers_per_mille(world, at) // BUYERS_MAX
    buyers = [n for n in range(BUYERS_MAX) if world.dice.chance(chance, "buyer", tick, n)]
    reserved: dict[str, int] = {}
    found = (_sale(world, tick, n, at, reserved) for n in buyers)
    return tuple(sale for sale in found if sale is not None)


def _sale(world: World, tick: int, n: int, at: Instant, reserved: dict[str, int]) -> Sale | None:
    dice = world.dice
    creator = _host(world, tick, n, at)
    lines = _basket(world, creator, (tick, n), at, reserved)
    if not lines:
        return None  # sold out: the viewer leaves
    country = dice.pick([weight for _, weight in _COUNTRIES], "country", tick, n)
    return Sale(
        order_id=f"order-{world.seed}-{tick}-{n}",
        customer_id=f"customer-{dice.between(1, _CUSTOMERS, 'customer', tick, n)}",
        country=_COUNTRIES[country][0],
        placed_at=at,
        lines=lines,
        source=f"{LIVE}{creator.id}",
    )


def _host(world: World, tick: int, n: int, at: Instant) -> Creator:
    airing = world.stage.on_air(hour_of(at), world.local(at).hour)
    weights = [world.stage.weight(creator, converts, at) for creator, converts in airing]
    return airing[world.dice.pick(weights, "show", tick, n)][0]


def _basket(
    world: World, creator: Creator, name: tuple[int, int], at: Instant, reserved: dict[str, int]
) -> tuple[Line, ...]:
    dice, shelves = world.dice, list(world.shop.shelves.values())
    featured = _featured(dice, creator, hour_of(at), shelves)
    weights = [
        shelf.appeal * (_FEATURE_FACTOR if shelf.ware.sku in featured else 1) for shelf in shelves
    ]
    size = 1 + dice.pick([75, 20, 5], "basket", *name)
    lines: dict[str, Line] = {}
    for look in range(size + _LOOKS):
        index = dice.pick(weights, "product", *name, look)
        shelf = shelves[index]
        sku, left = shelf.ware.sku, shelf.on_hand(at) - reserved.get(shelf.ware.sku, 0)
        if len(lines) == size or sku in lines or left <= 0:
            continue
        quantity = min(left, _quantity(dice, shelf, (*name, look)))
        reserved[sku] = reserved.get(sku, 0) + quantity
        lines[sku] = Line(sku, shelf.ware.title, quantity, money(shelf.price_cents))
    return tuple(lines.values())


def _quantity(dice: Dice, shelf: Shelf, name: tuple[int, ...]) -> int:
    if shelf.price_cents >= _DEAR_CENTS:
        return 1
    return 1 + dice.pick([85, 12, 3], "quantity", *name)


def _featured(dice: Dice, creator: Creator, hour: int, shelves: list[Shelf]) -> frozenset[str]:
    """Return what a creator shows in this hour."""
    picks = (dice.roll(len(shelves), "featured", creator.id, hour, n) for n in range(_FEATURED))
    return frozenset(shelves[pick].ware.sku for pick in picks)

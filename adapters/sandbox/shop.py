"""Shop: what each product costs, how many are left, and what is on its way from the supplier.

reordered ──lead time──► on hand ──sold──► gone        repriced ──► appeal: how gladly it is bought
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from adapters.sandbox.dice import Dice
from adapters.sandbox.wares import WARES, Ware
from domain.core.instant import MINUTE, Instant

UNITS_AN_HOUR: Final = 2_300
"""What all products together sell in an average hour; buyers for the shop plan with it."""

ELASTICITY: Final = 2
SUPPLIERS: Final = ("supplier-shenzhen", "supplier-porto", "supplier-ohio", "supplier-osaka")
MARGIN_PLACES: Final = Decimal("0.0001")
_POPULARITY: Final = sum(ware.popularity for ware in WARES)


@dataclass(slots=True)
class Shelf:
    """One product as it stands. `on_the_way` holds (arrives at, quantity)."""

    ware: Ware
    cost_cents: int
    list_cents: int
    price_cents: int
    stock: int
    supplier: str
    lead_minutes: int
    on_the_way: list[tuple[Instant, int]] = field(default_factory=list)

    def on_hand(self, at: Instant) -> int:
        """Return how many can be sold now."""
        return self.stock + sum(quantity for due, quantity in self.on_the_way if due <= at)

    def ordered(self, at: Instant) -> int:
        """Return how many are still on their way."""
        return sum(quantity for due, quantity in self.on_the_way if due > at)

    @property
    def units_an_hour(self) -> int:
        """Return how many are sold in an average hour, at least one."""
        return max(1, UNITS_AN_HOUR * self.ware.popularity // _POPULARITY)

    @property
    def appeal(self) -> int:
        """Return how gladly it is bought at its price: half as dear again, and hardly at all."""
        dearer = (self.price_cents - self.list_cents) * 100 // self.list_cents
        return self.ware.popularity * min(200, max(1, 100 - ELASTICITY * dearer))

    def cover_minutes(self, at: Instant) -> int:
        """Return how long what is here and ordered will last."""
        return (self.on_hand(at) + self.ordered(at)) * 60 // self.units_an_hour

    def margin(self, price_cents: int) -> Decimal:
        """Return which fraction of a price is left after the cost."""
        return (Decimal(price_cents - self.cost_cents) / price_cents).quantize(MARGIN_PLACES)


@dataclass(slots=True)
class Shop:
    """Every shelf, by product."""

    shelves: dict[str, Shelf]

    def sold(self, sku: str, quantity: int) -> None:
        """Take units off a shelf."""
        shelf = self.shelves.get(sku)
        if shelf is not None:
            shelf.stock -= quantity

    def repriced(self, sku: str, price_cents: int) -> None:
        """Put a new price on a shelf."""
        shelf = self.shelves.get(sku)
        if shelf is not None:
            shelf.price_cents = price_cents

    def reordered(self, sku: str, quantity: int, *, at: Instant) -> None:
        """Expect a delivery; what has arrived by now is put on the shelf."""
        shelf = self.shelves.get(sku)
        if shelf is not None:
            shelf.stock = shelf.on_hand(at)
            coming = [each for each in shelf.on_the_way if each[0] > at]
            shelf.on_the_way = [*coming, (at + shelf.lead_minutes * MINUTE, quantity)]


def open_shop(dice: Dice) -> Shop:
    """Return the shop on its first day; one shelf in six is nearly empty."""
    return Shop({ware.sku: _shelf(dice, ware) for ware in WARES})


def _shelf(dice: Dice, ware: Ware) -> Shelf:
    price = ware.price_cents * dice.between(94, 106, "price", ware.sku) // 1_000 * 10
    shelf = Shelf(
        ware=ware,
        cost_cents=ware.cost_cents * dice.between(94, 106, "cost", ware.sku) // 100,
        list_cents=price,
        price_cents=price,
        stock=0,
        supplier=SUPPLIERS[dice.roll(len(SUPPLIERS), "supplier", ware.sku)],
        lead_minutes=dice.between(15, 120, "lead", ware.sku),
    )
    low = dice.chance(170, "low", ware.sku)
    minutes = dice.between(20, 40, "stock", ware.sku)
    shelf.stock = max(3, shelf.units_an_hour * minutes * (1 if low else 8) // 60)
    return shelf

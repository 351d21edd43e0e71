"""World: the sandbox business outside the log: shelves, creators, campaigns, what was asked.

what the log says ──sold, proposed, completed, dropped──► World ──market.intents──► what comes next
It remembers nothing that the log does not: told the same facts, it is in the same state.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

from adapters.sandbox.ads import Ads, open_ads
from adapters.sandbox.creators import Stage, open_stage
from adapters.sandbox.dice import Dice
from adapters.sandbox.intents import LIVE, Sale, cents
from adapters.sandbox.shop import Shop, open_shop
from domain.core.instant import HOUR, Instant, moment

TICKETS_MAX: Final = 400
"""Recent orders that a customer may still complain about."""

_SUBJECT: Final = {
    "process_refund": "orderId",
    "process_payout": "payeeId",
    "update_price": "productId",
    "increase_ad_spend": "campaignId",
    "create_payout_batch": "period",
    "reorder_stock": "productId",
    "publish_content": "contentId",
}


class Ticket(NamedTuple):
    """An order that could be refunded."""

    order_id: str
    customer_id: str
    cents: int


@dataclass(slots=True)
class World:
    """Everything that the intents of a tick depend on, beside the seed and the time."""

    seed: int
    opened_at: Instant
    dice: Dice
    currency: str
    zone: tzinfo
    shop: Shop
    stage: Stage
    ads: Ads
    tickets: dict[str, Ticket] = field(default_factory=dict)
    asked: dict[tuple[str, str], Instant] = field(default_factory=dict)
    waiting: set[tuple[str, str]] = field(default_factory=set)

    def local(self, at: Instant) -> datetime:
        """Return an instant on the clock of the business."""
        return moment(at).astimezone(self.zone)

    def is_open(self, action_type: str, subject: str) -> bool:
        """Say whether something was asked about a subject that is neither done nor dropped."""
        return (action_type, subject) in self.waiting

    def since_asked(self, action_type: str, subject: str, at: Instant) -> Instant:
        """Return how long ago something was asked; of what never was, a very long time."""
        return at - self.asked.get((action_type, subject), -(10**18))

    def sold(self, sale: Sale) -> None:
        """Take a recorded order into account; a whole hour in one order touches no shelf."""
        if not sale.source.startswith(LIVE):
            return
        for line in sale.lines:
            self.shop.sold(line.sku, line.quantity)
        self.stage.earned(sale.source.removeprefix(LIVE), sale.cents)
        self.tickets[sale.order_id] = Ticket(sale.order_id, sale.customer_id, sale.cents)
        if len(self.tickets) > TICKETS_MAX:
            del self.tickets[next(iter(self.tickets))]

    def proposed(self, action_type: str, arguments: Mapping[str, object], *, at: Instant) -> None:
        """Remember that something was asked, so that nobody asks twice at the same time."""
        key = (action_type, _subject(action_type, arguments))
        self.waiting.add(key)
        if action_type == "process_refund":
            self.tickets.pop(key[1], None)
        elif action_type != "publish_content":
            self.asked[key] = at

    def dropped(self, action_type: str, arguments: Mapping[str, object]) -> None:
        """Forget what was denied, rejected, expired, cancelled or failed: nothing changed."""
        self.waiting.discard((action_type, _subject(action_type, arguments)))

    def completed(self, action_type: str, arguments: Mapping[str, object], *, at: Instant) -> None:
        """Let a completed action change the world."""
        self.dropped(action_type, arguments)
        change = _CHANGES.get(action_type)
        if change is not None:
            change(self, arguments, at)


def _subject(action_type: str, arguments: Mapping[str, object]) -> str:
    return str(arguments.get(_SUBJECT.get(action_type, ""), ""))


def _paid(world: World, arguments: Mapping[str, object], _at: Instant) -> None:
    world.stage.paid(str(arguments["payeeId"]), cents(arguments["amount"]))


def _repriced(world: World, arguments: Mapping[str, object], _at: Instant) -> None:
    world.shop.repriced(str(arguments["productId"]), cents(arguments["newPrice"]))


def _spent(world: World, arguments: Mapping[str, object], at: Instant) -> None:
    world.ads.spent(str(arguments["campaignId"]), cents(arguments["amount"]), at=at)


def _reordered(world: World, arguments: Mapping[str, object], at: Instant) -> None:
    quantity = int(str(arguments["quantity"]))
    world.shop.reordered(str(arguments["productId"]), quantity, at=at)


def _published(world: World, arguments: Mapping[str, object], at: Instant) -> None:
    world.stage.published(str(arguments["contentId"]).partition("/")[0], at)


_CHANGES: Final[dict[str, Callable[[World, Mapping[str, object], Instant], None]]] = {
    "process_payout": _paid,
    "update_price": _repriced,
    "increase_ad_spend": _spent,
    "reorder_stock": _reordered,
    "publish_content": _published,
}


def open_world(
    seed: int, *, opened_at: Instant, currency: str = "USD", zone: tzinfo = UTC
) -> World:
    """Return the world as it is when the sandbox business opens."""
    dice = Dice(seed)
    return World(
        seed=seed,
        opened_at=opened_at,
        dice=dice,
        currency=currency,
        zone=zone,
        shop=open_shop(dice),
        stage=open_stage(dice),
        ads=open_ads(dice, opened_at),
    )


def hour_of(at: Instant) -> int:
    """Return the number of the hour, counted since 1970 in UTC."""
    return at // HOUR

"""Requests: how each agent words what it would like to do. What is true of it is the caller's.

refund  payout  price  spend  reorder  publish  batch      world + what about ──► Proposal
"""

from decimal import Decimal

from adapters.sandbox import company
from adapters.sandbox.ads import Campaign
from adapters.sandbox.creators import Creator
from adapters.sandbox.intents import Proposal, money
from adapters.sandbox.shop import Shelf
from adapters.sandbox.world import Ticket, World
from domain.core.instant import Instant, written


def refund(
    world: World, ticket: Ticket, amount_cents: int, reason: str, *, asked_at: Instant = 0
) -> Proposal:
    """Give a customer money back."""
    return Proposal(
        company.SUPPORT.id,
        "process_refund",
        {
            "orderId": ticket.order_id,
            "customerId": ticket.customer_id,
            "amount": money(amount_cents),
            "currency": world.currency,
            "reason": reason,
            "requestedAt": written(asked_at) if asked_at else None,
        },
        f"The customer asks for {money(amount_cents)} {world.currency} back: {reason}",
    )


def payout(
    world: World, creator: Creator, amount_cents: int, *, reconciled: bool, risk_percent: int
) -> Proposal:
    """Pay a creator what is owed."""
    books = "the books agree" if reconciled else "the bank statement is not matched yet"
    return Proposal(
        company.PAYOUT.id,
        "process_payout",
        {
            "payeeId": creator.id,
            "amount": money(amount_cents),
            "currency": world.currency,
            "reconciled": reconciled,
            "riskScore": money(risk_percent),
            "reference": f"{creator.name}, commission",
        },
        f"{creator.name} is owed {money(amount_cents)} {world.currency}; {books}",
    )


def price(world: World, shelf: Shelf, new_cents: int, reason: str) -> Proposal:
    """Change what a product costs."""
    return Proposal(
        company.PRICING.id,
        "update_price",
        {
            "productId": shelf.ware.sku,
            "oldPrice": money(shelf.price_cents),
            "newPrice": money(new_cents),
            "currency": world.currency,
            "marginPercent": shelf.margin(new_cents),
        },
        f"{shelf.ware.title}: {reason}",
    )


def spend(
    world: World, campaign: Campaign, amount_cents: int, *, roas: Decimal, runway_days: int
) -> Proposal:
    """Spend more on a campaign."""
    return Proposal(
        company.ADS.id,
        "increase_ad_spend",
        {
            "campaignId": campaign.plan.id,
            "amount": money(amount_cents),
            "currency": world.currency,
            "cashRunwayDays": runway_days,
            "roas": roas,
        },
        f"{campaign.plan.name} returns {roas} per {world.currency}, cash lasts {runway_days} days",
    )


def reorder(world: World, shelf: Shelf, quantity: int, at: Instant) -> Proposal:
    """Buy more of a product."""
    return Proposal(
        company.STOCK.id,
        "reorder_stock",
        {
            "productId": shelf.ware.sku,
            "supplierId": shelf.supplier,
            "quantity": quantity,
            "unitCost": money(shelf.cost_cents),
            "currency": world.currency,
        },
        f"{shelf.ware.title}: {shelf.on_hand(at)} left, {shelf.cover_minutes(at)} minutes of sales",
    )


def publish(creator: Creator, shelf: Shelf, *, number: str, channel: str, words: str) -> Proposal:
    """Announce a show."""
    return Proposal(
        company.CONTENT.id,
        "publish_content",
        {
            "contentId": f"{creator.id}/{number}",
            "channel": channel,
            "title": f"{creator.name} {words} {shelf.ware.title}",
            "body": f"Live now: {shelf.ware.title} at {money(shelf.price_cents)}.",
        },
        f"{creator.name} is on air and shows {shelf.ware.title}",
    )


def batch(world: World, payees: tuple[str, ...], amount_cents: int, period: str) -> Proposal:
    """Collect what is due to all creators for a week."""
    return Proposal(
        company.CREATORS.id,
        "create_payout_batch",
        {
            "payeeIds": list(payees),
            "amount": money(amount_cents),
            "currency": world.currency,
            "period": period,
        },
        f"Commissions of {period} are due to {len(payees)} creators",
    )

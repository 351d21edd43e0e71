"""Known facts: every fact that any policy may ask for, as `facts.<name>`."""

from collections.abc import Callable
from typing import Any, Final

from commands.actions import ACTION_TYPES, SPENDING
from commands.facts.fact import Fact, Unknown, Untold
from commands.facts.tally import tallied
from commands.message import Reads
from domain.governor.fact import TODAY, Matter, Tally
from domain.governor.incident import UNRESOLVED, board_of
from domain.governor.judge import Ask
from domain.kernel.order import ORDER, Order
from domain.ports import Past

EVERYWHERE: Final = ""


def _order(_ask: Ask, matter: Matter) -> Reads:
    return ((ORDER, _order_id(matter)),)


def _order_id(matter: Matter) -> str:
    if not (order_id := matter.subjects.get("order", "")):
        raise Untold("the request names no order")
    return order_id


def _of_order(tell: Callable[[Order], object]) -> Callable[[Ask, Matter, Past], object]:
    def told(_ask: Ask, matter: Matter, past: Past) -> object:
        order: Order = past.state(ORDER, _order_id(matter))
        if not order.exists:
            raise Unknown
        return tell(order)

    return told


def _customer(order: Order) -> str:
    if not order.customer_id:
        raise Unknown
    return order.customer_id


def _boards(ask: Ask, _matter: Matter) -> Reads:
    return tuple((UNRESOLVED, board_of(unit)) for unit in (EVERYWHERE, *ask.org_path))


def _on_boards(count: Callable[[Any], int]) -> Callable[[Ask, Matter, Past], object]:
    def told(ask: Ask, matter: Matter, past: Past) -> object:
        return sum(count(past.state(stream, key)) for stream, key in _boards(ask, matter))

    return told


def _money(name: str, over: tuple[str, ...], same: str, within: str, about: str) -> Fact:
    return tallied(Tally(name=name, measure="sum", over=over, same=same, within=within), about)


def _times(name: str, over: tuple[str, ...], same: str, within: str, about: str) -> Fact:
    return tallied(Tally(name=name, measure="count", over=over, same=same, within=within), about)


_REFUND: Final = ("process_refund",)
_EVERY: Final = tuple(ACTION_TYPES)
_ACCOUNT_CHANGE: Final = Tally(
    name="hoursSinceAccountChange", measure="hours_since", over=("change_payee_account",),
    same="payee", within="7d",
)  # fmt: skip

_FACTS: Final = (
    _money("refunds24hCustomer", _REFUND, "customer", "24h",
           "money refunded to the customer in 24 hours, this refund included"),
    _money("refunds24hAgent", _REFUND, "agent", "24h",
           "money refunded by the agent in 24 hours, this refund included"),
    _money("refunds24hOrgUnit", _REFUND, "org_unit", "24h",
           "money refunded by the org unit in 24 hours, this refund included"),
    _times("refundCount24hCustomer", _REFUND, "customer", "24h",
           "refunds to the customer in 24 hours, this one included"),
    _money("spendTodayAgent", SPENDING, "agent", TODAY,
           "money that the agent has had leave the business today, this request included"),
    _money("spendTodayOrgUnit", SPENDING, "org_unit", TODAY,
           "money that left the org unit and those below it today, this request included"),
    _money("spendTodayBusiness", SPENDING, "business", TODAY,
           "money that left the business today, this request included"),
    _times("actions1hAgent", _EVERY, "agent", "1h",
           "actions of the agent that were authorized within an hour, this one included"),
    _times("priceChanges1hProduct", ("update_price",), "product", "1h",
           "changes of the product's price within an hour, this one included"),
    tallied(_ACCOUNT_CHANGE,
            "hours since the payee's account was changed; missing if it was not within 7 days"),
    Fact(name="orderAmount", unit="money", reads=_order, may_be_missing=True,
         tell=_of_order(lambda o: o.amount),
         about="what the order came to; missing if there is no such order"),
    Fact(name="orderRefunded", unit="money", reads=_order, may_be_missing=True,
         tell=_of_order(lambda o: o.refunded),
         about="how much of the order was paid back already"),
    Fact(name="orderCustomer", unit="text", reads=_order, may_be_missing=True,
         tell=_of_order(_customer),
         about="who placed the order", corrects={"process_refund": "customerId"}),
    Fact(name="openIncidents", unit="count", reads=_boards,
         tell=_on_boards(lambda board: len(board.severities)),
         about="unresolved incidents of the org unit, of those above it, and of the business"),
    Fact(name="criticalIncidents", unit="count", reads=_boards,
         tell=_on_boards(lambda board: board.critical),
         about="those of them that are critical"),
)  # fmt: skip

FACTS: Final = {fact.name: fact for fact in _FACTS}

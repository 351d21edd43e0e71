"""Tallies: how often, how much, how long since, over what was lately authorized.

Tally ──► Fact        count and sum include the request itself, hours_since does not
"""

from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from typing import Final

from commands.facts.fact import Fact, Unknown, Untold, key_of
from commands.kernel.business_clock import zone
from commands.message import Reads
from domain.core.instant import HOUR, Instant, instant, moment
from domain.governor.fact import TODAY, Matter, Tally, window
from domain.governor.judge import Ask
from domain.kernel.commitment import COMMITMENT, Commitments
from domain.ports import Past

_HOURS: Final = Decimal("0.000001")


def tallied(tally: Tally, about: str = "") -> Fact:
    """Return a tally as a fact."""

    def reads(ask: Ask, matter: Matter) -> Reads:
        return ((COMMITMENT, key_of(tally.same, ask, matter)),)

    def tell(ask: Ask, matter: Matter, past: Past) -> object:
        history: Commitments = past.state(COMMITMENT, key_of(tally.same, ask, matter))
        return _MEASURES[tally.measure](tally, history, ask, matter)

    unit = {"sum": "money", "count": "count"}.get(tally.measure, "hours")
    return Fact(
        name=tally.name,
        about=about,
        unit=unit,
        reads=reads,
        tell=tell,
        may_be_missing=tally.measure == "hours_since",
    )


def _since(tally: Tally, matter: Matter) -> Instant:
    if tally.within != TODAY:
        length = window(tally.within)
        if length is None:
            raise Untold(f"{tally.within!r} is not a window")
        return matter.at - length
    local = moment(matter.at).astimezone(zone(matter.timezone))
    return instant(datetime.combine(local.date(), time.min, local.tzinfo))


def _count(tally: Tally, history: Commitments, ask: Ask, matter: Matter) -> int:
    own = 1 if ask.action in tally.over else 0
    return history.count(tally.over, since=_since(tally, matter)) + own


def _sum(tally: Tally, history: Commitments, ask: Ask, matter: Matter) -> Decimal:
    if not matter.currency:
        raise Untold(f"{ask.action} says no currency")
    before = history.total(tally.over, matter.currency, since=_since(tally, matter))
    if ask.action not in tally.over:
        return before
    if matter.amount is None:
        raise Untold(f"{ask.action} is no matter of money")
    return before + matter.amount


def _hours_since(tally: Tally, history: Commitments, _ask: Ask, matter: Matter) -> Decimal:
    latest = history.latest(tally.over)
    if latest is None or latest < _since(tally, matter):
        raise Unknown
    return (Decimal(max(0, matter.at - latest)) / HOUR).quantize(_HOURS)


_MEASURES: Final[dict[str, Callable[[Tally, Commitments, Ask, Matter], object]]] = {
    "count": _count,
    "sum": _sum,
    "hours_since": _hours_since,
}

"""Facts: what the log says, at the position of a decision. An agent's word is only a claim.

Tally   "how much was refunded to this customer in 24 h, this refund included"
           measure of   over which actions      same whom        within which window
Standing  one fact at one decision: its value, or why it cannot be told, which denies
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from domain.core.instant import DAY, HOUR, MINUTE, Instant

MEASURES: Final = ("count", "sum", "hours_since")
TODAY: Final = "today"
WINDOW_MAX: Final = 7 * DAY
_UNITS: Final = {"m": MINUTE, "h": HOUR, "d": DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A fact over what was lately authorized. Policies declare their own under `facts`.

    `count` and `sum` count the request itself when it is one of `over`, so that a limit is a
    plain comparison. `sum` adds up the money in the currency of the request. `hours_since` is the
    time since the newest one before this request, missing where there is none within the window.
    `same` is agent, org_unit, business, or a subject of the action such as customer or product.
    `within` is a window such as 30m, 24h or 7d, or `today` on the clock of the org unit.
    """

    name: str
    measure: str
    over: tuple[str, ...]
    same: str
    within: str = "24h"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a fact says in one decision. `problem` is set where the log cannot tell."""

    name: str
    value: object = None
    problem: str = ""
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What facts are about in one decision: when, whom, and how much of which money.

    `subjects` are the things that an action concerns, by name: customer, product, payee …
    """

    at: Instant
    timezone: str = "UTC"
    subjects: Mapping[str, str] = field(default_factory=dict)
    amount: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class FactUse:
    """A fact that rules ask for. `owner` is the policy that declares it, "" for everybody's."""

    owner: str
    name: str
    tally: Tally | None = None


def window(text: str) -> Instant | None:
    """Return the length of a window in microseconds, or None where it is not one.

    >>> window("24h") == 24 * HOUR
    True
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdigit() and len(number) <= 6):
        return None
    length = int(number) * _UNITS[unit]
    return length if 0 < length <= WINDOW_MAX else None


def tally_flaw(tally: Tally) -> str:
    """Say what is wrong with a tally in one sentence, or nothing."""
    name = f"fact {tally.name}"
    if not (tally.name.isascii() and tally.name.isidentifier()):
        return f"{name}: a name is letters, digits and _, and begins with a letter"
    if tally.measure not in MEASURES:
        return f"{name}: measure {tally.measure!r} is not one of {', '.join(MEASURES)}"
    if not tally.over:
        return f"{name}: over names at least one action type"
    if tally.within != TODAY and window(tally.within) is None:
        return f"{name}: within {tally.within!r} is not such as 30m, 24h, 7d (at most) or today"
    return ""

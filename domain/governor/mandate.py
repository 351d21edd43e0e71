"""Mandate: how far a role may go alone, and who speaks for whom.

limit set      role x currency ──► so much each time, so much within 24 hours
delegated ──► withdrawn | over     a person lets another decide in their name, until an instant

A founder has no limit. Whoever has a limit in one currency may agree to no money in another: a
limit must not be walked around with a conversion. Delegating hands on, and never widens: the
role, the limits and the bar on one's own requests stay those of the person in whose name it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, TypeVar, assert_never, get_args

from domain.core.canonical import plain
from domain.core.event import event
from domain.core.instant import DAY, Instant
from domain.core.principal import DESK, PEOPLE, Actor, Role, may_stand_in_for
from domain.core.stream import Decision, Refusal, Stream

V = TypeVar("V")

DELEGATED_MAX: Final = 31 * DAY
DELEGATIONS_MAX: Final = 50
"""People who may speak for one person, those whose time is over included."""

WITHIN: Final = DAY
"""The window in which what a person agreed to is added up."""


@event("mandate.limit_set")
class LimitSet:
    """How much money a role may agree to; null is no limit, null twice takes the limit away."""

    role: str
    currency: str
    each: Decimal | None
    per_day: Decimal | None
    by: str
    reason: str


@event("mandate.delegated")
class Delegated:
    """A person lets another decide in their name; both by user id."""

    delegator: str
    delegate: str
    until: Instant
    by: str
    reason: str


@event("mandate.withdrawn")
class Withdrawn:
    """Somebody does not decide in another's name any more."""

    delegator: str
    delegate: str
    by: str
    reason: str


MandateEvent = LimitSet | Delegated | Withdrawn


@dataclass(frozen=True, slots=True)
class Limit:
    """How much money somebody may agree to, each time and within 24 hours."""

    each: Decimal | None = None
    per_day: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Mandate:
    """The limits, by role and by currency; and who is spoken for, by whom, until when."""

    limits: Mapping[str, Mapping[str, Limit]] = field(default_factory=dict)
    delegations: Mapping[str, Mapping[str, Instant]] = field(default_factory=dict)

    def limits_on(self, role: Role) -> dict[str, tuple[Limit, ...]]:
        """Return what binds a role, by currency: its own limits, and those of the roles above."""
        found: dict[str, tuple[Limit, ...]] = {}
        for name, limits in self.limits.items():
            for currency, limit in limits.items() if may_stand_in_for(Role(name), role) else ():
                found[currency] = (*found.get(currency, ()), limit)
        return found

    def limit(self, role: str, currency: str) -> Limit:
        """Return what was said about one role and one currency."""
        return self.limits.get(role, {}).get(currency, Limit())

    def until(self, delegator: str, delegate: str) -> Instant | None:
        """Return until when somebody speaks for another."""
        return self.delegations.get(delegator, {}).get(delegate)


def evolve(state: Mandate, fact: MandateEvent) -> Mandate:
    """Take one fact into account."""
    match fact:
        case LimitSet():
            limit = Limit(fact.each, fact.per_day)
            kept = None if limit == Limit() else limit
            return replace(state, limits=_with(state.limits, fact.role, fact.currency, kept))
        case Delegated():
            pair = (fact.delegator, fact.delegate)
            return replace(state, delegations=_with(state.delegations, *pair, fact.until))
        case Withdrawn():
            pair = (fact.delegator, fact.delegate)
            return replace(state, delegations=_with(state.delegations, *pair, None))
        case _:
            assert_never(fact)


def _with(
    table: Mapping[str, Mapping[str, V]], row: str, column: str, value: V | None
) -> dict[str, Mapping[str, V]]:
    """Return a table with one more cell, or without it; no row is empty."""
    cells = {name: each for name, each in table.get(row, {}).items() if name != column}
    if value is not None:
        cells[column] = value
    others = {name: each for name, each in table.items() if name != row}
    return {**others, row: cells} if cells else others


MANDATE: Final = Stream(
    category="mandate",
    initial=Mandate(),
    evolve=evolve,
    events=get_args(MandateEvent),
    remembered=True,
)


def set_limit(
    state: Mandate,
    *,
    role: str,
    currency: str,
    each: Decimal | None,
    per_day: Decimal | None,
    by: str,
    reason: str,
) -> Decision[MandateEvent]:
    """Say how much money a role may agree to without somebody higher."""
    if role not in {each_role.value for each_role in DESK - {Role.FOUNDER}}:
        return Refusal("role_unlimited", f"{role} is not a role with limits: operator, admin")
    if state.limit(role, currency) == Limit(each, per_day):
        return ()
    return (
        LimitSet(role=role, currency=currency, each=each, per_day=per_day, by=by, reason=reason),
    )


def beyond(
    state: Mandate, *, role: Role, currency: str, amount: Decimal, used: Decimal
) -> Refusal | None:
    """Say why somebody may not agree to so much money, or nothing if they may.

    `used` is what they have agreed to within the last 24 hours.
    """
    limits = state.limits_on(role) if role is not Role.FOUNDER else {}
    if not limits or not amount:
        return None
    if currency not in limits:
        known = ", ".join(sorted(limits))
        return _above(role, f"may agree to money in {known}, not in {currency or 'no currency'}")
    for limit in limits[currency]:
        if limit.each is not None and amount > limit.each:
            told = f"{plain(limit.each)} {currency} each time, this is {plain(amount)}"
            return _above(role, f"may agree to {told}")
        if limit.per_day is not None and used + amount > limit.per_day:
            told = f"{plain(limit.per_day)} {currency} in 24 hours"
            return _above(role, f"may agree to {told}: with this it were {plain(used + amount)}")
    return None


def _above(role: Role, because: str) -> Refusal:
    return Refusal("above_limit", f"the role {role.value} {because}. It waits for somebody higher")


def delegate(
    state: Mandate,
    *,
    by: Actor,
    delegate_id: str,
    delegate_role: Role | None,
    until: Instant,
    reason: str,
    at: Instant,
) -> Decision[MandateEvent]:
    """Let another person decide in one's own name for a while."""
    if delegate_role not in PEOPLE:
        return Refusal("delegate_unknown", f"no person is called {delegate_id}")
    if delegate_id == by.id:
        return Refusal("delegate_self", "nobody delegates to themselves")
    if not at < until <= at + DELEGATED_MAX:
        days = DELEGATED_MAX // DAY
        return Refusal("until_unfit", f"a delegation ends in the future, within {days} days")
    if state.until(by.id, delegate_id) == until:
        return ()
    if len(state.delegations.get(by.id, ())) >= DELEGATIONS_MAX:
        return Refusal("too_many_delegations", "withdraw some that are over first")
    return (
        Delegated(delegator=by.id, delegate=delegate_id, until=until, by=str(by), reason=reason),
    )


def withdraw(
    state: Mandate, *, delegator: str, delegate_id: str, by: Actor, reason: str
) -> Decision[MandateEvent]:
    """End a delegation: whoever made it, or a founder or an admin for them."""
    if by.id != delegator and by.role not in (Role.FOUNDER, Role.ADMIN):
        return Refusal("not_yours", f"only {delegator}, an admin or a founder may end this")
    if state.until(delegator, delegate_id) is None:
        return ()
    return (Withdrawn(delegator=delegator, delegate=delegate_id, by=str(by), reason=reason),)


def objection_to_standing_in(
    state: Mandate, *, delegator: str, delegate_id: str, at: Instant
) -> Refusal | None:
    """Say why a person may not decide in another's name; what was delegated goes no further."""
    until = state.until(delegator, delegate_id)
    if until is None:
        return Refusal("not_delegated", f"{delegator} has not let {delegate_id} decide for them")
    if at >= until:
        return Refusal("delegation_over", f"{delegate_id} may not decide for {delegator} any more")
    return None

"""How far a role may go alone, and who speaks for whom."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.core.instant import DAY
from domain.core.principal import Role
from domain.core.stream import Refusal
from domain.governor.authority import AUTHORITY, AuthorityExercised
from domain.governor.mandate import (
    DELEGATED_MAX,
    DELEGATIONS_MAX,
    MANDATE,
    Delegated,
    LimitSet,
    Mandate,
    Withdrawn,
    beyond,
    delegate,
    objection_to_standing_in,
    set_limit,
    withdraw,
)
from tests.examples import FOUNDER, GRACE, NOON, OLGA, VERA
from tests.spec import spec

given = spec(MANDATE)

LIMIT = LimitSet(
    role="admin",
    currency="USD",
    each=Decimal(500),
    per_day=Decimal(1_000),
    by="user:founder",
    reason="new here",
)
OPERATORS = replace(LIMIT, role="operator", each=Decimal(5_000), per_day=None)
UNTIL = NOON + DAY
DELEGATED = Delegated(
    delegator="grace", delegate="vera", until=UNTIL, by="user:grace", reason="holidays"
)
LET: dict[str, Any] = {
    "by": GRACE,
    "delegate_id": "vera",
    "delegate_role": Role.VIEWER,
    "until": UNTIL,
    "reason": "holidays",
    "at": NOON,
}
SET: dict[str, Any] = {
    "role": "admin",
    "currency": "USD",
    "each": Decimal(500),
    "per_day": Decimal(1_000),
    "by": "user:founder",
    "reason": "new here",
}


def test_a_limit_is_set_once_changed_and_taken_away() -> None:
    given().when(set_limit, **SET).then(LIMIT)
    given(LIMIT).when(set_limit, **SET).then_nothing()
    free = {**SET, "each": None, "per_day": None}
    gone = replace(LIMIT, each=None, per_day=None)
    given(LIMIT).when(set_limit, **free).then(gone)
    assert MANDATE.fold((LIMIT, gone)) == Mandate()
    given().when(set_limit, **free).then_nothing()


def test_a_founder_has_no_limit() -> None:
    given().when(set_limit, **{**SET, "role": "founder"}).then_refused("role_unlimited")
    state = MANDATE.fold((LIMIT,))
    huge = Decimal(10) ** 9
    assert beyond(state, role=Role.FOUNDER, currency="USD", amount=huge, used=huge) is None


@pytest.mark.parametrize(
    ("role", "currency", "amount", "used", "fits"),
    [
        (Role.ADMIN, "USD", "500", "500", True),
        (Role.ADMIN, "USD", "500.01", "0", False),
        (Role.ADMIN, "USD", "500", "500.01", False),
        (Role.ADMIN, "EUR", "1", "0", False),
        (Role.ADMIN, "", "1", "0", False),
        (Role.OPERATOR, "USD", "500", "0", True),
        (Role.OPERATOR, "USD", "501", "0", False),
    ],
)
def test_limits_hold_each_time_and_within_a_day(
    role: Role, currency: str, amount: str, used: str, fits: bool
) -> None:
    """An operator is bound by the limit of admins, too, and no currency is a way around."""
    state = MANDATE.fold((LIMIT, OPERATORS))
    answer = beyond(state, role=role, currency=currency, amount=Decimal(amount), used=Decimal(used))
    assert (answer is None) is fits
    if isinstance(answer, Refusal):
        assert answer.code == "above_limit"
        assert "somebody higher" in answer.because


def test_without_a_limit_everything_fits() -> None:
    amount = Decimal(10) ** 9
    assert beyond(Mandate(), role=Role.ADMIN, currency="USD", amount=amount, used=amount) is None
    operators = MANDATE.fold((OPERATORS,))
    assert beyond(operators, role=Role.ADMIN, currency="USD", amount=amount, used=amount) is None


def test_somebody_at_the_desk_lets_another_person_decide() -> None:
    given().when(delegate, **LET).then(DELEGATED)
    given(DELEGATED).when(delegate, **LET).then_nothing()
    longest = {**LET, "until": NOON + DELEGATED_MAX}
    given().when(delegate, **longest).then(replace(DELEGATED, until=NOON + DELEGATED_MAX))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"delegate_role": None}, "delegate_unknown"),
        ({"delegate_role": Role.AGENT}, "delegate_unknown"),
        ({"delegate_id": "grace"}, "delegate_self"),
        ({"until": NOON}, "until_unfit"),
        ({"until": NOON + DELEGATED_MAX + 1}, "until_unfit"),
    ],
)
def test_not_everybody_and_not_for_ever(change: dict[str, Any], code: str) -> None:
    given().when(delegate, **{**LET, **change}).then_refused(code)


def test_there_is_an_end_to_delegations() -> None:
    many = [replace(DELEGATED, delegate=f"v{n}") for n in range(DELEGATIONS_MAX)]
    given(*many).when(delegate, **LET).then_refused("too_many_delegations")


def test_a_delegation_is_withdrawn_by_whoever_made_it_or_stands_above() -> None:
    told = {"delegator": "grace", "delegate_id": "vera", "reason": "back"}
    for by in (GRACE, FOUNDER):
        gone = Withdrawn(delegator="grace", delegate="vera", by=str(by), reason="back")
        given(DELEGATED).when(withdraw, by=by, **told).then(gone)
        given(DELEGATED, gone).when(withdraw, by=by, **told).then_nothing()
    for by in (OLGA, VERA):
        given(DELEGATED).when(withdraw, by=by, **told).then_refused("not_yours")


def test_a_delegation_holds_until_its_end_and_goes_no_further() -> None:
    onward = replace(DELEGATED, delegator="vera", delegate="olga", by="user:vera")
    state = MANDATE.fold((DELEGATED, onward))

    def objection(delegator: str, delegate_id: str, at: int = NOON) -> str:
        found = objection_to_standing_in(state, delegator=delegator, delegate_id=delegate_id, at=at)
        return found.code if found is not None else ""

    assert objection("grace", "vera") == objection("grace", "vera", UNTIL - 1) == ""
    assert objection("grace", "vera", UNTIL) == "delegation_over"
    assert objection("grace", "olga") == objection("vera", "grace") == "not_delegated"


# ── what was used ──

USED: Final = AuthorityExercised(
    approval_id="a", user_id="grace", amount=Decimal("10.50"), currency="USD", at=NOON
)


def test_what_was_agreed_to_is_added_up_within_a_window_by_currency() -> None:
    later = replace(USED, at=NOON + DAY)
    euro = replace(USED, currency="EUR")
    state = AUTHORITY.fold((USED, euro, later))
    assert state.used("USD", since=NOON) == Decimal(21)
    assert state.used("USD", since=NOON + 1) == Decimal("10.50")
    assert state.used("EUR", since=NOON) == Decimal("10.50")
    assert state.used("GBP", since=NOON) == 0


def test_what_is_too_old_to_be_asked_for_is_forgotten() -> None:
    state = AUTHORITY.fold((USED, replace(USED, at=NOON + 3 * DAY)))
    assert len(state.exercised) == 1

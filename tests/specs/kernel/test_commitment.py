"""What is counted of what was authorized, and for how long."""

import random
from decimal import Decimal

import pytest

from domain.core.instant import DAY, HOUR, MINUTE
from domain.kernel.commitment import (
    BLOCK_ENTRIES,
    COMMITMENT,
    KEPT,
    RESERVATION,
    CommitmentEvent,
    CommitmentMade,
    Commitments,
    release,
)
from tests.examples import NOON

REFUND = ("process_refund",)


def made(n: int, at: int, amount: str | None = "10", **more: str) -> CommitmentMade:
    return CommitmentMade(
        action_id=f"a{n}",
        action_type=more.get("action_type", "process_refund"),
        amount=None if amount is None else Decimal(amount),
        currency=more.get("currency", "USD"),
        at=at,
        keys=("agent:support",),
    )


def fold(*facts: CommitmentEvent) -> Commitments:
    return COMMITMENT.fold(facts)


def test_a_window_counts_what_is_inside_it_and_its_edge() -> None:
    state = fold(made(1, NOON - DAY), made(2, NOON - DAY + 1), made(3, NOON))
    assert state.count(REFUND, since=NOON - DAY) == 3
    assert state.count(REFUND, since=NOON - DAY + 1) == 2
    assert state.total(REFUND, "USD", since=NOON - DAY + 1) == 20


def test_what_is_released_is_not_counted_any_more() -> None:
    first, second = made(1, NOON), made(2, NOON, "7.50")
    state = fold(first, second, release(first))
    assert state.count(REFUND, since=0) == 1
    assert state.total(REFUND, "USD", since=0) == Decimal("7.50")


def test_what_is_released_leaves_the_window_with_what_it_took_back() -> None:
    old, new = made(1, NOON - DAY), made(2, NOON)
    state = fold(old, new, release(old))
    for since in (0, NOON - DAY, NOON - DAY + 1, NOON):
        assert state.count(REFUND, since=since) == 1


def test_currencies_and_action_types_are_counted_apart() -> None:
    state = fold(
        made(1, NOON), made(2, NOON, currency="EUR"), made(3, NOON, action_type="update_price")
    )
    assert state.total(REFUND, "USD", since=0) == 10
    assert state.total(REFUND, "EUR", since=0) == 10
    assert state.total(REFUND, "GBP", since=0) == 0
    assert state.count(("process_refund", "update_price"), since=0) == 3


def test_the_latest_is_the_newest_that_was_not_taken_back() -> None:
    first, second = made(1, NOON), made(2, NOON + HOUR)
    assert fold().latest(REFUND) is None
    assert fold(first, second).latest(REFUND) == NOON + HOUR
    assert fold(first, second, release(second)).latest(REFUND) == NOON
    assert fold(first, release(first)).latest(REFUND) is None


def test_a_clock_that_went_back_hides_nothing() -> None:
    state = fold(made(1, NOON + HOUR), made(2, NOON))
    assert state.count(REFUND, since=NOON - MINUTE) == 2
    assert state.count(REFUND, since=NOON + MINUTE) == 1


def test_what_is_too_old_to_be_asked_for_is_forgotten() -> None:
    facts = [made(n, NOON + n * HOUR) for n in range(3 * BLOCK_ENTRIES)]
    state = fold(*facts)
    kept = sum(len(block.entries) for block in state.by_type["process_refund"])
    assert kept <= KEPT // HOUR + 2 * BLOCK_ENTRIES
    newest = facts[-1].at
    assert state.count(REFUND, since=newest - 7 * DAY) == 7 * 24 + 1


@pytest.mark.parametrize("seed", range(5))
def test_blocks_count_as_one_list_would(seed: int) -> None:
    dice = random.Random(seed)
    facts: list[CommitmentEvent] = []
    for n in range(1_000):
        at = NOON + n * MINUTE + dice.randint(-HOUR, HOUR)
        facts.append(made(n, at, str(dice.randint(1, 500)), currency=dice.choice(("USD", "EUR"))))
        if dice.random() < 0.1:
            taken = dice.choice([each for each in facts if isinstance(each, CommitmentMade)])
            if not any(each == release(taken) for each in facts):
                facts.append(release(taken))
    state = fold(*facts)
    for _ in range(50):
        since = NOON + dice.randint(-2 * HOUR, 1_100 * MINUTE)
        inside = [each for each in facts if each.at >= since]
        signs = [1 if isinstance(each, CommitmentMade) else -1 for each in inside]
        assert state.count(REFUND, since=since) == sum(signs)
        money = sum(
            sign * (each.amount or 0)
            for sign, each in zip(signs, inside, strict=True)
            if each.currency == "USD"
        )
        assert state.total(REFUND, "USD", since=since) == money


def test_a_reservation_is_what_is_still_promised() -> None:
    first = made(1, NOON)
    assert RESERVATION.fold([first]) == (first,)
    assert RESERVATION.fold([first, release(first)]) == ()

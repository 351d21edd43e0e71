"""How long a secret stands for somebody."""

from dataclasses import replace

import pytest

from domain.access.token import (
    LIFETIME_MAX,
    TOKEN,
    TokenEvent,
    TokenIssued,
    TokenRevoked,
    TokenUsedUp,
    issue,
    objection,
    revoke,
    use_up,
)
from domain.core.instant import HOUR, MINUTE
from tests.spec import spec

given = spec(TOKEN)

NOW = 1_896_000_000_000_000
ISSUED = TokenIssued(
    token_id="t1",
    kind="api",
    holder="agent:support",
    secret_hash="0" * 64,
    expires_at=NOW + HOUR,
    by="user:founder",
)
LINK = replace(ISSUED, kind="link", holder="user:grace")
REVOKED = TokenRevoked(token_id="t1", by="user:founder")
USED_UP = TokenUsedUp(token_id="t1")


def test_a_token_is_issued() -> None:
    given().when(issue, token=ISSUED, at=NOW).then(ISSUED)


def test_issuing_the_same_token_twice_is_issuing_it_once() -> None:
    given(ISSUED).when(issue, token=ISSUED, at=NOW).then_nothing()


def test_a_token_id_stands_for_one_secret() -> None:
    other = replace(ISSUED, secret_hash="1" * 64)
    given(ISSUED).when(issue, token=other, at=NOW).then_refused("token_exists")


def test_a_token_is_of_a_known_kind() -> None:
    given().when(issue, token=replace(ISSUED, kind="skeleton key"), at=NOW).then_refused(
        "kind_unknown"
    )


@pytest.mark.parametrize("kind", LIFETIME_MAX)
def test_a_token_may_live_as_long_as_its_kind(kind: str) -> None:
    longest = replace(ISSUED, kind=kind, expires_at=NOW + LIFETIME_MAX[kind])
    given().when(issue, token=longest, at=NOW).then(longest)


@pytest.mark.parametrize("kind", LIFETIME_MAX)
def test_a_token_lives_no_longer_than_its_kind(kind: str) -> None:
    longer = replace(ISSUED, kind=kind, expires_at=NOW + LIFETIME_MAX[kind] + 1)
    given().when(issue, token=longer, at=NOW).then_refused("lifetime_wrong")


@pytest.mark.parametrize("late", [0, MINUTE])
def test_a_token_is_not_born_dead(late: int) -> None:
    given().when(issue, token=replace(ISSUED, expires_at=NOW), at=NOW + late).then_refused(
        "lifetime_wrong"
    )


def test_a_token_is_revoked() -> None:
    given(ISSUED).when(revoke, token_id="t1", by="user:founder").then(REVOKED)


@pytest.mark.parametrize("end", [REVOKED, USED_UP], ids=["revoked", "used up"])
def test_revoking_what_opens_nothing_changes_nothing(end: TokenEvent) -> None:
    given(LINK, end).when(revoke, token_id="t1", by="user:grace").then_nothing()


def test_an_unknown_token_cannot_be_revoked() -> None:
    given().when(revoke, token_id="t1", by="user:founder").then_refused("token_unknown")


def test_a_link_signs_in() -> None:
    given(LINK).when(use_up, token_id="t1", at=NOW).then(USED_UP)


def test_a_link_signs_in_once() -> None:
    given(LINK, USED_UP).when(use_up, token_id="t1", at=NOW).then_refused("link_dead")


def test_a_link_that_was_revoked_does_not_sign_in() -> None:
    given(LINK, REVOKED).when(use_up, token_id="t1", at=NOW).then_refused("link_dead")


def test_a_link_signs_in_until_the_moment_it_expires() -> None:
    given(LINK).when(use_up, token_id="t1", at=LINK.expires_at - 1).then(USED_UP)
    given(LINK).when(use_up, token_id="t1", at=LINK.expires_at).then_refused("link_dead")


def test_an_unknown_link_does_not_sign_in() -> None:
    given().when(use_up, token_id="t1", at=NOW).then_refused("link_dead")


def test_a_token_for_machines_does_not_sign_in() -> None:
    given(ISSUED).when(use_up, token_id="t1", at=NOW).then_refused("not_a_link")


@pytest.mark.parametrize(
    ("history", "at", "why"),
    [
        ((), NOW, "unknown"),
        ((ISSUED, REVOKED), NOW, "revoked"),
        ((LINK, USED_UP), NOW, "revoked"),
        ((ISSUED,), ISSUED.expires_at, "expired"),
    ],
)
def test_a_dead_token_says_why(history: tuple[TokenEvent, ...], at: int, why: str) -> None:
    assert why in objection(TOKEN.fold(history), at=at)


def test_a_live_token_has_nothing_against_it() -> None:
    assert objection(TOKEN.fold([ISSUED]), at=ISSUED.expires_at - 1) == ""

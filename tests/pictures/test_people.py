"""Users and tokens: who works here, and which secrets open the door; never the secrets."""

from typing import Any, Final

import pytest

from domain.access.token import TokenIssued, TokenRevoked, TokenUsedUp
from domain.access.user import UserAdded, UserRemoved, UserRoleChanged
from domain.core.instant import DAY
from projections.people import TOKENS, USERS
from tests.picture import START, changed, columns, given, stamps

ADDED: Final = UserAdded(user_id="ada", name="Ada", role="operator")
PROMOTED: Final = UserRoleChanged(user_id="ada", role="admin", by="user:founder")
REMOVED: Final = UserRemoved(user_id="ada", by="user:founder")
ISSUED: Final = TokenIssued(
    token_id="t1",
    kind="api",
    holder="user:ada",
    secret_hash="5e" * 32,
    expires_at=START + DAY,
    by="user:founder",
)

ADA: Final[dict[str, Any]] = {"id": "ada", "name": "Ada", "role": "operator", "status": "active"}
T1: Final[dict[str, Any]] = {
    "id": "t1",
    "kind": "api",
    "holder": "user:ada",
    "status": "active",
    "expires_at": START + DAY,
    "issued_by": "user:founder",
}


def test_a_person_is_added_promoted_and_removed() -> None:
    assert given(ADDED).row(USERS, "ada") == ADA | stamps(updated=1)
    promoted = changed(ADA, role="admin")
    assert given(ADDED, PROMOTED).row(USERS, "ada") == promoted | stamps(updated=2)
    removed = changed(promoted, status="removed", **stamps(updated=3))
    assert given(ADDED, PROMOTED, REMOVED).row(USERS, "ada") == removed


def test_whoever_comes_back_is_the_same_row_with_the_new_role() -> None:
    again = UserAdded(user_id="ada", name="Ada L.", role="viewer")
    row = given(ADDED, REMOVED, again).row(USERS, "ada")
    assert row == changed(ADA, name="Ada L.", role="viewer", **stamps(updated=3))


def test_a_token_is_a_row_without_its_secret() -> None:
    assert given(ISSUED).row(TOKENS, "t1") == T1 | stamps(updated=1)
    assert not [name for name in columns(TOKENS) if "secret" in name or "hash" in name]


@pytest.mark.parametrize(
    "end", [TokenRevoked(token_id="t1", by="user:ada"), TokenUsedUp(token_id="t1")]
)
def test_a_token_that_opens_nothing_any_more_says_so(end: object) -> None:
    row = given(ISSUED, end).row(TOKENS, "t1")
    assert row == changed(T1, status="revoked", **stamps(updated=2))


@pytest.mark.parametrize(("view", "fact"), [(USERS, REMOVED), (TOKENS, TokenUsedUp(token_id="t1"))])
def test_a_fact_about_a_stranger_is_a_bug_and_not_a_row(view: Any, fact: object) -> None:
    with pytest.raises(AssertionError, match="nobody"):
        given(fact).rows(view)

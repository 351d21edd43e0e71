"""What a person may become here."""

import pytest

from domain.access.user import (
    FOUNDER,
    USER,
    UserAdded,
    UserRemoved,
    UserRoleChanged,
    add,
    change_role,
    remove,
)
from domain.core.principal import Role
from tests.spec import spec

given = spec(USER)

ADDED = UserAdded(user_id="olga", name="Olga", role="operator")
PROMOTED = UserRoleChanged(user_id="olga", role="admin", by="user:founder")
REMOVED = UserRemoved(user_id="olga", by="user:founder")
THE_FOUNDER = UserAdded(user_id=FOUNDER, name="Founder", role="founder")


def test_a_person_is_added() -> None:
    given().when(add, user_id="olga", name="Olga", role="operator").then(ADDED)


def test_a_person_is_added_once() -> None:
    given(ADDED).when(add, user_id="olga", name="Olga", role="operator").then_refused("user_exists")


def test_a_person_who_left_may_come_back() -> None:
    given(ADDED, REMOVED).when(add, user_id="olga", name="Olga", role="operator").then(ADDED)


@pytest.mark.parametrize("role", ["agent", "service", "emperor", ""])
def test_a_person_has_a_role_of_people(role: str) -> None:
    given().when(add, user_id="olga", name="Olga", role=role).then_refused("role_unknown")


def test_a_person_gets_another_role() -> None:
    given(ADDED).when(change_role, user_id="olga", role="admin", by="user:founder").then(PROMOTED)


def test_the_same_role_again_changes_nothing() -> None:
    given(ADDED, PROMOTED).when(
        change_role, user_id="olga", role="admin", by="user:founder"
    ).then_nothing()


def test_a_stranger_has_no_role_to_change() -> None:
    given().when(change_role, user_id="olga", role="admin", by="user:founder").then_refused(
        "user_unknown"
    )


def test_a_person_never_becomes_a_machine() -> None:
    given(ADDED).when(change_role, user_id="olga", role="agent", by="user:founder").then_refused(
        "role_unknown"
    )


def test_the_founder_is_not_demoted() -> None:
    given(THE_FOUNDER).when(
        change_role, user_id=FOUNDER, role="viewer", by="user:founder"
    ).then_refused("last_founder")


def test_a_person_is_removed() -> None:
    given(ADDED).when(remove, user_id="olga", by="user:founder").then(REMOVED)


def test_nobody_is_removed_twice() -> None:
    given(ADDED, REMOVED).when(remove, user_id="olga", by="user:founder").then_refused(
        "user_unknown"
    )


def test_the_founder_is_not_removed() -> None:
    given(THE_FOUNDER).when(remove, user_id=FOUNDER, by="user:founder").then_refused("last_founder")


def test_the_newest_role_counts_until_somebody_leaves() -> None:
    assert USER.fold([ADDED]).role is Role.OPERATOR
    assert USER.fold([ADDED, PROMOTED]).role is Role.ADMIN
    assert USER.fold([ADDED, PROMOTED, REMOVED]).role is None

"""Kill switches: what is stopped, by whom and why; what was released stays as history."""

from typing import Any, Final

import pytest

from domain.governor.law import KillSwitchEngaged, KillSwitchReleased
from projections.kill_switches import KILL_SWITCHES
from tests.picture import at, changed, given, stamps

ENGAGED: Final = KillSwitchEngaged(
    org_unit_id="*", engagement_id="kill-1", by="user:ada", reason="odd refunds"
)
RELEASED: Final = KillSwitchReleased(
    org_unit_id="*", engagement_id="kill-1", by="user:founder", reason="explained"
)
AGAIN: Final = KillSwitchEngaged(
    org_unit_id="*", engagement_id="kill-2", by="user:bob", reason="odd again"
)

NEW: Final[dict[str, Any]] = {
    "id": "kill-1",
    "org_unit_id": "*",
    "status": "engaged",
    "engaged_by": "user:ada",
    "engaged_at": at(1),
    "engaged_position": 1,
    "reason": "odd refunds",
    "released_by": None,
    "released_at": None,
    "release_reason": None,
}
OVER: Final = {
    "status": "released",
    "released_by": "user:founder",
    "released_at": at(2),
    "release_reason": "explained",
}


def test_a_stop_says_who_when_and_why() -> None:
    assert given(ENGAGED).row(KILL_SWITCHES, "kill-1") == NEW | stamps(updated=1)


def test_a_release_is_told_beside_the_stop() -> None:
    row = given(ENGAGED, RELEASED).row(KILL_SWITCHES, "kill-1")
    assert row == NEW | OVER | stamps(updated=2)


def test_the_next_stop_is_another_row() -> None:
    rows = given(ENGAGED, RELEASED, AGAIN).rows(KILL_SWITCHES)
    assert rows["kill-1"] == NEW | OVER | stamps(updated=2)
    assert rows["kill-2"] == changed(
        NEW,
        id="kill-2",
        engaged_by="user:bob",
        engaged_at=at(3),
        engaged_position=3,
        reason="odd again",
        **stamps(created=3, updated=3),
    )


def test_a_release_of_what_was_never_engaged_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match="never engaged"):
        given(RELEASED).rows(KILL_SWITCHES)

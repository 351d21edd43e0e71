"""Kill switches: what is stopped, by whom and why. Rows of switches released stay as history."""

from typing import Any, Final

from domain.governor.law import KillSwitchEngaged, KillSwitchReleased
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View, one_key

COLUMNS: Final = (
    Column("id"),
    Column("org_unit_id", indexed=True),
    Column("status", indexed=True),
    Column("engaged_by"),
    Column("engaged_at", Kind.INSTANT),
    Column("engaged_position", Kind.INTEGER),
    Column("reason"),
    Column("released_by"),
    Column("released_at", Kind.INSTANT),
    Column("release_reason"),
)


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw one engagement of a kill switch."""
    match recorded.fact:
        case KillSwitchEngaged() as fact:
            return {
                "id": fact.engagement_id,
                "org_unit_id": fact.org_unit_id,
                "status": "engaged",
                "engaged_by": fact.by,
                "engaged_at": recorded.occurred_at,
                "engaged_position": recorded.position,
                "reason": fact.reason,
                "released_by": None,
                "released_at": None,
                "release_reason": None,
            }
        case KillSwitchReleased() as fact:
            assert row is not None, "a release of what was never engaged"
            return {
                **row,
                "status": "released",
                "released_by": fact.by,
                "released_at": recorded.occurred_at,
                "release_reason": fact.reason,
            }
        case _:
            return dict(row) if row else None


KILL_SWITCHES: Final = View(
    name="kill_switches",
    version=1,
    columns=COLUMNS,
    facts=(KillSwitchEngaged, KillSwitchReleased),
    keys=one_key("engagement_id"),
    draw=draw,
)

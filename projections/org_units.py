"""Org units: the parts of the business."""

from typing import Any, Final

from domain.kernel.org_unit import ORG_UNIT, OrgUnitCreated, OrgUnitDisabled
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View, one_key

COLUMNS: Final = (
    Column("id"),
    Column("name"),
    Column("type", indexed=True),
    Column("parent_id", indexed=True),
    Column("path", Kind.JSON),
    Column("settings", Kind.JSON),
    Column("status", indexed=True),
)


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw an org unit as it stands."""
    fact = recorded.fact
    if isinstance(fact, OrgUnitCreated):
        return {
            "id": fact.org_unit_id,
            "name": fact.name,
            "type": fact.type,
            "parent_id": fact.parent_id,
            "path": fact.path,
            "settings": {"timezone": fact.timezone, "currency": fact.currency},
            "status": "active",
        }
    assert row is not None, f"{recorded.type} of an org unit that nobody created"
    return {**row, "status": "disabled" if isinstance(fact, OrgUnitDisabled) else "active"}


ORG_UNITS: Final = View(
    name="org_units",
    version=1,
    columns=COLUMNS,
    facts=ORG_UNIT.events,
    keys=one_key("org_unit_id"),
    draw=draw,
)

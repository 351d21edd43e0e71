"""Org units: the parts of the business."""

from typing import Any, Final

import pytest

from domain.kernel.org_unit import OrgUnitCreated, OrgUnitDisabled, OrgUnitEnabled
from projections.org_units import ORG_UNITS
from tests.picture import changed, columns, given, spec, stamps

CREATED: Final = OrgUnitCreated(
    org_unit_id="commerce",
    name="Commerce",
    type="department",
    parent_id="business",
    path=("business", "commerce"),
    timezone="Europe/Berlin",
    currency="EUR",
)
DISABLED: Final = OrgUnitDisabled(org_unit_id="commerce", reason="sold")
ENABLED: Final = OrgUnitEnabled(org_unit_id="commerce")

NEW: Final[dict[str, Any]] = {
    "id": "commerce",
    "name": "Commerce",
    "type": "department",
    "parent_id": "business",
    "path": ["business", "commerce"],
    "settings": {"timezone": "Europe/Berlin", "currency": "EUR"},
    "status": "active",
}


def test_every_column_of_the_spec_exists() -> None:
    assert columns(ORG_UNITS) >= spec("id name type parent_id settings status")


def test_a_part_of_the_business_has_a_clock_and_a_currency() -> None:
    assert given(CREATED).row(ORG_UNITS, "commerce") == NEW | stamps(updated=1)


def test_it_is_disabled_and_enabled_again() -> None:
    disabled = given(CREATED, DISABLED).row(ORG_UNITS, "commerce")
    assert disabled == changed(NEW, status="disabled", **stamps(updated=2))
    enabled = given(CREATED, DISABLED, ENABLED).row(ORG_UNITS, "commerce")
    assert enabled == NEW | stamps(updated=3)


def test_a_fact_about_no_part_of_the_business_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match="nobody created"):
        given(ENABLED).rows(ORG_UNITS)

"""What an org unit may become."""

from dataclasses import replace

import pytest

from domain.core.stream import Refusal
from domain.kernel.org_unit import (
    DEPTH_MAX,
    ORG_UNIT,
    OrgUnit,
    OrgUnitCreated,
    OrgUnitDisabled,
    OrgUnitEnabled,
    create,
    disable,
    enable,
)
from tests.spec import spec

given = spec(ORG_UNIT)

SHOP = OrgUnitCreated(
    org_unit_id="business",
    name="Shop",
    type="business",
    parent_id="",
    path=("business",),
    timezone="Europe/London",
    currency="GBP",
)
EUROPE = OrgUnitCreated(
    org_unit_id="eu",
    name="Europe",
    type="department",
    parent_id="business",
    path=("business", "eu"),
    timezone="Europe/Paris",
    currency="EUR",
)
DISABLED = OrgUnitDisabled(org_unit_id="eu", reason="sold")
ENABLED = OrgUnitEnabled(org_unit_id="eu")
ROOT_STATE = ORG_UNIT.fold([SHOP])

EUROPE_ASKED = {
    "org_unit_id": "eu",
    "name": "Europe",
    "type": "department",
    "parent_id": "business",
    "timezone": "Europe/Paris",
    "currency": "EUR",
}


def test_the_business_itself_has_no_parent() -> None:
    given().when(
        create,
        None,
        org_unit_id="business",
        name="Shop",
        type="business",
        parent_id="",
        timezone="Europe/London",
        currency="GBP",
    ).then(SHOP)


def test_a_department_stands_below_its_parent() -> None:
    given().when(create, ROOT_STATE, **EUROPE_ASKED).then(EUROPE)


def test_an_org_unit_is_created_once() -> None:
    given(EUROPE).when(create, ROOT_STATE, **EUROPE_ASKED).then_refused("org_unit_exists")


def test_a_disabled_org_unit_still_has_its_name() -> None:
    given(EUROPE, DISABLED).when(create, ROOT_STATE, **EUROPE_ASKED).then_refused("org_unit_exists")


def test_an_org_unit_is_of_a_known_type() -> None:
    asked = EUROPE_ASKED | {"type": "continent"}
    given().when(create, ROOT_STATE, **asked).then_refused("type_unknown")


@pytest.mark.parametrize(
    "parent", [OrgUnit(), replace(ROOT_STATE, active=False)], ids=["unknown", "disabled"]
)
def test_a_parent_is_known_and_active(parent: OrgUnit) -> None:
    given().when(create, parent, **EUROPE_ASKED).then_refused("parent_unknown")


def test_org_units_nest_as_deep_as_the_limit() -> None:
    deep = replace(ROOT_STATE, path=tuple(f"u{n}" for n in range(DEPTH_MAX - 1)))
    given().when(create, deep, **EUROPE_ASKED).then(replace(EUROPE, path=(*deep.path, "eu")))


def test_org_units_nest_no_deeper_than_the_limit() -> None:
    deep = replace(ROOT_STATE, path=tuple(f"u{n}" for n in range(DEPTH_MAX)))
    given().when(create, deep, **EUROPE_ASKED).then_refused("too_deep")


def test_an_org_unit_is_disabled() -> None:
    given(EUROPE).when(disable, org_unit_id="eu", reason="sold").then(DISABLED)


def test_disabling_twice_is_disabling_once() -> None:
    given(EUROPE, DISABLED).when(disable, org_unit_id="eu", reason="sold").then_nothing()


def test_an_unknown_org_unit_cannot_be_disabled() -> None:
    given().when(disable, org_unit_id="eu", reason="sold").then_refused("org_unit_unknown")


def test_a_disabled_org_unit_is_enabled_again() -> None:
    given(EUROPE, DISABLED).when(enable, org_unit_id="eu").then(ENABLED)


def test_enabling_what_is_active_changes_nothing() -> None:
    given(EUROPE).when(enable, org_unit_id="eu").then_nothing()
    given(EUROPE, DISABLED, ENABLED).when(enable, org_unit_id="eu").then_nothing()


def test_an_unknown_org_unit_cannot_be_enabled() -> None:
    given().when(enable, org_unit_id="eu").then_refused("org_unit_unknown")


def test_enabling_brings_back_all_that_was_known() -> None:
    before = ORG_UNIT.fold([EUROPE])
    assert ORG_UNIT.fold([EUROPE, DISABLED, ENABLED]) == before
    assert before == OrgUnit(True, True, "Europe", ("business", "eu"), "Europe/Paris", "EUR")


def test_a_refusal_says_what_would_have_been_right() -> None:
    refusal = create(OrgUnit(), ROOT_STATE, **{**EUROPE_ASKED, "type": "continent"})
    assert isinstance(refusal, Refusal)
    assert "business, department, team" in refusal.because

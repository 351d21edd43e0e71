"""Policies: the newest version of each, and whether it is in force."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.governor.law import (
    ParameterChanged,
    PolicyActivated,
    PolicyDisabled,
    PolicyDrafted,
    PolicyShadowed,
)
from domain.governor.policy import Policy, Rule
from projections.policies import POLICIES
from tests.picture import changed, columns, given, spec, stamps

POLICY: Final = Policy(
    id="small-refunds",
    version=1,
    name="Small refunds",
    description="Only small ones.",
    rationale="Fraud.",
    scope="org_unit",
    scope_id="commerce",
    rules=(
        Rule(
            id="amount",
            condition="data.amount > params.limit",
            action="require_approval",
            message="too much",
            priority=3,
            approver_role="admin",
        ),
    ),
    parameters={"limit": Decimal("99.50"), "strict": True},
)
DRAFTED: Final = PolicyDrafted(policy=POLICY, by="user:ada")
ACTIVATED: Final = PolicyActivated(
    policy_id="small-refunds", version=1, by="user:founder", reason="agreed"
)
DISABLED: Final = PolicyDisabled(policy_id="small-refunds", by="user:founder", reason="too strict")
SECOND: Final = PolicyDrafted(policy=replace(POLICY, version=2, name="Tiny refunds"), by="user:bob")

NEW: Final[dict[str, Any]] = {
    "id": "small-refunds",
    "name": "Small refunds",
    "description": "Only small ones.",
    "rationale": "Fraud.",
    "org_unit_id": "commerce",
    "scope": "org_unit",
    "scope_id": "commerce",
    "rules": [
        {
            "id": "amount",
            "condition": "data.amount > params.limit",
            "action": "require_approval",
            "message": "too much",
            "priority": 3,
            "approver_role": "admin",
            "approvals": 1,
            "expires_hours": 24,
        }
    ],
    "shadow_version": None,
    "applies_to": [],
    "owner": "",
    "bounds": {},
    "facts": [],
    "tests": [],
    "parameters": {"limit": Decimal("99.50"), "strict": True},
    "version": 1,
    "active_version": None,
    "status": "draft",
    "created_by": "user:ada",
    "built_in": False,
}


def test_every_column_of_the_spec_exists() -> None:
    assert columns(POLICIES) >= spec(
        "id name description rationale org_unit_id scope scope_id rules parameters version"
        " created_by built_in status"
    )


def test_a_draft_binds_nobody_yet() -> None:
    assert given(DRAFTED).row(POLICIES, "small-refunds") == NEW | stamps(updated=1)


def test_only_a_policy_of_an_org_unit_belongs_to_one() -> None:
    facts = [
        PolicyDrafted(policy=replace(POLICY, id="g", scope="global", scope_id=""), by="user:ada"),
        PolicyDrafted(policy=replace(POLICY, id="a", scope="agent", scope_id="bot"), by="user:ada"),
    ]
    rows = given(*facts).rows(POLICIES)
    told = {key: (row["org_unit_id"], row["scope_id"]) for key, row in rows.items()}
    assert told == {"g": ("", ""), "a": ("", "bot")}


def test_a_policy_in_force_says_which_version() -> None:
    row = given(DRAFTED, ACTIVATED).row(POLICIES, "small-refunds")
    assert row == changed(NEW, status="active", active_version=1, **stamps(updated=2))


def test_a_new_draft_leaves_the_version_before_in_force() -> None:
    newer = {"version": 2, "name": "Tiny refunds", "created_by": "user:bob"}
    row = given(DRAFTED, ACTIVATED, SECOND).row(POLICIES, "small-refunds")
    assert row == {**NEW, **newer, "status": "active", "active_version": 1, **stamps(updated=3)}
    agreed = replace(ACTIVATED, version=2)
    row = given(DRAFTED, ACTIVATED, SECOND, agreed).row(POLICIES, "small-refunds")
    assert row == {**NEW, **newer, "status": "active", "active_version": 2, **stamps(updated=4)}


def test_a_policy_out_of_force_has_no_version_in_force() -> None:
    row = given(DRAFTED, ACTIVATED, DISABLED).row(POLICIES, "small-refunds")
    assert row == changed(NEW, status="disabled", **stamps(updated=3))


def test_a_policy_that_is_only_watched_says_which_version() -> None:
    watched = PolicyShadowed(policy_id="small-refunds", version=1, by="user:ada", reason="first")
    row = given(DRAFTED, watched).row(POLICIES, "small-refunds")
    assert row == changed(NEW, shadow_version=1, **stamps(updated=2))
    for ending in (ACTIVATED, DISABLED):
        row = given(DRAFTED, watched, ending).row(POLICIES, "small-refunds")
        assert row is not None
        assert row["shadow_version"] is None


def test_a_number_that_was_turned_is_shown() -> None:
    turned = ParameterChanged(
        policy_id="small-refunds",
        version=1,
        name="limit",
        before=Decimal("99.50"),
        after=Decimal(120),
        by="user:founder",
        reason="inflation",
        backtest="",
    )
    row = given(DRAFTED, ACTIVATED, turned).row(POLICIES, "small-refunds")
    assert row is not None
    assert row["parameters"] == {"limit": Decimal(120), "strict": True}


def test_a_policy_that_nobody_drafted_is_a_bug_and_not_a_row() -> None:
    with pytest.raises(AssertionError, match="nobody drafted"):
        given(ACTIVATED).rows(POLICIES)

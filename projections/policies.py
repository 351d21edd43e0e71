"""Policies: the newest version of each, and whether it is in force."""

from collections.abc import Iterable
from typing import Any, Final

from domain.governor.law import (
    ParameterChanged,
    PolicyActivated,
    PolicyDisabled,
    PolicyDrafted,
    PolicyShadowed,
)
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View

COLUMNS: Final = (
    Column("id"),
    Column("name"),
    Column("description"),
    Column("rationale"),
    Column("org_unit_id", indexed=True),
    Column("scope", indexed=True),
    Column("scope_id"),
    Column("rules", Kind.JSON),
    Column("parameters", Kind.JSON),
    Column("version", Kind.INTEGER),
    Column("active_version", Kind.INTEGER),
    Column("shadow_version", Kind.INTEGER),
    Column("applies_to", Kind.JSON),
    Column("owner"),
    Column("bounds", Kind.JSON),
    Column("facts", Kind.JSON),
    Column("tests", Kind.JSON),
    Column("status", indexed=True),
    Column("created_by"),
    Column("built_in", Kind.BOOLEAN),
)


def keys(recorded: Recorded) -> Iterable[str]:
    """Return the policy that an amendment is about."""
    fact = recorded.fact
    return (fact.policy.id if isinstance(fact, PolicyDrafted) else fact.policy_id,)


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw a policy as it stands; a draft beside an active version leaves that one active."""
    fact = recorded.fact
    if isinstance(fact, PolicyDrafted):
        policy = fact.policy
        return {
            "id": policy.id,
            "name": policy.name,
            "description": policy.description,
            "rationale": policy.rationale,
            "org_unit_id": policy.scope_id if policy.scope == "org_unit" else "",
            "scope": policy.scope,
            "scope_id": policy.scope_id,
            "rules": policy.rules,
            "parameters": policy.parameters,
            "version": policy.version,
            "active_version": row["active_version"] if row else None,
            "shadow_version": row["shadow_version"] if row else None,
            "applies_to": policy.applies_to,
            "owner": policy.owner,
            "bounds": policy.bounds,
            "facts": policy.facts,
            "tests": policy.cases,
            "status": row["status"] if row else "draft",
            "created_by": fact.by,
            "built_in": policy.built_in,
        }
    assert row is not None, f"{recorded.type} of a policy that nobody drafted"
    if isinstance(fact, PolicyActivated):
        return {
            **row, "status": "active", "active_version": fact.version, "shadow_version": None,
        }  # fmt: skip
    if isinstance(fact, PolicyShadowed):
        return {**row, "shadow_version": fact.version}
    if isinstance(fact, ParameterChanged):
        return {**row, "parameters": {**row["parameters"], fact.name: fact.after}}
    assert isinstance(fact, PolicyDisabled)
    return {**row, "status": "disabled", "active_version": None, "shadow_version": None}


POLICIES: Final = View(
    name="policies",
    version=1,
    columns=COLUMNS,
    facts=(PolicyDrafted, PolicyActivated, PolicyDisabled, PolicyShadowed, ParameterChanged),
    keys=keys,
    draw=draw,
)

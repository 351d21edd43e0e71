"""Policy texts: the parts of a policy as people write them down, in JSON or YAML."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt
from pydantic.alias_generators import to_camel

from commands.planning import Key, Name, Text
from domain.governor import policy


class RuleText(BaseModel):
    """One rule as it is written down."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    id: Key
    condition: Annotated[str, Field(min_length=1, max_length=4_096)]
    action: Literal["allow", "warn", "deny", "require_approval"]
    message: Text
    priority: StrictInt = 0
    approver_role: Literal["founder", "admin", "operator"] = "founder"
    approvals: Annotated[StrictInt, Field(ge=1, le=policy.APPROVALS_MAX)] = 1
    expires_hours: Annotated[StrictInt, Field(ge=1, le=policy.EXPIRES_HOURS_MAX)] = 24


class BoundsText(BaseModel):
    """What a parameter may be."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    kind: Literal["number", "integer", "boolean", "text"] = "number"
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    unit: Text = ""
    description: Text = ""


class CaseText(BaseModel):
    """One test of a policy as it is written down."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    name: Name
    action: Name
    data: dict[Name, Any]
    expect: Literal["allow", "warn", "deny", "require_approval"]
    facts: dict[Name, bool | int | Decimal | str] = Field(default_factory=dict)


class TallyText(BaseModel):
    """One fact of a policy's own as it is written down: what is counted, and within what."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    name: Name
    measure: Literal["count", "sum", "hours_since"]
    over: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)]
    same: Name
    within: Name = "24h"

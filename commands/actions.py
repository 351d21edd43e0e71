"""Action catalog: every action type, what its payload is, and what it can do to the world.

An action type that is not listed here is denied. Money is a JSON number, read exactly; a string,
a NaN, a boolean or a list where a number belongs is refused, never converted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from math import prod
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from commands.planning import Currency, Key, Text

DIGITS_MAX: Final = 18
PLACES_MAX: Final = 6
PROBLEMS_MAX: Final = 8


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a JSON number")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("must be a finite number")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if -exponent > PLACES_MAX or number.adjusted() >= DIGITS_MAX - PLACES_MAX:
        raise ValueError(f"must have at most {PLACES_MAX} decimal places and be below 10^12")
    return number


def _moment(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date and time such as 2030-01-31T09:00:00Z") from None
    return value


def _listed(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    return list(value)


Number = Annotated[Decimal, BeforeValidator(_number)]
Amount = Annotated[Number, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]
Keys = Annotated[list[Key], Field(min_length=1, max_length=500), BeforeValidator(_listed)]


class Payload(BaseModel):
    """The arguments of an action. JSON names are camelCase; unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True
    )


class ProcessRefund(Payload):
    """Give a customer money back for an order."""

    order_id: Key
    amount: Amount
    currency: Currency
    customer_id: Text = ""
    reason: Text = ""
    requested_at: Moment | None = None


class ProcessPayout(Payload):
    """Pay a creator, a supplier or a partner."""

    type: Literal["payout"] = "payout"
    payee_id: Key
    amount: Amount
    currency: Currency
    reconciled: bool = False
    risk_score: Annotated[Number, Field(ge=0, le=1)]
    reference: Text = ""


class UpdatePrice(Payload):
    """Change what a product costs. `margin_percent` is a fraction: 0.15 is 15 %."""

    product_id: Key
    new_price: Amount
    currency: Currency
    margin_percent: Annotated[Number, Field(ge=-100, le=1)]
    old_price: Annotated[Number, Field(ge=0)] | None = None


class IncreaseAdSpend(Payload):
    """Spend more on a campaign. `roas` is revenue per unit of ad spend."""

    campaign_id: Key
    amount: Amount
    currency: Currency
    cash_runway_days: Annotated[Number, Field(ge=0)]
    roas: Annotated[Number, Field(ge=0)]


class CreatePayoutBatch(Payload):
    """Collect what is due to several payees; each payout is then an action of its own."""

    payee_ids: Keys
    amount: Amount
    currency: Currency
    period: Text = ""


class ChangePayeeAccount(Payload):
    """Pay somebody to another account from now on. The account itself stays with the bank's
    connector; `account_ref` is what it is known as there."""

    payee_id: Key
    account_ref: Key
    reason: Text = ""


class ReorderStock(Payload):
    """Buy more of a product from its supplier."""

    product_id: Key
    supplier_id: Key
    quantity: Count
    unit_cost: Amount
    currency: Currency


class PublishContent(Payload):
    """Show something to the public."""

    content_id: Key
    channel: Key
    title: Annotated[str, Field(min_length=1, max_length=300)]
    body: Annotated[str, Field(max_length=20_000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionType:
    """One thing that can be done to the world.

    `effect_class` says what a crash in the middle means: pure and internal repeat freely,
    external_idempotent repeats with the same key, external_unsafe asks a person.
    `risk` is low, medium or high; `compensation` names the action type that undoes it.
    `subjects` are the things that it concerns and the fields that name them; `money` the fields
    whose product leaves the business, none where no money does.
    """

    name: str
    payload: type[Payload]
    effect_class: str
    risk: str
    kind: str = "action"
    compensation: str = ""
    subjects: Mapping[str, str] = field(default_factory=dict)
    money: tuple[str, ...] = ()

    def amount_of(self, arguments: Mapping[str, Any]) -> Decimal | None:
        """Return the money that would leave the business, or None where none does."""
        factors = [arguments.get(name) for name in self.money]
        if not factors or any(not isinstance(each, int | Decimal) for each in factors):
            return None
        return Decimal(prod(Decimal(str(each)) for each in factors))


_TYPES: Final = (
    ActionType(
        name="process_refund", payload=ProcessRefund,
        effect_class="external_idempotent", risk="medium",
        subjects={"order": "orderId", "customer": "customerId"}, money=("amount",),
    ),
    ActionType(
        name="process_payout", payload=ProcessPayout,
        effect_class="external_idempotent", risk="high", kind="payout",
        subjects={"payee": "payeeId"}, money=("amount",),
    ),
    ActionType(
        name="update_price", payload=UpdatePrice,
        effect_class="external_idempotent", risk="medium", compensation="update_price",
        subjects={"product": "productId"},
    ),
    ActionType(
        name="increase_ad_spend", payload=IncreaseAdSpend,
        effect_class="external_idempotent", risk="medium", kind="budget",
        subjects={"campaign": "campaignId"}, money=("amount",),
    ),
    ActionType(
        name="create_payout_batch", payload=CreatePayoutBatch,
        effect_class="internal", risk="low",
    ),
    ActionType(
        name="change_payee_account", payload=ChangePayeeAccount,
        effect_class="external_idempotent", risk="high", subjects={"payee": "payeeId"},
    ),
    ActionType(
        name="reorder_stock", payload=ReorderStock,
        effect_class="external_idempotent", risk="medium",
        subjects={"product": "productId", "supplier": "supplierId"},
        money=("quantity", "unitCost"),
    ),
    ActionType(
        name="publish_content", payload=PublishContent,
        effect_class="external_idempotent", risk="low",
        subjects={"content": "contentId", "channel": "channel"},
    ),
)  # fmt: skip

ACTION_TYPES: Final = {each.name: each for each in _TYPES}
SPENDING: Final = tuple(each.name for each in _TYPES if each.money)
"""The action types by which money leaves the business."""


def checked(action_type: ActionType, payload: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return a payload with its defaults spelled out, or one sentence on what is wrong."""
    try:
        return action_type.payload.model_validate(payload).model_dump(by_alias=True), ""
    except ValidationError as error:
        return payload, f"{action_type.name}: {problems_of(error)}"


def matter_of(
    action_type: ActionType | None, arguments: Mapping[str, Any], *, is_sound: bool
) -> dict[str, str]:
    """Return what an approver agrees to: the kind, and the money that leaves or is collected."""
    leaving = action_type.amount_of(arguments) if action_type is not None and is_sound else None
    amount = arguments.get("amount", "") if leaving is None else leaving
    return {
        "kind": action_type.kind if action_type is not None else "action",
        "amount": str(amount),
        "currency": str(arguments.get("currency", "")),
    }


def problems_of(error: ValidationError) -> str:
    """Say what is wrong with a payload: each field, and what it should have been."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(
        ".".join(map(str, each["loc"]))
        + (": " if each["loc"] else "")
        + each["msg"].removeprefix("Value error, ")
        for each in errors[:PROBLEMS_MAX]
    )


def catalog_told() -> list[dict[str, Any]]:
    """Return the catalog as people and programs read it: each type with its payload schema."""
    return [
        {
            "name": each.name,
            "effectClass": each.effect_class,
            "risk": each.risk,
            "kind": each.kind,
            "compensation": each.compensation or None,
            "fields": list(each.payload.model_json_schema()["properties"]),
            "schema": each.payload.model_json_schema(),
        }
        for each in _TYPES
    ]

"""Schemas: the shapes that travel, for the OpenAPI document and for checking bodies.

columns of a view ──► the model of its row ──► the page that lists it
Answers are not passed through these models: they are written as they are, and tests compare.
"""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, WithJsonSchema, create_model
from pydantic.alias_generators import to_camel

from commands.access.token import Holder
from commands.planning import Key, Name, Text
from console_api.http.catalog import SHELVES
from console_api.http.health import Moment, Position, ReadModel, Told
from domain.core.instant import DAY, SECOND
from domain.view_store import Column, Kind
from queries.listing import camel

Exact = Annotated[Decimal, WithJsonSchema({"type": "number"})]
Lifetime = Annotated[int, Field(strict=True, ge=1, le=366 * DAY // SECOND)]


class Asked(BaseModel):
    """Something that is sent and is not one command: checked strictly, unknown names refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


# -- what is sent


class ApprovalAnswer(Asked):
    """A person's yes or no to exactly the payload with this hash; a no needs a reason."""

    approval_id: Key
    approved: StrictBool
    payload_hash: Name
    reason: Text = ""
    notes: Text = ""
    on_behalf_of: Key | None = None


class TokenRequest(Asked):
    """A secret for a user or an agent; `link` signs a person in, once. It lives long by default."""

    holder: Holder
    kind: Literal["api", "link"] = "api"
    lifetime_seconds: Lifetime | None = None


# -- what is answered


class DoneReceipt(Told):
    """It is so; whoever reads with `minPosition` of at least `position` sees it."""

    status: Literal["done"]
    position: Position
    command_id: str
    subject: str


class HeldReceipt(Told):
    """A person must agree first."""

    status: Literal["held"]
    position: Position
    command_id: str
    subject: str
    approval_id: str
    reasons: list[str]


class RefusedReceipt(Told):
    """A recorded no, of the governor (denied) or of the business (refused)."""

    status: Literal["denied", "refused"]
    position: Position
    command_id: str
    subject: str
    code: str
    reasons: list[str]


class ProblemDocument(Told):
    """What went wrong (RFC 9457); a recorded no also says which command it was, and where."""

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    code: str
    outcome: Literal["denied", "refused"] = "denied"
    reasons: list[str] = Field(default=[])
    command_id: str = ""
    subject: str = ""
    position: Position = 0


class Totals(Told):
    """Sales and refunds added up, in the currency of the first sale; other currencies apart."""

    revenue: Exact
    orders: int
    refunds: int
    refund_amount: Exact
    refund_rate: Exact | None
    currency: str | None
    other_currencies: dict[str, Exact]


class DayTotals(Totals):
    """The totals of one day."""

    day: str


class Pending(Told):
    """What waits, and what it adds up to."""

    count: int
    amount: Exact


class Stop(Told):
    """One kill switch that is engaged."""

    org_unit_id: str
    engaged_by: str
    engaged_at: Moment
    position: Position
    reason: str


class KillSwitchState(Told):
    """Whether work is stopped here, and by whom."""

    engaged: bool
    stops: list[Stop]


class Dashboard(Told):
    """The front page of an org unit. `lag` counts the events each projection is behind."""

    org_unit_id: str
    name: str
    at: Moment
    active_workflows: int
    active_agents: int
    pending_approvals: int
    open_incidents: int
    decisions_today: int
    decisions: dict[str, int]
    totals: Totals
    refunds_pending: Pending
    newest_snapshot: DayTotals | None
    kill_switch: KillSwitchState
    head: Position
    lag: dict[str, int]
    read_models: list[ReadModel]


class StateEvent(Told):
    """One event of a history."""

    position: Position
    type: str
    occurred_at: Moment
    actor: str


class StreamedEvent(StateEvent):
    """One event of the log, as the stream tells it."""

    id: str
    tags: list[str]
    correlation_id: str
    causation_id: str
    schema_version: int
    hash: str
    fact: dict[str, Any]


class StateAnswer(Told):
    """One thing as it stood at a position, and the newest of the events that made it so."""

    stream: str
    position: Position
    state: Any
    events: list[StateEvent]
    event_count: int


class ActionTypeRow(Told):
    """One thing that can be proposed; `payload` is the JSON Schema of its arguments."""

    id: str
    effect_class: str
    risk: str
    kind: str
    compensation: str
    payload: dict[str, Any]


class TokenIssued(Told):
    """A new secret; it is shown here and never again. A held one opens nothing until approved."""

    token: str
    token_id: str
    receipt: DoneReceipt | HeldReceipt


class Stopped(Told):
    """Something that the kill switch holds back."""

    kind: Literal["org_unit", "agent", "action"]
    id: str


class KillSwitchAnswer(Told):
    """From `position` on nothing autonomous is authorized where the switch is engaged."""

    incident_id: str
    position: Position
    stopped: list[Stopped]
    receipt: DoneReceipt


_TYPES: Final[dict[Kind, Any]] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.BOOLEAN: bool,
    Kind.INSTANT: Moment,
    Kind.DECIMAL: Exact,
    Kind.JSON: Any,
}


def _row(noun: str, columns: tuple[Column, ...], text: str) -> type[BaseModel]:
    first, *rest = columns
    fields: dict[str, Any] = {camel(first.name): (str, ...)}
    for column in rest:
        kind = _TYPES[column.kind]
        fields[camel(column.name)] = (kind if column.kind is Kind.JSON else kind | None, ...)
    return create_model(noun, __doc__=text, **fields)


def _page(noun: str, row: type[BaseModel]) -> type[BaseModel]:
    items, cursor = (list[row], ...), (str | None, ...)  # type: ignore[valid-type]
    text = "One page of a list; `nextCursor` asks for the next, null is the end."
    fields: dict[str, Any] = {"items": items, "nextCursor": cursor}
    return create_model(f"{noun}Page", __doc__=text, **fields)


ROWS: Final = {
    shelf.noun: _row(shelf.noun, shelf.asked.view.shape.columns, f"One row of {shelf.question}.")
    for shelf in SHELVES
} | {"ActionType": ActionTypeRow}

PAGES: Final = {noun: _page(noun, row) for noun, row in ROWS.items()}


def _with_rows(name: str, text: str, **fields: Any) -> type[BaseModel]:
    required: dict[str, Any] = {each: (kind, ...) for each, kind in fields.items()}
    return create_model(name, __doc__=text, **required)


ApprovalAnswered: Final = _with_rows(
    "ApprovalAnswered",
    "What was recorded, and what became of the command that waited."
    " Rows are null while read models are behind: ask again with `minPosition`.",
    approval=ROWS["Approval"] | None,
    receipt=DoneReceipt,
    resumed=DoneReceipt | HeldReceipt | RefusedReceipt | None,
    action=ROWS["Action"] | None,
)

IncidentUpdated: Final = _with_rows(
    "IncidentUpdated",
    "What was recorded, and the incident as it stands (null while read models are behind).",
    incident=ROWS["Incident"] | None,
    receipt=DoneReceipt,
)

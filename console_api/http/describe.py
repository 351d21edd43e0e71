"""Describe: what the OpenAPI document says about each operation.

Bodies and answers never pass through the framework, which would read money as binary floats; so
the document is written here, from the same models and tables that the handlers use.
"""

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from commands.actions import ActionType
from commands.catalog import COMMANDS
from console_api.http import schemas, waiting_schemas
from console_api.http.caller import KEY_PATTERN
from console_api.http.catalog import STATE_HISTORY, Shelf
from console_api.http.guard import POSITION
from console_api.http.health import Health
from console_api.tail import TAGS_MAX
from domain.catalog import EVENTS
from domain.view_store import Kind
from queries.listing import LIMIT_DEFAULT, LIMIT_MAX, camel

Json = dict[str, Any]
Mode: TypeAlias = Literal["validation", "serialization"]
SECURITY: Final[list[Json]] = [{"token": []}]
HOURS_A_WEEK: Final = 168
_SCHEMAS: Final = "#/components/schemas/"

_MEANING: Final = {
    400: "The request makes no sense; the detail says why",
    401: "Nobody is known by this token",
    403: "Denied, by role or by the governor; the latter is recorded",
    404: "Nothing is called that",
    408: "The body did not arrive in time",
    409: "Refused by the business and recorded, or overtaken: with Retry-After, send it again",
    413: "The body is larger than 1 MB, or the log does not take it",
    415: "The body is not application/json",
    429: "As many streams of this caller are open as may be: close one, or try again",
    500: "A bug; nothing of its inside is told",
    503: "A database cannot be used, or read models are behind: nothing was allowed, try again",
}
_READ: Final = (400, 401, 403, 500, 503)
_WRITE: Final = (400, 401, 403, 408, 409, 413, 415, 500, 503)


def ref(model: type[BaseModel]) -> Json:
    """Point at the schema of a model."""
    return {"$ref": f"{_SCHEMAS}{model.__name__}"}


def _answer(text: str, schema: Json, media_type: str = "application/json") -> Json:
    headers = {POSITION: {"$ref": f"#/components/headers/{POSITION}"}}
    return {"description": text, "headers": headers, "content": {media_type: {"schema": schema}}}


def _problems(statuses: Iterable[int]) -> Json:
    problem = ref(schemas.ProblemDocument)
    media_type = "application/problem+json"
    return {str(each): _answer(_MEANING[each], problem, media_type) for each in statuses}


def query(name: str, text: str, schema: Json | None = None) -> Json:
    """Describe one query parameter; none is ever required."""
    return {
        "name": name,
        "in": "query",
        "description": text,
        "schema": schema or {"type": "string"},
    }


def path(name: str, text: str, schema: Json | None = None) -> Json:
    """Describe the last part of a path."""
    found = schema or {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": text, "schema": found}


MIN_POSITION: Final = query(
    "minPosition",
    "Wait, up to 2 seconds, until everything up to this position of the log is shown",
    {"type": "integer", "minimum": 0},
)


def read(
    answer: type[BaseModel], *parameters: Json, more: tuple[int, ...] = (), public: bool = False
) -> Json:
    """Describe an operation that reads."""
    statuses = (400, 500, 503) if public else (*_READ, *more)
    return {
        "security": [] if public else SECURITY,
        "parameters": [*parameters] if public else [*parameters, MIN_POSITION],
        "responses": {"200": _answer("The answer", ref(answer)), **_problems(statuses)},
    }


def stream() -> Json:
    """Describe the stream of events."""
    position = {"type": "integer", "minimum": 0}
    each = {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": TAGS_MAX}
    one = {"type": "array", "items": {"type": "string", "enum": sorted(EVENTS)}}
    came = query("Last-Event-ID", "The last id that was seen: go on after it", position)
    text = (
        "Events as they happen (WHATWG server-sent events): `id` is the position, `event` the"
        " stored type, `data` one JSON object, a StreamedEvent. `event: reset` says that nothing"
        " after its position has happened: the log was restored"
    )
    reset = {
        "type": "object",
        "properties": {"position": position},
        "required": ["position"],
        "additionalProperties": False,
    }
    told = {"anyOf": [ref(schemas.StreamedEvent), reset]}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": told}
    words = {"id": {"type": "string"}, "event": {"type": "string"}, "data": data}
    answer = _answer(text, {"type": "object", "properties": words}, "text/event-stream")
    return {
        "security": SECURITY,
        "parameters": [
            {**came, "in": "header"},
            query("after", "The same in the address; without either, from now on", position),
            query("type", "Only events of one of these types", one),
            query("tag", "Only events that carry all of these tags", each),
            query("follow", "Whether to wait for more at the head", {"type": "boolean"}),
        ],
        "responses": {"200": answer, **_problems((*_READ, 429))},
    }


def write(body: Json, answer: type[BaseModel], *parameters: Json, held: bool = True) -> Json:
    """Describe an operation that writes; `held` says whether a plain receipt is its 202."""
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Asking twice with one key is asking once",
        "schema": {"type": "string", "pattern": KEY_PATTERN},
    }
    parked = schemas.HeldReceipt if held else answer
    return {
        "security": SECURITY,
        "parameters": [*parameters, key],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": _answer("Done", ref(answer)),
            "202": _answer("Held: a person must agree first", ref(parked)),
            **_problems((*_WRITE, *((404,) if parameters else ()))),
        },
    }


def listing(shelf: Shelf) -> tuple[Json, ...]:
    """Describe the parameters of a list: a page, and a filter for each column."""
    week = shelf.question == STATE_HISTORY
    default = HOURS_A_WEEK if week else LIMIT_DEFAULT
    limit = {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": default}
    found = [
        query("limit", "Rows at most", limit),
        query("cursor", "Where to go on: the nextCursor of the page before"),
    ]
    if week:
        found += [
            query("from", "From this hour or day of the business's clock: 2030-01-31T09"),
            query("to", "Up to this hour or day, included"),
        ]
    text = "Equal to this; >=, <= or != before the value compare; a comma lists several"
    columns = (each for each in shelf.asked.view.shape.columns if each.kind is not Kind.JSON)
    return (*found, *(query(camel(each.name), text) for each in columns))


class _Exactly(GenerateJsonSchema):
    """Decimals are JSON numbers, in and out."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> Json:
        """Describe a decimal."""
        return {"type": "number"}


_BOUNDS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}


def _bounded(schema: Any) -> Any:
    """Say bounds in the words of JSON Schema, where pydantic leaves its own."""
    if isinstance(schema, list):
        return [_bounded(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    numeric = schema.get("type") == "number"
    return {
        _BOUNDS.get(name, name) if numeric else name: _bounded(value)
        for name, value in schema.items()
    }


def components() -> Json:
    """Return everything that the operations point at."""
    sent: tuple[type[BaseModel], ...] = (
        *COMMANDS.values(),
        schemas.ApprovalAnswer,
        schemas.TokenRequest,
    )
    told: tuple[type[BaseModel], ...] = (
        *schemas.ROWS.values(),
        *schemas.PAGES.values(),
        schemas.ProblemDocument,
        schemas.HeldReceipt,
        schemas.DoneReceipt,
        schemas.Dashboard,
        schemas.StateAnswer,
        waiting_schemas.Digest,
        waiting_schemas.SimilarRequests,
        Health,
        schemas.TokenIssued,
        schemas.KillSwitchAnswer,
        schemas.ApprovalAnswered,
        schemas.IncidentUpdated,
        schemas.StreamedEvent,
    )
    modes: list[tuple[type[BaseModel], Mode]] = [(each, "validation") for each in sent]
    modes += [(each, "serialization") for each in told]
    _, found = models_json_schema(
        modes, ref_template=_SCHEMAS + "{model}", schema_generator=_Exactly
    )
    position = {"type": "integer", "minimum": 0}
    newest = {"description": "The newest position known", "required": True, "schema": position}
    return {
        "schemas": _bounded(found["$defs"]),
        "headers": {POSITION: newest},
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    }


def payload(kind: ActionType) -> Json:
    """Return the JSON Schema of the arguments of an action type."""
    found: Json = _bounded(kind.payload.model_json_schema(schema_generator=_Exactly))
    return found

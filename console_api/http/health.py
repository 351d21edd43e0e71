"""Health: how the server and its read models are, for anybody and for the front page.

/health says which read models are degraded, to anybody; what exactly could not be drawn stands
on the dashboard, for those who may read it.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from console_api.business import Business
from queries.read_models import read_models

Position = Annotated[int, Field(ge=0)]
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


class Told(BaseModel):
    """Something that is answered."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Degradation(Told):
    """What a read model could not draw: the first of so many events."""

    position: Position
    event_type: str
    error: str
    at: Moment
    tries: int
    events: int


class ReadModel(Told):
    """How far a read model is; `rebuilding` is a percentage while it is drawn anew."""

    view: str
    position: Position
    behind: int
    seconds_behind: int
    rebuilding: int | None
    degraded: Degradation | None


class Health(Told):
    """Whether this server can do its work."""

    status: Literal["ok"]
    head: Position
    lag: dict[str, int]
    seconds_behind: int
    rebuilding: dict[str, int]
    degraded: list[str]


def health(business: Business, head: int) -> dict[str, Any]:
    """Say how it is."""
    models = read_models(business.views, business.log, at=business.clock(), head=head)
    rebuilding = {each["view"]: each["rebuilding"] for each in models}
    return {
        "status": "ok",
        "head": head,
        "lag": {each["view"]: each["behind"] for each in models},
        "secondsBehind": max(each["secondsBehind"] for each in models),
        "rebuilding": {name: part for name, part in rebuilding.items() if part is not None},
        "degraded": [each["view"] for each in models if each["degraded"]],
    }

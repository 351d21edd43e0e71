"""Events: the log itself, as rows that can be filtered. One row an event."""

from collections.abc import Iterable
from typing import Any, Final

from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View

COLUMNS: Final = (
    Column("id"),
    Column("position", Kind.INTEGER, indexed=True),
    Column("type", indexed=True),
    Column("schema_version", Kind.INTEGER),
    Column("source", indexed=True),
    Column("actor"),
    Column("org_unit_id", indexed=True),
    Column("payload", Kind.JSON),
    Column("metadata", Kind.JSON),
    Column("occurred_at", Kind.INSTANT, indexed=True),
)


def keys(recorded: Recorded) -> Iterable[str]:
    """Return the identity of the event."""
    return (recorded.id,)


def draw(_row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw one event; it never changes."""
    return {
        "id": recorded.id,
        "position": recorded.position,
        "type": recorded.type,
        "schema_version": recorded.schema_version,
        "source": recorded.actor.partition(":")[0],
        "actor": recorded.actor,
        "org_unit_id": getattr(recorded.fact, "org_unit_id", ""),
        "payload": recorded.fact,
        "metadata": {
            "correlationId": recorded.correlation_id,
            "causationId": recorded.causation_id,
            "tags": recorded.tags,
            "hash": recorded.hash,
        },
        "occurred_at": recorded.occurred_at,
    }


EVENTS: Final = View(name="events", version=1, columns=COLUMNS, facts=(), keys=keys, draw=draw)

"""Instants: microseconds since 1970-01-01T00:00Z, and how people write them (RFC 3339)."""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

Instant: TypeAlias = int

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def written(at: Instant) -> str:
    """Write an instant for people and machines: `2030-01-31T09:00:00.000000Z`."""
    return f"{moment(at):%Y-%m-%dT%H:%M:%S.%f}Z"


def moment(at: Instant) -> datetime:
    """Return an instant as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


def instant(at: datetime) -> Instant:
    """Return an aware datetime as an instant."""
    assert at.tzinfo is not None, "an instant needs a time zone"
    return (at - _EPOCH) // timedelta(microseconds=1)

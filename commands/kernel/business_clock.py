"""Business clock: the hour and the day of an instant, as the business itself counts them.

The answer is written into the event, so a later time zone table changes nothing that happened.
"""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.core.instant import Instant, instant, moment


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo | None:
    """Return a time zone by its IANA name, or None if nobody knows it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def local_hour(at: Instant, timezone: str) -> str:
    """Return the hour of an instant on a business's clock: `2030-01-31T09`."""
    return moment(at).astimezone(zone(timezone)).strftime("%Y-%m-%dT%H")


def told_instant(at: datetime, timezone: str) -> Instant:
    """Return the instant of a time as somebody told it.

    Without a zone it is on the business's own clock; of a repeated hour, the first.
    """
    return instant(at if at.tzinfo else at.replace(tzinfo=zone(timezone)))

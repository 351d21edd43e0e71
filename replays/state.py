"""State: anything at any position, folded from its own history and nothing else.

category:key ──read, up to a position──► facts ──fold──► state ──plain──► JSON
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from domain.catalog import STREAMS
from domain.core.stream import Stream
from domain.ports import EventStore, Recorded

EVENTS_SHOWN_MAX: Final = 200
"""Events that are shown with a state, the newest of them; all are counted."""


@dataclass(frozen=True, slots=True)
class StateAt:
    """One thing as it stood: its state, how many facts made it so, and the newest of them."""

    stream: str
    position: int
    state: Any
    events: tuple[Recorded, ...]
    event_count: int


def stream_named(name: str) -> tuple[Stream[Any, Any], str] | None:
    """Return a stream and a key by the name `<category>:<key>`."""
    category, _, key = name.partition(":")
    found = next((stream for stream in STREAMS if stream.category == category), None)
    return None if found is None or not key else (found, key)


def state_at(log: EventStore, stream: Stream[Any, Any], key: str, *, upto: int) -> StateAt:
    """Fold one history as far as a position; what came later is not even read."""
    past, _head = log.read({stream.at(key): 0}, upto=upto)
    state = stream.fold(recorded.fact for recorded in past)
    return StateAt(stream.at(key), upto, state, tuple(past[-EVENTS_SHOWN_MAX:]), len(past))


def plain(value: Any) -> Any:
    """Return a state as plain JSON: objects, lists, texts, booleans, null, exact numbers.

    Names of fields stay as they are in the code; sets are sorted, so that it is the same each time.
    """
    match value:
        case None | bool() | int() | str() | Decimal():
            return value
        case Enum():
            return plain(value.value)
        case Mapping():
            return {str(name): plain(each) for name, each in value.items()}
        case set() | frozenset():
            return sorted(map(plain, value))
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            assert is_dataclass(value), f"{type(value).__name__} has no form in JSON"
            return {each.name: plain(getattr(value, each.name)) for each in fields(value)}

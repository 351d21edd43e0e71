"""State: anything at any position, folded from its own history and nothing else."""

from dataclasses import dataclass
from typing import Any

from domain.catalog import STREAMS
from domain.core.stream import Stream
from domain.ports import EventStore, Recorded


@dataclass(frozen=True, slots=True)
class StateAt:
    """One thing as it stood: its state, and the events that made it so."""

    stream: str
    position: int
    state: Any
    events: tuple[Recorded, ...]


def stream_named(name: str) -> tuple[Stream[Any, Any], str] | None:
    """Return a stream and a key by the name `<category>:<key>`."""
    category, _, key = name.partition(":")
    found = next((stream for stream in STREAMS if stream.category == category), None)
    return None if found is None or not key else (found, key)


def state_at(log: EventStore, stream: Stream[Any, Any], key: str, *, upto: int) -> StateAt:
    """Fold one history as far as a position and no further."""
    events, _head = log.read({stream.at(key): 0})
    past = tuple(recorded for recorded in events if recorded.position <= upto)
    state = stream.fold(recorded.fact for recorded in past)
    return StateAt(stream.at(key), upto, state, past)

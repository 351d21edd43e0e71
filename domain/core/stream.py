"""Streams: where one kind of thing keeps its history, and how that history is read.

facts ──fold(evolve)──► state ──decide──► (Entry, …) | () | Refusal
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeAlias, TypeVar

from domain.core.upcast import Upcaster

S = TypeVar("S")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that the business declines: expected, explained and recorded."""

    code: str
    because: str


Decision: TypeAlias = tuple[E, ...] | Refusal
"""What a decider answers: the facts to add, none if it is so already, or a refusal."""


@dataclass(frozen=True, slots=True)
class Stream(Generic[S, E]):
    """The history of one kind of thing.

    `category` is the first half of the tag of each history, `<category>:<key>`.
    `remembered` says that folded states are worth keeping between decisions: the stream is
    read by most commands and rarely written. `upcasters` tell older versions of its events in
    today's words.
    """

    category: str
    initial: S
    evolve: Callable[[S, E], S]
    events: tuple[type, ...]
    remembered: bool = False
    upcasters: tuple[Upcaster, ...] = ()

    def at(self, key: str) -> str:
        """Name the history of one particular thing; the name is its tag in the log."""
        assert key, f"a {self.category} stream needs a key"
        return f"{self.category}:{key}"

    def fold(self, history: Iterable[E], state: S | None = None) -> S:
        """Read a history on from a state, by default from the beginning."""
        return reduce(self.evolve, history, self.initial if state is None else state)

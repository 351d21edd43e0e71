"""Views: how one picture is drawn from the log, as pure functions.

keys(event) ──► the rows it touches        draw(row | None, event) ──► the row as it is now | None
Every row also says when it came to be and was last touched (by the events' own clock), and by
which position of the log; the engine adds that.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

from domain.catalog import EVENTS
from domain.core.event import schema_version, stored_name
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row, Shape

Keys: TypeAlias = Callable[[Recorded], Iterable[str]]
Draw: TypeAlias = Callable[[Row | None, Recorded, str], "dict[str, Any] | None"]

ALL_FACTS: Final = tuple(EVENTS.values())
STAMPS: Final = (
    Column("created_at", Kind.INSTANT),
    Column("updated_at", Kind.INSTANT),
    Column("last_position", Kind.INTEGER, indexed=True),
)


@dataclass(frozen=True)
class View:
    """One picture. `facts` are the kinds of events that it is drawn from; empty means all.

    `draw` gets the key of the row too, for views with several rows an event.
    """

    name: str
    version: int
    columns: tuple[Column, ...]
    facts: tuple[type, ...]
    keys: Keys
    draw: Draw

    @cached_property
    def types(self) -> frozenset[str]:
        """Return the stored names of the events that this view is drawn from."""
        return frozenset(map(stored_name, self.facts))

    @cached_property
    def shape(self) -> Shape:
        """Return the shape under which the picture is stored.

        The fingerprint covers the columns, the version, the source of the module that draws and
        of the projections it leans on, and the versions of the facts, so that a changed picture is
        noticed and drawn anew without anybody saying so.
        """
        columns = (*self.columns, *STAMPS)
        facts = [(stored_name(kind), schema_version(kind)) for kind in self.facts or ALL_FACTS]
        told = f"{self.name} {self.version} {columns} {facts} {_sources(self.draw.__module__)}"
        return Shape(self.name, hashlib.sha256(told.encode()).hexdigest(), columns)

    def touch(self, rows: dict[str, dict[str, Any] | None], recorded: Recorded) -> None:
        """Draw one event into rows that are at hand; every key it touches must be in them."""
        for key in self.keys(recorded):
            before = rows.get(key)
            drawn = self.draw(before, recorded, key)
            if drawn is not None:
                drawn["created_at"] = before["created_at"] if before else recorded.occurred_at
                drawn["updated_at"] = recorded.occurred_at
                drawn["last_position"] = recorded.position
            rows[key] = drawn


def _sources(name: str) -> str:
    leaned_on = {getattr(value, "__module__", "") for value in vars(sys.modules[name]).values()}
    ours = {name} | {each for each in leaned_on if str(each).startswith("projections.")}
    return "\n".join(inspect.getsource(sys.modules[each]) for each in sorted(ours))


def one_key(attribute: str) -> Keys:
    """Return the keys of views whose row is named by one attribute of each fact."""

    def keys(recorded: Recorded) -> Iterable[str]:
        return (getattr(recorded.fact, attribute),)

    return keys

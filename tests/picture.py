"""What tests of pictures share: facts are told, and rows are looked at as readers will see them.

given(PROPOSED, by("user:ada", HELD), command("c9", VERDICT, FACT)) ──► Story ──► row(VIEW, key)

The nth thing told happened at `at(n)`, a minute after the one before. A plain fact stands for a
command whose verdict is not told; a command is told with its verdict first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.pool import QueuePool

from adapters.views.store import SqlViewStore
from domain.core.event import stored_name
from domain.core.instant import MINUTE, Instant
from domain.ports import Draft, Recorded
from domain.view_store import Row, Shape
from projections import engine
from projections.view import View

START: Final = 1_893_488_400_000_000
"""2030-01-01T09:00Z"""


def at(nth: int, *, apart: Instant = MINUTE) -> Instant:
    """Return when the nth thing told happened."""
    return START + (nth - 1) * apart


@dataclass(frozen=True, slots=True)
class Told:
    """One fact or one whole command, as it is told."""

    facts: tuple[object, ...]
    actor: str = "user:founder"
    command_id: str = ""
    correlation_id: str = ""


def by(actor: str, fact: object) -> Told:
    """Tell a fact that somebody in particular brought about."""
    return Told((fact,), actor)


def command(command_id: str, *facts: object, actor: str = "user:founder", flow: str = "") -> Told:
    """Tell a command: its verdict, then the facts that it allowed."""
    return Told(facts, actor, command_id, flow or command_id)


def given(*told: object, apart: Instant = MINUTE) -> "Story":
    """Tell a history."""
    recorded: list[Recorded] = []
    for nth, each in enumerate(told, 1):
        one = each if isinstance(each, Told) else Told((each,))
        for fact in one.facts:
            recorded.append(_recorded(fact, one, at(nth, apart=apart), recorded))
    return Story(tuple(recorded))


def digest_at(position: int) -> bytes:
    """Return what stands for the hash of the event at a position."""
    return position.to_bytes(32, "big")


def _recorded(fact: object, told: Told, when: Instant, before: Sequence[Recorded]) -> Recorded:
    position, plain = len(before) + 1, not told.command_id
    command_id = told.command_id or f"c{position}"
    number = 1 if plain else sum(each.id.startswith(f"{command_id}:") for each in before)
    return Recorded(
        position=position,
        id=f"{command_id}:{number}",
        type=stored_name(fact),
        fact=fact,
        tags=(f"{stored_name(fact).partition('.')[0]}:1",),
        occurred_at=when,
        actor=told.actor,
        correlation_id=told.correlation_id or command_id,
        causation_id=f"{command_id}:0" if number else "",
        digest=digest_at(position),
        previous_digest=digest_at(position - 1),
    )


def stamps(*, created: int = 1, updated: int, position: int = 0) -> dict[str, int]:
    """Return what the engine adds to a row, by the numbers of what was told."""
    return {
        "created_at": at(created),
        "updated_at": at(updated),
        "last_position": position or updated,
    }


@dataclass(frozen=True, slots=True)
class Story:
    """A history, and the pictures that can be drawn from it."""

    recorded: tuple[Recorded, ...]

    def rows(self, view: View) -> dict[str, Row]:
        """Draw a view as it is stored; event by event or all at once, it is the same picture."""
        views = memory_views(view.shape)
        slowly, at_once = (self._drawn(view, n, views) for n in (1, len(self.recorded)))
        views.close()
        assert slowly == at_once, f"{view.name} depends on how the log is cut into batches"
        for row in slowly.values():
            assert set(row) == columns(view), f"{view.name} has rows of another shape"
        return slowly

    def row(self, view: View, key: str) -> Row:
        """Draw a view, and look at one row of it."""
        return self.rows(view)[key]

    def _drawn(self, view: View, batch: int, views: SqlViewStore) -> dict[str, Row]:
        edition = views.begin(view.shape)
        for start in range(0, len(self.recorded), batch):
            events = self.recorded[start : start + batch]
            edition = engine.apply(view, edition, events, views)
        return {str(row[view.shape.key]): row for row in views.rows(edition)}


def columns(view: View) -> set[str]:
    """Return the names of a view's columns."""
    return {column.name for column in view.shape.columns}


def spec(names: str) -> set[str]:
    """Return the columns that the list of read models asks for, with those that every row has."""
    return {*names.split(), "created_at", "updated_at", "last_position"}


@dataclass(slots=True)
class ToldLog:
    """A log that says what a story told it, for projections: they only turn its pages."""

    recorded: list[Recorded] = field(default_factory=list)

    def head(self) -> int:
        """Return the newest position."""
        return self.recorded[-1].position if self.recorded else 0

    def page(self, *, after: int, limit: int, upto: int | None = None) -> Sequence[Recorded]:
        """Return a stretch."""
        end = self.head() if upto is None else upto
        return [each for each in self.recorded if after < each.position <= end][:limit]

    def read(self, cursors: Mapping[str, int], *, upto: int | None = None) -> NoReturn:
        """Projections do not ask for single histories."""
        raise AssertionError(cursors, upto)

    def append(
        self,
        drafts: Sequence[Draft],
        *,
        at: Instant,
        actor: str,
        correlation_id: str,
        having_read: Sequence[str],
        as_of: int,
    ) -> NoReturn:
        """Projections write nothing."""
        raise AssertionError(drafts)

    def wait(self, *, after: int, timeout_seconds: float) -> NoReturn:
        """Projections do not wait."""
        raise AssertionError(after)


def memory_engine() -> Engine:
    """Return a database in memory, with the one connection that it consists of."""
    return create_engine(
        "sqlite://",
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"check_same_thread": False},
    )


def memory_views(*shapes: Shape) -> SqlViewStore:
    """Return a view store that forgets."""
    views = SqlViewStore(memory_engine())
    views.prepare(shapes)
    return views


def changed(row: Row, **columns: Any) -> dict[str, Any]:
    """Return a row with some columns changed."""
    return {**row, **columns}

"""Business: a running business, whichever door leads to it.

do ──► pipeline ──► log ──► projections ──► ask            state: any stream at any position
                     └──► reactions, effects, timers (workers)
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.event_store import LogEventStore
from adapters.lock import DataLock
from adapters.views.store import SqlViewStore
from commands.message import Command, Receipt
from commands.pipeline import Pipeline
from commands.reactions import FollowUp
from domain.catalog import STREAMS
from domain.core.canonical import digest
from domain.core.instant import written
from domain.core.principal import Actor
from domain.core.stream import Stream
from domain.ports import Clock, Connector, Ids, Notifier, NotStorable
from projections.catalog import VIEWS
from projections.engine.projector import Projector
from queries import waiting
from queries.catalog import Question
from queries.dashboard import dashboard
from queries.listing import LIMIT_DEFAULT, Answer, BadQuestion, Filters, rows_of
from queries.read_models import read_models, shown_upto
from replays.state import plain, state_at, stream_named

TICK_SECONDS: Final = 0.05
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Business:
    """The parts of a running business, joined. Close it when done."""

    log: LogEventStore
    views: SqlViewStore
    pipeline: Pipeline
    clock: Clock
    ids: Ids
    connectors: Mapping[str, Connector]
    notify: Notifier
    lock: DataLock | None = None
    on_close: list[Callable[[], None]] = field(default_factory=list)
    projector: Projector = field(init=False)
    _drawing: threading.RLock = field(default_factory=threading.RLock)
    _redrawing: threading.RLock = field(default_factory=threading.RLock)
    _drawn: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        """Draw the pictures of the catalog."""
        self.projector = Projector(VIEWS, self.log, self.views, self.clock, _log.warning)

    def do(
        self,
        command: Command,
        actor: Actor,
        *,
        key: str = "",
        command_id: str = "",
        correlation_id: str = "",
        approval_id: str = "",
        amends: str = "",
        override_id: str = "",
    ) -> Receipt:
        """Carry out a command. `key` is the caller's idempotency key, private to that actor."""
        if key:
            command_id = f"key-{digest([str(actor), key])[:32]}"
        return self.pipeline.handle(
            command,
            actor,
            command_id=command_id,
            correlation_id=correlation_id,
            approval_id=approval_id,
            amends=amends,
            override_id=override_id,
        )

    def follow(self, follow_up: FollowUp) -> Receipt:
        """Carry out what follows from a fact; following it twice is following it once."""
        return self.do(
            follow_up.command,
            follow_up.actor,
            command_id=follow_up.command_id,
            correlation_id=follow_up.correlation_id,
            approval_id=follow_up.approval_id,
            amends=follow_up.amends,
            override_id=follow_up.override_id,
        )

    def state(self, stream: Stream[Any, Any], key: str) -> Any:
        """Return the state of one history now, read on from what is remembered of it."""
        return self.pipeline.state(stream, key)

    def ask(
        self,
        question: Question,
        filters: Filters,
        *,
        limit: int = LIMIT_DEFAULT,
        cursor: str | None = None,
    ) -> Answer:
        """Answer a list question from its read model."""
        return rows_of(
            self.views,
            question.view,
            filters=filters,
            limit=limit,
            cursor=cursor,
            order=question.order,
        )

    def dashboard(self, org_unit_id: str) -> dict[str, Any]:
        """Answer how the business is doing."""
        at, head = self.clock(), self.log.head()
        board = dashboard(self.views, at=at, head=head, org_unit_id=org_unit_id)
        return board | {"readModels": read_models(self.views, self.log, at=at, head=head)}

    def approvals_digest(self) -> dict[str, Any]:
        """Answer what waits for people."""
        return waiting.digest(self.views, at=self.clock())

    def approvals_similar(self, approval_id: str) -> list[dict[str, Any]] | None:
        """Answer how requests like one ended; None if there is no such request."""
        row = self.views.get("approvals", approval_id)
        return None if row is None else waiting.similar(self.views, row)

    def state_told(self, name: str, at: int | None) -> dict[str, Any]:
        """Return one thing as it stands, or stood at a position, as JSON.

        With the newest of its events, and how many they are. Raises `BadQuestion` for a name or
        a position that makes no sense.
        """
        found = stream_named(name)
        if found is None:
            categories = ", ".join(stream.category for stream in STREAMS)
            raise BadQuestion(f"{name!r} is not <category>:<key>; categories are {categories}")
        head = self.log.head()
        if at is not None and not 0 <= at <= head:
            raise BadQuestion(f"position {at} is not between 0 and the head, {head}")
        try:
            past = state_at(self.log, *found, upto=head if at is None else at)
        except NotStorable as error:
            raise BadQuestion(f"nothing can be called {name[:80]!r}: {error}") from error
        return {
            "stream": past.stream,
            "position": past.position,
            "state": plain(past.state),
            "eventCount": past.event_count,
            "events": [
                {
                    "position": recorded.position,
                    "type": recorded.type,
                    "occurredAt": written(recorded.occurred_at),
                    "actor": recorded.actor,
                }
                for recorded in past.events
            ],
        }

    def draw(self) -> int:
        """Bring every read model to the head of the log, drawing anew what has changed.

        Returns the position that all have reached, but for those that cannot be drawn now.
        """
        with self._redrawing, self._drawing:
            reached = self.projector.draw()
        self._tell_readers()
        return reached

    def draw_batch(self) -> bool:
        """Draw the next batch of what is in step; say whether there was one."""
        with self._drawing:
            more = self.projector.step()
        if more:
            self._tell_readers()
        return more

    def redraw(self, progress: Callable[[int, int], None]) -> bool:
        """Draw anew what is new or changed, while the rest goes on; say whether anything was."""
        with self._redrawing:
            done = bool(self.projector.redraw(progress))
        if done:
            self._tell_readers()
        return done

    def _tell_readers(self) -> None:
        with self._drawn:
            self._drawn.notify_all()

    def drawn(self) -> int:
        """Return the position that every read model shows, whoever draws them.

        One that is being drawn anew, or cannot be drawn, does not hold up the others.
        """
        return shown_upto(self.views)

    def reached(self, position: int, *, timeout_seconds: float, view: str = "") -> bool:
        """Wait until every read model, or one of them, shows a position; say whether they do.

        Woken by this process's own projector; one in another process is looked at every tick.
        """
        ends = time.monotonic() + timeout_seconds
        while (self.views.positions().get(view, 0) if view else self.drawn()) < position:
            left = ends - time.monotonic()
            if left <= 0:
                return False
            with self._drawn:
                self._drawn.wait(min(left, TICK_SECONDS))
        return True

    def close(self) -> None:
        """Let go of databases, locks and threads, last taken first."""
        while self.on_close:
            self.on_close.pop()()

"""Projector: keeps the live pictures in step with the log, a batch at a time.

in step      drawn by this program, from this log: goes on with the others in one transaction
due          new, changed, or of a log before a restore: drawn anew beside (slow, see `beside`)
left alone   drawn by another program that came later, or stopped at a poisoned event
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.ports import Clock, Conflict, EventStore, NotStorable, Recorded
from domain.view_store import STOPPED, Edition, ViewStore
from projections.engine.batches import (
    Progress,
    Undrawable,
    belongs,
    continues,
    drawn,
    page,
    silent,
)
from projections.engine.beside import rebuild
from projections.engine.poison import endure, is_time
from projections.view import View

CONFLICTS_MAX: Final = 100
"""How often another runner may be quicker before somebody is told."""

ROUNDS_MAX: Final = 3

Drawing = tuple[View, Edition]


def _tell_nobody(_sentence: str) -> None: ...


@dataclass(slots=True)
class Projector:
    """One runner of some pictures. Several may run: the store lets each batch be drawn once.

    `tell` hears what a person should know: a picture that is degraded or left to a newer program.
    """

    pictures: Sequence[View]
    log: EventStore
    views: ViewStore
    clock: Clock
    tell: Callable[[str], None] = _tell_nobody
    _settled: set[str] = field(default_factory=set)
    _left: set[str] = field(default_factory=set)
    _checked: set[str] = field(default_factory=set)
    _foreign: set[str] = field(default_factory=set)

    def draw(self, progress: Progress = silent) -> int:
        """Bring every picture to the head of the log, drawing anew what is due.

        Returns the position that all have reached which are not left alone.
        """
        for _ in range(ROUNDS_MAX):
            self.redraw(progress)
            self._catch_up(self.log.head())
            if not self.due():  # else a step has found that the log was restored
                break
        return self.reached()

    def _catch_up(self, aim: int) -> None:
        """Draw batch by batch to where the log ends now: it may grow for ever meanwhile."""
        conflicts = 0
        while conflicts < CONFLICTS_MAX:
            try:
                if not self.step(upto=aim):
                    return
                conflicts = 0
            except Conflict:  # another runner was quicker: look again
                conflicts += 1
        raise Conflict("other runners are quicker all the time: leave the drawing to them")

    def redraw(self, progress: Progress = silent) -> list[Edition]:
        """Draw anew, in one pass, what is new or changed or of a log before a restore."""
        due = self.due()
        if not due:
            return []
        found = rebuild(
            due,
            log=self.log,
            views=self.views,
            clock=self.clock,
            progress=progress,
            go_on=True,
        )
        for view, edition in zip(due, found, strict=True):
            if edition.status == "live":
                self._settled.add(view.name)
            self._tell_degraded(edition)
        return found

    def due(self) -> list[View]:
        """Return the pictures that this program must draw anew."""
        _head, _in_step, due = self._look()
        return due

    def reached(self) -> int:
        """Return the position that all pictures have reached which are not left alone."""
        head, in_step, _due = self._look()
        moving = (edition.position for _view, edition in in_step if edition.degraded != STOPPED)
        return min(moving, default=head)

    def step(self, *, upto: int | None = None) -> bool:
        """Draw one batch for those that are furthest behind; say whether there was any.

        The log is read once for all of them, and the batch is stored in one transaction.
        Raises `Conflict` if another runner was quicker.
        """
        head, in_step, _due = self._look()
        head = head if upto is None else min(head, upto)
        if self._try_stopped([each for each in in_step if each[1].degraded == STOPPED], head):
            return True
        moving = [each for each in in_step if each[1].degraded != STOPPED]
        reached = {edition.position for _view, edition in moving}
        lowest = min(reached, default=head)
        if lowest >= head:
            return False
        events = page(self.log, after=lowest, upto=min(reached - {lowest}, default=head))
        if events:
            self._draw([each for each in moving if each[1].position == lowest], events)
        return bool(events)

    def _look(self) -> tuple[int, list[Drawing], list[View]]:
        """Return the head, the pictures that are in step, and those that are due."""
        editions, head = self.views.editions(), self.log.head()
        lives = {each.shape.name: each for each in editions if each.status == "live"}
        in_step: list[Drawing] = []
        due: list[View] = []
        for view in self.pictures:
            live = lives.get(view.name)
            if live is None or live.shape.fingerprint != view.shape.fingerprint:
                if not (live is not None and self._leave(view)) and self._may(view, editions):
                    due.append(view)
            elif self._true(live, head):
                self._settled.add(view.name)
                self._left.discard(view.name)
                in_step.append((view, live))
            else:
                due.append(view)
        return head, in_step, due

    def _may(self, view: View, editions: Sequence[Edition]) -> bool:
        """Say whether to draw a picture anew now: not while it is stopped at a poisoned event."""
        return all(
            self._is_time(each)
            for each in editions
            if each.status == "building"
            and each.degraded == STOPPED
            and each.shape.fingerprint == view.shape.fingerprint
        )

    def _leave(self, view: View) -> bool:
        """Leave a picture to a program that came after this one, or say that it is not so."""
        if view.name not in self._settled:
            return False
        if view.name not in self._left:
            self._left.add(view.name)
            self.tell(f"{view.name} is drawn by another version of this program now: left to it")
        return True

    def _true(self, live: Edition, head: int) -> bool:
        """Say whether a picture was drawn from this log; looked up once, then seen at each step."""
        if live.position > head or live.table in self._foreign:
            return False
        if live.table not in self._checked:
            if not belongs(live, self.log, head):
                return False
            self._checked.add(live.table)
        return True

    def _draw(self, group: Sequence[Drawing], events: Sequence[Recorded]) -> None:
        batch: list[tuple[View, Edition, dict[str, Any]]] = []
        alone: list[Drawing] = []
        for view, edition in group:
            if not continues(edition, events):
                self._foreign.add(edition.table)
                continue
            try:
                batch.append((view, edition, drawn(view, edition, events, self.views)))
            except Undrawable:
                alone.append((view, edition))
        last = events[-1]
        try:
            if batch:
                rows = [(edition, drawn_rows) for _view, edition, drawn_rows in batch]
                self.views.save_together(rows, last.position, last.hash)
        except NotStorable:  # somebody's row: each for itself, and the others go on unharmed
            alone += [(view, edition) for view, edition, _rows in batch]
        for view, edition in alone:
            found = endure(view, edition, events, views=self.views, clock=self.clock)
            self._tell_degraded(found)

    def _tell_degraded(self, edition: Edition) -> None:
        if edition.degraded:
            self.tell(
                f"{edition.shape.name} is degraded at {edition.position}: it cannot draw an event,"
                " see `bos doctor`"
            )

    def _try_stopped(self, stopped: Sequence[Drawing], head: int) -> bool:
        """Try again what could not be drawn, less and less often; say whether any goes on."""
        goes_on = False
        for view, edition in stopped:
            if edition.position < head and self._is_time(edition):
                events = page(self.log, after=edition.position, upto=edition.position + 1)
                tried = endure(view, edition, events, views=self.views, clock=self.clock)
                goes_on |= tried.degraded != STOPPED
        return goes_on

    def _is_time(self, stopped: Edition) -> bool:
        where = (stopped.shape.name, stopped.position + 1)
        failures = {(each.view, each.position): each for each in self.views.failures()}
        return is_time(failures.get(where), self.clock())

"""Beside: pictures are drawn anew beside the live ones, in one pass over the log, and swapped.

log ──once for all──► rows in memory ──now and then──► the edition beside ──► indexes ──► swap
                      never many                       with its position: an interrupted
                                                       rebuild goes on from there
Readers see the old edition until the swap, and never go back to an earlier position.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.core.stream import Refusal
from domain.ports import Clock, Conflict, EventStore, Recorded, StoreUnavailable
from domain.view_store import STOPPED, Edition, ViewStore
from projections.engine.batches import (
    Progress,
    belongs,
    concerned,
    page,
    pages,
    silent,
    touch,
    touched,
)
from projections.engine.poison import POISON, endure
from projections.view import View

ROWS_HELD_MAX: Final = 10_000
"""Rows of one picture that are held in memory before they are stored."""
EVENTS_HELD_MAX: Final = 50_000
"""Events after which a rebuild is stored whatever it holds: an interruption loses no more."""
SWAPS_TRIED_MAX: Final = 100
POSITION_MAX: Final = 2**63 - 1


@dataclass(slots=True)
class Sketch:
    """One picture on its way: the edition beside, and what is drawn but not stored yet."""

    view: View
    edition: Edition
    log: EventStore
    views: ViewStore
    clock: Clock
    position: int = 0
    hash: str = ""
    _rows: dict[str, Any] = field(default_factory=dict)
    _stored: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Go on where the edition stands."""
        self.position, self.hash = self.edition.position, self.edition.hash

    @property
    def stopped(self) -> bool:
        """Say whether an event that cannot be drawn is in the way."""
        return self.edition.degraded == STOPPED

    def draw(self, events: Sequence[Recorded]) -> None:
        """Draw a stretch of the log, and store what has come together now and then."""
        if self.hash and self.hash != events[0].previous_hash:
            raise Conflict("the log is not the one it was: it was restored meanwhile")
        try:
            self._draw(events)
            far = self.position - self.edition.position >= EVENTS_HELD_MAX
            if far or len(self._rows) >= ROWS_HELD_MAX:
                self._flush()
        except POISON:
            self._endure(upto=events[-1].position)

    def _draw(self, events: Sequence[Recorded]) -> None:
        relevant = concerned(self.view, events)
        if self.edition.position and relevant:
            missing = touched(self.view, relevant) - self._rows.keys()
            found = self.views.load(self.edition, list(missing)) if missing else {}
            self._rows |= found
            self._stored |= found.keys()
        touch(self.view, self._rows, relevant)
        self.position, self.hash = events[-1].position, events[-1].hash

    def store(self) -> None:
        """Store what was drawn."""
        try:
            self._flush()
        except POISON:
            self._endure(upto=self.position)

    def _flush(self) -> None:
        if self.position == self.edition.position:
            return
        changed = {key: self._rows.pop(key) for key in self._stored}
        fresh = [row for row in self._rows.values() if row is not None]
        self.edition = self.views.fill(
            self.edition, fresh, self.position, hash=self.hash, changed=changed
        )
        self._forget()

    def _forget(self) -> None:
        self._rows, self._stored = {}, set()
        self.position, self.hash = self.edition.position, self.edition.hash

    def _endure(self, *, upto: int) -> None:
        """Draw again what is not stored yet, slowly, and find the event that is in the way."""
        self._forget()
        self.follow(upto=upto)

    def follow(self, *, upto: int) -> None:
        """Draw on to a position, batch by batch, each stored at once."""
        for events in pages(self.log, after=self.edition.position, upto=upto):
            self.edition = endure(
                self.view, self.edition, events, views=self.views, clock=self.clock
            )
            self._forget()
            if self.stopped:
                return


def rebuild(
    pictures: Sequence[View],
    *,
    log: EventStore,
    views: ViewStore,
    clock: Clock,
    progress: Progress = silent,
    go_on: bool = False,
) -> list[Edition]:
    """Draw pictures anew beside the live ones, and swap each when it has caught up.

    An unfinished rebuild of the same pictures is gone on with; with `go_on`, also one that was
    stopped at an event, or a kept edition that this program has drawn. An edition that cannot be
    drawn as far as the live one is not swapped, but returned as it is: building and degraded.
    """
    aim = log.head()
    begun = [_begun(view, log, views, aim, go_on=go_on) for view in pictures]
    sketches = [
        Sketch(view, edition, log, views, clock)
        for view, edition in zip(pictures, begun, strict=True)
    ]
    for each in sketches:
        if each.stopped:
            each.follow(upto=each.position + 1)
    draw_together(sketches, log=log, upto=aim, progress=progress)
    return [_take_over(sketch) for sketch in sketches]


def _begun(view: View, log: EventStore, views: ViewStore, head: int, *, go_on: bool) -> Edition:
    ours = [e for e in views.editions() if e.shape.fingerprint == view.shape.fingerprint]
    building = [e for e in ours if e.status == "building" and (go_on or e.degraded != STOPPED)]
    kept = [e for e in ours if e.status == "kept" and go_on and not e.degraded]
    sound = (each for each in (*building, *kept) if belongs(each, log, head))
    return next(sound, None) or views.begin(view.shape)


def draw_together(
    sketches: Sequence[Sketch], *, log: EventStore, upto: int, progress: Progress = silent
) -> None:
    """Draw sketches to a position and store them; the log is read once for all that stand alike."""
    while going := [each for each in sketches if each.position < upto and not each.stopped]:
        reached = {each.position for each in going}
        lowest = min(reached)
        events = page(log, after=lowest, upto=min(reached - {lowest}, default=upto))
        if not events:
            raise StoreUnavailable(f"the log ends at {lowest}, and reached {upto} before")
        for each in going:
            if each.position == lowest:
                each.draw(events)
        progress(events[-1].position, upto)
    for each in sketches:
        each.store()


def _take_over(sketch: Sketch) -> Edition:
    sketch.views.index(sketch.edition)
    for _ in range(SWAPS_TRIED_MAX):
        live, head = sketch.views.live(sketch.view.name), sketch.log.head()
        restored = live is not None and live.position > head  # the head was looked at later
        if not sketch.stopped:
            sketch.follow(upto=head)
        try:
            return sketch.views.swap(sketch.edition, head=head if restored else POSITION_MAX)
        except Conflict:  # the live one went on meanwhile: follow it
            if sketch.stopped:
                return sketch.edition
    raise Conflict(f"{sketch.view.name} kept moving while it was drawn anew: try again")


def roll_back(view: View, *, log: EventStore, views: ViewStore, clock: Clock) -> Edition | Refusal:
    """Make the kept edition of a picture the live one again, once it has caught up.

    Refused if there is none, if another version of the program has drawn it, if it is degraded,
    or if it was drawn from a log that was restored since.
    """
    names = (view.name, "kept")
    kept = next((e for e in views.editions() if (e.shape.name, e.status) == names), None)
    if kept is None:
        return Refusal("nothing_kept", f"no earlier edition of {view.name} is kept")
    if kept.shape.fingerprint != view.shape.fingerprint:
        return Refusal(
            "drawn_by_another_version",
            f"the kept edition of {view.name} was drawn by another version of this program:"
            " start that version, and it takes its own edition up again by itself",
        )
    if kept.degraded or not belongs(kept, log, log.head()):
        return Refusal(
            "kept_is_unsound",
            f"the kept edition of {view.name} is degraded, or of a log that was restored since:"
            f" `bos rebuild {view.name}` draws it anew",
        )
    return _take_over(Sketch(view, kept, log, views, clock))

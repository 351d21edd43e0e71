"""Pictures drawn anew beside the live ones: interrupted, gone on with, swapped, taken back.

A program of another version is one whose view has another version number.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from threading import Event
from typing import Any, Final

import pytest

from adapters.clock import HandClock
from adapters.memory.recorder import MemoryRecorder
from adapters.views.store import SqlViewStore
from console_api.bootstrap import assemble
from console_api.workers import engine_room, shift
from console_api.workers.engine_room import EngineRoom
from console_api.workers.reactor import REACTOR
from console_api.workers.shift import LEASE_SECONDS, Shift
from domain.core.instant import SECOND
from domain.core.stream import Refusal
from domain.ports import Conflict, Recorded
from domain.view_store import Column, Edition, Listing, Row
from projections.catalog import VIEWS
from projections.dashboard import DASHBOARD
from projections.engine import batches, beside
from projections.engine.beside import rebuild, roll_back
from projections.engine.projector import Projector
from projections.events import EVENTS
from projections.orders import ORDERS
from projections.view import View
from tests.contracts.recorders import DATABASES, in_threads
from tests.histories import lived, told, write
from tests.picture import START, ToldLog, digest_at, told_clock
from tests.specs.projections.conftest import Open
from tests.specs.projections.test_poison import sales

NEWER: Final = replace(
    ORDERS,
    version=2,
    columns=(*ORDERS.columns, Column("vip", indexed=True)),
    draw=lambda row, recorded, key: {**(ORDERS.draw(row, recorded, key) or {}), "vip": "no"},
)


def runner(view: View, log: ToldLog, views: SqlViewStore) -> Projector:
    return Projector((view,), log, views, told_clock)


def live(views: SqlViewStore, name: str = "orders") -> Edition:
    found = views.live(name)
    assert found is not None
    return found


# ── another version ──


def test_reads_go_on_while_a_changed_picture_is_drawn_anew(
    open_views: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 10)
    log, old = ToldLog(sales(40)), open_views(ORDERS.shape)
    runner(ORDERS, log, old).draw()
    log.recorded = sales(60)
    new, seen = open_views(NEWER.shape), list[tuple[int, Any, int]]()

    def meanwhile(reached: int, _aim: int) -> None:
        row = new.get("orders", "o-0001")
        assert row is not None
        seen.append((new.count("orders"), row["vip"], reached))

    runner(NEWER, log, new).draw(meanwhile)
    assert seen == [(40, None, reached) for reached in (10, 20, 30, 40, 50, 60)]
    row = new.get("orders", "o-0060")
    assert row is not None
    assert (row["vip"], new.count("orders"), old.count("orders")) == ("no", 60, 60)


def test_an_older_program_steps_back_and_says_so_once(memory: Open) -> None:
    log, old, new, said = ToldLog(sales(5)), memory(ORDERS.shape), memory(NEWER.shape), list[str]()
    older = Projector((ORDERS,), log, old, told_clock, said.append)
    older.draw()
    newer = runner(NEWER, log, new)
    newer.draw()
    log.recorded = sales(9)
    for _ in range(3):
        assert (older.due(), older.step(), older.draw()) == ([], False, 9)
    assert said == ["orders is drawn by another version of this program now: left to it"]
    assert (live(old).shape.fingerprint, live(old).position) == (NEWER.shape.fingerprint, 5)
    assert newer.draw() == live(new).position == 9


def test_a_program_that_comes_back_takes_its_kept_edition_up_again(memory: Open) -> None:
    log, old = ToldLog(sales(5)), memory(ORDERS.shape)
    runner(ORDERS, log, old).draw()
    first = live(old)
    runner(NEWER, log, memory(NEWER.shape)).draw()
    log.recorded = sales(8)
    runner(ORDERS, log, old).draw()
    assert (live(old).table, live(old).position, old.count("orders")) == (first.table, 8, 8)


# ── rolling back ──


def test_a_rollback_catches_up_and_makes_the_kept_edition_live(open_views: Open) -> None:
    log, views = ToldLog(sales(5)), open_views(ORDERS.shape)
    runner(ORDERS, log, views).draw()
    first = live(views)
    rebuild([ORDERS], log=log, views=views, clock=told_clock)
    second = live(views)
    log.recorded = sales(9)
    runner(ORDERS, log, views).draw()
    back = roll_back(ORDERS, log=log, views=views, clock=told_clock)
    assert isinstance(back, Edition)
    assert (back.table, back.position, back.status) == (first.table, 9, "live")
    assert (live(views), views.count("orders")) == (back, 9)
    again = roll_back(ORDERS, log=log, views=views, clock=told_clock)
    assert isinstance(again, Edition)
    assert again.table == second.table


def test_a_rollback_says_why_it_cannot(memory: Open) -> None:
    log, views = ToldLog(sales(5)), memory(ORDERS.shape)

    def refused(view: View, store: SqlViewStore) -> str:
        met = roll_back(view, log=log, views=store, clock=told_clock)
        assert isinstance(met, Refusal)
        assert "orders" in met.because
        return met.code

    runner(ORDERS, log, views).draw()
    assert refused(ORDERS, views) == "nothing_kept"
    newer = memory(NEWER.shape)
    runner(NEWER, log, newer).draw()
    assert refused(NEWER, newer) == "drawn_by_another_version"
    rebuild([NEWER], log=log, views=newer, clock=told_clock)
    log.recorded = [each._replace(digest=digest_at(1_000 + each.position)) for each in sales(9)]
    assert refused(NEWER, newer) == "kept_is_unsound"


# ── many at once, in little memory, interrupted ──


@dataclass(slots=True)
class Counted(ToldLog):
    """A log that counts the events that it was asked for."""

    read_events: int = 0

    def page(self, *, after: int, limit: int, upto: int | None = None) -> Sequence[Recorded]:
        events = ToldLog.page(self, after=after, limit=limit, upto=upto)
        self.read_events += len(events)
        return events


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches and memory for ten of anything."""
    monkeypatch.setattr(batches, "BATCH", 10)
    monkeypatch.setattr(beside, "ROWS_HELD_MAX", 10)
    monkeypatch.setattr(beside, "EVENTS_HELD_MAX", 30)


@pytest.mark.usefixtures("small")
def test_several_pictures_are_drawn_in_one_pass_and_hold_few_rows(
    open_views: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, log = (ORDERS, EVENTS, DASHBOARD), Counted(sales(95))
    views, held = open_views(*(view.shape for view in pictures)), list[int]()
    fill = views.fill

    def measured(edition: Edition, rows: Sequence[Row], upto: int, **how: Any) -> Edition:
        held.append(len(rows) + len(how["changed"]))
        return fill(edition, rows, upto, **how)

    monkeypatch.setattr(views, "fill", measured)
    editions = rebuild(pictures, log=log, views=views, clock=told_clock)
    assert {each.position for each in editions} == {95}
    assert log.read_events == 95
    assert max(held) <= 20
    at_once = open_views(*(view.shape for view in pictures))
    monkeypatch.setattr(beside, "ROWS_HELD_MAX", 1_000)
    before = {view.name: list(views.rows(live(views, view.name))) for view in pictures}
    rebuild(pictures, log=log, views=at_once, clock=told_clock)
    for view in pictures:
        assert list(at_once.rows(live(at_once, view.name))) == before[view.name]


class Killed(BaseException):
    """The process is gone: nothing is tidied up."""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("at", [10, 50, 90])
def test_an_interrupted_rebuild_is_gone_on_with(open_views: Open, at: int) -> None:
    log, first = Counted(sales(95)), open_views(ORDERS.shape, DASHBOARD.shape)

    def die(reached: int, _aim: int) -> None:
        if reached == at:
            raise Killed

    with pytest.raises(Killed):
        rebuild((ORDERS, DASHBOARD), log=log, views=first, clock=told_clock, progress=die)
    left = {each.shape.name: each for each in first.editions()}
    assert {each.status for each in left.values()} == {"building"}
    assert (left["orders"].position, left["dashboard"].position) == (at, at // 30 * 30)
    log.read_events, second = 0, open_views(ORDERS.shape, DASHBOARD.shape)
    rebuild((ORDERS, DASHBOARD), log=log, views=second, clock=told_clock)
    assert log.read_events <= 95 - at // 30 * 30 + 10
    assert live(second).table == left["orders"].table
    whole = second.get("dashboard", "business")
    assert whole is not None
    assert (second.count("orders"), whole["totals"]["orders"]) == (95, 95)


@pytest.mark.usefixtures("small")
def test_what_another_version_left_unfinished_is_not_gone_on_with(memory: Open) -> None:
    log, old = ToldLog(sales(95)), memory(ORDERS.shape)

    def die(reached: int, _aim: int) -> None:
        if reached == 50:
            raise Killed

    with pytest.raises(Killed):
        rebuild([ORDERS], log=log, views=old, clock=told_clock, progress=die)
    new = memory(NEWER.shape)
    rebuild([NEWER], log=log, views=new, clock=told_clock)
    rows = list(new.rows(live(new)))
    assert (len(rows), {row["vip"] for row in rows}) == (95, {"no"})


@pytest.mark.usefixtures("small")
def test_what_was_left_of_a_log_that_was_restored_is_not_gone_on_with(memory: Open) -> None:
    log, views = ToldLog(sales(95)), memory(ORDERS.shape)

    def die(reached: int, _aim: int) -> None:
        if reached == 50:
            raise Killed

    with pytest.raises(Killed):
        rebuild([ORDERS], log=log, views=views, clock=told_clock, progress=die)
    (left,) = views.editions()
    log.recorded = [
        each._replace(
            digest=digest_at(1_000 + each.position),
            previous_digest=digest_at(1_000 + each.position - 1),
        )
        for each in sales(80)
    ]
    rebuild([ORDERS], log=log, views=views, clock=told_clock)
    assert (live(views).table != left.table, views.count("orders")) == (True, 80)


# ── under writers and readers ──


@dataclass(slots=True)
class Watched:
    """What a reader saw."""

    views: SqlViewStore
    positions: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def look(self) -> None:
        self.positions.append(self.views.positions()["events"])
        self.counts.append(self.views.count("events"))

    def went_back(self) -> int:
        """Count the reads that showed less than one before."""
        return sum(
            after < before
            for seen in (self.positions, self.counts)
            for before, after in pairwise(seen)
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATABASES)
def test_no_read_goes_back_while_pictures_are_swapped_under_writers(open_views: Open) -> None:
    swaps, events_max = 4, 3_000
    recorder, story, over = MemoryRecorder(), lived(), Event()
    shapes = [view.shape for view in VIEWS]
    business = assemble(recorder, open_views(*shapes), connectors={})
    coming = told(story, 10_000)
    write(recorder, (next(coming) for _ in range(500)))
    business.draw()
    watched, swapped = Watched(open_views(*shapes)), list[int]()

    def write_on() -> None:
        while not over.wait(0.02) and recorder.head() < events_max:
            write(recorder, (next(coming) for _ in story.cycle))

    def draw() -> None:
        while not over.wait(0.01):
            with suppress(Conflict):  # as the engine room does: look again
                business.draw_batch()

    def swap() -> None:
        try:
            for _ in range(swaps):
                rebuild([EVENTS, ORDERS], log=business.log, views=business.views, clock=told_clock)
                swapped.append(recorder.head())
        finally:
            over.set()

    def read() -> None:
        while not over.is_set():
            watched.look()

    in_threads(write_on, draw, swap, read)
    assert (len(swapped), watched.went_back()) == (swaps, 0)
    assert swapped[-1] > swapped[0], "it was written meanwhile"
    business.draw()
    assert business.views.count("events") == recorder.head()


# ── in the engine room ──


def vips(views: SqlViewStore) -> set[Any]:
    return {row["vip"] for row in views.find("orders", Listing())}


def test_the_rest_goes_on_while_a_changed_picture_is_drawn_anew(
    memory: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server comes up at once: a rebuild is nobody's business but its own thread's."""
    recorder, go_on = MemoryRecorder(), Event()
    business = assemble(recorder, memory(*(view.shape for view in VIEWS)), connectors={})
    coming = told(lived(), 2_000)
    write(recorder, (next(coming) for _ in range(100)))
    business.draw()
    pictures = tuple(NEWER if view.name == "orders" else view for view in VIEWS)
    newer = assemble(recorder, memory(*(view.shape for view in pictures)), connectors={})
    newer.views.prepare([REACTOR, *(view.shape for view in pictures)])
    newer.projector.pictures = pictures
    held, redraw = Event(), newer.redraw

    def slow(progress: Any) -> bool:
        held.set()
        assert go_on.wait(20)
        return redraw(progress)

    monkeypatch.setattr(type(newer), "redraw", lambda _self, progress: slow(progress))
    monkeypatch.setattr(engine_room, "TICK_SECONDS", 0.05)
    room = EngineRoom(newer)
    room.start(work=False)
    try:
        assert held.wait(20)
        write(recorder, (next(coming) for _ in range(100)))
        assert newer.reached(200, timeout_seconds=20, view="events")
        assert newer.views.positions()["orders"] == 100
        assert not newer.reached(200, timeout_seconds=0, view="orders")
        assert vips(newer.views) == {None}
        go_on.set()
        assert newer.reached(200, timeout_seconds=20, view="orders")
        assert vips(newer.views) == {"no"}
    finally:
        go_on.set()
        room.stop()


def test_of_two_processes_one_draws_and_the_other_takes_over_when_it_is_killed(
    memory: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed: its lease is not given back, and runs out."""
    monkeypatch.setattr(engine_room, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(shift, "RENEWED_AFTER_SECONDS", 0.0)
    recorder, clock, shapes = MemoryRecorder(), HandClock(START), [view.shape for view in VIEWS]
    processes = [assemble(recorder, memory(*shapes), connectors={}, clock=clock) for _ in range(2)]
    drawn: list[int] = []
    coming = told(lived(), 2_000)
    write(recorder, (next(coming) for _ in range(100)))
    rooms = [EngineRoom(process) for process in processes]
    for number, process in enumerate(processes):
        watch(process.projector, number, drawn, monkeypatch)
    rooms[0].start(work=False)
    assert processes[0].reached(100, timeout_seconds=20)
    rooms[1].start(work=False)
    try:
        write(recorder, (next(coming) for _ in range(100)))
        assert processes[1].reached(200, timeout_seconds=20)
        assert set(drawn) == {0}, "the second stands by"
        monkeypatch.setattr(Shift, "end", lambda _self: None)
        rooms[0].stop()
        monkeypatch.undo()
        write(recorder, (next(coming) for _ in range(100)))
        assert not processes[1].reached(300, timeout_seconds=0.3), "the lease is not over"
        clock.forward(LEASE_SECONDS * SECOND)
        assert processes[1].reached(300, timeout_seconds=20)
        assert processes[1].views.count("events") == 300
    finally:
        for room in rooms:
            room.stop()


def watch(
    projector: Projector, number: int, drawn: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Note whose turn it was whenever a batch was drawn."""
    views, save_together = projector.views, projector.views.save_together

    def noted(*what: Any, **how: Any) -> None:
        drawn.append(number)
        save_together(*what, **how)

    monkeypatch.setattr(views, "save_together", noted)

"""The engine: every picture in step with the log, exactly once, and drawn anew beside the old one.

The dashboard is what most of this is tried on: it adds up, so that an event that is drawn twice,
or not at all, shows.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any, Final

import pytest
from sqlalchemy import create_engine
from sqlalchemy import inspect as look_into
from sqlalchemy.engine import make_url

from adapters.memory.recorder import MemoryRecorder
from adapters.views.store import SqlViewStore
from commands.founding import FoundBusiness
from commands.kernel.agent import RegisterAgent
from commands.kernel.order import Line, RecordOrder
from commands.message import Done
from console_api.bootstrap import BOOTSTRAP, READ_MODELS, assemble
from console_api.business import Business
from console_api.workers.engine_room import BREATH_SECONDS
from domain.core.instant import written
from domain.kernel.order import OrderRecorded
from domain.ports import BrokenWorld, Conflict, EventStore, Recorded, StoreUnavailable
from domain.view_store import Edition, Row, ViewStore
from projections.actions import ACTIONS
from projections.dashboard import DASHBOARD
from projections.engine import batches
from projections.engine.batches import BATCH, Progress, silent
from projections.engine.beside import rebuild
from projections.engine.compare import DIFFERENCES_MAX, Comparison, compare
from projections.engine.projector import Projector
from projections.orders import ORDERS
from projections.state_snapshots import STATE_SNAPSHOTS
from projections.view import View
from tests.contracts.recorders import in_threads
from tests.examples import FOUNDER, NOON, founded
from tests.picture import (
    START,
    ToldLog,
    changed,
    digest_at,
    draw_all,
    given,
    memory_engine,
    memory_views,
    told_clock,
)

SHAPES: Final = (DASHBOARD.shape, ORDERS.shape, STATE_SNAPSHOTS.shape)


def sale(number: int) -> OrderRecorded:
    return OrderRecorded(
        order_id=f"o-{number:04}",
        org_unit_id="commerce",
        customer_id="",
        country="",
        currency="EUR",
        amount=Decimal(number),
        lines=(),
        placed_at=START,
        day="2030-01-01",
        hour="2030-01-01T09",
        source="",
    )


def sales(count: int) -> list[Recorded]:
    """A history of so many orders; the nth is for n."""
    return list(given(*map(sale, range(1, count + 1))).recorded)


def catch_up(view: View, *, log: EventStore, views: ViewStore) -> Edition:
    """Bring one picture to the head, by a runner that has just started."""
    Projector([view], log, views, told_clock).draw()
    live = views.live(view.name)
    assert live is not None
    return live


def catch_up_all(pictures: Sequence[View], *, log: EventStore, views: ViewStore) -> int:
    """Bring several there, by a runner that has just started."""
    return Projector(pictures, log, views, told_clock).draw()


def rebuilt(
    view: View, *, log: EventStore, views: ViewStore, progress: Progress = silent
) -> Edition:
    """Draw one picture anew."""
    (edition,) = rebuild([view], log=log, views=views, clock=told_clock, progress=progress)
    return edition


def compared(
    view: View, *, log: EventStore, views: ViewStore, progress: Progress = silent
) -> Comparison:
    """Compare one picture."""
    return compare(view, log=log, views=views, clock=told_clock, progress=progress)


def drawn(view: View, log: ToldLog) -> dict[str, Row]:
    """The picture as it should be: drawn anew, in a database of its own."""
    with closing(memory_views(view.shape)) as views:
        return shown(view, views, catch_up(view, log=log, views=views))


def shown(view: View, views: SqlViewStore, edition: Edition | None = None) -> dict[str, Row]:
    """The picture as it is."""
    live = edition or views.live(view.name)
    assert live is not None
    return {str(row[view.shape.key]): row for row in views.rows(live)}


def orders_counted(views: SqlViewStore) -> int:
    row = views.get("dashboard", "business")
    return 0 if row is None else int(row["totals"]["orders"])


def tables(views: SqlViewStore) -> set[str]:
    return set(look_into(views._engine).get_table_names()) - {"view_editions"}


class Crash(Exception):
    """The power goes."""


class Fragile(SqlViewStore):
    """A store whose process dies around one of its saves."""

    saves = 0
    crash_at = 0
    how = ""

    def save_together(
        self,
        drawn: Sequence[tuple[Edition, Mapping[str, Row | None]]],
        upto: int,
        hash: str = "",
    ) -> None:
        self.saves += 1
        self._dies("before")
        super().save_together(drawn, upto, hash)
        self._dies("after")

    def _store(self, *arguments: Any) -> None:
        super()._store(*arguments)
        self._dies("inside")

    def _dies(self, how: str) -> None:
        if (how, self.saves) == (self.how, self.crash_at):
            self.crash_at = 0
            raise Crash


@pytest.fixture
def views() -> Iterator[Fragile]:
    with closing(Fragile(memory_engine())) as views:
        views.prepare(SHAPES)
        yield views


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(batches, "BATCH", 10)
    return 10


# ── exactly once ──


@pytest.mark.parametrize("how", ["before", "inside", "after"])
@pytest.mark.parametrize("crash_at", [1, 2, 3])
@pytest.mark.usefixtures("small_batches")
def test_a_crash_around_any_save_loses_nothing_and_applies_nothing_twice(
    views: Fragile, crash_at: int, how: str
) -> None:
    log, history = ToldLog(), sales(34)
    catch_up(DASHBOARD, log=log, views=views)
    log.recorded = history[:25]
    views.crash_at, views.how = crash_at, how
    with pytest.raises(Crash):
        catch_up(DASHBOARD, log=log, views=views)
    reached = views.positions()["dashboard"]
    assert reached == min(25, 10 * (crash_at - (how != "after")))
    assert orders_counted(views) == reached
    log.recorded = history
    assert catch_up(DASHBOARD, log=log, views=views).position == 34
    assert shown(DASHBOARD, views) == drawn(DASHBOARD, log)
    assert orders_counted(views) == 34


@pytest.mark.parametrize("how", ["before", "inside", "after"])
@pytest.mark.usefixtures("small_batches")
def test_a_crash_while_all_pictures_are_drawn_leaves_all_at_the_same_position(
    views: Fragile, how: str
) -> None:
    pictures, log = (DASHBOARD, ORDERS, STATE_SNAPSHOTS), ToldLog()
    catch_up_all(pictures, log=log, views=views)
    log.recorded = sales(25)
    views.crash_at, views.how = 2, how
    with pytest.raises(Crash):
        catch_up_all(pictures, log=log, views=views)
    reached = 20 if how == "after" else 10
    assert set(views.positions().values()) == {reached}
    assert (orders_counted(views), views.count("orders")) == (reached, reached)
    assert catch_up_all(pictures, log=log, views=views) == 25
    for view in pictures:
        assert shown(view, views) == drawn(view, log)


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 1])
def test_a_history_of_any_length_is_drawn_in_as_few_saves_as_possible(
    views: Fragile, count: int
) -> None:
    log = ToldLog()
    catch_up(DASHBOARD, log=log, views=views)
    log.recorded = sales(count)
    live = catch_up(DASHBOARD, log=log, views=views)
    assert (live.position, orders_counted(views)) == (count, count)
    assert views.saves == -(-count // BATCH)
    again = catch_up(DASHBOARD, log=log, views=views)
    assert (again, views.saves) == (live, -(-count // BATCH))


def test_batches_of_any_size_make_the_same_picture(
    views: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ToldLog(sales(30))
    expected = {view.name: drawn(view, log) for view in (DASHBOARD, STATE_SNAPSHOTS)}
    for size in (1, 2, 7, 29, 30, 31):
        monkeypatch.setattr(batches, "BATCH", size)
        for view in (DASHBOARD, STATE_SNAPSHOTS):
            edition = views.swap(views.begin(view.shape), head=0)
            assert shown(view, views, catch_up(view, log=log, views=views)) == expected[view.name]
            assert edition.position == 0


def test_events_that_a_picture_is_not_drawn_from_move_it_on_all_the_same(views: Fragile) -> None:
    views.prepare([ACTIONS.shape])
    log = ToldLog(sales(3))
    live = catch_up(ACTIONS, log=log, views=views)
    assert (live.position, views.count("actions")) == (3, 0)


def test_a_second_projector_loses_and_nothing_is_drawn_twice(tmp_path: Path) -> None:
    """Two processes read the same stretch; whoever stores it second is told so."""
    first, second = (Fragile(create_engine(f"sqlite:///{tmp_path / 'views.db'}")) for _ in range(2))
    first.prepare(SHAPES)
    second.prepare(SHAPES)
    log = ToldLog()
    catch_up(DASHBOARD, log=log, views=first)
    log.recorded = sales(5)

    class Slow(ToldLog):
        def page(self, *, after: int, limit: int, upto: int | None = None) -> Sequence[Recorded]:
            """The other one is quicker."""
            catch_up(DASHBOARD, log=log, views=first)
            return super().page(after=after, limit=limit, upto=upto)

    with closing(first), closing(second):
        with pytest.raises(Conflict):
            Projector([DASHBOARD], Slow(log.recorded), second, told_clock).step()
        assert (orders_counted(second), second.positions()) == (5, {"dashboard": 5})
        assert catch_up(DASHBOARD, log=log, views=second).position == 5


# ── all pictures together ──


@dataclass(slots=True)
class Counted(ToldLog):
    """A log that counts how often it is asked for a page."""

    pages: int = 0

    def page(self, *, after: int, limit: int, upto: int | None = None) -> Sequence[Recorded]:
        self.pages += 1
        return ToldLog.page(self, after=after, limit=limit, upto=upto)


@pytest.mark.usefixtures("small_batches")
def test_the_log_is_read_once_for_all_pictures(views: Fragile) -> None:
    pictures, log = (DASHBOARD, ORDERS, STATE_SNAPSHOTS), Counted()
    assert catch_up_all(pictures, log=log, views=views) == 0
    log.recorded, log.pages = sales(25), 0
    assert catch_up_all(pictures, log=log, views=views) == 25
    assert (log.pages, views.saves) == (3, 3)


@pytest.mark.usefixtures("small_batches")
def test_pictures_that_stand_apart_meet(views: Fragile) -> None:
    history = sales(45)
    for view, position in ((DASHBOARD, 3), (ORDERS, 17), (STATE_SNAPSHOTS, 45)):
        catch_up(view, log=ToldLog(history[:position]), views=views)
    log = ToldLog(history)
    assert catch_up_all((DASHBOARD, ORDERS, STATE_SNAPSHOTS), log=log, views=views) == 45
    assert set(views.positions().values()) == {45}
    for view in (DASHBOARD, ORDERS, STATE_SNAPSHOTS):
        assert shown(view, views) == drawn(view, log)


def test_a_picture_that_is_new_is_drawn_with_the_others(views: Fragile) -> None:
    log = ToldLog(sales(5))
    catch_up_all((DASHBOARD,), log=log, views=views)
    log.recorded = sales(8)
    assert catch_up_all((DASHBOARD, ORDERS), log=log, views=views) == 8
    assert (views.count("orders"), orders_counted(views)) == (8, 8)


# ── the log ──


@pytest.mark.parametrize(
    ("positions", "last"),
    [([2, 3, 4], 0), ([1, 2, 4], 0), ([*range(1, 11), 12], 10), ([*range(1, 13), 14], 10)],
    ids=["at the beginning", "in a batch", "between batches", "in a later batch"],
)
@pytest.mark.usefixtures("small_batches")
def test_a_hole_in_the_log_stops_the_engine_where_it_is(
    views: Fragile, positions: list[int], last: int
) -> None:
    whole = ToldLog(sales(14))
    catch_up(DASHBOARD, log=ToldLog(), views=views)
    log = ToldLog([each for each in whole.recorded if each.position in positions])
    hole = f"the log has a hole after position {last}: run `bos audit verify`"
    for attempt in (
        lambda: catch_up(DASHBOARD, log=log, views=views),
        lambda: catch_up_all([DASHBOARD], log=log, views=views),
    ):
        with pytest.raises(StoreUnavailable, match=hole):
            attempt()
        assert views.positions() == {"dashboard": last}
        assert orders_counted(views) == last
    assert catch_up(DASHBOARD, log=whole, views=views).position == 14
    assert orders_counted(views) == 14


def test_a_hole_in_the_log_stops_a_rebuild_and_leaves_the_live_picture(views: Fragile) -> None:
    whole = ToldLog(sales(5))
    live = catch_up(DASHBOARD, log=whole, views=views)
    holed = ToldLog([each for each in whole.recorded if each.position != 3])
    with pytest.raises(StoreUnavailable, match="hole"):
        rebuilt(DASHBOARD, log=holed, views=views)
    assert (views.live("dashboard"), orders_counted(views)) == (live, 5)


@pytest.mark.parametrize("together", [False, True])
def test_a_log_that_was_restored_to_an_earlier_day_takes_the_pictures_with_it(
    views: Fragile, together: bool
) -> None:
    log = ToldLog(sales(10))
    catch_up(DASHBOARD, log=log, views=views)
    log.recorded = log.recorded[:6]
    if together:
        assert catch_up_all([DASHBOARD], log=log, views=views) == 6
    else:
        assert catch_up(DASHBOARD, log=log, views=views).position == 6
    assert (orders_counted(views), views.positions()) == (6, {"dashboard": 6})
    assert shown(DASHBOARD, views) == drawn(DASHBOARD, log)


def other_sales(count: int, *, after: int) -> list[Recorded]:
    """The history of a log that was restored at a position, and has grown again."""
    again = given(*map(sale, range(1, after + 1)), *map(sale, range(101, 101 + count - after)))
    return [
        each._replace(
            digest=b"again-%d" % each.position, previous_digest=_digest_before(each, after)
        )
        if each.position > after
        else each
        for each in again.recorded
    ]


def _digest_before(recorded: Recorded, after: int) -> bytes:
    before = recorded.position - 1
    return b"again-%d" % before if before > after else digest_at(before)


@pytest.mark.parametrize("length", [9, 10, 15])
@pytest.mark.parametrize("running", [False, True], ids=["at the start", "in the middle"])
def test_a_log_that_was_restored_and_has_grown_again_takes_the_pictures_with_it(
    views: Fragile, running: bool, length: int
) -> None:
    log = ToldLog(sales(10))
    runner = Projector((DASHBOARD, ORDERS), log, views, told_clock)
    assert runner.draw() == 10
    log.recorded = other_sales(length, after=6)
    if not running:
        runner = Projector((DASHBOARD, ORDERS), log, views, told_clock)
    elif length == 10:  # as long as before: nothing is read that could tell, until more is written
        assert runner.draw() == 10
        log.recorded = other_sales(11, after=6)
    assert runner.draw() == log.head()
    for view in (DASHBOARD, ORDERS):
        assert shown(view, views) == drawn(view, log)


# ── a picture that changed ──


def test_the_fingerprint_of_a_picture_says_how_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def fingerprint(view: View) -> str:
        return replace(view).shape.fingerprint  # a copy, so that nothing is remembered

    plain = fingerprint(DASHBOARD)
    assert plain == fingerprint(DASHBOARD) == DASHBOARD.shape.fingerprint
    assert fingerprint(replace(DASHBOARD, version=2)) != plain
    assert fingerprint(replace(DASHBOARD, columns=DASHBOARD.columns[:-1])) != plain
    source = inspect.getsource
    for edited, differs in (
        ("projections.dashboard", True),
        ("projections.takings", True),
        ("projections.view", True),
        ("projections.orders", False),
    ):

        def edit(module: ModuleType, edited: str = edited) -> str:
            return source(module) + ("\n# edited" if module.__name__ == edited else "")

        monkeypatch.setattr(inspect, "getsource", edit)
        assert (edited, fingerprint(DASHBOARD) != plain) == (edited, differs)


# ── rebuilding ──


@pytest.mark.parametrize("grown", [1, BATCH, BATCH + 1, 2 * BATCH + 1])
def test_a_rebuild_catches_up_with_a_log_that_grows_meanwhile(views: Fragile, grown: int) -> None:
    history = sales(3 + grown)
    log = ToldLog(history[:3])
    catch_up(DASHBOARD, log=log, views=views)

    def meanwhile(reached: int, aim: int) -> None:
        assert (reached, aim) == (3, 3)
        log.recorded = history

    edition = rebuilt(DASHBOARD, log=log, views=views, progress=meanwhile)
    assert (edition.position, edition.status) == (3 + grown, "live")
    assert orders_counted(views) == 3 + grown


def test_a_rebuild_that_the_live_picture_has_overtaken_follows_it(
    views: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = sales(9)
    log, swap, tries = ToldLog(history[:3]), views.swap, [6, 9]
    catch_up(DASHBOARD, log=log, views=views)

    def overtaken(edition: Edition, *, head: int) -> Edition:
        if tries:
            log.recorded = history[: tries.pop(0)]
            catch_up(DASHBOARD, log=log, views=views)
        return swap(edition, head=log.head())

    monkeypatch.setattr(views, "swap", overtaken)
    assert rebuilt(DASHBOARD, log=log, views=views).position == 9
    assert (orders_counted(views), tries) == (9, [])


@dataclass(slots=True)
class Busy(ToldLog):
    """A log to which something is added whenever somebody looks."""

    coming: list[Recorded] = field(default_factory=list)

    def page(self, *, after: int, limit: int, upto: int | None = None) -> Sequence[Recorded]:
        if self.coming:
            self.recorded.append(self.coming.pop(0))
        return ToldLog.page(self, after=after, limit=limit, upto=upto)


@pytest.mark.parametrize("way", ["rebuild", "catch_up", "catch_up_all"])
def test_drawing_comes_to_an_end_although_the_log_never_stops_growing(
    views: Fragile, way: str
) -> None:
    history = sales(100)
    log = Busy(history[:10], coming=history[10:])
    catch_up(DASHBOARD, log=ToldLog(history[:5]), views=views)
    if way == "catch_up_all":
        catch_up_all([DASHBOARD], log=log, views=views)
    else:
        {"rebuild": rebuilt, "catch_up": catch_up}[way](DASHBOARD, log=log, views=views)
    assert orders_counted(views) >= 10
    assert log.coming, "it went on until nothing more was written"


def fails(*_: object, **__: object) -> Any:
    raise Crash


@pytest.mark.parametrize("step", ["draw", "fill", "follow", "swap"])
def test_an_interrupted_rebuild_leaves_the_live_picture_and_is_thrown_away_by_the_next(
    views: Fragile, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = sales(5)
    log = ToldLog(history[:3])
    live = catch_up(DASHBOARD, log=log, views=views)
    before = tables(views)

    def grow(_reached: int, _aim: int) -> None:
        log.recorded = history
        if step == "draw":
            raise Crash

    if step == "follow":
        views.crash_at, views.how = views.saves + 1, "inside"
    with monkeypatch.context() as broken:
        if step in ("fill", "swap"):
            broken.setattr(views, step, fails)
        with pytest.raises(Crash):
            rebuilt(DASHBOARD, log=log, views=views, progress=grow)
    assert (views.live("dashboard"), orders_counted(views)) == (live, 3)
    left = tables(views) - before
    assert len(left) == 1
    edition = rebuilt(DASHBOARD, log=log, views=views)
    assert orders_counted(views) == 5
    assert tables(views) == before | {edition.table}, "the one before is kept, the rest is gone"


REBUILDS: Final = 4
READS: Final = 12
ORDERS_MAX: Final = 1_500


@dataclass(slots=True)
class Day:
    """A business at work, whose pictures are drawn, rebuilt and read all the time."""

    business: Business
    over: Event = field(default_factory=Event)
    sold: int = 0
    rebuilt: int = 0
    seen: list[tuple[int, int, int, int]] = field(default_factory=list)

    def sell(self) -> None:
        """Sell until enough was rebuilt and read meanwhile."""
        try:
            while self.sold < ORDERS_MAX and (self.rebuilt < REBUILDS or len(self.seen) < READS):
                self.sold += 1
                line = Line(sku="mug", quantity=1, unit_price=Decimal("4.50"))
                told = RecordOrder(
                    order_id=f"o-{self.sold}", placed_at=written(NOON), lines=(line,)
                )
                assert isinstance(self.business.do(told, FOUNDER), Done)
                self.over.wait(0.02)  # see the test of a log that never stops growing
        finally:
            self.over.set()

    def rebuild(self) -> None:
        """Draw two pictures anew."""
        for view in (DASHBOARD, ORDERS):
            rebuilt(view, log=self.business.log, views=self.business.views)
            self.rebuilt += 1

    def read(self) -> None:
        """Look, and remember what was seen."""
        views = self.business.views
        counted, positions = orders_counted(views), views.positions()
        listed = views.count("orders")
        self.seen.append((positions["dashboard"], positions["orders"], counted, listed))

    def all_day(self, step: Callable[[], object]) -> Callable[[], None]:
        """Take a step again and again; a broken world is tried again, as the workers do."""

        def loop() -> None:
            while not self.over.is_set():
                with suppress(BrokenWorld):
                    step()
                self.over.wait(BREATH_SECONDS)

        return loop


def test_readers_never_go_back_while_pictures_are_rebuilt_under_a_writer() -> None:
    with founded() as shop:
        shop.business.draw()
        day = Day(shop.business)
        steps = (shop.business.draw, day.rebuild, day.read)
        in_threads(day.sell, *map(day.all_day, steps))
        assert (day.rebuilt >= REBUILDS, len(day.seen) >= READS) == (True, True)
        for column in zip(*day.seen, strict=True):
            assert list(column) == sorted(column)
        shop.business.draw()
        views = shop.business.views
        assert (orders_counted(views), views.count("orders")) == (day.sold, day.sold)
        for view in (DASHBOARD, ORDERS):
            assert compared(view, log=shop.business.log, views=views).equal


# ── comparing ──


def test_a_picture_that_is_right_is_equal_to_itself_drawn_anew(views: Fragile) -> None:
    log = ToldLog(sales(4))
    before = catch_up(ORDERS, log=log, views=views)
    log.recorded = sales(7)
    tables_before, told = tables(views), list[tuple[int, int]]()
    same = compared(ORDERS, log=log, views=views, progress=lambda *how: told.append(how))
    assert (same.view, same.position, same.rows, same.differences) == ("orders", 7, 7, ())
    assert (same.equal, told) == (True, [(7, 7)])
    assert tables(views) == tables_before, "nothing is left behind"
    assert views.live("orders") == replace(before, position=7, hash=digest_at(7).hex())


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lambda row: {"o-0002": changed(row, amount=Decimal("2.01"))}, ("2.01", "Decimal('2')")),
        (lambda _row: {"o-0002": None}, ("live None", "rebuilt {")),
        (lambda row: {"o-0009": changed(row, id="o-0009")}, ("live {", "rebuilt None")),
        (lambda row: {"o-0002": changed(row, last_position=3)}, ("3", "2")),
        (lambda row: {"o-0002": changed(row, country=None)}, ("None", "''")),
    ],
    ids=["a value", "a row too few", "a row too many", "a stamp", "nothing for empty"],
)
def test_a_difference_is_found_and_named(
    views: Fragile, plant: Callable[[Row], dict[str, Row | None]], said: tuple[str, str]
) -> None:
    log = ToldLog(sales(4))
    live = catch_up(ORDERS, log=log, views=views)
    planted = plant(shown(ORDERS, views)["o-0002"])
    views.save(live, planted, upto=live.position)  # behind its back: no event says so
    told = compared(ORDERS, log=log, views=views)
    assert not told.equal
    (difference,) = told.differences
    (key,) = planted
    assert difference.startswith(f"{key}: live ")
    assert all(word in difference for word in said)
    rebuilt(ORDERS, log=log, views=views)
    assert compared(ORDERS, log=log, views=views).equal


def test_of_many_differences_the_first_are_named(views: Fragile) -> None:
    log = ToldLog(sales(30))
    live = catch_up(ORDERS, log=log, views=views)
    views.save(live, dict.fromkeys(shown(ORDERS, views)), upto=30)
    told = compared(ORDERS, log=log, views=views)
    assert (told.rows, len(told.differences)) == (0, DIFFERENCES_MAX)
    assert [each[:6] for each in told.differences] == [f"o-{n:04}" for n in range(1, 21)]


def test_a_picture_that_moves_on_after_it_was_read_is_compared_as_it_was(views: Fragile) -> None:
    log = ToldLog(sales(4))

    def meanwhile(_reached: int, _aim: int) -> None:
        log.recorded = sales(6)
        catch_up(ORDERS, log=log, views=views)

    told = compared(ORDERS, log=log, views=views, progress=meanwhile)
    assert (told.equal, told.position) == (True, 4)
    assert compared(ORDERS, log=log, views=views).position == 6


def test_a_picture_that_moves_on_while_it_is_compared_is_not_called_wrong(
    views: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, fill = ToldLog(sales(4)), views.fill
    catch_up(ORDERS, log=log, views=views)

    def meanwhile(edition: Edition, rows: Sequence[Row], upto: int, **how: Any) -> Edition:
        log.recorded = sales(6)
        catch_up(ORDERS, log=log, views=views)
        return fill(edition, rows, upto, **how)

    monkeypatch.setattr(views, "fill", meanwhile)
    with suppress(Conflict):
        assert compared(ORDERS, log=log, views=views).equal


# ── what nobody thought of ──


def test_no_text_that_a_command_accepts_stops_the_pictures(postgres_url: str) -> None:
    url = make_url(postgres_url).set(drivername="postgresql+psycopg")
    views = SqlViewStore(create_engine(url), schema=READ_MODELS)
    with closing(assemble(MemoryRecorder(), views, connectors={})) as business:
        business.do(FoundBusiness(name="Sandbox"), BOOTSTRAP)
        business.draw()
        with suppress(BrokenWorld, ValueError):
            business.do(RegisterAgent(agent_id="a", name="cut\0off"), FOUNDER)
        assert business.draw() == business.log.head()


def test_drawing_in_memory_and_drawing_in_the_store_agree(views: Fragile) -> None:
    log = ToldLog(sales(12))
    for upto in (0, 1, 7, 12):
        with closing(memory_views(ORDERS.shape)) as other:
            beside = other.begin(ORDERS.shape)
            rows = draw_all(ORDERS, log=log, upto=upto)
            beside = other.fill(beside, list(rows.values()), upto=upto)
            part = ToldLog(log.recorded[:upto])
            assert shown(ORDERS, other, beside) == drawn(ORDERS, part)
    assert catch_up(ORDERS, log=log, views=views).position == 12

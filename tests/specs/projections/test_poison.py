"""An event that a view cannot draw: found, noted, and nobody else's trouble."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

import pytest

from adapters.clock import HandClock
from adapters.views.store import SqlViewStore
from domain.core.instant import SECOND
from domain.kernel.order import OrderRecorded
from domain.ports import Recorded, StoreUnavailable
from domain.view_store import SKIPPING, STOPPED, Column, Failure, Kind, Row
from projections.engine import batches
from projections.engine.beside import rebuild
from projections.engine.poison import RETRY_DOUBLINGS_MAX, TRIES
from projections.engine.projector import Projector
from projections.orders import ORDERS
from projections.view import OnPoison, View, one_key
from tests.picture import START, ToldLog, digest_at, given
from tests.specs.projections.conftest import Open

BEYOND: Final = 2**63
"""A number that no column has a place for."""


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
    return list(given(*map(sale, range(1, count + 1))).recorded)


@dataclass(slots=True)
class Kitchen:
    """Where pictures are drawn, of which some orders are poison."""

    poisoned: set[str] = field(default_factory=set)
    too_large: set[str] = field(default_factory=set)
    tried: int = 0

    def view(self, on_poison: OnPoison) -> View:
        """A picture of orders that counts what it was asked to draw."""
        columns = (Column("id"), Column("number", Kind.INTEGER))
        keys = one_key("order_id")
        return View("dishes", 1, columns, (OrderRecorded,), keys, self.draw, on_poison)

    def draw(self, _row: Row | None, recorded: Recorded, key: str) -> dict[str, Any] | None:
        self.tried += 1
        if key in self.poisoned:
            raise ZeroDivisionError(f"{key} has no denominator")
        return {"id": key, "number": BEYOND if key in self.too_large else recorded.position}


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


def keys(views: SqlViewStore) -> list[str]:
    live = views.live("dishes")
    assert live is not None
    return [str(row["id"]) for row in views.rows(live)]


def everything_but(count: int, *missing: int) -> list[str]:
    return [f"o-{number:04}" for number in range(1, count + 1) if number not in missing]


def poison(kitchen: Kitchen, *keys: str) -> None:
    kitchen.poisoned = set(keys)


def enlarge(kitchen: Kitchen, *keys: str) -> None:
    kitchen.too_large = set(keys)


WAYS: Final = [
    pytest.param(poison, r"ZeroDivisionError\('o-0037 has no denominator'\)", id="raises"),
    pytest.param(enlarge, "too large to convert|bigint out of range", id="has no place"),
]
Way = Callable[..., None]


@pytest.mark.parametrize(("spoil", "said"), WAYS)
def test_a_view_stops_before_what_it_cannot_draw_and_the_others_go_on(
    open_views: Open, kitchen: Kitchen, clock: HandClock, spoil: Way, said: str
) -> None:
    dishes, log = kitchen.view(OnPoison.STOP), ToldLog(sales(3))
    views, told = open_views(dishes.shape, ORDERS.shape), list[str]()
    runner = Projector((dishes, ORDERS), log, views, clock, told.append)
    runner.draw()
    spoil(kitchen, "o-0037")
    log.recorded = sales(80)
    assert runner.draw() == 80
    assert (keys(views), views.count("orders")) == (everything_but(36), 80)
    live = views.live("dishes")
    assert live is not None
    assert (live.position, live.hash, live.degraded) == (36, digest_at(36).hex(), STOPPED)
    (failure,) = views.failures()
    assert re.search(said, failure.error)
    expected = Failure("dishes", 37, "order.recorded", failure.error, START, TRIES)
    assert failure == expected
    assert told == ["dishes is degraded at 36: it cannot draw an event, see `bos doctor`"]


@pytest.mark.parametrize(("spoil", "said"), WAYS)
def test_a_view_that_skips_goes_on_without_and_says_so_until_it_is_drawn_anew(
    open_views: Open, kitchen: Kitchen, clock: HandClock, spoil: Way, said: str
) -> None:
    dishes, log = kitchen.view(OnPoison.SKIP), ToldLog(sales(3))
    views = open_views(dishes.shape)
    runner = Projector((dishes,), log, views, clock)
    runner.draw()
    spoil(kitchen, "o-0037", "o-0038", "o-0080")
    log.recorded = sales(80)
    assert runner.draw() == 80
    assert keys(views) == everything_but(80, 37, 38, 80)
    assert [each.position for each in views.failures()] == [37, 38, 80]
    assert re.search(said, views.failures()[0].error)
    log.recorded = sales(90)
    assert runner.draw() == 90
    live = views.live("dishes")
    assert live is not None
    assert (live.position, live.degraded) == (90, SKIPPING)
    spoil(kitchen)
    (edition,) = rebuild([dishes], log=log, views=views, clock=clock)
    assert (edition.degraded, keys(views), views.failures()) == ("", everything_but(90), [])


def test_a_stopped_view_is_tried_again_less_and_less_often(
    memory: Open, kitchen: Kitchen, clock: HandClock
) -> None:
    dishes, log = kitchen.view(OnPoison.STOP), ToldLog(sales(9))
    views = memory(dishes.shape)
    poison(kitchen, "o-0005")
    runner = Projector((dishes,), log, views, clock)
    pauses, last = list[int](), START
    for _ in range(2_000):
        kitchen.tried = 0
        runner.draw()
        if kitchen.tried:
            pauses.append((clock.now - last) // SECOND)
            last = clock.now
            assert kitchen.tried == TRIES or len(pauses) == 1
        clock.forward(SECOND)
    assert pauses[:6] == [0, 1, 2, 4, 8, 16]
    assert max(pauses) == 2**RETRY_DOUBLINGS_MAX
    assert Projector((dishes,), log, views, clock).draw() == 9, "nor does a restart hammer it"


def test_a_clock_that_was_set_back_does_not_keep_a_view_from_being_tried(
    memory: Open, kitchen: Kitchen, clock: HandClock
) -> None:
    dishes, log = kitchen.view(OnPoison.STOP), ToldLog(sales(9))
    views = memory(dishes.shape)
    poison(kitchen, "o-0005")
    runner = Projector((dishes,), log, views, clock)
    runner.draw()
    poison(kitchen)
    clock.now -= 3_600 * SECOND
    runner.draw()
    assert keys(views) == everything_but(9)


def test_a_view_that_can_draw_it_after_all_is_whole_again(
    memory: Open, kitchen: Kitchen, clock: HandClock
) -> None:
    dishes, log = kitchen.view(OnPoison.STOP), ToldLog(sales(9))
    views = memory(dishes.shape)
    runner = Projector((dishes,), log, views, clock)
    poison(kitchen, "o-0005")
    runner.draw()
    poison(kitchen)
    runner.draw()
    assert len(keys(views)) == 4, "it is not time yet"
    clock.forward(SECOND)
    runner.draw()
    live = views.live("dishes")
    assert live is not None
    assert (live.degraded, views.failures(), keys(views)) == ("", [], everything_but(9))


def test_a_stopped_view_is_cleared_by_a_rebuild_that_can_draw_it(
    memory: Open, kitchen: Kitchen, clock: HandClock
) -> None:
    dishes, log = kitchen.view(OnPoison.STOP), ToldLog(sales(9))
    views = memory(dishes.shape)
    poison(kitchen, "o-0005")
    Projector((dishes,), log, views, clock).draw()
    assert rebuild([dishes], log=log, views=views, clock=clock)[0].degraded == STOPPED
    poison(kitchen)
    (edition,) = rebuild([dishes], log=log, views=views, clock=clock)
    assert (edition.degraded, edition.position, keys(views)) == ("", 9, everything_but(9))


def test_a_new_version_that_cannot_draw_an_event_leaves_the_old_picture_to_its_readers(
    memory: Open, kitchen: Kitchen, clock: HandClock
) -> None:
    dishes, log = kitchen.view(OnPoison.STOP), ToldLog(sales(9))
    views = memory(dishes.shape)
    Projector((dishes,), log, views, clock).draw()
    newer = replace(dishes, version=2)
    theirs = memory(newer.shape)
    poison(kitchen, "o-0005")
    runner = Projector((newer,), log, theirs, clock)
    runner.draw()
    live = theirs.live("dishes")
    assert live is not None
    assert (live.shape.fingerprint, live.position) == (dishes.shape.fingerprint, 9)
    assert [(each.position, each.tries) for each in theirs.failures()] == [(5, TRIES)]
    kitchen.tried = 0
    runner.draw()
    assert kitchen.tried == 0, "it waits"
    clock.forward(SECOND)
    poison(kitchen)
    runner.draw()
    assert (keys(theirs), theirs.failures()) == (everything_but(9), [])


def test_a_world_that_is_broken_is_nobodys_poison(
    memory: Open, kitchen: Kitchen, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dishes, log = kitchen.view(OnPoison.SKIP), ToldLog(sales(2))
    views = memory(dishes.shape)
    runner = Projector((dishes,), log, views, clock)
    runner.draw()
    log.recorded = sales(9)

    def gone(*_: object, **__: object) -> Any:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(views, "save_together", gone)
        with pytest.raises(StoreUnavailable):
            runner.draw()
    assert views.failures() == []
    assert (runner.draw(), keys(views)) == (9, everything_but(9))


@pytest.mark.parametrize("size", [1, 2, 7, 20, 50])
def test_it_is_found_in_batches_of_any_size(
    memory: Open, kitchen: Kitchen, clock: HandClock, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(batches, "BATCH", size)
    dishes, log = kitchen.view(OnPoison.SKIP), ToldLog(sales(20))
    views = memory(dishes.shape)
    poison(kitchen, "o-0001", "o-0008")
    enlarge(kitchen, "o-0013", "o-0020")
    assert Projector((dishes,), log, views, clock).draw() == 20
    assert keys(views) == everything_but(20, 1, 8, 13, 20)
    assert [each.position for each in views.failures()] == [1, 8, 13, 20]


def test_keys_that_cannot_be_told_are_poison_too(memory: Open, clock: HandClock) -> None:
    def keys_of(recorded: Recorded) -> Iterable[str]:
        return (f"{1 // (recorded.position - 4)}",)

    view = replace(Kitchen().view(OnPoison.SKIP), keys=keys_of)
    views = memory(view.shape)
    Projector((view,), ToldLog(sales(6)), views, clock).draw()
    assert [each.position for each in views.failures()] == [4]

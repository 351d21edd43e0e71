"""Promises of the view store: in memory, in a file of SQLite, in PostgreSQL.

A second store on the same database stands for another process: `store` and `other`.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import Engine, make_url

from adapters.views.store import KEYS_A_QUERY, SqlViewStore
from adapters.views.writing import ROWS_A_STATEMENT
from domain.ports import BrokenWorld, Conflict, NotStorable, StoreUnavailable
from domain.view_store import (
    SKIPPING,
    STOPPED,
    Column,
    Edition,
    Failure,
    Kind,
    Listing,
    Row,
    Shape,
    Where,
)
from tests.conftest import own_database
from tests.contracts.recorders import DATABASES, PATIENCE_SECONDS, POSTGRES, in_threads
from tests.picture import memory_engine

COLUMNS: Final = (
    Column("id"),
    Column("kind", indexed=True),
    Column("number", Kind.INTEGER, indexed=True),
    Column("amount", Kind.DECIMAL),
    Column("open", Kind.BOOLEAN),
    Column("at", Kind.INSTANT, indexed=True),
    Column("detail", Kind.JSON),
)
THINGS: Final = Shape("things", "a1" * 32, COLUMNS)
OTHERS: Final = Shape("others", "c3" * 32, COLUMNS)
SCHEMA: Final = "read_models"
INTEGER_MAX: Final = 2**63 - 1

Open = Callable[[], SqlViewStore]


def thing(id: str, **columns: Any) -> dict[str, Any]:
    """A row of which only some columns matter."""
    return {column.name: None for column in COLUMNS} | {"id": id} | columns


@pytest.fixture(scope="module")
def one_database(postgres_cluster: str, postgres_template: str) -> Iterator[str]:
    """One database for all these tests: a schema is made more quickly than a database."""
    with own_database(postgres_cluster, template=postgres_template) as name:
        yield urlsplit(postgres_cluster)._replace(path=f"/{name}").geturl()


@pytest.fixture
def address(kind: str, request: pytest.FixtureRequest) -> str:
    if kind == "postgres" and "take_away" in request.fixturenames:
        return str(request.getfixturevalue("postgres_url"))
    if kind == "postgres":
        url = str(request.getfixturevalue("one_database"))
        with psycopg.connect(url, autocommit=True) as connection:
            drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
            connection.execute(drop.format(sql.Identifier(SCHEMA)))
        return url
    folder: Path = request.getfixturevalue("tmp_path")
    return str(folder / "views.db")


@pytest.fixture
def unprepared(kind: str, address: str) -> Iterator[Open]:
    """Opens one more store on the same database."""
    opened: list[SqlViewStore] = []
    shared = memory_engine() if kind == "memory" else None

    def connect() -> Engine:
        if shared is not None:
            return shared
        if kind == "sqlite":
            return create_engine(f"sqlite:///{address}")
        return create_engine(make_url(address).set(drivername="postgresql+psycopg"))

    def open_one() -> SqlViewStore:
        opened.append(SqlViewStore(connect(), schema=SCHEMA if kind == "postgres" else None))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def open_store(unprepared: Open) -> Open:
    def open_one() -> SqlViewStore:
        one = unprepared()
        one.prepare([THINGS, OTHERS])
        return one

    return open_one


@pytest.fixture
def store(open_store: Open) -> SqlViewStore:
    return open_store()


@pytest.fixture
def other(store: SqlViewStore, open_store: Open) -> SqlViewStore:
    return open_store()


def draw(
    store: SqlViewStore, *rows: Row, upto: int = 1, shape: Shape = THINGS, head: int = 0
) -> Edition:
    """Draw an edition and make it the live one."""
    edition = store.fill(store.begin(shape), rows, upto)
    return store.swap(edition, head=head or upto)


def found(store: SqlViewStore, *where: Where, **listing: Any) -> list[str]:
    """List the keys of rows."""
    return [str(row["id"]) for row in store.find("things", Listing(where, **listing))]


# ── what was never drawn ──


def test_a_view_that_was_never_drawn_is_empty(store: SqlViewStore) -> None:
    store.begin(THINGS)
    assert (store.live("things"), store.lives(), store.positions()) == (None, {}, {})
    assert (store.get("things", "a"), list(store.find("things", Listing()))) == (None, [])
    assert (store.count("things"), store.total("things", "amount")) == (0, Decimal(0))


def test_preparing_again_keeps_what_was_drawn(store: SqlViewStore) -> None:
    draw(store, thing("a"))
    store.prepare([THINGS, OTHERS])
    assert found(store) == ["a"]


# ── rows and positions ──


def test_rows_and_position_are_stored_together(store: SqlViewStore) -> None:
    live = draw(store, thing("a", number=1))
    moved = store.save(live, {"a": thing("a", number=2), "b": thing("b")}, upto=7)
    assert moved == Edition(THINGS, live.table, "live", 7)
    assert store.live("things") == moved
    assert (store.positions(), found(store)) == ({"things": 7}, ["a", "b"])
    assert store.load(moved, ["a", "b", "c"]) == {"a": thing("a", number=2), "b": thing("b")}


def test_a_position_moves_on_without_rows(store: SqlViewStore) -> None:
    live = draw(store, thing("a"))
    store.save(live, {}, upto=9)
    assert (store.positions(), found(store)) == ({"things": 9}, ["a"])


def test_a_save_that_fails_in_the_middle_leaves_nothing_behind(store: SqlViewStore) -> None:
    live = draw(store, thing("a", number=1))
    rows = {"a": thing("a", number=2), "b": thing("b", detail=object())}
    with pytest.raises(NotStorable):
        store.save(live, rows, upto=2)
    assert (store.live("things"), store.get("things", "a")) == (live, thing("a", number=1))
    assert store.save(live, {"b": thing("b")}, upto=2).position == 2


def test_nothing_removes_a_row(store: SqlViewStore) -> None:
    live = draw(store, thing("a"), thing("b"))
    live = store.save(live, {"a": None, "never there": None}, upto=2)
    assert found(store) == ["b"]
    store.save(live, {"a": thing("a", number=3)}, upto=3)
    assert store.get("things", "a") == thing("a", number=3)


def test_many_rows_are_saved_loaded_and_removed_at_once(store: SqlViewStore) -> None:
    keys = [f"{n:05}" for n in range(2 * KEYS_A_QUERY + 1)]
    live = store.save(draw(store), {key: thing(key) for key in keys}, upto=2)
    assert list(store.load(live, keys)) == keys
    assert [row["id"] for row in store.rows(live)] == keys
    store.save(live, dict.fromkeys(keys[1:]), upto=3)
    assert found(store) == keys[:1]


def test_megabytes_are_saved_and_read_back(store: SqlViewStore) -> None:
    """Enough to fill every buffer between the store and a server, which once hung for ever."""
    text = "x" * 4_000
    rows = {f"{n:04}": thing(f"{n:04}", detail=[text]) for n in range(2_000)}
    live = store.save(draw(store), rows, upto=2)
    assert sum(len(row["detail"][0]) for row in store.rows(live)) == 8_000_000


def test_a_second_runner_loses_and_nothing_is_applied_twice(
    store: SqlViewStore, other: SqlViewStore
) -> None:
    mine = draw(store, thing("a", number=1))
    theirs = other.live("things")
    assert theirs == mine
    store.save(mine, {"a": thing("a", number=2)}, upto=5)
    for upto in (5, 6):
        with pytest.raises(Conflict, match="moved"):
            other.save(theirs, {"a": thing("a", number=3), "b": thing("b")}, upto=upto)
    assert (other.positions(), found(other)) == ({"things": 5}, ["a"])
    assert other.get("things", "a") == thing("a", number=2)


def test_whoever_races_only_one_applies_each_step(open_store: Open) -> None:
    draw(open_store(), thing("a", number=0), upto=0)
    runners, steps = 4, 8

    def run(mine: SqlViewStore) -> None:
        done = 0
        while done < steps:
            live = mine.live("things")
            assert live is not None
            number = mine.load(live, ["a"])["a"]["number"] + 1
            with suppress(Conflict):
                mine.save(live, {"a": thing("a", number=number)}, upto=live.position + 1)
                done += 1

    stores = [open_store() for _ in range(runners)]
    in_threads(*[lambda mine=each: run(mine) for each in stores])
    assert stores[0].positions() == {"things": runners * steps}
    assert stores[0].get("things", "a") == thing("a", number=runners * steps)


def test_several_editions_are_saved_together(store: SqlViewStore) -> None:
    things, others = draw(store, thing("a")), draw(store, shape=OTHERS)
    assert store.lives() == {"things": things, "others": others}
    store.save_together([(things, {"a": None, "b": thing("b")}), (others, {"c": thing("c")})], 4)
    assert store.positions() == {"things": 4, "others": 4}
    assert (found(store), store.count("others")) == (["b"], 1)


def test_of_several_editions_all_are_saved_or_none(
    store: SqlViewStore, other: SqlViewStore
) -> None:
    things, others = draw(store), draw(store, shape=OTHERS)
    other.save(others, {}, upto=2)
    with pytest.raises(Conflict, match="moved"):
        store.save_together([(things, {"a": thing("a")}), (others, {"b": thing("b")})], 2)
    assert store.positions() == {"things": 1, "others": 2}
    assert (store.count("things"), store.count("others")) == (0, 0)


# ── values ──

VALUES: Final[tuple[tuple[str, Any], ...]] = (
    ("kind", ""),
    ("kind", " 'quo\"te'; DROP TABLE things; -- \\ %s %(x)s {} \t\n\r\x01\x7f"),
    ("kind", "größe 漢字 🜂 \U0010ffff"),
    ("kind", "x" * 100_000),
    ("number", 0),
    ("number", INTEGER_MAX),
    ("number", -INTEGER_MAX - 1),
    ("at", 1_893_488_400_123_456),
    ("at", -62_135_596_800_000_000),
    ("open", True),
    ("open", False),
    ("amount", Decimal(0)),
    ("amount", Decimal("1.50")),
    ("amount", Decimal("-0.000001")),
    ("amount", Decimal("999999999999999999999999.999999999")),
    ("amount", Decimal("0." + "0" * 30 + "1")),
    ("detail", None),
    ("detail", []),
    ("detail", {"a": [1, {"b": None}], "": True}),
    ("detail", "größe \U0010ffff NUL \0"),
    ("detail", Decimal("0.10")),
    ("detail", [Decimal("1E+30"), Decimal("-1.5E-30"), 10**30, -INTEGER_MAX]),
)


def test_what_was_stored_is_what_is_read(store: SqlViewStore) -> None:
    told = {f"{n:02}": thing(f"{n:02}", **{name: it}) for n, (name, it) in enumerate(VALUES)}
    live = draw(store, *told.values())
    for _ in ("as it was filled", "as it was saved"):
        listed = store.find("things", Listing())
        for read in (list(store.rows(live)), list(store.load(live, list(told)).values()), listed):
            assert [{**row} for row in read] == list(told.values())
            for (name, value), row in zip(VALUES, read, strict=True):
                assert (type(row[name]), str(row[name])) == (type(value), str(value))
        live = store.save(live, told, upto=live.position + 1)


def test_money_in_any_notation_is_the_same_number(store: SqlViewStore) -> None:
    live = draw(
        store, thing("a", amount="12.50"), thing("b", amount=Decimal("1E+3")), thing("c", amount=7)
    )
    amounts = {row["id"]: row["amount"] for row in store.rows(live)}
    assert amounts == {"a": Decimal("12.50"), "b": Decimal(1000), "c": Decimal(7)}
    assert all(type(amount) is Decimal for amount in amounts.values())


def test_fractions_in_json_never_pass_through_binary(store: SqlViewStore) -> None:
    draw(store, thing("a", detail={"price": Decimal("0.1"), "sum": 0.1, "whole": Decimal(3)}))
    row = store.get("things", "a")
    assert row is not None
    assert row["detail"] == {"price": Decimal("0.1"), "sum": Decimal("0.1"), "whole": 3}


def test_a_nul_in_text_is_shown_as_its_picture(store: SqlViewStore) -> None:
    """PostgreSQL has no place for it in text; it is never cut off. JSON holds it everywhere."""
    live = draw(store, thing("a", kind="before"))
    store.save(live, {"a": thing("a", kind="cut\0off", detail={"x": "\0"})}, upto=2)
    assert store.get("things", "a") == thing("a", kind="cut\u2400off", detail={"x": "\0"})
    assert found(store, Where("kind", "=", "cut")) == []


def test_the_same_text_has_the_same_order_everywhere(store: SqlViewStore) -> None:
    """By code point, whatever language a machine speaks."""
    words = ["B", "Z", "a", "a b", "ab", "é", "\uffee", "\U0001f702"]
    draw(store, *(thing(word) for word in reversed(words)))
    assert found(store) == words


# ── editions ──


def test_an_edition_is_built_becomes_live_is_kept_and_is_dropped(store: SqlViewStore) -> None:
    building = store.begin(THINGS)
    assert (building.status, building.position, list(store.rows(building))) == ("building", 0, [])
    first = store.swap(store.fill(building, [thing("a")], upto=3), head=3)
    assert (first.status, first.position, first.table) == ("live", 3, building.table)
    second = draw(store, thing("b"), upto=4)
    assert second.table != first.table
    assert [row["id"] for row in store.rows(first)] == ["a"], "the one before is kept"
    draw(store, thing("c"), upto=5)
    assert [row["id"] for row in store.rows(second)] == ["b"]
    with pytest.raises(StoreUnavailable):
        list(store.rows(first))


def test_readers_see_the_old_edition_until_the_swap(
    store: SqlViewStore, other: SqlViewStore
) -> None:
    live = draw(store, thing("old", amount=Decimal(1)))
    beside = store.fill(store.begin(THINGS), [thing("new")], upto=1)
    beside = store.save(beside, {"newer": thing("newer")}, upto=2)
    for each in (store, other):
        assert each.live("things") == live
        assert (found(each), each.total("things", "amount")) == (["old"], Decimal(1))
    store.swap(beside, head=2)
    assert (found(other), other.positions()) == (["new", "newer"], {"things": 2})


def test_views_have_editions_of_their_own(store: SqlViewStore) -> None:
    draw(store, thing("a"), upto=3)
    draw(store, thing("b"), upto=2, shape=OTHERS)
    draw(store, thing("c"), upto=2, shape=OTHERS)
    draw(store, upto=2, shape=OTHERS)
    assert (found(store), store.positions()) == (["a"], {"things": 3, "others": 2})


def test_an_edition_that_is_discarded_is_gone_and_the_live_one_is_not(store: SqlViewStore) -> None:
    draw(store, thing("a"))
    beside = store.fill(store.begin(THINGS), [thing("b")], upto=1)
    store.discard(beside)
    store.discard(beside)
    assert found(store) == ["a"]
    with pytest.raises(BrokenWorld):
        store.load(beside, ["b"])
    with pytest.raises(Conflict):
        store.save(beside, {"c": thing("c")}, upto=2)


def test_of_two_who_build_the_later_wins(store: SqlViewStore, other: SqlViewStore) -> None:
    mine = store.begin(THINGS)
    theirs = other.fill(other.begin(THINGS), [thing("theirs")], upto=1)
    with pytest.raises(BrokenWorld):
        store.fill(mine, [thing("mine")], upto=1)
    other.swap(theirs, head=1)
    assert found(store) == ["theirs"]


def test_what_was_left_unfinished_is_thrown_away_by_the_next_swap(store: SqlViewStore) -> None:
    left = [store.fill(store.begin(THINGS), [thing("x")], upto=1) for _ in range(3)]
    draw(store, thing("a"))
    for each in left:
        with pytest.raises(StoreUnavailable):
            list(store.rows(each))


def test_what_was_left_unfinished_is_thrown_away_by_the_next_beginning(
    store: SqlViewStore,
) -> None:
    left = store.fill(store.begin(THINGS), [thing("x")], upto=1)
    store.begin(THINGS)
    with pytest.raises(StoreUnavailable):
        list(store.rows(left))


def test_readers_never_go_back(store: SqlViewStore) -> None:
    draw(store, thing("new"), upto=10)
    behind = store.fill(store.begin(THINGS), [thing("old")], upto=9)
    with pytest.raises(Conflict, match="already at 10"):
        store.swap(behind, head=10)
    assert (found(store), store.positions()) == (["new"], {"things": 10})
    store.swap(store.save(behind, {}, upto=10), head=12)
    assert (found(store), store.positions()) == (["old"], {"things": 10})


def test_readers_go_back_only_with_a_log_that_was_restored(store: SqlViewStore) -> None:
    draw(store, thing("lost"), upto=10)
    restored = store.fill(store.begin(THINGS), [thing("restored")], upto=8)
    with pytest.raises(Conflict):
        store.swap(restored, head=10)
    store.swap(restored, head=9)
    assert (found(store), store.positions()) == (["restored"], {"things": 8})


@pytest.mark.parametrize("kind", DATABASES)
def test_readers_never_go_back_because_somebody_moved_the_live_one_during_the_swap(
    store: SqlViewStore, other: SqlViewStore
) -> None:
    draw(store, upto=5)
    beside = store.fill(store.begin(THINGS), [], upto=5)
    look, moved = store._live, Event()

    def move() -> None:
        live = other.live("things")
        assert live is not None
        other.save(live, {}, upto=6)
        moved.set()

    mover = Thread(target=move)

    def look_then_somebody_moves(*arguments: Any) -> Edition | None:
        answer = look(*arguments)
        mover.start()
        moved.wait(1)
        return answer

    with suppress(Conflict), pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "_live", look_then_somebody_moves)
        store.swap(beside, head=6)
    seen = 6 if moved.is_set() else 5
    live = store.live("things")
    mover.join(PATIENCE_SECONDS)
    assert live is not None
    assert live.position >= seen


def test_a_swap_of_what_somebody_threw_away_leaves_the_live_one(
    store: SqlViewStore, other: SqlViewStore
) -> None:
    slow = store.fill(store.begin(THINGS), [], upto=1)
    draw(other, thing("theirs"))  # whose swap drops the slow one's edition
    with suppress(BrokenWorld):
        store.swap(slow, head=1)
    assert found(store) == ["theirs"]


# ── another version of the program ──

NEWER: Final = Shape(
    "things",
    "d4" * 32,
    (*(each for each in COLUMNS if each.name != "kind"), Column("mood", indexed=True)),
)


def test_an_edition_of_an_older_program_is_read_on_without_what_it_lacks(
    store: SqlViewStore, unprepared: Open
) -> None:
    draw(store, thing("a", kind="x", number=1), thing("b", number=2))
    newer = unprepared()
    newer.prepare([NEWER, OTHERS])
    live = newer.live("things")
    assert live is not None
    assert live.shape == THINGS, "in the shape that it was drawn in"
    row = newer.get("things", "a")
    assert row is not None
    assert set(row) == {column.name for column in NEWER.columns}
    assert (row["number"], row["mood"]) == (1, None)
    assert found(newer, Where("number", ">=", 1), order="number", descending=True) == ["b", "a"]
    assert (newer.count("things"), newer.total("things", "amount")) == (2, Decimal(0))


def test_what_an_older_edition_lacks_cannot_be_asked_by_until_it_is_drawn(
    store: SqlViewStore, unprepared: Open
) -> None:
    draw(store, thing("a", kind="x"))
    newer = unprepared()
    newer.prepare([NEWER, OTHERS])
    asked: tuple[Callable[[], object], ...] = (
        lambda: found(newer, Where("mood", "=", "good")),
        lambda: found(newer, order="mood"),
        lambda: newer.count("things", (Where("mood", "=", None),)),
        lambda: newer.total("things", "mood"),
    )
    for ask in asked:
        with pytest.raises(StoreUnavailable, match="cannot be asked by mood yet"):
            ask()
    draw(newer, {**thing("a"), "mood": "good"}, shape=NEWER)
    assert found(newer, Where("mood", "=", "good")) == ["a"]


def test_an_edition_of_a_newer_program_is_read_on_by_an_older_one(
    store: SqlViewStore, unprepared: Open
) -> None:
    newer = unprepared()
    newer.prepare([NEWER, OTHERS])
    draw(newer, {**thing("a", number=1), "mood": "good"}, shape=NEWER)
    assert store.get("things", "a") == thing("a", number=1)
    with pytest.raises(StoreUnavailable, match="by kind yet"):
        found(store, Where("kind", "=", "x"))


@pytest.mark.parametrize("column", [Column("number"), Column("amount", Kind.INTEGER)])
def test_a_column_that_means_something_else_now_reads_as_nothing(
    store: SqlViewStore, unprepared: Open, column: Column
) -> None:
    draw(store, thing("a", number=1, amount=Decimal(2)))
    changed = tuple(column if each.name == column.name else each for each in COLUMNS)
    newer = unprepared()
    newer.prepare([Shape("things", "e5" * 32, changed)])
    row = newer.get("things", "a")
    assert row is not None
    assert row[column.name] is None


def test_an_edition_whose_rows_have_other_keys_is_not_read(
    store: SqlViewStore, unprepared: Open
) -> None:
    draw(store, thing("a"))
    newer = unprepared()
    newer.prepare([Shape("things", "f6" * 32, (Column("name"), *COLUMNS[1:]))])
    with pytest.raises(StoreUnavailable, match="things is being drawn anew after a change"):
        newer.find("things", Listing())


def test_a_register_that_an_earlier_program_made_is_brought_up_to_date(
    unprepared: Open, open_store: Open
) -> None:
    """It had no columns, hashes or failures: its editions are drawn anew, and read until then."""
    early = unprepared()
    early.prepare([THINGS, OTHERS])
    draw(early, thing("a"), upto=3)
    with early._transaction() as connection:
        for name in ("columns", "hash", "degraded"):
            connection.exec_driver_sql(f"ALTER TABLE {early._register.fullname} DROP COLUMN {name}")
    stores = [open_store() for _ in range(2)]
    live = stores[0].live("things")
    assert live is not None
    assert (live.position, live.hash, live.degraded, found(stores[1])) == (3, "", "", ["a"])
    newer = unprepared()
    newer.prepare([NEWER])
    with pytest.raises(StoreUnavailable, match="drawn anew"):
        newer.find("things", Listing())
    draw(newer, {**thing("b"), "mood": ""}, shape=NEWER, upto=3)
    assert found(newer) == ["b"]


# ── what belongs to which log, and what could not be drawn ──


def test_an_edition_remembers_which_event_it_has_reached(
    store: SqlViewStore, other: SqlViewStore
) -> None:
    live = store.swap(store.fill(store.begin(THINGS), [], 2, hash="aa"), head=2)
    assert (live.hash, other.live("things")) == ("aa", live)
    moved = store.save(live, {}, 3, "bb")
    assert (moved.hash, other.live("things"), other.editions()) == ("bb", moved, [moved])


def test_a_fill_stores_new_rows_and_changes_others(store: SqlViewStore) -> None:
    edition = store.fill(store.begin(THINGS), [thing("a"), thing("b"), thing("c")], upto=1)
    changed = {"a": thing("a", number=2), "b": None}
    edition = store.fill(edition, [thing("d")], upto=2, changed=changed)
    rows = {row["id"]: row["number"] for row in store.rows(edition)}
    assert rows == {"a": 2, "c": None, "d": None}
    with pytest.raises(Conflict, match="moved"):
        store.fill(replace(edition, position=1), [thing("e")], upto=3)
    assert len(list(store.rows(edition))) == 3


def test_indexes_are_there_when_an_edition_is_live(store: SqlViewStore) -> None:
    early, late = store.begin(THINGS), store.begin(OTHERS)
    store.index(early)
    store.index(early)
    for edition in (early, late):
        live = store.swap(edition, head=0)
        there = inspect(store._engine).get_indexes(live.table, schema=store._schema)
        assert {each["column_names"][0] for each in there} == {"kind", "number", "at"}


POISON: Final = Failure("things", 5, "thing.broken", "ValueError('no')", 1_000, 3)


def test_an_edition_stops_before_what_it_cannot_draw_until_it_can(
    store: SqlViewStore, other: SqlViewStore
) -> None:
    live = store.swap(store.fill(store.begin(THINGS), [thing("a")], 4, hash="aa"), head=4)
    stopped = store.fail(live, POISON, skip=False, hash="bb")
    assert (stopped.position, stopped.hash, stopped.degraded) == (4, "aa", STOPPED)
    assert other.live("things") == stopped
    assert other.failures() == [POISON]
    store.fail(stopped, replace(POISON, at=2_000), skip=False)
    assert other.failures() == [replace(POISON, at=2_000, tries=6)]
    whole = store.recover(store.save(stopped, {}, 5, "bb"))
    assert (other.live("things"), whole.degraded, other.failures()) == (whole, "", [])


def test_an_edition_that_skips_goes_on_and_stays_degraded_until_it_is_replaced(
    store: SqlViewStore,
) -> None:
    live = draw(store, thing("a"), upto=4)
    skipping = store.fail(live, POISON, skip=True, hash="bb")
    assert (skipping.position, skipping.hash, skipping.degraded) == (5, "bb", SKIPPING)
    further = store.save(skipping, {"b": thing("b")}, 6, "cc")
    assert (further.degraded, store.live("things")) == (SKIPPING, further)
    draw(store, thing("a"), upto=6)
    assert store.failures() == [], "the one that is kept is not read"
    draw(store, thing("a"), upto=6)
    with store._transaction() as connection:
        kept = connection.execute(store._failures.select()).all()
    assert kept == [], "they are dropped with their edition"


def test_only_who_stands_there_says_that_it_goes_no_further(
    store: SqlViewStore, other: SqlViewStore
) -> None:
    live = draw(store, thing("a"), upto=4)
    moved = other.save(live, {}, upto=5)
    with pytest.raises(Conflict, match="moved"):
        store.fail(live, POISON, skip=False)
    assert (store.live("things"), store.failures()) == (moved, [])


# ── who is at work ──


def test_a_lease_is_held_by_one_until_it_is_over(store: SqlViewStore, other: SqlViewStore) -> None:
    def mine(now: int) -> bool:
        return store.lease("drawing", "me", now=now, lasting=10)

    def theirs(now: int) -> bool:
        return other.lease("drawing", "they", now=now, lasting=10)

    assert (mine(100), theirs(105), mine(109), theirs(118)) == (True, False, True, False)
    assert (theirs(119), mine(120)) == (True, False), "silent for too long"
    assert store.lease("something else", "me", now=120, lasting=10)
    other.release("drawing", "me")
    assert not mine(121), "nobody gives back what is not theirs"
    other.release("drawing", "they")
    assert mine(121)


def test_a_lease_does_not_last_because_the_clock_was_set_back(store: SqlViewStore) -> None:
    assert store.lease("drawing", "killed", now=5_000, lasting=10)
    assert store.lease("drawing", "me", now=1_000, lasting=10)


def test_of_many_who_want_a_lease_one_gets_it(open_store: Open) -> None:
    stores, got = [open_store() for _ in range(6)], list[str]()

    def want(mine: SqlViewStore, name: str) -> None:
        if mine.lease("drawing", name, now=0, lasting=10):
            got.append(name)

    in_threads(*(partial(want, each, f"{n}") for n, each in enumerate(stores)))
    assert len(got) == 1


# ── questions ──

ASKED: Final = (
    thing("a", kind="x", number=1, amount=Decimal("2.50"), open=True, at=10),
    thing("b", kind="y", number=2, amount=Decimal(100), open=False, at=20),
    thing("c", kind="x", number=-30, amount=Decimal("-0.75"), open=True, at=30),
    thing("d"),
    thing("e", kind="z", number=20, amount=Decimal(20), open=False, at=9),
)
CONDITIONS: Final[tuple[tuple[str, str, Any, str], ...]] = (
    ("id", "=", "c", "c"),
    ("id", ">=", "b", "bcde"),
    ("id", "in", ["a", "e", "never"], "ae"),
    ("kind", "=", "x", "ac"),
    ("kind", "!=", "x", "be"),
    ("kind", ">=", "y", "be"),
    ("kind", "<=", "y", "abc"),
    ("kind", "in", ["x", "z"], "ace"),
    ("kind", "in", [], ""),
    ("kind", "=", None, "d"),
    ("kind", "!=", None, "abce"),
    ("number", "=", 2, "b"),
    ("number", "!=", 2, "ace"),
    ("number", ">=", 2, "be"),
    ("number", "<=", 2, "abc"),
    ("number", "in", [1, 2], "ab"),
    ("open", "=", True, "ac"),
    ("open", "!=", True, "be"),
    ("open", "in", [False], "be"),
    ("at", "=", 9, "e"),
    ("at", "!=", 9, "abc"),
    ("at", ">=", 10, "abc"),
    ("at", "<=", 10, "ae"),
    ("at", "in", [9, 30], "ce"),
    ("amount", "!=", Decimal(1), "abce"),
)
AMOUNTS: Final[tuple[tuple[str, Any, str], ...]] = (
    ("=", Decimal("2.5"), "a"),
    ("!=", Decimal("2.500"), "bce"),
    (">=", Decimal(20), "be"),
    ("<=", Decimal(20), "ace"),
    (">=", Decimal("-0.8"), "abce"),
)


def test_a_condition_finds_what_it_says_and_never_what_is_not_known(store: SqlViewStore) -> None:
    draw(store, *ASKED)
    for column, op, value, expected in CONDITIONS:
        where = Where(column, op, value)
        assert (where, found(store, where)) == (where, list(expected))
        assert (where, store.count("things", (where,))) == (where, len(expected))
        amounts = (row["amount"] or Decimal(0) for row in ASKED if row["id"] in expected)
        assert store.total("things", "amount", (where,)) == sum(amounts, Decimal(0))


def test_amounts_are_compared_as_numbers(store: SqlViewStore) -> None:
    draw(store, *ASKED)
    for op, value, expected in AMOUNTS:
        where = Where("amount", op, value)
        assert (where, found(store, where)) == (where, list(expected))


def test_amounts_are_looked_for_in_a_list(store: SqlViewStore) -> None:
    draw(store, *ASKED)
    assert found(store, Where("amount", "in", [Decimal("20.0"), Decimal("1E+2")])) == ["b", "e"]


def test_all_conditions_must_hold(store: SqlViewStore) -> None:
    draw(store, *ASKED)
    where = (Where("at", ">=", 10), Where("at", "<=", 20), Where("open", "=", True))
    assert (found(store, *where), store.count("things", where)) == (["a"], 1)


def test_an_operator_that_does_not_exist_is_a_bug(store: SqlViewStore) -> None:
    draw(store, *ASKED)
    with pytest.raises((AssertionError, LookupError), match="like"):
        found(store, Where("kind", "like", "x"))


KNOWN: Final = Where("kind", "!=", None)


def test_rows_come_in_order_and_ties_are_broken_by_key(store: SqlViewStore) -> None:
    draw(store, *ASKED)
    for column, order in {"kind": "acbe", "number": "cabe", "at": "eabc", "": "abce"}.items():
        assert found(store, KNOWN, order=column) == list(order)
        backwards = list(reversed(order))
        assert found(store, KNOWN, order=column, descending=True) == backwards
        assert found(store, KNOWN, order=column, descending=True, limit=2) == backwards[:2]


def test_amounts_come_in_order(
    kind: str, store: SqlViewStore, request: pytest.FixtureRequest
) -> None:
    draw(store, *ASKED)
    assert found(store, KNOWN, order="amount") == ["c", "a", "e", "b"]


def walk(
    store: SqlViewStore, *, descending: bool, between: Callable[[], object], **how: Any
) -> list[str]:
    """Turn the pages of a list, doing something between any two."""
    seen: list[str] = []
    after: tuple[Any, str] | None = None
    while True:
        listing = Listing(limit=2, after=after, descending=descending, **how)
        page: Sequence[Row] = store.find("things", listing)
        if not page:
            return seen
        seen += [str(row["id"]) for row in page]
        after = (page[-1][how["order"]], str(page[-1]["id"]))
        between()


@pytest.mark.parametrize("descending", [False, True])
def test_a_cursor_is_stable_while_rows_come_and_go(store: SqlViewStore, descending: bool) -> None:
    """Many ties, and rows that are added before, between and after those already seen."""
    rows = [
        thing(f"{n:02}", kind="xyz"[n % 3], number=n % 4, at=n // 5, open=True) for n in range(20)
    ]
    for order in ("kind", "number", "at"):
        live = [draw(store, *rows)]
        added = itertools.count()

        def somebody_adds(live: list[Edition] = live, added: Iterator[int] = added) -> None:
            if (n := next(added)) > 25:
                return
            news = [
                thing(f"new{n}-{side}", kind=kind, number=side, at=side, open=False)
                for side, kind in ((-1, "a"), (1, "y"), (99, "zz"))
            ]
            live[0] = store.save(live[0], {row["id"]: row for row in news}, live[0].position + 1)

        ascending = [row["id"] for row in sorted(rows, key=lambda row: (row[order], row["id"]))]
        expected = ascending[::-1] if descending else ascending
        only = (Where("open", "=", True),)
        told: dict[str, Any] = {"order": order, "descending": descending, "between": somebody_adds}
        assert walk(store, where=only, **told) == expected
        seen = walk(store, **told)
        assert len(seen) == len(set(seen))
        assert [key for key in seen if key in expected] == expected


def test_amounts_are_added_up_exactly(store: SqlViewStore) -> None:
    tenths = [thing(f"{n}", amount=Decimal("0.1")) for n in range(30)]
    draw(store, *tenths, thing("large", amount=Decimal("999999999999.999999")), thing("none"))
    assert store.total("things", "amount") == Decimal("1000000000002.999999")
    assert store.total("things", "amount", (Where("id", "=", "none"),)) == Decimal(0)


def test_amounts_of_any_length_are_added_up_exactly(store: SqlViewStore) -> None:
    draw(store, thing("a", amount=Decimal("1E+20")), thing("b", amount=Decimal("0.0000000001")))
    assert store.total("things", "amount") == Decimal("100000000000000000000.0000000001")


# ── company and trouble ──


@pytest.mark.parametrize("kind", DATABASES)
def test_many_programs_prepare_the_same_database_at_once(unprepared: Open) -> None:
    stores = [unprepared() for _ in range(6)]
    in_threads(*(partial(store.prepare, [THINGS]) for store in stores))
    draw(stores[0], thing("a"))
    assert [found(store) for store in stores] == [["a"]] * 6


def test_readers_get_a_whole_edition_whenever_it_is_swapped(open_store: Open) -> None:
    writer, readers = open_store(), [open_store() for _ in range(2)]
    draw(writer, *(thing(f"{n}", number=1) for n in range(20)), upto=1)
    over = Event()

    def read(mine: SqlViewStore) -> None:
        newest = 0
        while not over.is_set():
            with suppress(StoreUnavailable):  # a clear answer, if two swaps overtake one question
                rows = mine.find("things", Listing())
                (generation,) = {row["number"] for row in rows}
                assert len(rows) == 20
                assert generation >= newest
                newest = generation

    def write() -> None:
        try:
            for generation in range(2, 12):
                rows = [thing(f"{n}", number=generation) for n in range(20)]
                draw(writer, *rows, upto=generation)
        finally:
            over.set()

    in_threads(write, *[lambda mine=each: read(mine) for each in readers])
    assert readers[0].positions() == {"things": 11}


@pytest.fixture
def take_away(kind: str, address: str) -> Callable[[SqlViewStore], None]:
    """Lets the database of a store vanish."""

    def vanish(store: SqlViewStore) -> None:
        if kind == "postgres":
            name = urlsplit(address).path.lstrip("/")
            server = urlsplit(address)._replace(path="/postgres").geturl()
            with psycopg.connect(server, autocommit=True) as connection:
                drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))
            return
        store.close()
        if kind == "sqlite":
            Path(address).write_bytes(b"this is no database any more" * 100)

    return vanish


def test_without_its_database_every_call_says_so(
    store: SqlViewStore, take_away: Callable[[SqlViewStore], None]
) -> None:
    live = draw(store, thing("a"))
    beside = store.begin(THINGS)
    calls: dict[str, Callable[[], object]] = {
        "live": lambda: store.live("things"),
        "lives": store.lives,
        "positions": store.positions,
        "get": lambda: store.get("things", "a"),
        "find": lambda: store.find("things", Listing()),
        "count": lambda: store.count("things"),
        "total": lambda: store.total("things", "amount"),
        "load": lambda: store.load(live, ["a"]),
        "rows": lambda: list(store.rows(live)),
        "save": lambda: store.save(live, {"b": thing("b")}, upto=2),
        "save_together": lambda: store.save_together([(live, {})], 2),
        "begin": lambda: store.begin(THINGS),
        "fill": lambda: store.fill(beside, [thing("b")], upto=1),
        "swap": lambda: store.swap(beside, head=1),
        "discard": lambda: store.discard(beside),
        "index": lambda: store.index(beside),
        "editions": store.editions,
        "failures": store.failures,
        "fail": lambda: store.fail(live, POISON, skip=False),
        "recover": lambda: store.recover(live),
        "lease": lambda: store.lease("drawing", "me", now=0, lasting=10),
        "release": lambda: store.release("drawing", "me"),
    }
    take_away(store)
    for name, call in calls.items():
        with pytest.raises(StoreUnavailable, match="the read models cannot be used"):
            pytest.fail(f"{name} answered {call()}")


@pytest.mark.parametrize("kind", [POSTGRES])
def test_a_connection_that_was_lost_is_found_again(address: str, store: SqlViewStore) -> None:
    draw(store, thing("a"))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with suppress(StoreUnavailable):
        found(store)
    assert found(store) == ["a"]


def test_a_fill_is_of_any_size(store: SqlViewStore) -> None:
    for size in (0, 1, ROWS_A_STATEMENT, ROWS_A_STATEMENT + 1):
        rows = [thing(f"{n:04}", number=n) for n in range(size)]
        live = draw(store, *rows, upto=1)
        assert list(store.rows(live)) == rows

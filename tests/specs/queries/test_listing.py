"""Listing: rows filtered, in order, a page at a time; and clear words for what makes no sense."""

import base64
import json
import re
import string
from collections.abc import Iterator
from contextlib import closing, suppress
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from adapters.views.store import SqlViewStore
from domain.core.instant import DAY, written
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View
from queries.catalog import BY_NAME, QUESTIONS, Question
from queries.listing import LIMIT_MAX, Answer, BadQuestion, Order, camel, rows_of
from tests.examples import Shop, founded, refund
from tests.picture import START, memory_views

COLUMNS: Final = (
    Column("id"),
    Column("org_unit_id", indexed=True),
    Column("note"),
    Column("item_count", Kind.INTEGER),
    Column("is_open", Kind.BOOLEAN),
    Column("placed_at", Kind.INSTANT),
    Column("unit_price", Kind.DECIMAL),
    Column("detail", Kind.JSON),
)


def never_drawn(_row: Row | None, _recorded: Recorded, _key: str) -> dict[str, Any] | None:
    raise AssertionError("rows are put there by hand")


SALES: Final = View(
    name="sales", version=1, columns=COLUMNS, facts=(), keys=lambda _: (), draw=never_drawn
)
BY_KEY: Final = Order("id", descending=False)


def sale(id: str, position: int = 1, **columns: Any) -> dict[str, Any]:
    row = {column.name: None for column in SALES.shape.columns}
    return row | {"id": id, "last_position": position} | columns


ROWS: Final = (
    sale(
        "a",
        3,
        org_unit_id="commerce",
        note="x,y",
        item_count=2,
        is_open=True,
        placed_at=START,
        unit_price=Decimal("2.50"),
        detail={"snake_case": [1, {"deep_er": Decimal("0.10")}]},
    ),
    sale(
        "b",
        9,
        org_unit_id="marketing",
        note=">=1",
        item_count=-10,
        is_open=False,
        placed_at=START + DAY,
        unit_price=Decimal("100"),
    ),
    sale("c", 7, org_unit_id="commerce/eu", note="größe 🜂", item_count=2**63 - 1, is_open=False),
)


@pytest.fixture
def views() -> Iterator[SqlViewStore]:
    with closing(memory_views(SALES.shape)) as views:
        put(views, *ROWS)
        yield views


def put(views: SqlViewStore, *rows: Row) -> None:
    views.swap(views.fill(views.begin(SALES.shape), rows, upto=1), head=1)


def keys(views: SqlViewStore, *filters: tuple[str, str]) -> list[str]:
    return [str(row["id"]) for row in rows_of(views, SALES, filters=filters, order=BY_KEY).items]


# ── rows as they are told ──


def test_names_are_camel_case_and_instants_are_written_out(views: SqlViewStore) -> None:
    answer = rows_of(views, SALES, filters={"id": "a"})
    assert answer == Answer(
        items=[
            {
                "id": "a",
                "orgUnitId": "commerce",
                "note": "x,y",
                "itemCount": 2,
                "isOpen": True,
                "placedAt": "2030-01-01T09:00:00.000000Z",
                "unitPrice": Decimal("2.50"),
                "detail": {"snake_case": [1, {"deep_er": Decimal("0.10")}]},
                "createdAt": None,
                "updatedAt": None,
                "lastPosition": 3,
            }
        ],
        next_cursor=None,
    )


@pytest.mark.parametrize(
    ("name", "told"), [("id", "id"), ("org_unit_id", "orgUnitId"), ("cost_usd", "costUsd")]
)
def test_camel_case(name: str, told: str) -> None:
    assert camel(name) == told


def test_the_newest_change_comes_first_unless_asked_otherwise(views: SqlViewStore) -> None:
    assert [row["id"] for row in rows_of(views, SALES, filters={}).items] == ["b", "c", "a"]
    oldest = rows_of(views, SALES, filters={}, order=Order("last_position", descending=False))
    assert [row["id"] for row in oldest.items] == ["a", "c", "b"]


def test_a_list_that_was_never_drawn_is_empty() -> None:
    with closing(memory_views(SALES.shape)) as views:
        assert rows_of(views, SALES, filters={}) == Answer([], None)


# ── filters ──


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("id", "a", "a"),
        ("id", "!=a", "bc"),
        ("id", ">=b", "bc"),
        ("id", "<=b", "ab"),
        ("orgUnitId", "commerce", "a"),
        ("orgUnitId", "commerce,marketing", "ab"),
        ("orgUnitId", ",commerce,,nowhere,", "a"),
        ("orgUnitId", ",", ""),
        ("note", "x,y", "a"),
        ("note", "größe 🜂", "c"),
        ("note", "=>=1", ""),
        ("itemCount", "2", "a"),
        ("itemCount", "-10", "b"),
        ("itemCount", "!=2", "bc"),
        ("itemCount", ">=2", "ac"),
        ("itemCount", "<=2", "ab"),
        ("itemCount", "9223372036854775807", "c"),
        ("isOpen", "true", "a"),
        ("isOpen", "FALSE", "bc"),
        ("isOpen", "!=true", "bc"),
        ("placedAt", "2030-01-01T09:00:00Z", "a"),
        ("placedAt", "2030-01-01T10:00:00+01:00", "a"),
        ("placedAt", "2030-01-01T09:00:00", "a"),
        ("placedAt", "!=2030-01-01T09:00Z", "b"),
        ("placedAt", ">=2030-01-01T09:00:00.000001Z", "b"),
        ("placedAt", "<=2030-01-02", "a"),
        ("unitPrice", "2.50", "a"),
        ("unitPrice", "!=2.50", "b"),
        ("lastPosition", ">=7", "bc"),
    ],
)
def test_every_kind_of_column_can_be_filtered_by(
    views: SqlViewStore, name: str, text: str, expected: str
) -> None:
    assert keys(views, (name, text)) == list(expected)


def test_what_is_shown_can_be_asked_for(views: SqlViewStore) -> None:
    for row in rows_of(views, SALES, filters={}).items:
        told = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in row.items()
            if value is not None and name not in ("detail", "note")
        }
        assert keys(views, *told.items()) == [row["id"]]


@pytest.mark.parametrize(
    ("text", "expected"), [(">=20", "b"), ("<=20", "a"), ("2.5", "a"), ("100.0", "b")]
)
def test_amounts_are_numbers(views: SqlViewStore, text: str, expected: str) -> None:
    assert keys(views, ("unitPrice", text)) == list(expected)


@pytest.mark.parametrize("text", [">=true", "<=false"])
def test_truth_values_have_no_order(views: SqlViewStore, text: str) -> None:
    with pytest.raises(BadQuestion, match="isOpen"):
        keys(views, ("isOpen", text))


def test_a_column_may_be_asked_for_twice_and_all_filters_must_hold(views: SqlViewStore) -> None:
    assert keys(views, ("itemCount", ">=-10"), ("itemCount", "<=2")) == ["a", "b"]
    assert keys(views, ("itemCount", ">=-10"), ("itemCount", "<=2"), ("isOpen", "true")) == ["a"]


POSSIBLE: Final = (
    "createdAt, id, isOpen, itemCount, lastPosition, note, orgUnitId, placedAt,"
    " unitPrice, updatedAt"
)


@pytest.mark.parametrize("name", ["nonsense", "org_unit_id", "detail", "", "ID"])
def test_what_cannot_be_filtered_by_is_named_with_what_can(views: SqlViewStore, name: str) -> None:
    told = re.escape(f"sales cannot be filtered by {name!r}, only by: {POSSIBLE}")
    with pytest.raises(BadQuestion, match=f"^{told}$"):
        keys(views, (name, "x"))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("itemCount", "two", "itemCount: 'two' is not a whole number below 2^63"),
        ("itemCount", ">=1.5", "itemCount: '1.5' is not a whole number below 2^63"),
        ("itemCount", "9223372036854775808", "is not a whole number below 2^63"),
        ("itemCount", "-9223372036854775809", "is not a whole number below 2^63"),
        ("itemCount", "9" * 5_000, "is not a whole number below 2^63"),
        ("itemCount", "", "itemCount: '' is not a whole number"),
        ("isOpen", "yes", "isOpen: 'yes' is not true or false"),
        ("placedAt", "yesterday", "'yesterday' is not a time such as 2030-01-31T09:00:00Z"),
        ("placedAt", "!=2030-02-30", "'2030-02-30' is not a time"),
        ("unitPrice", "a lot", "unitPrice: 'a lot' is not a number"),
        ("unitPrice", "NaN", "'NaN' is not a number"),
        ("unitPrice", "-Infinity", "'-Infinity' is not a number"),
        ("unitPrice", "1e65", "'1e65' is not a number"),
        ("unitPrice", "1e-999999999", "is not a number"),
        ("note", "cut\0off", "is not text without NUL characters"),
        ("orgUnitId", "a,b\0", "is not text without NUL characters"),
        ("note", "\ud83d", "is not text"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(
    views: SqlViewStore, name: str, text: str, why: str
) -> None:
    with pytest.raises(BadQuestion, match=re.escape(why)) as refused:
        keys(views, (name, text))
    assert len(str(refused.value)) < 500


def test_a_number_has_so_many_digits_and_no_more(views: SqlViewStore) -> None:
    with pytest.raises(BadQuestion, match="is not a number"):
        keys(views, ("unitPrice", "0." + "1" * 20_000))


NAMES: Final = [
    camel(column.name) for column in SALES.shape.columns if column.kind is not Kind.JSON
]
odd: Final = st.sampled_from(
    ["NaN", "1e9", "-0", " 1 ", "1_0", "٣", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([*NAMES, "detail", "?"]),
    op=st.sampled_from(["", ">=", "<=", "!="]),
    text=st.text(max_size=12) | st.text(string.digits + "-+.:TZeE,", max_size=24) | odd,
)
@example(name="placedAt", op=">=", text="0001-01-01T00:00+23:59")
@example(name="note", op="", text="\ud83d")
def test_any_filter_is_answered_or_refused(
    views: SqlViewStore, name: str, op: str, text: str
) -> None:
    assume(name != "isOpen" or op in ("", "!="))  # see the truth values above
    with suppress(BadQuestion):
        rows_of(views, SALES, filters={name: op + text})


# ── pages ──


@pytest.mark.parametrize("limit", [-1, 0, LIMIT_MAX + 1])
def test_a_page_has_a_size(views: SqlViewStore, limit: int) -> None:
    with pytest.raises(BadQuestion, match=f"^limit must be between 1 and 500, not {limit}$"):
        rows_of(views, SALES, filters={}, limit=limit)


def test_a_page_is_as_long_as_asked_and_no_longer(views: SqlViewStore) -> None:
    put(views, *(sale(f"{n:04}", n) for n in range(LIMIT_MAX + 1)))
    for limit in (1, 50, LIMIT_MAX):
        assert len(rows_of(views, SALES, filters={}, limit=limit).items) == limit
    assert len(rows_of(views, SALES, filters={}).items) == 50


def test_the_last_page_has_no_cursor_even_if_it_is_full(views: SqlViewStore) -> None:
    whole = rows_of(views, SALES, filters={}, limit=3)
    assert (len(whole.items), whole.next_cursor) == (3, None)
    first = rows_of(views, SALES, filters={}, limit=2)
    assert first.next_cursor is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]+", first.next_cursor), "it fits into an address"
    rest = rows_of(views, SALES, filters={}, limit=2, cursor=first.next_cursor)
    assert ([row["id"] for row in rest.items], rest.next_cursor) == (["a"], None)
    assert rows_of(views, SALES, filters={}, limit=3, cursor="") == whole


def test_a_cursor_keeps_to_the_filters_of_the_asker(views: SqlViewStore) -> None:
    first = rows_of(views, SALES, filters={"isOpen": "false"}, limit=1)
    rest = rows_of(views, SALES, filters={"isOpen": "false"}, limit=1, cursor=first.next_cursor)
    assert [row["id"] for row in (*first.items, *rest.items)] == ["b", "c"]


words: Final = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ordered: Final[dict[str, st.SearchStrategy[Any]]] = {
    "org_unit_id": st.sampled_from(["", "a", "B", "ä", "😀"]) | words,
    "item_count": st.integers(-2, 2) | st.integers(-(2**63), 2**63 - 1),
    "placed_at": st.integers(START, START + 3),
}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), descending=st.booleans(), limit=st.integers(1, 7))
def test_cursors_walk_over_all_rows_exactly_once_and_in_order(
    views: SqlViewStore, data: st.DataObject, descending: bool, limit: int
) -> None:
    column = data.draw(st.sampled_from(sorted(ordered)))
    found = data.draw(st.dictionaries(words, ordered[column], max_size=12))
    put(views, *(sale(key, **{column: value}) for key, value in found.items()))
    order, cursor, seen = Order(column, descending), None, list[str]()
    while True:
        page = rows_of(views, SALES, filters={}, limit=limit, cursor=cursor, order=order)
        seen += [row["id"] for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == limit
    expected = sorted(found, key=lambda key: (found[key], key))
    assert seen == (expected[::-1] if descending else expected)


def sealed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "größe",
        "%%%",
        "\0",
        "=",
        "A" * 100_000,
        sealed([1]),
        sealed([1, "a", "b"]),
        sealed({"a": 1, "b": 2}),
        sealed(["1", "a"]),
        sealed([1.5, "a"]),
        sealed([True, "a"]),
        sealed([None, "a"]),
        sealed([1, 2]),
        sealed([2**63, "a"]),
        sealed([1, "cut\0off"]),
        sealed([1, "\ud83d"]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"[NaN,1]").decode(),
        base64.urlsafe_b64encode(b"[" + b"9" * 5_000 + b',"a"]').decode(),
    ],
)
def test_a_cursor_that_no_list_gave_is_refused(views: SqlViewStore, cursor: str) -> None:
    why = "^this cursor is not one that a list has answered with$"
    with pytest.raises(BadQuestion, match=why):
        rows_of(views, SALES, filters={}, cursor=cursor)


def test_a_cursor_of_a_list_in_another_order_is_refused(views: SqlViewStore) -> None:
    cursor = rows_of(views, SALES, filters={}, limit=1).next_cursor
    with pytest.raises(BadQuestion, match="this cursor is not one"):
        rows_of(views, SALES, filters={}, cursor=cursor, order=BY_KEY)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cursor=st.text(max_size=30) | st.binary(max_size=30).map(lambda b: base64.b64encode(b).decode())
)
def test_any_cursor_is_answered_or_refused(views: SqlViewStore, cursor: str) -> None:
    for order in (Order("last_position"), BY_KEY):
        with suppress(BadQuestion):
            rows_of(views, SALES, filters={}, cursor=cursor, order=order)


# ── the questions of the business ──


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with founded() as shop:
        shop.propose(refund(10))
        shop.held(refund(600))
        shop.stop("business")
        shop.settle()
        yield shop


@pytest.mark.parametrize("question", QUESTIONS, ids=[each.name for each in QUESTIONS])
def test_every_question_has_an_answer_that_shows_what_it_promises(
    shop: Shop, question: Question
) -> None:
    columns = {camel(column.name): column for column in question.view.shape.columns}
    assert set(question.shown) <= set(columns)
    assert BY_NAME[question.name] is question
    seen, cursor = list[str](), None
    while True:
        answer = shop.business.ask(question, {}, limit=2, cursor=cursor)
        seen += [row["id"] for row in answer.items]
        assert all(set(row) == set(columns) for row in answer.items)
        cursor = answer.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == shop.business.views.count(question.view.name)


@pytest.mark.parametrize("question", QUESTIONS, ids=[each.name for each in QUESTIONS])
def test_every_list_is_sorted_by_a_column_that_is_always_there_and_indexed(
    question: Question,
) -> None:
    """A cursor steps over rows without a value, and a sort without an index reads everything."""
    column = next(
        each for each in question.view.shape.columns if each.name == question.order.column
    )
    assert column.indexed or column.name == question.view.shape.key


def test_a_question_is_answered_in_the_words_of_the_business(shop: Shop) -> None:
    held = shop.business.ask(
        BY_NAME["approvals"], {"status": "pending", "action": "process_refund"}
    )
    (row,) = held.items
    assert (row["amount"], row["currency"], row["requestedBy"]) == (
        Decimal(600),
        "USD",
        "agent:support",
    )
    assert row["expiresAt"] == written(shop.clock() + DAY)

"""Promises of every recorder to those who read and wait."""

from functools import partial
from itertools import pairwise, product
from random import Random
from threading import Thread
from time import monotonic, sleep

import pytest

from adapters.admission import GroupRecorder, admit
from adapters.chain import GENESIS, verify
from adapters.dcb import (
    DCBAppendCondition,
    DCBQuery,
    DCBQueryItem,
    IntegrityError,
    LogRecorder,
    LogRow,
)
from tests.contracts.recorders import (
    PATIENCE_SECONDS,
    any_of,
    event,
    everything,
    in_threads,
    positions,
)

TAGS = [f"tag:{nth}" for nth in range(6)]
WAKE_SECONDS_MAX = 0.1


@pytest.fixture
def history(log: LogRecorder) -> list[LogRow]:
    """A hundred events with none to three of six tags."""
    dice = Random(7)
    for nth in range(20):
        log.append(
            [
                event(*dice.sample(TAGS, dice.randint(0, 3)), type=f"type:{dice.randint(0, 3)}")
                for _ in range(5)
            ],
            any_of("nobody", after=nth),
        )
    return everything(log)


def test_a_fetch_is_each_event_with_a_wanted_tag_behind_its_cursor(
    log: LogRecorder, history: list[LogRow]
) -> None:
    dice = Random(8)
    for _ in range(50):
        wanted = dice.sample([*TAGS, "unknown"], dice.randint(1, 7))
        cursors = {tag: dice.randint(0, 101) for tag in wanted}
        expected = [
            row
            for row in history
            if any(tag in row.tags and row.position > after for tag, after in cursors.items())
        ]
        assert log.fetch(cursors) == (expected, 100)
        upto = dice.randint(0, 101)
        assert log.fetch(cursors, upto) == ([r for r in expected if r.position <= upto], 100)


@pytest.mark.parametrize("after", [0, 1, 60, 99, 100, 101])
def test_the_kinds_are_each_type_and_version_and_where_it_is_first(
    log: LogRecorder, history: list[LogRow], after: int
) -> None:
    old = event("tag:0", type="type:0")
    old.schema_version = 7
    log.append([old], any_of("nobody", after=100))
    expected: dict[tuple[str, int], int] = {}
    for row in everything(log)[after:]:
        expected.setdefault((row.type, row.schema_version), row.position)
    found = {(type_, version): first for type_, version, first in log.kinds(after)}
    assert found == expected
    assert (("type:0", 7) in found) == (after <= 100)


def test_a_page_is_a_stretch_of_the_log(log: LogRecorder, history: list[LogRow]) -> None:
    assert positions(history) == list(range(1, 101))
    assert log.page(0, 7) == history[:7]
    assert log.page(95, 7) == history[95:]
    assert log.page(10, 7, upto=12) == history[10:12]
    assert log.page(10, 7, upto=90) == history[10:17]
    assert log.page(100, 7) == log.page(10, 7, upto=10) == log.page(10, 0) == []
    assert [log.row(row.position) for row in history] == history
    assert [log.row(position) for position in (-2, -1, 0, 101)] == [None] * 4


ITEMS = [
    DCBQueryItem(types=types, tags=tags)
    for types in ([], ["type:1"], ["type:1", "type:2"])
    for tags in ([], TAGS[:1], TAGS[:2], TAGS[1:4], [TAGS[0], TAGS[0]])
]
QUERIES = [*([item] for item in ITEMS), *map(list, pairwise(ITEMS))]
STRETCHES = [(None, None), (30, None), (30, 4), (0, 1), (99, 0)]


def test_a_read_is_what_matches_any_item(log: LogRecorder, history: list[LogRow]) -> None:
    for items, (after, limit) in product(QUERIES, STRETCHES):
        expected = [
            row
            for row in history[after or 0 :]
            if any(
                (not item.types or row.type in item.types) and set(item.tags) <= set(row.tags)
                for item in items
            )
        ][:limit]
        response = log.read(DCBQuery(items), after=after, limit=limit)
        found = list(response)
        assert [each.position for each in found] == positions(expected)
        assert [each.event for each in found] == [row.event() for row in expected]
        last = expected[-1].position if expected else None
        assert response.head == (100 if limit is None else last)


def test_the_chain_can_be_verified_from_anywhere(log: LogRecorder, history: list[LogRow]) -> None:
    assert verify(history) is None
    assert verify(history[40:], history[39].hash) is None
    assert verify([]) is None
    assert verify(history[40:]) == 1
    assert verify(history[40:], history[38].hash) == 41
    assert verify(history[40:], GENESIS) == 1


def test_a_subscription_tells_everything_in_order(log: LogRecorder) -> None:
    for _ in range(3):
        log.append([event("a", "b") for _ in range(400)])
    heard = []
    query = DCBQuery([DCBQueryItem(tags=["a"])])
    with log.subscribe(query, after=100) as subscription:
        writer = Thread(
            target=lambda: [log.append([event("a"), event("c")]) for _ in range(20)],
        )
        writer.start()
        for _ in range(1_100 + 20):
            heard.append(next(subscription).position)
        writer.join()
    assert heard == [*range(101, 1_201), *range(1_201, 1_241, 2)]


def test_waiting_ends_at_once_where_the_log_is_ahead(log: LogRecorder) -> None:
    log.append([event(), event()])
    assert log.wait(1, timeout_seconds=PATIENCE_SECONDS) == 2


def test_waiting_ends_when_time_is_up(log: LogRecorder) -> None:
    log.append([event()])
    started = monotonic()
    assert log.wait(1, timeout_seconds=0.15) == 1
    assert 0.14 < monotonic() - started < PATIENCE_SECONDS
    assert log.wait(1, timeout_seconds=0) == 1


def test_a_waiter_wakes_within_a_tenth_of_a_second(log: LogRecorder) -> None:
    """The best of some tries, for a busy machine proves nothing."""
    delays = []

    def wait(after: int) -> None:
        assert log.wait(after, PATIENCE_SECONDS) == after + 1
        delays.append(monotonic())

    def append() -> None:
        sleep(0.1)
        delays.append(monotonic())
        log.append([event()])

    for _ in range(5):
        in_threads(partial(wait, log.head()), append)
    pairs = zip(sorted(delays)[::2], sorted(delays)[1::2], strict=True)
    assert min(woken - appended for appended, woken in pairs) < WAKE_SECONDS_MAX


def test_a_group_is_settled_request_by_request(log: LogRecorder) -> None:
    """One lock for all; earlier requests of the group count; a refusal harms nobody else."""
    assert isinstance(log, GroupRecorder)
    log.append([event("a", id="old")])
    outcomes = log.append_group(
        [
            admit([event("a", id="new")], any_of("a", after=1)),
            admit([event("a")], any_of("a", after=1)),
            admit([event("a", id="new")], any_of("a", after=1)),
            admit([event("b"), event("b")], any_of("b", after=1)),
            admit([event("b", id="old")], None),
            admit([event("b", id="x"), event("b", id="old")], None),
            admit(
                [event("c")], DCBAppendCondition(DCBQuery([DCBQueryItem(["thing.happened"])]), 3)
            ),
        ]
    )
    refused = [isinstance(outcome, IntegrityError) for outcome in outcomes]
    assert refused == [False, True, False, False, False, True, True]
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [2, 2, 4, 1]
    assert verify(everything(log)) is None

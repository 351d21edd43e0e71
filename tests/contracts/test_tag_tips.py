"""Promises of the tips: they spare the log a question, and never answer one wrongly."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from adapters.admission import Guard, Tip, admit
from adapters.chain import GENESIS
from adapters.dcb import IntegrityError
from adapters.sqlite.appending import CATCH_UP_MAX
from adapters.sqlite.recorder import SqliteRecorder
from adapters.tag_tips import TagTips
from tests.contracts.recorders import any_of, event, migrated

START = Tip(10, GENESIS)


def guard(*tags: str, after: int) -> Guard:
    return Guard(after, tags, None)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return migrated("sqlite", str(tmp_path / "log.db"))


@pytest.fixture
def log(address: str) -> Iterator[SqliteRecorder]:
    with closing(SqliteRecorder(address)) as recorder:
        yield recorder


def asked(log: SqliteRecorder, tag: str, after: int) -> tuple[bool, list[str]]:
    """Append under a guard: was it accepted, and what was the log asked about tags?"""
    writer, statements = log.datastore._writer, list[str]()
    assert writer is not None
    with writer.cursor() as cursor:
        connection: sqlite3.Connection = cursor.connection
    connection.set_trace_callback(statements.append)
    try:
        log.append([event("other")], any_of(tag, after=after))
        accepted = True
    except IntegrityError:
        accepted = False
    connection.set_trace_callback(None)
    return accepted, [each for each in statements if each.startswith("SELECT 1 FROM event_tags")]


def test_what_is_known_is_answered_and_what_is_not_is_not() -> None:
    tips = TagTips(START)
    assert tips.moved(guard("a", after=9)) is None
    assert tips.moved(guard("a", after=10)) is False
    tips.add(Tip(11, GENESIS), ["a", "b"])
    tips.add(Tip(12, GENESIS), ["b"])
    assert tips.moved(guard("a", after=10)) is True
    assert tips.moved(guard("a", after=11)) is False
    assert tips.moved(guard("a", "b", after=11)) is True
    assert tips.moved(guard("a", after=9)) is True
    assert tips.moved(guard("c", after=9)) is None
    assert tips.moved(guard("c", "a", after=9)) is True
    assert tips.moved(guard("c", after=10)) is False


def test_what_is_too_much_to_remember_is_forgotten_and_not_made_up() -> None:
    tips = TagTips(START, tips_max=2)
    tips.add(Tip(11, GENESIS), ["a", "b"])
    tips.add(Tip(12, GENESIS), ["c"])
    assert tips.moved(guard("a", after=10)) is None
    assert tips.moved(guard("a", after=12)) is False


@pytest.mark.parametrize("tips_max", [3, 1_000])
def test_tips_agree_with_a_list(tips_max: int) -> None:
    """Whenever they answer at all."""
    dice, history = Random(3), list[tuple[int, str]]()
    tips, answers = TagTips(START, tips_max=tips_max), 0
    for position in range(11, 400):
        tags = dice.choices("abcdefgh", k=dice.randint(0, 3))
        history += [(position, tag) for tag in tags]
        tips.add(Tip(position, GENESIS), tags)
        wanted, after = dice.choices("abcdefghi", k=2), dice.randint(8, position + 1)
        answer = tips.moved(guard(*wanted, after=after))
        if answer is not None:
            answers += 1
            assert answer == any(p > after and tag in wanted for p, tag in history)
    assert answers > 20


def test_most_guards_ask_the_log_nothing(log: SqliteRecorder) -> None:
    head = log.append([event("a")])
    assert asked(log, "a", head) == (True, [])
    assert asked(log, "a", head - 1) == (False, [])
    assert asked(log, "unknown", head) == (True, [])


def test_what_was_recorded_before_this_process_came_is_asked(address: str) -> None:
    with closing(SqliteRecorder(address)) as other:
        other.append([event("a")])
        other.append([event("b")])
    with closing(SqliteRecorder(address)) as log:
        log.append([event("c")])
        accepted, statements = asked(log, "b", 1)
        assert (accepted, len(statements)) == (False, 1)
        assert asked(log, "a", 1)[0]


@pytest.mark.parametrize("events", [1, CATCH_UP_MAX - 1, CATCH_UP_MAX, CATCH_UP_MAX + 1])
def test_what_other_processes_recorded_counts(
    address: str, log: SqliteRecorder, events: int
) -> None:
    """Whether it is few and read, or many and forgotten."""
    head = log.append([event("a")])
    with closing(SqliteRecorder(address)) as other:
        other.append([event("theirs")])
        for begin in range(1, events, 500):
            other.append([event("more") for _ in range(min(500, events - begin))])
    accepted, statements = asked(log, "theirs", head)
    assert not accepted
    assert bool(statements) == (events > CATCH_UP_MAX)
    assert asked(log, "theirs", head + 1)[0]
    assert asked(log, "a", head)[0]


def test_what_this_transaction_accepted_counts(log: SqliteRecorder) -> None:
    log.append([event("a")])
    outcomes = log.append_group(
        [
            admit([event("b")], any_of("b", after=0)),
            admit([event("c")], any_of("b", after=1)),
            admit([event("c")], any_of("c", after=0)),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [int, IntegrityError, int]


@pytest.mark.parametrize("events", [1, 2, 3])
def test_another_history_is_noticed(address: str, log: SqliteRecorder, events: int) -> None:
    """A file put back in place under a running process; where it ends alone would not tell."""
    log.append([event("a")])
    log.append([event("mine")])
    migrated("sqlite", f"{address}.copy")
    with closing(SqliteRecorder(f"{address}.copy")) as other:
        other.append([event("theirs") for _ in range(events)])
    with (
        closing(sqlite3.connect(f"{address}.copy")) as source,
        closing(sqlite3.connect(address)) as target,
    ):
        source.backup(target)
    assert not asked(log, "theirs", 0)[0]
    assert asked(log, "mine", 0)[0]

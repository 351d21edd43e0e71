"""Promises of the queue before the log: each is told his own outcome, whatever befalls others."""

import ctypes
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from threading import Event, Thread, get_ident
from time import monotonic, sleep
from typing import Any

import pytest

from adapters.admission import Request, admit
from adapters.chain import verify
from adapters.dcb import (
    DataError,
    DCBAppendCondition,
    DCBQuery,
    DCBQueryItem,
    IntegrityError,
    LogEvent,
    OperationalError,
)
from adapters.group_commit import (
    GROUP_BYTES_MAX,
    GROUP_EVENTS_MAX,
    Caller,
    GroupCommit,
    QueuedRecorder,
)
from adapters.sqlite.recorder import SqliteRecorder
from tests.contracts.recorders import (
    DATABASES,
    PATIENCE_SECONDS,
    any_of,
    event,
    eventually,
    everything,
    in_threads,
    migrated,
    opened,
    place,
    positions,
)

THREADS = 12
APPENDS_EACH = 40


@pytest.fixture(params=DATABASES)
def log(request: pytest.FixtureRequest) -> Iterator[QueuedRecorder]:
    kind = request.param
    with closing(opened(kind, migrated(kind, place(kind, request)))) as recorder:
        assert isinstance(recorder, QueuedRecorder)
        yield recorder


def request(*events: LogEvent) -> Request:
    return admit(events or [event()], None)


class Log:
    """What the queue writes to: says which groups came, and does to them what a test wants."""

    def __init__(self) -> None:
        self.groups: list[list[Request]] = []
        self.written: list[Request] = []
        self.goes_on = Event()
        self.goes_on.set()
        self.fails: Callable[[Sequence[Request]], BaseException | None] = lambda group: None
        self.queue = GroupCommit(self.settle, patience_seconds=PATIENCE_SECONDS)

    def settle(self, group: Sequence[Request]) -> list[int | IntegrityError]:
        self.groups.append(list(group))
        assert self.goes_on.wait(PATIENCE_SECONDS)
        if error := self.fails(group):
            raise error
        outcomes: list[int | IntegrityError] = []
        for each in group:
            self.written.append(each)
            outcomes.append(len(self.written))
        return outcomes

    def append(self, each: Request) -> int | BaseException:
        try:
            return self.queue.append(each)
        except BaseException as error:
            return error

    def together(self, *requests: Request) -> list[int | BaseException]:
        """Let these form one group, behind one that is being written."""
        outcomes: dict[int, int | BaseException] = {}

        def run(nth: int) -> None:
            outcomes[nth] = self.append(requests[nth])

        self.goes_on.clear()
        first = Thread(target=self.append, args=(request(),))
        first.start()
        eventually(lambda: bool(self.groups))
        threads = [Thread(target=run, args=(nth,)) for nth in range(len(requests))]
        for number, thread in enumerate(threads, 1):
            thread.start()
            eventually(partial(self.holds, number))
        self.goes_on.set()
        for thread in (first, *threads):
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
        return [outcomes[nth] for nth in range(len(requests))]

    def holds(self, number: int) -> bool:
        return len(self.queue._queue) == number


def test_what_comes_meanwhile_is_written_together(log: QueuedRecorder) -> None:
    groups = []
    settle = log._commits._settle

    def counted(group: Sequence[Request]) -> Any:
        groups.append(len(group))
        return settle(group)

    log._commits._settle = counted
    outcomes: list[int] = []

    def work(worker: int) -> None:
        for nth in range(APPENDS_EACH):
            tag = f"worker:{worker}"
            condition = any_of(tag, "law", after=max(outcomes, default=0))
            outcomes.append(log.append([event(tag, id=f"{worker}:{nth}")], condition))

    in_threads(*(partial(work, worker) for worker in range(THREADS)))
    rows = everything(log)
    assert sorted(outcomes) == positions(rows) == [*range(1, THREADS * APPENDS_EACH + 1)]
    assert verify(rows) is None
    assert sum(groups) == len(rows) > 2 * len(groups)


def test_each_is_told_its_own_outcome(log: QueuedRecorder) -> None:
    """Winners, losers and those who ask again, all at once: one of each race wins."""
    outcomes = dict[tuple[int, int], int]()

    def work(worker: int) -> None:
        for nth in range(APPENDS_EACH):
            batch = [event(f"race:{nth}", id=f"{worker}:{nth}:{half}") for half in "ab"]
            with suppress(IntegrityError):
                outcomes[worker, nth] = log.append(batch, any_of(f"race:{nth}", after=0))
                assert log.append(batch, any_of(f"race:{nth}", after=0)) == outcomes[worker, nth]

    in_threads(*(partial(work, worker) for worker in range(THREADS)))
    won = {row.position: row.id for row in everything(log)}
    assert sorted(nth for _, nth in outcomes) == [*range(APPENDS_EACH)]
    for (worker, nth), position in outcomes.items():
        assert won[position] == f"{worker}:{nth}:b"
    assert len(won) == 2 * APPENDS_EACH


def test_a_bad_request_harms_nobody_else() -> None:
    log = Log()
    bad = request(event(type="bad"))
    log.fails = lambda group: DataError("bad") if bad in group else None
    first, refused, last = log.together(request(), bad, request())
    assert (first, last) == (2, 3)
    assert isinstance(refused, DataError)
    assert [len(group) for group in log.groups] == [1, 3, 1, 1, 1]


def test_a_broken_world_is_told_to_everybody() -> None:
    """And to each in an error of his own, for threads that raise the same one mix their traces."""
    log = Log()
    log.fails = lambda group: OperationalError("disk full") if len(group) > 1 else None
    outcomes = log.together(request(), request(), request())
    assert [str(each) for each in outcomes] == ["disk full"] * 3
    assert {type(each) for each in outcomes} == {OperationalError}
    assert len(set(map(id, outcomes))) == 3
    assert len(log.groups) == 2


def test_a_world_that_breaks_in_between_is_told_to_the_rest() -> None:
    log = Log()
    answers = iter([None, DataError("one of you"), None, OperationalError("gone")])
    log.fails = lambda group: next(answers)
    first, *others = log.together(request(), request(), request())
    assert first == 2
    assert [str(each) for each in others] == ["gone"] * 2


def test_a_group_is_bounded_and_a_single_request_is_not() -> None:
    log = Log()
    many = request(*[event() for _ in range(GROUP_EVENTS_MAX)])
    large = request(*[event(data=bytes(GROUP_BYTES_MAX // 5)) for _ in range(6)])
    log.together(request(), request(), many, large, request(), request())
    assert [len(group) for group in log.groups] == [1, 2, 1, 1, 2]
    assert [each for group in log.groups for each in group] == log.written


def test_a_guard_that_may_take_long_is_settled_alone() -> None:
    log = Log()
    slow = admit([event()], DCBAppendCondition(DCBQuery([DCBQueryItem(types=["a"])])))
    log.together(request(), slow, request())
    assert [len(group) for group in log.groups] == [1, 1, 1, 1]


def test_the_queue_wakes_its_head_and_those_who_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and nobody else: a herd that is woken for nothing is what makes a queue slow."""
    monkeypatch.setattr("adapters.group_commit.RECHECK_SECONDS", PATIENCE_SECONDS)
    log = Log()
    sleeps = count()
    sleep_ = log.queue._sleep

    def counted(mine: Caller, until: float) -> None:
        next(sleeps)
        sleep_(mine, until)

    log.queue._sleep = counted  # type: ignore[method-assign]
    requests = [request(*[event()] * (GROUP_EVENTS_MAX // 2)) for _ in range(10)]
    started = monotonic()
    log.together(*requests)
    assert monotonic() - started < PATIENCE_SECONDS / 2
    assert len(log.groups) == 1 + 5
    assert next(sleeps) <= 2 * len(requests)


def test_who_waits_too_long_has_written_nothing() -> None:
    log = Log()
    log.queue._patience_seconds = 0.2
    log.goes_on.clear()
    first = Thread(target=log.append, args=(request(),))
    first.start()
    eventually(lambda: bool(log.groups))
    started = monotonic()
    outcome = log.append(request())
    assert monotonic() - started < PATIENCE_SECONDS / 4
    assert isinstance(outcome, OperationalError)
    log.goes_on.set()
    first.join()
    assert isinstance(log.append(request()), int)
    assert len(log.written) == 2


def interrupt(thread: Thread, error: type[BaseException]) -> None:
    """Raise this in another thread, as a signal does in the main one."""
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(error)
    )


def test_an_interrupted_leader_leaves_nobody_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has ids is written in any case, and once; who has none hears that it is unknown."""
    monkeypatch.setattr("adapters.group_commit.RECHECK_SECONDS", PATIENCE_SECONDS)
    log = Log()
    interrupts = iter([None, KeyboardInterrupt()])
    log.fails = lambda group: next(interrupts, None)
    led, named, nameless = log.together(
        request(), request(event(id="a:0")), request(event(type="nameless"))
    )
    assert isinstance(led, KeyboardInterrupt)
    assert isinstance(named, int)
    assert isinstance(nameless, OperationalError)
    assert "unknown" in str(nameless)
    assert [each.ids for each in log.written] == [[], ["a:0"]]


def test_an_interrupted_follower_is_not_written() -> None:
    log = Log()
    log.goes_on.clear()
    first = Thread(target=log.append, args=(request(),))
    first.start()
    eventually(lambda: bool(log.groups))
    follower = Thread(target=log.append, args=(request(),))
    follower.start()
    eventually(partial(log.holds, 1))
    interrupt(follower, KeyboardInterrupt)
    follower.join(PATIENCE_SECONDS)
    assert not follower.is_alive()
    log.goes_on.set()
    first.join()
    assert len(log.written) == 1


class Interrupted(BaseException):
    """What an outer hand raises in a thread, anywhere."""


@pytest.mark.parametrize("log", ["sqlite"], indirect=True)
def test_interruptions_anywhere_stop_nobody_else_and_lose_nothing(
    log: QueuedRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads are interrupted wherever they are; what was acknowledged is there, once.

    Not on PostgreSQL: an exception thrown into the driver's pool, once in some thirty runs on a
    busy machine, left a connection that nobody gets back. A signal only ever reaches the main
    thread, so no server meets that.
    """
    monkeypatch.setattr("adapters.group_commit.RECHECK_SECONDS", 0.05)
    acknowledged = dict[str, int]()
    finished, ready = set[int](), dict[int, bool]()

    def work(worker: int) -> None:
        nth = 0
        while nth < APPENDS_EACH:
            try:
                while nth < APPENDS_EACH:
                    ready[get_ident()] = True
                    name = f"{worker}:{nth}"
                    position = log.append([event(f"w:{worker}", id=name)])
                    acknowledged[name] = position
                    nth += 1
            except (Interrupted, OperationalError):
                continue  # and ask again: the ids tell
        with suppress(Interrupted):  # one may be on its way
            ready.pop(get_ident(), None)
            sleep(0.05)
        finished.add(worker)

    threads = [Thread(target=work, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    dice, until = Random(5), monotonic() + PATIENCE_SECONDS * 3
    while len(finished) < len(threads) and monotonic() < until:
        thread = dice.choice(threads)
        if ready.pop(thread.ident or 0, False):
            interrupt(thread, Interrupted)
        sleep(dice.uniform(0, 0.004))
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert finished == set(range(len(threads)))
    rows = everything(log)
    assert {row.id: row.position for row in rows} == acknowledged
    assert len(rows) == len(acknowledged) == len(threads) * APPENDS_EACH
    assert verify(rows) is None


def test_a_commit_that_fails_is_told_as_unknown_and_nothing_is_remembered(tmp_path: Path) -> None:
    """SQLite itself refuses the COMMIT; afterwards the log answers from the disk, not from tips."""
    with closing(SqliteRecorder(migrated("sqlite", str(tmp_path / "log.db")))) as log:
        log.append([event("a", id="a:0")])
        writer = log.datastore._writer
        assert writer is not None
        with writer.cursor() as cursor:
            connection: sqlite3.Connection = cursor.connection

        def refuse(action: int, what: str | None, *_: str | None) -> int:
            refused = action == sqlite3.SQLITE_TRANSACTION and what == "COMMIT"
            return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

        connection.set_authorizer(refuse)
        with pytest.raises(OperationalError, match="unknown"):
            log.append([event("b", id="b:0")])
        connection.set_authorizer(None)
        assert log.append([event("c", id="c:0")], any_of("b", after=0)) == 2
        assert log.append([event("b", id="b:0")], any_of("b", after=0)) == 3
        assert verify(everything(log)) is None

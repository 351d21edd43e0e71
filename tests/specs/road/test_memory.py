"""What is remembered between decisions, and between runs, is what the history says: always."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from adapters.clock import wall_clock
from adapters.codec import Codec
from adapters.dcb import BATCH_EVENTS_MAX, LogEvent, LogRecorder
from adapters.event_store import LogEventStore
from adapters.ids import random_id
from adapters.memory.recorder import MemoryRecorder
from adapters.snapshots import SqlSnapshots
from adapters.views.schema import migrate as migrate_views
from commands import memory
from commands.catalog import PLANNERS
from commands.memory import Memory
from commands.pipeline import Pipeline
from domain.catalog import EVENTS, STREAMS, UPCASTERS
from domain.core.stream import Stream
from domain.governor.law import LAW, Law, LawConstituted, PolicyActivated, PolicyDrafted
from domain.kernel.agent import AGENT, AgentEnabled, AgentRegistered
from domain.kernel.order import ORDER, OrderRefunded
from domain.ports import Snapshot, StoreUnavailable
from tests.architecture.test_stored_names import POLICY
from tests.contracts.recorders import POSTGRES, in_threads, migrated
from tests.picture import memory_engine

CODEC: Final = Codec(EVENTS, UPCASTERS)
REFUND: Final = OrderRefunded(
    order_id="o",
    org_unit_id="business",
    action_id="a",
    amount=Decimal("0.01"),
    currency="USD",
    day="2030-01-31",
    hour="2030-01-31T12",
)
HIRED: Final = AgentRegistered(
    agent_id="s",
    name="S",
    type="support",
    capabilities=(),
    tool_permissions=("a", "b"),
    org_unit_id="business",
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LONG_EVENTS_MIN", 5)
    monkeypatch.setattr(memory, "SNAPSHOT_EVENTS_MIN", 20)


def write(recorder: LogRecorder, tag: str, *facts: object) -> None:
    """Let somebody else write, in batches."""
    events = []
    for fact in facts:
        type_, version, data = CODEC.encode(fact)
        events.append(LogEvent(type=type_, data=data, tags=[tag], schema_version=version))
    for start in range(0, len(events), BATCH_EVENTS_MAX):
        recorder.append(events[start : start + BATCH_EVENTS_MAX])


class Counting(LogEventStore):
    """A log that counts the events that are read of single histories."""

    read_events = 0

    def read(self, *args: Any, **how: Any) -> Any:
        found, head = super().read(*args, **how)
        self.read_events += len(found)
        return found, head


@dataclass
class Desk:
    """A pipeline that can be restarted, and its log restored."""

    snapshots: SqlSnapshots
    recorder: LogRecorder = field(default_factory=MemoryRecorder)
    remembered_max: int = memory.REMEMBERED_MAX

    def __post_init__(self) -> None:
        self.snapshots.prepare()
        self.restart()

    def restart(self) -> None:
        """Begin anew with what is on disk."""
        self.log = Counting(self.recorder, CODEC)
        kept = Memory(self.snapshots, remembered_max=self.remembered_max)
        self.pipeline = Pipeline(self.log, wall_clock, random_id, PLANNERS, kept)

    def restore(self, head: int) -> None:
        """Put a log of an earlier day in the place of this one, while the program runs."""
        rows = self.recorder.page(0, head)
        self.recorder = MemoryRecorder()
        for row in rows:
            self.recorder.append([row.event()])
        self.log.recorder = self.recorder

    def state(self, stream: Stream[Any, Any], key: str) -> Any:
        return self.pipeline.state(stream, key)

    def folded(self, stream: Stream[Any, Any], key: str) -> Any:
        events, _head = LogEventStore(self.recorder, CODEC).read({stream.at(key): 0})
        return stream.fold(each.fact for each in events)

    def reads(self, stream: Stream[Any, Any], key: str) -> int:
        """How many events it takes to know a state, which must be the right one."""
        before = self.log.read_events
        assert self.state(stream, key) == self.folded(stream, key)
        return self.log.read_events - before


@pytest.fixture
def engine() -> Engine:
    return memory_engine()


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    with closing(SqlSnapshots(engine)) as snapshots:
        yield Desk(snapshots)


# ── between decisions ──


def test_a_long_history_is_read_once_and_then_read_on(desk: Desk) -> None:
    write(desk.recorder, "order:o", *[REFUND] * 7)
    assert [desk.reads(ORDER, "o") for _ in range(3)] == [7, 0, 0]
    write(desk.recorder, "order:o", REFUND)
    assert [desk.reads(ORDER, "o") for _ in range(2)] == [1, 0]


def test_a_short_history_is_remembered_only_if_its_stream_is(desk: Desk) -> None:
    write(desk.recorder, "order:o", REFUND)
    write(desk.recorder, "agent:s", HIRED)
    assert [desk.reads(ORDER, "o") for _ in range(2)] == [1, 1]
    assert [desk.reads(AGENT, "s") for _ in range(2)] == [1, 0]


def test_what_was_not_used_for_longest_is_forgotten_first(engine: Engine) -> None:
    desk = Desk(SqlSnapshots(engine), remembered_max=2)
    for key in "abc":
        write(desk.recorder, f"agent:{key}", HIRED)
    assert [desk.reads(AGENT, key) for key in "abab"] == [1, 1, 0, 0]
    assert desk.reads(AGENT, "a") == 0, "b is now the one that was not used for longest"
    assert desk.reads(AGENT, "c") == 1
    assert [desk.reads(AGENT, key) for key in "acb"] == [0, 0, 1]
    desk.snapshots.close()


@pytest.mark.parametrize("head", [0, 1, 9])
def test_a_log_restored_to_an_earlier_day_is_read_anew(desk: Desk, head: int) -> None:
    write(desk.recorder, "order:o", *[REFUND] * 10)
    write(desk.recorder, "agent:s", HIRED)
    assert desk.reads(ORDER, "o") == 10
    assert desk.reads(AGENT, "s") == 1
    desk.restore(head)
    assert desk.state(AGENT, "s") == AGENT.initial
    assert desk.state(ORDER, "o").refunded == REFUND.amount * head
    write(desk.recorder, "order:o", *[REFUND] * 3)
    assert desk.state(ORDER, "o").refunded == REFUND.amount * (head + 3)


# ── between runs ──


def long(desk: Desk, number: int = 25) -> None:
    write(desk.recorder, "order:o", *[REFUND] * number)
    assert desk.reads(ORDER, "o") == number
    desk.restart()


def test_a_long_history_is_not_folded_again_after_a_restart(desk: Desk) -> None:
    long(desk)
    assert desk.reads(ORDER, "o") == 0
    write(desk.recorder, "order:o", *[REFUND] * 3)
    assert desk.reads(ORDER, "o") == 3
    desk.restart()
    assert desk.reads(ORDER, "o") == 3, "three events are no reason for a newer snapshot"


def test_a_history_that_grows_slowly_gets_a_newer_snapshot(desk: Desk) -> None:
    for _ in range(50):
        write(desk.recorder, "order:o", REFUND)
        desk.state(ORDER, "o")
    desk.restart()
    assert desk.reads(ORDER, "o") < 20


def test_another_program_finds_the_snapshot(desk: Desk, engine: Engine) -> None:
    long(desk)
    other = Desk(SqlSnapshots(engine), desk.recorder)
    assert other.reads(ORDER, "o") == 0


SPOILED: Final = {
    "no table": "DROP TABLE fold_snapshots",
    "no row": "DELETE FROM fold_snapshots",
    "bytes that are no state": "UPDATE fold_snapshots SET state = x'7b'",
    "a state of another shape": "UPDATE fold_snapshots SET state = CAST('[1]' AS BLOB)",
    "other code": "UPDATE fold_snapshots SET fold = 'other'",
    "another log": "UPDATE fold_snapshots SET digest = x'00'",
    "a position that is not there yet": "UPDATE fold_snapshots SET position = 1000",
    "no position": "UPDATE fold_snapshots SET position = -5",
    "the place of another history": "UPDATE fold_snapshots SET position = 26",
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_snapshot_that_is_odd_is_as_good_as_none(desk: Desk, engine: Engine, spoil: str) -> None:
    long(desk)
    write(desk.recorder, "agent:s", HIRED)
    with engine.begin() as connection:
        connection.execute(text(spoil))
    assert desk.reads(ORDER, "o") == 25


def test_a_log_restored_between_runs_is_read_anew(desk: Desk) -> None:
    long(desk)
    desk.restore(10)
    desk.restart()
    assert desk.reads(ORDER, "o") == 10
    desk.restart()
    write(desk.recorder, "order:o", *[replace(REFUND, amount=Decimal(1))] * 30)
    assert desk.reads(ORDER, "o") == 40, "the event at the snapshot's position is another one"


def test_a_database_that_is_gone_costs_nothing_but_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_anything: object) -> None:
        raise StoreUnavailable("gone")

    long(desk)
    monkeypatch.setattr(desk.snapshots, "load", gone)
    monkeypatch.setattr(desk.snapshots, "save", gone)
    assert desk.reads(ORDER, "o") == 25


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.category)
def test_the_beginning_of_every_stream_can_be_kept(desk: Desk, stream: Stream[Any, Any]) -> None:
    desk.snapshots.save(stream, "k", Snapshot(7, b"d", stream.initial))
    expected = None if stream.initial is None else Snapshot(7, b"d", stream.initial)
    assert desk.snapshots.load(stream, "k") == expected


def test_a_law_comes_back_from_a_snapshot_as_it_was(desk: Desk) -> None:
    facts = (
        LawConstituted(name="Shop"),
        PolicyDrafted(policy=POLICY, by="user:grace"),
        PolicyActivated(policy_id="cap", version=2, by="user:founder", reason="spring"),
    )
    law = LAW.fold(facts)
    assert law.book is not None, "what is worked out from a state is no part of it"
    desk.snapshots.save(LAW, "business", Snapshot(3, b"d", law))
    found = desk.snapshots.load(LAW, "business")
    assert found is not None
    assert isinstance(found.state, Law)
    assert found.state == law
    assert found.state.active["cap"].parameters == POLICY.parameters


@pytest.mark.parametrize("kind", ["sqlite", POSTGRES])
def test_snapshots_live_in_both_databases(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        make = partial(SqlSnapshots, create_engine(f"sqlite:///{tmp_path / 'snapshots.db'}"))
    else:
        url = migrated("postgres", request.getfixturevalue("postgres_url"))
        migrate_views(url, "read_models")
        sql = make_url(url).set(drivername="postgresql+psycopg")
        make = partial(SqlSnapshots, create_engine(sql), schema="read_models")
    several = [make() for _ in range(4)]
    in_threads(*(each.prepare for each in several))
    several[0].save(ORDER, "o", Snapshot(7, b"\0\xff", ORDER.initial))
    several[1].save(ORDER, "p", Snapshot(8, b"\1", ORDER.initial))
    several[0].save(ORDER, "o", Snapshot(9, b"\2", ORDER.initial))
    several[2].prepare()
    assert several[2].load(ORDER, "o") == Snapshot(9, b"\2", ORDER.initial)
    assert several[2].load(ORDER, "p") == Snapshot(8, b"\1", ORDER.initial)
    for each in several:
        each.close()


# ── laws ──

STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "look", "look", "restart", "restore", "vanish"]),
        st.integers(0, 60),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(STEPS)
def test_what_is_remembered_is_what_the_history_says(steps: list[tuple[str, int]]) -> None:
    engine = memory_engine()
    desk = Desk(SqlSnapshots(engine), remembered_max=2)
    for step, number in steps:
        match step:
            case "write":
                write(desk.recorder, f"order:{number % 3}", *[REFUND] * (number or 1))
                write(desk.recorder, "agent:s", AgentEnabled(agent_id="s", by="user:ada"))
            case "restart":
                desk.restart()
            case "restore":
                for stream, key in ((ORDER, "0"), (AGENT, "s")):
                    desk.state(stream, key)
                desk.restore(max(desk.recorder.head() - number, 0))
            case "vanish":
                with engine.begin() as connection:
                    connection.execute(text("DELETE FROM fold_snapshots"))
        for stream, key in ((ORDER, str(number % 3)), (AGENT, "s")):
            assert desk.state(stream, key) == desk.folded(stream, key)
    desk.snapshots.close()


def test_readers_see_no_history_shorter_than_before_while_others_write(desk: Desk) -> None:
    writing = 4

    def writes() -> None:
        for _ in range(60):
            write(desk.recorder, "order:o", REFUND)

    def looks() -> None:
        dice, before = random.Random(1), Decimal(0)
        while before < REFUND.amount * 60 * writing:
            refunded = desk.state(ORDER, "o").refunded
            assert refunded >= before
            before = refunded
            if dice.random() < 0.02:
                desk.pipeline.memory.forget()

    in_threads(*[writes] * writing, looks, looks)
    assert desk.state(ORDER, "o") == desk.folded(ORDER, "o")

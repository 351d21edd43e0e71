"""What was stored by older programs, read by this one: renamed, reshaped, split and dropped.

The first half has a small catalog of its own, with a past; the second is the first event of the
business that got a second version, `outcome.recorded`.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codec import Codec, UnknownEvent
from adapters.dcb import LogEvent, LogRecorder
from adapters.event_store import LogEventStore
from adapters.memory.recorder import MemoryRecorder
from adapters.sqlite.recorder import SqliteRecorder
from commands.kernel.outcome import RecordOutcome
from commands.message import Done
from console_api.bootstrap import open_business
from console_api.settings import Settings
from domain.core.event import event
from domain.core.stream import Stream
from domain.core.upcast import STEPS_MAX, Dropped, Fields, Stored, Upcaster, Upcasters, upcaster
from domain.kernel.outcome import OUTCOME, OutcomeRecorded
from domain.ports import DROPPED, Recorded, StoreUnavailable
from domain.view_store import Column, Kind, Row
from projections.catalog import VIEWS
from projections.engine import catch_up, compare
from projections.view import View, one_key
from queries.catalog import BY_NAME
from tests.contracts.recorders import KINDS, migrated, opened, place
from tests.examples import IMPORTER, NOON, Shop, founded, refund
from tests.picture import memory_views

# ── a till, whose facts have changed their shape three times ──


@event("till.paid", version=3)
class Paid:
    """Money went into the till. Version 1 was in cents, version 2 had no currency."""

    till_id: str
    amount: Decimal
    currency: str


@event("till.tipped")
class Tipped:
    """Money for the staff. In `till.paid` 1 it was a field."""

    till_id: str
    amount: Decimal


TillEvent = Paid | Tipped


@upcaster("till.paid", 1)
def paid_1(fields: Fields) -> Iterator[Stored]:
    """Split the tip off, and count in whole units."""
    tip = fields.pop("tip_cents")
    fields["amount"] = Decimal(fields.pop("cents")) / 100
    yield "till.paid", 2, fields
    if tip:
        yield "till.tipped", 1, {"till_id": fields["till_id"], "amount": Decimal(tip) / 100}


@upcaster("till.paid", 2)
def paid_2(fields: Fields) -> Iterator[Stored]:
    """Say what was meant."""
    yield "till.paid", 3, {**fields, "currency": "EUR"}


@upcaster("till.gratuity", 1)
def gratuity_1(fields: Fields) -> Iterator[Stored]:
    """Rename the event."""
    yield "till.tipped", 1, fields


@upcaster("till.dusted", 1)
def dusted_1(_fields: Fields) -> Iterator[Stored]:
    """Drop it: nobody asks any more."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Till:
    """What is in it."""

    amount: Decimal = Decimal(0)
    tips: Decimal = Decimal(0)
    facts: int = 0


def evolve(state: Till, fact: TillEvent) -> Till:
    match fact:
        case Paid():
            return Till(state.amount + fact.amount, state.tips, state.facts + 1)
        case Tipped():
            return Till(state.amount, state.tips + fact.amount, state.facts + 1)


TILL: Final = Stream(
    category="till",
    initial=Till(),
    evolve=evolve,
    events=(Paid, Tipped),
    upcasters=(paid_1, paid_2, gratuity_1, dusted_1),
)
CODEC: Final = Codec({"till.paid": Paid, "till.tipped": Tipped}, TILL.upcasters)


def draw(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any]:
    """Draw what is in a till."""
    before = row or {"id": recorded.fact.till_id, "amount": Decimal(0), "facts": 0}
    fact: TillEvent = recorded.fact
    facts = before["facts"] + 1
    return {"id": fact.till_id, "amount": before["amount"] + fact.amount, "facts": facts}


TILLS: Final = View(
    name="tills",
    version=1,
    columns=(Column("id"), Column("amount", Kind.DECIMAL), Column("facts", Kind.INTEGER)),
    facts=(Paid, Tipped),
    keys=one_key("till_id"),
    draw=draw,
)


def stored(type_: str, version: int, data: bytes, nth: int) -> LogEvent:
    """An event as some program, long ago, gave it to the recorder."""
    return LogEvent(
        type=type_,
        data=data,
        tags=["till:t"],
        id=f"c{nth}:0",
        schema_version=version,
        occurred_at=nth,
        actor="user:ada",
    )


DUSTED: Final = ("till.dusted", 1, b'{"till_id":"t"}', ())
TOLD: Final[tuple[tuple[str, int, bytes, tuple[TillEvent, ...]], ...]] = (
    (
        "till.paid",
        1,
        b'{"till_id":"t","cents":1999,"tip_cents":50}',
        (
            Paid(till_id="t", amount=Decimal("19.99"), currency="EUR"),
            Tipped(till_id="t", amount=Decimal("0.5")),
        ),
    ),
    (
        "till.paid",
        1,
        b'{"till_id":"t","cents":100,"tip_cents":0}',
        (Paid(till_id="t", amount=Decimal(1), currency="EUR"),),
    ),
    (
        "till.paid",
        2,
        b'{"till_id":"t","amount":12345678901234567890.123456789}',
        (Paid(till_id="t", amount=Decimal("12345678901234567890.123456789"), currency="EUR"),),
    ),
    (
        "till.paid",
        3,
        b'{"till_id":"t","amount":2.50,"currency":"USD"}',
        (Paid(till_id="t", amount=Decimal("2.5"), currency="USD"),),
    ),
    (
        "till.gratuity",
        1,
        b'{"till_id":"t","amount":0.30}',
        (Tipped(till_id="t", amount=Decimal("0.30")),),
    ),
    DUSTED,
)


def facts(kind: tuple[str, int], data: bytes) -> list[Any]:
    return [fact for _name, _version, fact in CODEC.facts(*kind, data)]


@pytest.mark.parametrize("told", TOLD, ids=lambda told: f"{told[0]} {told[1]}")
def test_stored_bytes_of_every_version_are_told_in_the_facts_of_today(
    told: tuple[str, int, bytes, tuple[TillEvent, ...]],
) -> None:
    type_, version, data, expected = told
    assert facts((type_, version), data) == list(expected)
    for fact in expected:
        assert facts(CODEC.encode(fact)[:2], CODEC.encode(fact)[2]) == [fact]


@given(st.integers(0, 10**20), st.integers(0, 10**6))
def test_a_split_loses_no_cent(cents: int, tip: int) -> None:
    data = msgspec.json.encode({"till_id": "t", "cents": cents, "tip_cents": tip})
    assert sum(each.amount for each in facts(("till.paid", 1), data)) * 100 == cents + tip


# ── positions ──

History = list[tuple[str, int, bytes, tuple[TillEvent, ...]]]


@pytest.fixture(params=KINDS)
def recorder(request: pytest.FixtureRequest) -> Iterator[LogRecorder]:
    kind = request.param
    with closing(opened(kind, migrated(kind, place(kind, request)))) as recorder:
        yield recorder


def written(recorder: LogRecorder, history: History) -> LogEventStore:
    recorder.append([stored(*each[:3], nth) for nth, each in enumerate(history, 1)])
    return LogEventStore(recorder, CODEC)


HISTORY: Final[History] = [DUSTED, *TOLD, TOLD[0], DUSTED, DUSTED]
EXPECTED: Final = [fact for each in HISTORY for fact in each[3]]


def test_a_page_shows_every_position_whatever_became_of_the_event(recorder: LogRecorder) -> None:
    log = written(recorder, HISTORY)
    found = log.page(after=0, limit=100)
    assert [each.position for each in found] == [1, 2, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10]
    assert [each.fact for each in found if each.type != DROPPED] == EXPECTED
    dropped = [each for each in found if each.type == DROPPED]
    assert {each.fact for each in dropped} == {Dropped("till.dusted", 1)}
    assert [each.position for each in dropped] == [1, 7, 9, 10]


def test_a_page_never_ends_within_an_event(recorder: LogRecorder) -> None:
    log = written(recorder, HISTORY)
    found: list[Recorded] = []
    while page := log.page(after=found[-1].position if found else 0, limit=1):
        assert len({each.position for each in page}) == 1
        found += page
    assert [(each.position, each.id) for each in found] == [
        (each.position, each.id) for each in log.page(after=0, limit=100)
    ]


def test_what_an_event_is_told_as_has_names_and_versions_of_today(recorder: LogRecorder) -> None:
    split = written(recorder, HISTORY).page(after=1, limit=1)
    assert [(each.id, each.type, each.schema_version) for each in split] == [
        ("c2:0", "till.paid", 3),
        ("c2:0.1", "till.tipped", 1),
    ]
    row = recorder.row(2)
    assert row is not None
    assert {each.digest for each in split} == {row.hash}
    assert (row.type, row.schema_version) == ("till.paid", 1), "what is stored is never rewritten"


def test_one_history_is_read_without_what_was_dropped(recorder: LogRecorder) -> None:
    found, head = written(recorder, HISTORY).read({"till:t": 0})
    assert ([each.fact for each in found], head) == (EXPECTED, len(HISTORY))
    assert TILL.fold(each.fact for each in found).facts == len(EXPECTED)


def test_the_chain_of_hashes_goes_through_what_was_dropped(recorder: LogRecorder) -> None:
    found = written(recorder, HISTORY).page(after=0, limit=100)
    by_position = {each.position: each for each in found}
    for position in range(2, len(HISTORY) + 1):
        assert by_position[position].previous_hash == by_position[position - 1].hash
    assert by_position[1].previous_digest == bytes(32)


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a_picture_is_the_same_however_the_log_is_cut(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.engine.BATCH", batch)
    log, views = written(MemoryRecorder(), HISTORY), memory_views(TILLS.shape)
    edition = catch_up(TILLS, log=log, views=views)
    assert edition.position == len(HISTORY)
    (row,) = views.rows(edition)
    assert row["facts"] == len(EXPECTED)
    assert row["amount"] == sum(fact.amount for fact in EXPECTED)
    assert row["last_position"] == 8
    recorder = log.recorder
    recorder.append([stored(*DUSTED[:3], 90), stored(*TOLD[0][:3], 91), stored(*DUSTED[:3], 92)])
    assert catch_up(TILLS, log=log, views=views).position == len(HISTORY) + 3
    assert compare(TILLS, log=log, views=views).equal
    views.close()


# ── what cannot be lifted ──


def test_a_log_that_cannot_be_read_says_what_and_where(recorder: LogRecorder) -> None:
    log = written(recorder, HISTORY)
    log.check_readable()
    recorder.append([stored("till.paid", 4, b"{}", 90), stored("till.moved", 1, b"{}", 91)])
    with pytest.raises(UnknownEvent) as refused:
        log.check_readable()
    text = str(refused.value)
    assert "at position 11: till.paid version 4 is newer than this program, which knows" in text
    assert "at position 12: till.moved version 1 is unknown to this program" in text
    log.check_readable(after=12)


@pytest.mark.parametrize(
    ("data", "because"),
    [(b'{"till_id":"t"}', "KeyError"), (b"[]", "object"), (b'{"cents":"x","tip_cents":0}', "x")],
)
def test_bytes_that_an_upcaster_stumbles_over_are_an_error(data: bytes, because: str) -> None:
    with pytest.raises(UnknownEvent, match=f"till.paid version 1 cannot be lifted.*{because}"):
        facts(("till.paid", 1), data)


def test_upcasters_that_lead_in_a_circle_are_an_error() -> None:
    steps = (
        Upcaster("a.b", 1, lambda fields: iter([("a.c", 1, fields)])),
        Upcaster("a.c", 1, lambda fields: iter([("a.b", 1, fields)])),
    )
    with pytest.raises(LookupError, match="in a circle"):
        list(Upcasters({}, steps).lift("a.b", 1, {}))


def test_an_upcaster_that_leads_nowhere_is_an_error() -> None:
    steps = (Upcaster("a.b", 1, lambda fields: iter([("a.b", 2, fields)])),)
    with pytest.raises(LookupError, match=r"a.b version 2 is newer than .* which knows version 1"):
        list(Upcasters({"a.b": 1}, ()).lift("a.b", 2, {}))
    with pytest.raises(LookupError, match=r"a\.b version 2 is unknown"):
        list(Upcasters({}, steps).lift("a.b", 1, {}))


def test_many_parts_are_no_circle() -> None:
    many = STEPS_MAX // 2
    steps = (
        Upcaster("a.b", 1, lambda _fields: iter([("a.c", 1, {"n": n}) for n in range(many)])),
        Upcaster("a.c", 1, lambda fields: iter([("a.c", 2, fields)])),
    )
    found = list(Upcasters({"a.c": 2}, steps).lift("a.b", 1, {}))
    assert [fields["n"] for _name, _version, fields in found] == list(range(many))


@pytest.mark.parametrize(
    "steps",
    [(dusted_1, dusted_1), (Upcaster("till.paid", 3, dusted_1.lift),)],
    ids=["two of one version", "one of today's"],
)
def test_upcasters_that_contradict_each_other_are_a_bug(steps: tuple[Upcaster, ...]) -> None:
    with pytest.raises(AssertionError):
        Codec({"till.paid": Paid}, steps)


# ── the model to follow: outcome.recorded ──

OLD: Final = (
    b'{"outcome_id":"out-%(id)s","action_id":"%(id)s","org_unit_id":"business","success":true,'
    b'"result":{"reference":"r","fee":0.10},"reward_score":"0.75","metrics":{"latencyMs":12},'
    b'"feedback":"","evaluator":"%(by)s"}'
)


def old_outcome(shop: Shop, action_id: str, by: str) -> OutcomeRecorded:
    """Let a program of the time of version 1 write down what an action was worth."""
    log = shop.business.log
    fields = {b"id": action_id.encode(), b"by": by.encode()}
    judged = replace(log.page(after=0, limit=1)[0].fact, command_id=f"old-{action_id}", size=2)
    log.recorder.append(
        [
            LogEvent(
                type="verdict.recorded",
                data=msgspec.json.encode(judged),
                tags=[f"verdict:old-{action_id}"],
                id=f"old-{action_id}:0",
                occurred_at=NOON,
                actor=by,
                correlation_id="old",
            ),
            LogEvent(
                type="outcome.recorded",
                schema_version=1,
                data=OLD % fields,
                tags=[OUTCOME.at(f"out-{action_id}")],
                id=f"old-{action_id}:1",
                occurred_at=NOON,
                actor=by,
                correlation_id="old",
                causation_id=f"old-{action_id}:0",
            ),
        ]
    )
    return OutcomeRecorded(
        outcome_id=f"out-{action_id}",
        action_id=action_id,
        org_unit_id="business",
        success=True,
        result={"reference": "r", "fee": Decimal("0.10")},
        reward_score=Decimal("0.75"),
        metrics={"latencyMs": 12},
        feedback="",
        evaluator="system:dispatcher" if by == "dispatcher" else by,
    )


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


@pytest.mark.parametrize("by", ["dispatcher", "user:grace"])
def test_an_outcome_of_version_1_is_folded_drawn_and_answered(shop: Shop, by: str) -> None:
    receipt = shop.propose(refund(10), key="k")
    assert isinstance(receipt, Done)
    action_id = receipt.subject.removeprefix("action:")
    expected = old_outcome(shop, action_id, by)
    business, at = shop.business, shop.head()

    business.log.check_readable()
    assert business.state(OUTCOME, expected.outcome_id).newest == expected
    assert business.remembered(OUTCOME, expected.outcome_id).newest == expected
    told = business.state_told(f"outcome:{expected.outcome_id}", at)
    assert told["state"].newest == expected

    business.draw()
    (row,) = business.ask(BY_NAME["outcomes"], []).items
    assert (row["rewardScore"], row["evaluator"]) == (Decimal("0.75"), expected.evaluator)
    (logged,) = business.ask(BY_NAME["events"], [("type", "outcome.recorded")]).items
    assert logged["payload"]["reward_score"] == Decimal("0.75")
    for view in VIEWS:
        assert compare(view, log=business.log, views=business.views).equal, view.name

    correct = RecordOutcome(
        action_id=action_id,
        success=True,
        reward_score="0.750",
        result=expected.result,
        metrics=expected.metrics,
    )
    before = shop.head()
    again = business.do(correct, IMPORTER)
    assert isinstance(again, Done)
    newest = business.state(OUTCOME, expected.outcome_id).newest
    assert newest.evaluator == "system:importer", "a correction builds on what version 1 said"
    assert shop.head() == before + 2


def test_a_business_does_not_start_on_a_log_that_it_cannot_read(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    open_business(settings).close()
    (tmp_path / "views.db").unlink()
    with closing(SqliteRecorder(tmp_path / "log.db")) as recorder:
        head = recorder.append([stored("outcome.recorded", 3, b"{}", NOON)])
    newer = rf"at position {head}: outcome\.recorded version 3 is newer than this program, .* 2:"
    for _ in range(2):  # the data folder is let go of each time
        with pytest.raises(StoreUnavailable, match=newer):
            open_business(settings)
    with closing(SqliteRecorder(tmp_path / "log.db")) as recorder:
        assert recorder.head() == head, "nothing was written"
    assert not (tmp_path / "views.db").exists(), "nothing was drawn"

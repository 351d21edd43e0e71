"""Promises of every recorder: in memory, in SQLite, in PostgreSQL."""

from threading import Thread
from time import sleep

import pytest
from eventsourcing.dcb.tests import DCBRecorderTestCase

from adapters.chain import verify
from adapters.dcb import (
    BATCH_EVENTS_MAX,
    EVENT_BYTES_MAX,
    QUERY_LEGS_MAX,
    TAG_CHARACTERS_MAX,
    TAGS_MAX,
    TEXT_CHARACTERS_MAX,
    DataError,
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    IdsPartlyUsed,
    IntegrityError,
    LogEvent,
    LogRecorder,
    LogRow,
    ProgrammingError,
)
from tests.contracts.recorders import (
    LAW,
    PATIENCE_SECONDS,
    any_of,
    event,
    everything,
    positions,
    writer_lock,
)

NOT_ASCII = "größe:漢字:🜂\U0010ffff"
AWKWARD = ('quo"te', "back\\slash", "new\nline", "{brace,comma}", "NULL", "'", "%s", " ", "\x01")


def test_the_library_agrees_on_appending_and_reading(log: LogRecorder) -> None:
    DCBRecorderTestCase()._test_append_read(log)


def test_the_library_agrees_on_subscribing(log: LogRecorder) -> None:
    DCBRecorderTestCase()._test_append_subscribe(log)


def test_an_empty_log_is_empty(log: LogRecorder) -> None:
    assert (log.head(), log.page(0, 10), log.row(1), log.position_of("x")) == (0, [], None, None)
    assert log.fetch({LAW: 0}) == ([], 0)
    assert log.fetch({}) == ([], 0)
    assert (list(log.read()), log.read().head) == ([], None)


def test_a_row_is_what_was_appended(log: LogRecorder) -> None:
    said = LogEvent(
        type="größe.changed",
        data=bytes(range(256)),
        tags=["b", NOT_ASCII, *AWKWARD, "a"],
        id=f"cmd:{NOT_ASCII}:0",
        schema_version=3,
        occurred_at=1_763_805_300_123_456,
        actor="agent:ünï",
        correlation_id=AWKWARD[0],
        causation_id=AWKWARD[1],
    )
    assert log.append([said]) == 1
    (row,) = everything(log)
    assert row == LogRow(
        1,
        said.id,
        said.type,
        3,
        said.occurred_at,
        said.actor,
        said.correlation_id,
        said.causation_id,
        tuple(said.tags),
        said.data,
        row.hash,
    )
    assert row.event() == said
    assert (log.row(1), log.row(2), log.row(0)) == (row, None, None)
    assert log.position_of(said.id or "") == 1
    assert [each.event for each in log.read()] == [said]
    for tag in said.tags:
        assert log.fetch({tag: 0}) == ([row], 1)


def test_a_plain_event_gets_an_empty_envelope(log: LogRecorder) -> None:
    log.append([DCBEvent(type="plain", data=b"x", tags=["t"])])
    assert everything(log)[0][:10] == (1, None, "plain", 1, 0, "", "", "", ("t",), b"x")


def test_later_changes_of_an_event_do_not_reach_the_log(log: LogRecorder) -> None:
    said = event("a")
    log.append([said])
    said.tags.append("b")
    next(log.read()).event.tags.append("c")
    assert everything(log)[0].tags == ("a",)
    assert log.fetch({"b": 0, "c": 0}) == ([], 1)


def test_a_tag_said_twice_is_found_once(log: LogRecorder) -> None:
    log.append([event("a", "a")])
    rows, _ = log.fetch({"a": 0})
    assert [row.tags for row in rows] == [("a", "a")]


def test_positions_are_dense_and_a_refused_append_leaves_no_gap(log: LogRecorder) -> None:
    assert log.append([event("a"), event("b")]) == 2
    with pytest.raises(IntegrityError):
        log.append([event("c")], any_of("a", after=0))
    with pytest.raises(DataError):
        log.append([event("c"), event("c", data=bytes(EVENT_BYTES_MAX + 1))])
    with pytest.raises(IntegrityError):
        log.append([event("c")], DCBAppendCondition())
    assert log.append([event("d")]) == 3
    assert positions(everything(log)) == [1, 2, 3]


GUARDS = [
    (True, [DCBQueryItem(tags=["account:1"])]),
    (True, [DCBQueryItem(tags=["account:2"]), DCBQueryItem(tags=[LAW])]),
    (False, [DCBQueryItem(tags=["account:2"]), DCBQueryItem(tags=["run:1"])]),
    (True, [DCBQueryItem(tags=["account:1", LAW])]),
    (False, [DCBQueryItem(tags=["account:1", "run:1"])]),
    (True, [DCBQueryItem(types=["paid"])]),
    (False, [DCBQueryItem(types=["earned", "spent"])]),
    (True, [DCBQueryItem(types=["earned", "paid"], tags=["account:1"])]),
    (False, [DCBQueryItem(types=["earned"], tags=["account:1"])]),
    (True, [DCBQueryItem()]),
    (True, []),
]


def test_an_append_fails_if_what_it_read_has_moved(log: LogRecorder) -> None:
    for moved, items in GUARDS:
        head = log.append([event("account:1", "run:1", LAW), event("account:2")])
        log.append([event("account:1", LAW, type="paid")])
        condition = DCBAppendCondition(DCBQuery(items), after=head)
        if moved:
            with pytest.raises(IntegrityError):
                log.append([event("x")], condition)
        else:
            assert log.append([event("x")], condition) == head + 2
        assert log.head() == head + 1 + (not moved)
        condition = DCBAppendCondition(DCBQuery(items), after=log.head())
        assert log.append([event("x")], condition) == head + 2 + (not moved)


def test_an_unconditional_append_takes_the_lock_as_well(
    kind: str, address: str, log: LogRecorder
) -> None:
    """Else a stop could be recorded in the middle of a decision that has just looked for one."""
    thread = Thread(target=log.append, args=([event(LAW)],))
    with writer_lock(kind, log, address):
        thread.start()
        sleep(0.2)
        assert thread.is_alive()
        assert kind == "memory" or log.head() == 0
    thread.join(PATIENCE_SECONDS)
    assert log.head() == 1


def test_asking_twice_is_asking_once(log: LogRecorder) -> None:
    batch = [event("a", id="cmd:0"), event("b", id="cmd:1")]
    condition = any_of("a", after=0)
    assert log.append(batch, condition) == 2
    log.append([event("a", id="other:0")])
    assert log.append(batch, condition) == 2
    assert log.append([event("quite", "different", id="cmd:0"), batch[1]]) == 2
    assert [row.id for row in everything(log)] == ["cmd:0", "cmd:1", "other:0"]


IDS_OF_OTHERS = [
    ("cmd:0", "cmd:1", "cmd:2"),
    ("new:0", "cmd:0"),
    ("cmd:0", "new:1"),
    ("cmd:1", "cmd:0"),
    ("cmd:0", "other:0"),
    ("other:0", "cmd:0"),
]


def test_ids_of_other_appends_are_refused(log: LogRecorder) -> None:
    log.append([event("a", id="cmd:0"), event("a", id="cmd:1")])
    log.append([event("a", id="last:0")])
    log.append([event("a", id="other:0")])
    for ids in IDS_OF_OTHERS:
        with pytest.raises(IdsPartlyUsed, match="partly used"):
            log.append([event("b", id=id) for id in ids])
    assert log.head() == 4


def test_a_batch_has_an_id_for_each_event_or_none(log: LogRecorder) -> None:
    with pytest.raises(DataError, match="twice"):
        log.append([event(id="x"), event(id="x")])
    with pytest.raises(DataError, match="either every event"):
        log.append([event(id="x"), event()])
    with pytest.raises(ProgrammingError, match="at least one"):
        log.append([])
    assert log.head() == 0


LONE_SURROGATE = "\ud83d"
UNFIT = [
    (event(data=bytes(EVENT_BYTES_MAX + 1)), "EVENT_BYTES_MAX"),
    (event(*map(str, range(TAGS_MAX + 1))), "TAGS_MAX"),
    (event("t" * (TAG_CHARACTERS_MAX + 1)), "TAG_CHARACTERS_MAX"),
    (event(""), "empty tag"),
    (event(type=""), "needs a type"),
    (event(id=""), "not empty"),
    (event(actor="a" * (TEXT_CHARACTERS_MAX + 1)), "TEXT_CHARACTERS_MAX"),
    (event(schema_version=0), "schema_version"),
    (event(occurred_at=2**63), "cannot be stored"),
    (event(data="text"), "bytes"),
    (event("nul\0"), "NUL"),
    (event(type="nul\0"), "NUL"),
    (event(id="nul\0"), "NUL"),
    (event(actor="nul\0"), "NUL"),
    (event(LONE_SURROGATE), "cannot be stored"),
    (event(causation_id=LONE_SURROGATE), "cannot be stored"),
]


def test_what_may_not_enter_is_refused_by_name(log: LogRecorder) -> None:
    for unfit, why in UNFIT:
        with pytest.raises(DataError, match=why):
            log.append([event("fit"), unfit])
    assert log.head() == 0


def test_what_no_database_could_look_for_is_refused(log: LogRecorder) -> None:
    for word in ("nul\0", LONE_SURROGATE):
        with pytest.raises(DataError):
            log.fetch({word: 0})
        with pytest.raises(DataError):
            log.read(DCBQuery([DCBQueryItem(tags=[word])]))
        with pytest.raises(DataError):
            log.append([event("a")], any_of(word, after=0))
    with pytest.raises(DataError, match="QUERY_LEGS_MAX"):
        log.read(DCBQuery([DCBQueryItem(types=["t"] * (QUERY_LEGS_MAX + 1))]))


def test_everything_up_to_the_limits_fits(log: LogRecorder) -> None:
    tags = [f"{nth:x}" + "\U0010ffff" * (TAG_CHARACTERS_MAX - 1) for nth in range(TAGS_MAX)]
    large = event(*tags, id="\U0010ffff" * TEXT_CHARACTERS_MAX, data=bytes(EVENT_BYTES_MAX))
    assert log.append([large], any_of(*tags, after=0)) == 1
    assert log.fetch({tags[-1]: 0})[0][0].event() == large
    half = event("half", data=b"\xff" * 500_000)
    assert log.append([half] * 3, any_of("half", after=1)) == 4
    many = [event("many", id=f"many:{nth}") for nth in range(BATCH_EVENTS_MAX)]
    assert log.append(many, any_of("many", after=0)) == 4 + BATCH_EVENTS_MAX
    assert log.append(many) == 4 + BATCH_EVENTS_MAX
    with pytest.raises(DataError, match="BATCH_EVENTS_MAX"):
        log.append([*many, event()])
    assert verify(everything(log)) is None
    wide = [DCBQueryItem(tags=["many", f"x{nth}"]) for nth in range(QUERY_LEGS_MAX)]
    assert list(log.read(DCBQuery(wide))) == []
    assert log.fetch(dict.fromkeys((f"x{nth}" for nth in range(2_000)), 0)) == ([], log.head())

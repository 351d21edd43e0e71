"""Anything at any position: what its own history says, as JSON, without reading any further."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import reduce
from typing import Any, Final

import msgspec
import pytest
from starlette.testclient import TestClient

from adapters.codec import Codec
from adapters.dcb import BATCH_EVENTS_MAX, LogEvent, LogRow
from commands.governor.mandate import SetApprovalLimit
from commands.governor.override import OverrideDenial
from commands.kernel.order import Line, RecordOrder
from console_api.access import issue
from console_api.http.answers import written_json
from console_api.http.app import create_app
from console_api.settings import Settings
from domain.catalog import EVENTS, STREAMS
from domain.core.principal import Actor, Role
from domain.core.stream import Stream
from domain.kernel.agent import Agent
from domain.kernel.order import ORDER, OrderRefunded
from domain.kernel.org_unit import ROOT
from queries.listing import BadQuestion
from replays.state import EVENTS_SHOWN_MAX, plain, state_at
from tests.examples import FOUNDER, IMPORTER, Shop, founded, refund
from tests.properties.test_agreement import lived

POSITIONS_LOOKED_AT: Final = 6
THINGS_LOOKED_AT: Final = 4


@contextmanager
def after_a_life(seed: int, steps: int) -> Iterator[Shop]:
    with founded() as shop:
        lived(shop, seed, steps)
        yield shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with after_a_life(seed=11, steps=300) as shop:
        _rarely(shop)
        yield shop


def _rarely(shop: Shop) -> None:
    """What hardly ever happens in a life: a limit, a contradiction, an override."""
    shop.resume()
    shop.hire(Actor("clerk", Role.AGENT, ROOT))
    shop.must(SetApprovalLimit(role="operator", currency="USD", each=Decimal(50), reason="r"))
    lines = (Line(sku="mug", quantity=1, unit_price=Decimal(5)),)
    order = RecordOrder(
        order_id="rare", customer_id="ada", placed_at="2030-01-01T09:00:00Z", lines=lines
    )
    shop.must(order, IMPORTER)
    clerk = Actor("clerk", Role.AGENT, ROOT)
    shop.propose(refund(1, orderId="rare", customerId="ben"), clerk)
    shop.enact("data.orderId == 'overridden'", "deny", policy_id="rare")
    denied = shop.denied(refund(1, orderId="overridden"), clerk)
    shop.must(OverrideDenial(verdict_command_id=denied.command_id, reason="seen and agreed by all"))
    shop.settle()


def things(shop: Shop) -> dict[str, list[str]]:
    """The names of everything that has a history, by category."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for recorded in shop.log():
        for tag in recorded.tags:
            found[tag.partition(":")[0]][tag] = None
    return {category: list(tags) for category, tags in found.items()}


def folded(shop: Shop, stream: Stream[Any, Any], tag: str, upto: int) -> tuple[Any, int]:
    """The state by another way: from the stored bytes of the whole log, row by row."""
    facts: list[Any] = [
        msgspec.json.Decoder(EVENTS[row.type], float_hook=Decimal).decode(row.data)
        for row in shop.business.log.recorder.page(0, upto, upto)
        if tag in row.tags
    ]
    return reduce(stream.evolve, facts, stream.initial), len(facts)


def exact(data: bytes) -> Any:
    return json.loads(data, parse_float=Decimal)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.category)
def test_the_state_at_a_position_is_what_the_history_says(
    shop: Shop, stream: Stream[Any, Any]
) -> None:
    dice, head = random.Random(stream.category), shop.head()
    names = things(shop)[stream.category]
    assert names, f"nobody made a {stream.category}"
    for name in dice.sample(names, min(THINGS_LOOKED_AT, len(names))):
        for at in [0, head, *(dice.randrange(head + 1) for _ in range(POSITIONS_LOOKED_AT))]:
            state, count = folded(shop, stream, name, at)
            told = shop.business.state_told(name, at)
            assert (told["stream"], told["position"], told["eventCount"]) == (name, at, count)
            assert told["state"] == plain(state)
            assert exact(written_json(told["state"])) == told["state"], "it is JSON, exactly"
            assert all(each["position"] <= at for each in told["events"])
        assert shop.business.state_told(name, None) == shop.business.state_told(name, head)


@pytest.fixture(scope="module")
def client(shop: Shop) -> Iterator[TestClient]:
    token = issue(shop.business, holder="user:founder", by=FOUNDER).text
    with TestClient(create_app(shop.business, Settings())) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.category)
def test_http_answers_the_same(shop: Shop, client: TestClient, stream: Stream[Any, Any]) -> None:
    name, head = things(shop)[stream.category][-1], shop.head()
    answer = client.get(f"/api/v1/state/{name}", params={"at": head})
    assert answer.status_code == 200
    assert exact(answer.content) == exact(written_json(shop.business.state_told(name, head)))


# ── plain JSON ──


def test_sets_are_told_in_order() -> None:
    agent = Agent(True, True, frozenset({"b", "a", "c"}), "business")
    assert plain(agent)["tools"] == ["a", "b", "c"]


def test_what_has_no_form_in_json_is_a_bug_and_no_text() -> None:
    with pytest.raises(AssertionError, match="complex has no form in JSON"):
        plain({"x": 1j})


# ── what makes no sense ──


@pytest.mark.parametrize(
    ("name", "at", "because"),
    [
        ("", None, "is not <category>:<key>"),
        ("law", None, "is not <category>:<key>"),
        ("law:", None, "is not <category>:<key>"),
        (":business", None, "is not <category>:<key>"),
        ("Law:business", None, "categories are org_unit, agent"),
        ("law:\udc80", None, "nothing can be called"),
        ("law:\0", None, "nothing can be called"),
        ("law:business", -1, "position -1 is not between 0 and the head"),
        ("law:business", 2**80, "is not between 0 and the head"),
    ],
)
def test_a_question_that_makes_no_sense_says_why(
    shop: Shop, name: str, at: int | None, because: str
) -> None:
    with pytest.raises(BadQuestion, match=because):
        shop.business.state_told(name, at)


def test_a_position_in_the_future_is_not_answered_with_the_present(shop: Shop) -> None:
    head = shop.head()
    with pytest.raises(BadQuestion, match=f"{head + 1} is not between 0 and the head, {head}"):
        shop.business.state_told("law:business", head + 1)


def test_what_never_was_has_no_events(shop: Shop) -> None:
    told = shop.business.state_told("order:never", None)
    assert (told["events"], told["eventCount"]) == ([], 0)
    assert told["state"] == plain(ORDER.initial)


# ── huge histories ──


def test_a_long_history_is_counted_and_its_newest_events_are_shown() -> None:
    with founded() as shop:
        log, number = shop.business.log, EVENTS_SHOWN_MAX * 3
        refund = OrderRefunded(
            order_id="o",
            org_unit_id="business",
            action_id="a",
            amount=Decimal("0.01"),
            currency="USD",
            day="2030-01-31",
            hour="2030-01-31T12",
        )
        write(shop, "order:o", [refund] * number)
        told = shop.business.state_told("order:o", None)
        assert told["eventCount"] == number
        assert told["state"]["refunded"] == Decimal("0.01") * number
        shown = [each["position"] for each in told["events"]]
        assert shown == list(range(log.head() - EVENTS_SHOWN_MAX + 1, log.head() + 1))


def test_what_came_later_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with founded() as shop:
        recorder, seen = shop.business.log.recorder, list[LogRow]()
        fetch = recorder.fetch

        def watched(
            cursors: Mapping[str, int], upto: int | None = None
        ) -> tuple[list[LogRow], int]:
            rows, head = fetch(cursors, upto)
            seen.extend(rows)
            return rows, head

        monkeypatch.setattr(recorder, "fetch", watched)
        state_at(shop.business.log, STREAMS[0], "business", upto=1)
        assert seen == []
        state_at(shop.business.log, STREAMS[0], "business", upto=shop.head())
        assert len(seen) == 1


def write(shop: Shop, tag: str, facts: list[Any]) -> None:
    """Let somebody who does not ask the governor write facts."""
    codec, events = Codec(EVENTS), []
    for fact in facts:
        type_, version, data = codec.encode(fact)
        events.append(LogEvent(type=type_, data=data, tags=[tag], schema_version=version))
    for start in range(0, len(events), BATCH_EVENTS_MAX):
        shop.business.log.recorder.append(events[start : start + BATCH_EVENTS_MAX])

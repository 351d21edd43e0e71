"""Promises of a subscription: every event once and in order, from any position, whatever breaks.

append ──bell──► pull, a page at a time, when the reader has room ──► next()
"""

import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from threading import Thread
from time import monotonic, sleep

import pytest

from adapters.dcb import DCBQuery, DCBQueryItem, LogRecorder
from adapters.postgres.recorder import PostgresRecorder
from tests.contracts.recorders import (
    KINDS,
    PATIENCE_SECONDS,
    POSTGRES,
    event,
    eventually,
    in_threads,
    migrated,
    opened,
    place,
)
from tests.contracts.test_recorders_racing import terminate
from tools import realsvc

STOPS_SECONDS_MAX = 1.0


@pytest.fixture(params=KINDS)
def log(request: pytest.FixtureRequest) -> Iterator[LogRecorder]:
    kind = str(request.param)
    with closing(opened(kind, migrated(kind, place(kind, request)))) as recorder:
        yield recorder


def test_a_reader_that_comes_back_misses_nothing_and_repeats_nothing(log: LogRecorder) -> None:
    appends = 60

    def write(name: str) -> None:
        for nth in range(appends):
            log.append([event(name, id=f"{name}:{nth}"), event("both", id=f"{name}:{nth}+")])

    found: list[int] = []

    def read() -> None:
        while len(found) < 2 * 2 * appends:
            after = found[-1] if found else 0
            with log.subscribe(after=after) as subscription:
                found.extend(each.position for each in islice(subscription, 23))
                if len(found) + 23 > 2 * 2 * appends:
                    rest = 2 * 2 * appends - len(found)
                    found.extend(each.position for each in islice(subscription, rest))

    in_threads(lambda: write("a"), lambda: write("b"), read)
    assert found == list(range(1, 2 * 2 * appends + 1))


def test_a_filter_goes_on_behind_what_it_left_out(log: LogRecorder) -> None:
    query = DCBQuery([DCBQueryItem(types=["wanted"], tags=["a"])])
    with log.subscribe(query) as subscription:
        for nth in range(40):
            log.append([event("a" if nth % 2 else "b", type="wanted" if nth % 4 == 1 else "other")])
        assert [each.position for each in islice(subscription, 10)] == list(range(2, 41, 4))


def test_it_stops_at_once_while_it_waits(log: LogRecorder) -> None:
    with log.subscribe() as subscription:
        waiter = Thread(target=lambda: list(subscription))
        waiter.start()
        sleep(0.1)
        began = monotonic()
        subscription.stop()
        waiter.join(PATIENCE_SECONDS)
    assert not waiter.is_alive()
    assert monotonic() - began < STOPS_SECONDS_MAX


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", POSTGRES])
def test_a_slow_reader_costs_a_bounded_amount_of_memory(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """45 MB are appended while nobody reads: what is pulled waits in a short queue, the rest
    stays in the log."""
    events, batch, size = 15_000, 500, 3_000
    with closing(opened(kind, migrated(kind, place(kind, request)))) as log:
        with log.subscribe() as subscription:
            assert log.append([event()]) == next(subscription).position == 1
            tracemalloc.start()
            for _ in range(events // batch):
                log.append([event(data=b"x" * size) for _ in range(batch)])
            sleep(0.5)
            held, _peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert held < 27_000_000 < events * size
            found = [each.position for each in islice(subscription, events)]
        assert found == list(range(2, events + 2))


def test_a_line_that_is_cut_loses_nothing(postgres_url: str) -> None:
    migrated("postgres", postgres_url)
    with closing(PostgresRecorder(postgres_url)) as log, log.subscribe() as subscription:
        log.append([event()])
        assert next(subscription).position == 1
        eventually(lambda: terminate(postgres_url, "LISTEN"))
        with closing(PostgresRecorder(postgres_url)) as other:
            other.append([event()])  # nobody hears this one
            other.append([event()])
        assert [next(subscription).position for _ in range(2)] == [2, 3]


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("how", ["kill9", "stop"])
def test_a_restart_of_the_server_loses_nothing(how: str) -> None:
    try:
        cluster = realsvc.Postgres.create(durable=True)
    except realsvc.Missing as missing:
        pytest.skip(f"NOT RUN, postgres: {missing}")
    with cluster as server:
        url = migrated("postgres", server.url())
        with closing(PostgresRecorder(url)) as log, log.subscribe() as subscription:
            log.append([event()])
            assert next(subscription).position == 1
            found: list[int] = []
            reader = Thread(target=lambda: found.extend(each.position for each in subscription))
            reader.start()
            server.server.kill9() if how == "kill9" else server.stop()
            sleep(0.3)
            server.start()
            with closing(PostgresRecorder(url)) as other:
                assert [other.append([event()]) for _ in range(3)] == [2, 3, 4]
            eventually(lambda: found == [2, 3, 4])
            subscription.stop()
            reader.join(PATIENCE_SECONDS)
            assert not reader.is_alive()

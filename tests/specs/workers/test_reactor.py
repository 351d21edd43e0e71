"""The reactor's bookmark: it belongs to a log, and not to one that was there before a restore."""

from collections.abc import Sequence
from itertools import chain, islice

import pytest

from adapters.dcb import LogEvent
from adapters.memory.recorder import MemoryRecorder
from adapters.views.store import SqlViewStore
from console_api.bootstrap import assemble
from console_api.workers.reactor import REACTOR, Reactor
from tests.histories import Lived, lived, told, write
from tests.picture import memory_engine


@pytest.fixture(scope="module")
def story() -> Lived:
    return lived()


def restored(story: Lived, cycles: int) -> Sequence[LogEvent]:
    """A log with the same beginning, and other days after it."""
    began, length = len(story.beginning), len(story.cycle)
    later = islice(told(story, 10_000), began + 50 * length, began + (50 + cycles) * length)
    return list(chain(islice(told(story, 10_000), began), later))


@pytest.mark.parametrize("cycles", [2, 5, 9], ids=["shorter", "as long", "longer"])
@pytest.mark.parametrize("running", [False, True], ids=["at the start", "in the middle"])
def test_a_log_that_was_restored_is_read_again_from_its_beginning(
    story: Lived, cycles: int, running: bool
) -> None:
    engine, first, second = memory_engine(), MemoryRecorder(), MemoryRecorder()
    write(first, islice(told(story, 10_000), len(story.beginning) + 5 * len(story.cycle)))
    write(second, iter(restored(story, cycles)))
    before = assemble(first, SqlViewStore(engine), connectors={})
    after = assemble(second, SqlViewStore(engine), connectors={})
    reactor = Reactor(before)
    assert len(reactor.step()) == 5
    if not running:
        reactor = Reactor(after)
    reactor.business = after
    assert len(reactor.step()) == cycles
    live = after.views.live(REACTOR.name)
    assert live is not None
    assert live.position == second.head()

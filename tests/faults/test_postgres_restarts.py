"""PostgreSQL dies and comes back, at random, under writers, a projector, and a follower of the log.

kill -9 │ SIGQUIT (immediate) │ SIGINT (fast) ──► start ──► everything goes on by itself
A writer whose answer got lost sends the same key again, and is told what became of it.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGINT, SIGQUIT
from time import monotonic, sleep

import pytest
from pydantic import SecretStr

from console_api.bootstrap import migrate, open_business
from console_api.business import Business
from console_api.settings import Settings
from console_api.workers.engine_room import EngineRoom
from domain.ports import BrokenWorld
from tests.faults.breaking import SEED, Writers, eventually, everything, seconds
from tests.journeys.listeners import Listener, station
from tools import realsvc

SHORT_SECONDS = 12.0
CONTROL_KILLS_MAX = 12
RECOVERY_SECONDS_MAX = 30.0

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.timeout(int(seconds(SHORT_SECONDS)) + 240),
]


def cluster(*, durable: bool) -> realsvc.Postgres:
    try:
        return realsvc.Postgres.create(durable=durable)
    except realsvc.Missing as missing:
        pytest.skip(f"NOT RUN, postgres: {missing}")


@pytest.fixture
def server() -> Iterator[realsvc.Postgres]:
    with cluster(durable=True) as running:
        yield running


def on(server: realsvc.Postgres, folder: Path) -> Business:
    settings = Settings(data=folder, database_url=SecretStr(server.url()))
    migrate(settings)
    return open_business(settings)


def restart(server: realsvc.Postgres, dice: random.Random) -> None:
    how = dice.choice(["kill9", "immediate", "fast"])
    if how == "kill9":
        server.server.kill9()
    else:
        server.server.stop(SIGINT if how == "fast" else SIGQUIT)
    sleep(dice.choice([0.0, 0.2, 1.0]))
    server.start(timeout_seconds=60)


def test_restarts_lose_nothing_and_do_nothing_twice(
    server: realsvc.Postgres, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    business = on(server, tmp_path)
    room = EngineRoom(business)
    room.start()
    with station(business) as place:
        listener = Listener(place, after=0)
        writers = Writers(business).start()
        ends, restarts = monotonic() + seconds(SHORT_SECONDS), 0
        while monotonic() < ends:
            sleep(dice.uniform(0.2, 2.0))
            restart(server, dice)
            restarts += 1
            known = len(writers.journal)
            eventually(more_than(writers, known + 5), RECOVERY_SECONDS_MAX)
        writers.stop()
        writers.check()
        head = business.log.head()
        assert restarts >= 2, f"BOS_FAULTS_SEED={SEED}"
        eventually(lambda: business.drawn() == business.log.head())
        eventually(lambda: reacted(business) == business.log.head())
        eventually(lambda: listener.positions[-1:] == [business.log.head()])
        assert listener.positions == list(range(1, business.log.head() + 1))
        assert business.log.head() == head
        assert all(each.is_alive() for each in room._threads)
        assert {type(error).__name__ for error in writers.errors} <= {
            "StoreUnavailable", "Conflict",
        }  # fmt: skip
        room.stop()


def more_than(writers: Writers, receipts: int) -> Callable[[], bool]:
    return lambda: len(writers.journal) > receipts


def reacted(business: Business) -> int:
    """Return how far the reactor has come."""
    edition = business.views.live("reactor")
    return 0 if edition is None else edition.position


def test_the_check_sees_a_database_that_forgets(tmp_path: Path) -> None:
    """The control: where a commit is acknowledged before it is on the disk, kill -9 loses some."""
    with cluster(durable=False) as server:
        business = on(server, tmp_path)
        try:
            assert any(forgot(server, business, nth) for nth in range(CONTROL_KILLS_MAX))
        finally:
            business.close()


def forgot(server: realsvc.Postgres, business: Business, nth: int) -> bool:
    """Write, kill, and say whether something that was acknowledged is gone."""
    writers = Writers(business, text=str(nth)).start()
    sleep(0.4)
    server.server.kill9()
    known = dict(writers.journal)
    writers._stop.set()
    server.start(timeout_seconds=60)
    writers.stop()

    def readable() -> bool:
        try:
            return business.log.head() >= 0
        except BrokenWorld:
            return False

    eventually(readable)
    stored = {row.tags[0] for row in everything(business) if row.type == "user.added"}
    return not {f"user:{key}" for key in known} <= stored

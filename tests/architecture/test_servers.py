"""The ground the other tests stand on: real servers that survive a kill, and a real browser."""

from collections.abc import Callable
from typing import Final

import psycopg
import pytest
import redis
from playwright.sync_api import Browser

from tools import realsvc

ORIGINS: Final[tuple[realsvc.Origin, ...]] = ("system", "wheel")


def has(find: Callable[[realsvc.Origin], object], origin: realsvc.Origin) -> bool:
    try:
        find(origin)
    except realsvc.Missing:
        return False
    return True


# Where a machine has both the system's servers and the wheel's, both are tried.
POSTGRES_ORIGINS: Final = [origin for origin in ORIGINS if has(realsvc.find_postgres, origin)]
REDIS_ORIGINS: Final = [origin for origin in ORIGINS if has(realsvc.find_redis, origin)]


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("only", POSTGRES_ORIGINS)
def test_postgres_keeps_what_it_acknowledged_through_a_kill(only: realsvc.Origin) -> None:
    with realsvc.Postgres.create(only=only, durable=True) as postgres:
        base = postgres.server.base
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE facts AS SELECT 1 AS fact")
            postgres.kill9()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        postgres.start()
        with psycopg.connect(postgres.url()) as connection:
            assert connection.execute("SELECT fact FROM facts").fetchall() == [(1,)]
    assert not base.exists()


@pytest.mark.redis
@pytest.mark.parametrize("only", REDIS_ORIGINS)
def test_redis_keeps_what_it_acknowledged_through_a_kill(only: realsvc.Origin) -> None:
    with realsvc.Redis.create(only=only, durable=True) as server:
        with redis.Redis.from_url(server.url()) as client:
            client.set("fact", "1")
        server.kill9()
        server.start()
        with redis.Redis.from_url(server.url()) as client:
            assert client.get("fact") == b"1"


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_of_its_own(postgres_url: str, turn: int) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE mine (turn int)")
        connection.execute("INSERT INTO mine VALUES (%s)", [turn])
        assert connection.execute("SELECT turn FROM mine").fetchall() == [(turn,)]


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_an_empty_redis(redis_url: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("turn", turn)


def test_chromium_draws_a_page(chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto("about:blank")
        page.set_content("<h1>Freigabe erteilt für 5 €</h1>")
        assert page.inner_text("h1") == "Freigabe erteilt für 5 €"

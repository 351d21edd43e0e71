"""What every test may ask for: real servers, a real browser, real data.

postgres_cluster ──► postgres_template ──► postgres_url     a database of its own for each test
redis_server ──► redis_url                                  emptied before each test
chromium                                                    one browser, after all other tests
shared_data                                                 public data sets beside the repository

What a machine lacks is skipped and listed, with the cure, at the end of the run. Whatever
BOS_TEST_REQUIRE names (as in BOS_TEST_REQUIRE=postgres,redis,browser,data) fails instead.
"""

import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright
from psycopg import sql

from tools import browser, realsvc

ROOT: Final = Path(__file__).resolve().parent.parent
PARTS: Final = ("postgres", "redis", "browser", "data")
REQUIRED: Final = frozenset(filter(None, os.environ.get("BOS_TEST_REQUIRE", "").split(",")))
MARKER_OF_FIXTURE: Final = {
    "postgres_cluster": "postgres",
    "redis_server": "redis",
    "chromium": "browser",
}
NOT_RUN: Final = "NOT RUN, "

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile(os.environ.get("BOS_TEST_PROFILE", "dev"))


def unavailable(part: str, cure: str) -> NoReturn:
    """Fail where the part was asked for, else skip in a way that the summary shows."""
    if part in REQUIRED:
        pytest.fail(f"{part} is required by BOS_TEST_REQUIRE: {cure}", pytrace=False)
    pytest.skip(f"{NOT_RUN}{part}: {cure}")


def pytest_configure() -> None:
    if unknown := REQUIRED.difference(PARTS):
        raise pytest.UsageError(f"BOS_TEST_REQUIRE knows {PARTS}, not {sorted(unknown)}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by what it uses, and run the browser's tests last.

    Playwright keeps an event loop running in this thread, so that no later test could use
    asyncio.run.
    """
    for item in items:
        for fixture, marker in MARKER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not run, and how to have it run."""
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)]
    missing = Counter(
        reason.partition(NOT_RUN)[2] for reason in reasons if reason and NOT_RUN in reason
    )
    if missing:
        terminalreporter.section("not run on this machine", yellow=True, bold=True)
    for cure, tests in missing.items():
        terminalreporter.line(f"{tests} not run, {cure}", yellow=True, bold=True)


@contextmanager
def own_database(cluster: str, *, template: str) -> Iterator[str]:
    """A new database under a name of its own."""
    name = f"bos_test_{secrets.token_hex(6)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield name
    finally:
        with psycopg.connect(cluster, autocommit=True) as connection:
            connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    """The address of a real PostgreSQL, as a superuser."""
    if url := os.environ.get("BOS_TEST_POSTGRES_URL"):
        yield url
        return
    try:
        cluster = realsvc.Postgres.create()
    except realsvc.Missing as missing:
        unavailable("postgres", str(missing))
    with cluster:
        yield cluster.url()


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: str) -> Iterator[str]:
    """The database that each test's own is copied from: empty, unless a folder overrides this.

    An override may build a schema once: make a database, migrate it, disconnect, yield its name.
    """
    with own_database(postgres_cluster, template="template0") as name:
        yield name


@pytest.fixture
def postgres_url(postgres_cluster: str, postgres_template: str) -> Iterator[str]:
    """The address of a database made for this test, and dropped after it."""
    with own_database(postgres_cluster, template=postgres_template) as name:
        yield urlsplit(postgres_cluster)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a real Redis or Valkey."""
    if url := os.environ.get("BOS_TEST_REDIS_URL"):
        yield url
        return
    try:
        server = realsvc.Redis.create()
    except realsvc.Missing as missing:
        unavailable("redis", str(missing))
    with server:
        yield server.url()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of an empty Redis database."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium; open a page of your own with `chromium.new_context()`."""
    found = browser.find()
    if found is None:
        unavailable("browser", f"python -m tools.browser, or {browser.CURE}")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=found.path, chromium_sandbox=False, env={**os.environ, **found.env}
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets: BOS_SHARED_DATA, else shared/data beside the repository."""
    folder = Path(os.environ.get("BOS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        unavailable("data", f"no {folder.name} folder here, set BOS_SHARED_DATA to one")
    return folder

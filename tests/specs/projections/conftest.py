"""What tests of the engine share: view stores of every kind, and pictures to draw in them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine, make_url

from adapters.views.store import SqlViewStore
from console_api.bootstrap import READ_MODELS
from domain.view_store import Shape
from tests.contracts.recorders import KINDS
from tests.picture import memory_engine

Open = Callable[..., SqlViewStore]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def opening(connect: Callable[[], Engine], schema: str | None = None) -> Iterator[Open]:
    """Opens stores on one database, and closes them."""
    opened: list[SqlViewStore] = []

    def open_one(*shapes: Shape) -> SqlViewStore:
        opened.append(SqlViewStore(connect(), schema=schema))
        opened[-1].prepare(shapes)
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def memory() -> Iterator[Open]:
    """Opens one more store on the same database in memory, for a program that draws some shapes."""
    shared = memory_engine()
    with opening(lambda: shared) as open_one:
        yield open_one


@pytest.fixture
def open_views(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """The same, on every kind of database."""
    shared, url = memory_engine(), make_url(f"sqlite:///{tmp_path / 'views.db'}")
    if kind == "postgres":
        address = make_url(str(request.getfixturevalue("postgres_url")))
        url = address.set(drivername="postgresql+psycopg")
    schema = READ_MODELS if kind == "postgres" else None
    with opening(lambda: shared if kind == "memory" else create_engine(url), schema) as open_one:
        yield open_one

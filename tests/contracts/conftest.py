"""A migrated log of each kind; a file says which kinds it is about by its own `kind`."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from adapters.dcb import LogRecorder
from tests.contracts.recorders import KINDS, migrated, opened, place


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind, unless a file has another idea."""
    return str(request.param)


@pytest.fixture
def address(kind: str, request: pytest.FixtureRequest) -> str:
    """Where a log was made."""
    return migrated(kind, place(kind, request))


@pytest.fixture
def log(kind: str, address: str) -> Iterator[LogRecorder]:
    """A recorder on it."""
    with closing(opened(kind, address)) as recorder:
        yield recorder

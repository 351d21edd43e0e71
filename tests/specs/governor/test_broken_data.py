"""A refund whose amount is broken is denied, whatever is broken about it; not so by the peers.

The same script prints it: `python -m tests.benchmarks.policy --only matrix`.
"""

from typing import Final

import pytest

from tests.benchmarks.policies.engines import BROKEN, OURS, PEERS, matrix

LET_THROUGH: Final = {
    OURS: set[str](),
    "cel-expr-python": {"NaN"},
    "cedarpy": {"missing", '"900"', "[900]", "true"},
    "simpleeval": {"NaN", "true"},
}


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, bool]]:
    return matrix()


def test_every_engine_was_asked_about_every_payload(found: dict[str, dict[str, bool]]) -> None:
    assert list(found) == [OURS, *PEERS]
    assert all(list(row) == list(BROKEN) for row in found.values())


@pytest.mark.parametrize(("engine", "passes"), LET_THROUGH.items())
def test_what_an_engine_lets_through(
    found: dict[str, dict[str, bool]], engine: str, passes: set[str]
) -> None:
    assert {what for what, denied in found[engine].items() if not denied} == passes

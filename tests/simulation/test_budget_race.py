"""Fifty agents want one budget at the same moment: never a cent over, and hardly a cent left.

five processes of ten threads ──► one rule: spendTodayBusiness > 1,000 ──► an auditor adds up
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from adapters.event_store import LogEventStore
from commands.founding import FoundBusiness
from commands.governor.law import ActivatePolicy
from commands.kernel.agent import RegisterAgent
from commands.message import Command, Done
from commands.pipeline import Pipeline
from domain.core.principal import Actor, Role
from domain.kernel.action import ActionAuthorized, ActionProposed
from tests.examples import house_rule
from tests.simulation.racer import pipeline_on, recorder_at

PROCESSES: Final = 5
AGENTS: Final = 10
ASKS: Final = 8
LIMIT: Final = Decimal(1_000)
ROOT: Final = Path(__file__).parents[2]
FOUNDER: Final = Actor("founder", Role.FOUNDER)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        from adapters.sqlite.schema import migrate

        migrate(tmp_path / "log.db")
        yield str(tmp_path / "log.db")
    else:
        from adapters.postgres.schema import migrate as migrate_postgres

        address = request.getfixturevalue("postgres_url")
        migrate_postgres(address)
        yield address


def founded(url: str) -> Pipeline:
    pipeline = pipeline_on(recorder_at(url))
    limit = house_rule(
        "facts.spendTodayBusiness > params.limit", "deny", parameters={"limit": 1000}
    )
    commands: list[Command] = [limit, ActivatePolicy(policy_id=limit.policy_id, reason="a race")]
    commands += [
        RegisterAgent(agent_id=f"agent-{n}", name="A", tool_permissions=("process_refund",))
        for n in range(PROCESSES * AGENTS)
    ]
    service = Actor("bootstrap", Role.SERVICE)
    assert isinstance(pipeline.handle(FoundBusiness(name="Race"), service), Done)
    for command in commands:
        assert isinstance(pipeline.handle(command, FOUNDER), Done)
    return pipeline


def test_a_budget_is_never_overspent(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = founded(url)
    spender = (sys.executable, "-m", "tests.simulation.spender", url)
    began = time.perf_counter()
    spenders = [
        subprocess.Popen(
            [*spender, str(n * AGENTS), str(AGENTS), str(ASKS), "1"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(PROCESSES)
    ]
    told: Counter[str] = Counter()
    for each in spenders:
        said, _ = each.communicate()
        assert each.returncode == 0, said
        told.update(json.loads(said))
    seconds = time.perf_counter() - began

    store = pipeline.store
    assert isinstance(store, LogEventStore)
    events = [each.fact for each in store.page(after=0, limit=1_000_000)]
    store.recorder.close()
    asked = {each.action_id: each for each in events if isinstance(each, ActionProposed)}
    spent = [
        Decimal(str(asked[each.action_id].arguments["amount"]))
        for each in events
        if isinstance(each, ActionAuthorized)
    ]
    with capsys.disabled():
        total = PROCESSES * AGENTS * ASKS
        sys.stdout.write(f"\n{total} asked in {seconds:.1f} s, {dict(told)}, spent {sum(spent)}\n")
    assert sum(spent) <= LIMIT
    assert sum(spent) > LIMIT - 20, "the budget was hardly used: this race proves nothing"
    assert told["done"] == len(spent)
    assert told["gave up"] == 0
    assert told["done"] + told["refused"] == PROCESSES * AGENTS * ASKS

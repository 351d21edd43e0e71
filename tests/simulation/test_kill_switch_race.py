"""Nothing autonomous is authorized after the kill switch, however many race against it.

Three processes of four threads propose and execute while a founder engages, approves some of
what waits, and releases, again and again. An auditor then reads nothing but the log.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.event_store import LogEventStore
from commands.founding import FoundBusiness
from commands.governor.approval import GrantApproval
from commands.governor.law import EngageKillSwitch, ReleaseKillSwitch
from commands.kernel.agent import RegisterAgent
from commands.message import Done
from commands.pipeline import Pipeline
from commands.reactions import parked_command
from domain.core.principal import Actor, Role
from domain.governor.approval import ApprovalRequested
from domain.ports import Conflict, Recorded
from tests.simulation.racer import pipeline_on, recorder_at, violations

APPENDS = 21_000
CONTROL_APPENDS = 6_000
PROCESSES = 3
ROOT = Path(__file__).parents[2]
FOUNDER = Actor("founder", Role.FOUNDER)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        from adapters.sqlite.schema import migrate as migrate_sqlite

        memory = Path("/dev/shm")  # the race is about order, not about the disk
        folder = memory if memory.is_dir() else tmp_path
        path = folder / f"race-{tmp_path.name}-{time.monotonic_ns()}.db"
        migrate_sqlite(path)
        yield str(path)
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
    else:
        from adapters.postgres.schema import migrate as migrate_postgres

        address = request.getfixturevalue("postgres_url")
        migrate_postgres(address)
        yield address


def founded(url: str) -> Pipeline:
    pipeline = pipeline_on(recorder_at(url))
    service = Actor("bootstrap", Role.SERVICE)
    assert isinstance(pipeline.handle(FoundBusiness(name="Race"), service), Done)
    for n in range(PROCESSES):
        agent = RegisterAgent(agent_id=f"racer-{n}", name="R", tool_permissions=("process_refund",))
        assert isinstance(pipeline.handle(agent, FOUNDER), Done)
    return pipeline


def race(url: str, *, appends: int, seed: int, flags: tuple[str, ...] = ()) -> list[Recorded]:
    pipeline = founded(url)
    share = str(appends // PROCESSES)
    racer = (sys.executable, "-m", "tests.simulation.racer", url)
    racers = [
        subprocess.Popen(
            [*racer, f"racer-{n}", share, str(seed), *flags],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(PROCESSES)
    ]
    founder = random.Random(seed)
    seen = 0
    while any(racer.poll() is None for racer in racers):
        time.sleep(founder.uniform(0.01, 0.15))
        insist(pipeline, EngageKillSwitch(reason="race"))
        time.sleep(founder.uniform(0.0, 0.05))
        seen = approve_some(pipeline, after=seen)
        insist(pipeline, ReleaseKillSwitch(reason="race"))
    made = [racer.communicate()[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * PROCESSES, made
    store = pipeline.store
    assert isinstance(store, LogEventStore)
    events = list(store.page(after=0, limit=10_000_000))
    store.recorder.close()
    return events


def insist(pipeline: Pipeline, command: EngageKillSwitch | ReleaseKillSwitch) -> None:
    while True:
        try:
            assert isinstance(pipeline.handle(command, FOUNDER), Done)
            return
        except Conflict:
            continue


def approve_some(pipeline: Pipeline, *, after: int) -> int:
    events = pipeline.store.page(after=after, limit=1_000)
    asked = [e.fact for e in events if isinstance(e.fact, ApprovalRequested)]
    for request in asked[-3:]:
        approval_id = request.approval_id
        grant = GrantApproval(approval_id=approval_id, payload_hash=request.payload_hash)
        try:
            if isinstance(pipeline.handle(grant, FOUNDER), Done):
                command, actor = parked_command(request, pipeline.state)
                pipeline.handle(command, actor, approval_id=approval_id)
        except Conflict:
            continue
    return events[-1].position if events else after


def test_nothing_is_authorized_after_the_stop(url: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    events = race(url, appends=APPENDS, seed=seed)

    types = [event.type for event in events]
    assert violations(events) == [], f"seed {seed}"
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert types.count("verdict.recorded") >= 20_000
    assert types.count("law.kill_switch_engaged") >= 10, "the founder hardly ever stopped anything"
    assert types.count("approval.consumed") >= 5, "hardly anything was approved under the stop"
    assert types.count("action.completed") >= 300


def test_the_auditor_catches_appends_that_forget_what_was_read(url: str) -> None:
    """The control: without the append condition the same race is lost."""
    events = race(url, appends=CONTROL_APPENDS, seed=1, flags=("--unguarded",))
    assert violations(events), "an unguarded log kept the promise: this race proves nothing"

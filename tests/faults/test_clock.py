"""The clock is set back an hour, and forward, while the business runs.

Times in the log are what the clock said; the order of the log is its positions, and nothing else.
forward   what is due by the clock is due: requests expire and tokens run out (closed, not open)
back      they last as much longer; what has expired stays so, for that stands in the log
"""

import importlib.util
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from time import sleep, time

import pytest

from adapters.clock import HandClock, wall_clock
from commands.governor.approval import GrantApproval
from commands.kernel.action import ProposeAction
from commands.message import Done, Held
from console_api import access
from console_api.access import NotAuthenticated, authenticate
from console_api.bootstrap import open_business
from console_api.settings import Settings
from console_api.workers.engine_room import EngineRoom
from domain.core.instant import HOUR
from domain.governor.approval import APPROVAL, Stage
from tests.examples import SUPPORT, refund
from tests.faults.breaking import Writers, eventually, everything
from tests.journeys.listeners import Listener, Station, station
from tests.journeys.office import Office, open_office
from tests.journeys.terminal import Terminal

pytestmark = [pytest.mark.faults]


@pytest.fixture
def office() -> Iterator[Office]:
    with open_office() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
def test_a_jump_under_writers_loses_nothing(jump: int, tmp_path: Path) -> None:
    business = open_business(Settings(data=tmp_path))
    clock = HandClock(wall_clock())
    business.clock = business.pipeline.clock = clock
    room = EngineRoom(business)
    with station(business) as place, ExitStack() as ending:
        ending.callback(room.stop)
        room.start()
        listener = Listener(place, after=0)
        writers = Writers(business).start()
        eventually(lambda: len(writers.journal) > 30)
        clock.forward(jump)
        known = len(writers.journal)
        eventually(lambda: len(writers.journal) > known + 30)
        writers.stop()
        writers.check()
        assert writers.errors == []
        times = [row.occurred_at for row in everything(business)]
        assert max(times) - min(times) >= HOUR
        if jump < 0:
            assert sorted(times) != times, "the order is that of positions, whatever clocks say"
        eventually(lambda: business.drawn() == business.log.head())
        eventually(lambda: listener.positions[-1:] == [business.log.head()])
        assert listener.positions == list(range(1, business.log.head() + 1))


def test_set_back_an_hour_a_request_waits_as_much_longer_and_is_still_answered(
    office: Office,
) -> None:
    row = office.held()
    office.clock.forward(-HOUR)
    office.settle()
    assert office.business.state(APPROVAL, row["id"]).stage is Stage.PENDING
    grant = GrantApproval(approval_id=row["id"], payload_hash=row["payloadHash"])
    assert isinstance(office.did(grant), Done)
    office.settle()
    assert office.business.state(APPROVAL, row["id"]).stage is Stage.CONSUMED
    positions_ = [each.position for each in office.since(0)]
    assert positions_ == list(range(1, len(positions_) + 1))


def test_what_expired_by_a_clock_that_was_wrong_stays_expired(office: Office) -> None:
    """A jump forward closes what is due by it; setting the clock right again opens nothing."""
    row = office.held()
    office.clock.forward(25 * HOUR)
    office.settle()
    assert office.business.state(APPROVAL, row["id"]).stage is Stage.EXPIRED
    office.clock.forward(-25 * HOUR)
    office.settle()
    refused = office.post(
        "approvals/answer",
        {"approvalId": row["id"], "approved": True, "payloadHash": row["payloadHash"]},
    )
    assert refused.status_code == 409
    assert office.business.state(APPROVAL, row["id"]).stage is Stage.EXPIRED


def test_tokens_open_by_the_clock_and_no_longer(office: Office) -> None:
    minted = access.issue(
        office.business, holder="user:vera", by=office.actor("founder"), lifetime=2 * HOUR
    )
    office.clock.forward(-HOUR)
    assert authenticate(office.business, minted.text).id == "vera"
    office.clock.forward(HOUR + HOUR)
    assert authenticate(office.business, minted.text).id == "vera"
    office.clock.forward(HOUR)
    with pytest.raises(NotAuthenticated, match="expired"):
        authenticate(office.business, minted.text)


def test_an_action_runs_once_whatever_the_clock_does(office: Office) -> None:
    """Leases are told by the clock; one process never takes an action twice, and the key that the
    connector is given is the action's own."""
    for jump in (0, -HOUR, 2 * HOUR):
        command = ProposeAction(action_type="process_refund", payload=refund(5))
        office.clock.forward(jump)
        receipt = office.business.do(command, SUPPORT)
        assert not isinstance(receipt, Held)
        office.settle()
    started = [each for each in office.since(0) if each.type == "action.started"]
    completed = [each for each in office.since(0) if each.type == "action.completed"]
    assert len(started) == len(completed) == 3


def test_the_doctor_warns_of_events_from_the_future(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.json("users", "add", "ada", "--role", "viewer")
    assert terminal.json("doctor")["clockBehindSeconds"] == 0
    assert "Warning" not in terminal.bos("doctor").err
    business = open_business(Settings(data=tmp_path))
    business.pipeline.clock = lambda: wall_clock() + HOUR
    Writers(business).ask("tomorrow")
    business.close()
    told = terminal.json("doctor")
    assert 3_500 < told["clockBehindSeconds"] <= 3_600
    assert not told["healthy"]
    warned = " ".join(terminal.bos("doctor").err.split())
    assert "the newest event is 1:00:00 ahead of the clock" in warned.replace("0:59:59", "1:00:00")


# -- a whole process, with its clock turned


def fake_clock() -> str | None:
    """Where libfaketime is: BOS_TEST_FAKETIME, the system's, or a wheel's. It is no dependency of
    ours: its licence is the GPL."""
    places = [Path(each) for each in (os.environ.get("BOS_TEST_FAKETIME"),) if each]
    places += sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if spec := importlib.util.find_spec("libfaketime"):
        vendor = Path(str(spec.origin)).parent / "vendor"
        places += sorted(vendor.glob("libfaketime/src/libfaketime.so.1"))
    return next((str(each) for each in places if each.exists()), None)


@contextmanager
def up(terminal: Terminal, library: str, dial: Path) -> Iterator[Station]:
    """`bos up`, in a process whose clock is what the dial says."""
    process = terminal.start(
        *("up", "--port", "0", "--no-sandbox"),
        LD_PRELOAD=library,
        FAKETIME_TIMESTAMP_FILE=str(dial),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    try:
        eventually(lambda: (terminal.data / "server.json").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        told = json.loads((terminal.data / "server.json").read_text())
        yield Station(None, told["url"], {"user:founder": told["token"]})  # type: ignore[arg-type]
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, out + err


@pytest.mark.slow
def test_a_running_server_outlives_a_turn_of_its_clock(tmp_path: Path) -> None:
    library = fake_clock()
    if library is None:
        pytest.skip("NOT RUN, clock: apt-get install libfaketime, or set BOS_TEST_FAKETIME")
    terminal, dial = Terminal(tmp_path / "data"), tmp_path / "dial"
    dial.write_text("+0")
    with up(terminal, library, dial) as place:
        listener = Listener(place, after=0)
        heads, offsets = [], ["+0", "-1h", "+1h", "+0"]
        for nth, offset in enumerate(offsets):
            dial.write_text(offset)
            sleep(0.3)
            receipt = terminal.json("users", "add", f"u{nth}", "--role", "viewer")
            heads.append(receipt["position"])
            eventually(lambda: heads[-1] in listener.positions)
        assert listener.positions == list(range(1, heads[-1] + 1))
        assert listener.is_alive()
        found = {each.data["fact"].get("user_id"): each.data for each in listener.events}
        at = [instant_of(found[f"u{nth}"]["occurredAt"]) for nth in range(4)]
        assert [round((each - time()) / 3_600) for each in at] == [0, -1, 1, 0]
    assert terminal.json("audit", "verify")["ok"]
    assert {row["result"] for row in terminal.json("rebuild", "--verify")["items"]} == {"equal"}


def instant_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

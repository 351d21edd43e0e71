"""The disk is full: errors say so, nothing acknowledged is lost, and with room it goes on.

a small tmpfs: log.db, views.db, ballast      ballast removed ──► the same process goes on
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from console_api.bootstrap import open_business
from console_api.business import Business
from console_api.settings import Settings
from console_api.workers.engine_room import EngineRoom
from domain.ports import StoreFull
from tests.faults.breaking import Writers, eventually
from tests.journeys.listeners import Listener, station
from tests.journeys.terminal import Terminal

DISK_BYTES = 20_000_000
BALLAST_BYTES = 16_000_000  # what is left is room for about 300 commands

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("NOT RUN, full disk: it needs a tmpfs of its own, run the tests as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill a disk to the last byte with something that can be removed."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 65_536):
            pass
    return ballast


@pytest.fixture
def settings(disk: Path) -> Settings:
    return Settings(data=disk / "data")


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[tuple[Business, EngineRoom]]:
    business = open_business(settings)
    room = EngineRoom(business)
    room.start(work=False)
    try:
        yield business, room
    finally:
        room.stop()
        business.close()


def test_a_log_without_room_says_so_and_goes_on_when_there_is_some(
    disk: Path, settings: Settings
) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * BALLAST_BYTES)
    with opened(settings) as (business, _room):
        writers = Writers(business, text=" " + "x" * 150).start()
        eventually(lambda: len(writers.errors) > 20)
        assert all(type(error) is StoreFull for error in writers.errors), writers.errors[:3]
        assert all("free some space" in str(error) for error in writers.errors)
        known = dict(writers.journal)
        head = business.log.head()
        assert head >= max(receipt.position for receipt in known.values())
        assert len(business.log.page(after=0, limit=50)) == 50  # reading goes on
        ballast.unlink()
        eventually(lambda: len(writers.journal) > len(known) + 20)
        writers.stop()
        writers.check()
        eventually(lambda: business.drawn() == business.log.head())


def add(client: httpx.Client, nth: int) -> httpx.Response:
    wire = {"userId": f"u{nth}", "name": "x" * 200, "role": "viewer"}
    return client.post("/api/v1/commands/AddUser", json=wire)


def test_a_full_disk_is_a_clear_answer_at_every_door(disk: Path, settings: Settings) -> None:
    business = open_business(settings)
    with station(business) as place:
        headers = place.headers()
        ballast = fill(disk)
        listener = Listener(place, after=0)
        assert listener.began.wait(10)
        with httpx.Client(base_url=place.url, headers=headers, timeout=30) as client:
            answers = [add(client, nth) for nth in range(120)]
        answer = next(each for each in answers if each.status_code != 200)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_full")
        assert "free space" in answer.json()["detail"]
        assert answer.headers["Retry-After"]
        assert httpx.get(f"{place.url}/health").status_code == 200
        eventually(lambda: listener.positions[-1] == business.log.head())
        ballast.unlink()
        with httpx.Client(base_url=place.url, headers=headers, timeout=30) as client:
            again = add(client, 1_000)
        assert again.status_code == 200
        eventually(lambda: listener.positions[-1] == business.log.head())
    ballast = fill(disk)
    said = Terminal(settings.data).bos("users", "add", "zoe", "--role", "viewer")
    assert said.code == 3, said
    assert "is full: free some space" in " ".join(said.err.split())
    ballast.unlink()
    assert Terminal(settings.data).bos("users", "add", "zoe", "--role", "viewer").code == 0


def test_read_models_without_room_hold_nobody_up_and_catch_up(disk: Path, tmp_path: Path) -> None:
    """The log has room, the read models have none: commands go on."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "views.db").symlink_to(disk / "views.db")
    with opened(Settings(data=data)) as (business, _room):
        business.draw()
        ballast = fill(disk)
        writers = Writers(business, text=" " + "x" * 150).start()
        eventually(lambda: len(writers.journal) > 300)
        assert writers.errors == []
        behind = business.log.head() - business.drawn()
        assert behind > 100
        ballast.unlink()
        writers.stop()
        eventually(lambda: business.drawn() == business.log.head())
        writers.check()

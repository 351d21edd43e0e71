"""Somebody looks after the read models: rebuilds, kills, compares, takes back, asks the doctor.

The commands of docs/how-to/add-a-column.md, as they are typed.
"""

import re
import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import pytest

from adapters.sqlite.recorder import SqliteRecorder
from console_api.bootstrap import open_business
from console_api.settings import Settings
from domain.view_store import Edition
from projections.catalog import VIEWS
from projections.engine.beside import EVENTS_HELD_MAX
from tests.histories import lived, told, write
from tests.journeys.terminal import ROOT, Terminal

PATIENCE_SECONDS: Final = 60
HOW_TO: Final = ROOT / "docs" / "how-to" / "add-a-column.md"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A folder with a business of some hundred events."""
    found = Terminal(tmp_path)
    assert found.bos("migrate").code == 0
    fill(tmp_path, 300)
    return found


def fill(folder: Path, events: int) -> None:
    with closing(SqliteRecorder(folder / "log.db")) as recorder:
        write(recorder, islice(told(lived(), events), recorder.head(), None))


def editions(terminal: Terminal) -> Sequence[Edition]:
    with closing(open_business(Settings(data=terminal.data), writable=False)) as business:
        return business.views.editions()


def position_beside(terminal: Terminal, alive: Callable[[], bool]) -> int:
    """Wait until the edition beside has stored something; return how far it is."""
    until = monotonic() + PATIENCE_SECONDS
    while alive() and monotonic() < until:
        if (terminal.data / "views.db").exists():
            beside = (e.position for e in editions(terminal) if e.status == "building")
            if reached := max(beside, default=0):
                return reached
        sleep(0.01)
    return 0


def test_every_command_of_the_how_to_is_one_that_is_tried_here() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    assert {line for block in blocks for line in block.splitlines()} == {
        "bos up",  # tests/journeys/test_up.py
        "bos doctor",
        "bos rebuild orders",
        "bos rebuild orders --verify",
        "bos rebuild orders --rollback",
    }


def test_the_read_models_are_rebuilt_compared_taken_back_and_looked_at(terminal: Terminal) -> None:
    rows = terminal.json("rebuild")["items"]
    assert [row["view"] for row in rows] == [view.name for view in VIEWS]
    assert {row["result"] for row in rows} == {"rebuilt"}
    refused = terminal.bos("rebuild", "orders", "--rollback")
    assert (refused.code, refused.err) == (1, "bos: no earlier edition of orders is kept\n")
    (row,) = terminal.json("rebuild", "orders")["items"]
    assert (row["result"], row["rows"]) == ("rebuilt", rows[8]["rows"])
    (row,) = terminal.json("rebuild", "orders", "--rollback")["items"]
    assert (row["result"], row["rows"]) == ("rolled back", rows[8]["rows"])
    (row,) = terminal.json("rebuild", "orders", "--verify")["items"]
    assert (row["result"], row["differences"]) == ("equal", [])
    told = terminal.json("doctor")
    assert (told["healthy"], set(told["lag"].values())) == (True, {0})
    model = next(each for each in told["readModels"] if each["view"] == "orders")
    assert (model["rebuilding"], model["degraded"], model["behind"]) == (None, None, 0)
    assert "Read models, log at" in terminal.bos("doctor").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rollback",), "--rollback needs the names"),
        (("orders", "--rollback", "--verify"), "give one of them"),
    ],
)
def test_a_rebuild_that_makes_no_sense_says_what_would(
    terminal: Terminal, words: tuple[str, ...], said: str
) -> None:
    met = terminal.bos("rebuild", *words)
    assert (met.code, said in met.err) == (2, True)


@pytest.mark.slow
def test_a_rebuild_that_was_killed_is_gone_on_with(terminal: Terminal) -> None:
    """Killed when the first rows are stored, whatever it is at then."""
    fill(terminal.data, 20_000)
    running = terminal.start("rebuild", "events", "audit_log", "--json")
    assert position_beside(terminal, lambda: running.poll() is None) > 0
    running.send_signal(signal.SIGKILL)
    running.communicate()
    left = {e.shape.name: e for e in editions(terminal) if e.status == "building"}
    assert 0 < left["events"].position < 20_000 < EVENTS_HELD_MAX
    rows = terminal.json("rebuild", "events", "audit_log")["items"]
    assert {row["result"] for row in rows} == {"rebuilt"}
    live = {e.shape.name: e for e in editions(terminal) if e.status == "live"}
    assert live["events"].table == left["events"].table, "it went on with what was there"
    verified = terminal.json("rebuild", "events", "--verify")["items"]
    assert {row["result"] for row in verified} == {"equal"}

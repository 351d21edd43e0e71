"""`bos up`: a fresh machine, one command, a business that is alive; and what kill -9 leaves."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.journeys.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

READY_SECONDS_MAX = 60.0
ALIVE_SECONDS_MAX = 30.0  # on a busy test machine; the promise on a quiet one is 10


@contextmanager
def running(terminal: Terminal, *words: str) -> Iterator["subprocess.Popen[str]"]:
    process = terminal.start("up", "--port", "0", *words)
    try:
        until(lambda: (terminal.data / "server.json").exists(), READY_SECONDS_MAX, process)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
        (terminal.data / "server.json").unlink(missing_ok=True)


def until(so: Any, seconds: float, process: "subprocess.Popen[str] | None" = None) -> None:
    ends = time.monotonic() + seconds
    while not so():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.1)


def test_the_sandbox_is_alive_at_once_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data")

    def alive() -> bool:
        told = terminal.json("ask", "dashboard")
        return bool(told["totals"]["orders"] and told["decisionsToday"] >= 3)

    with running(terminal) as process:
        until(alive, ALIVE_SECONDS_MAX, process)
        process.kill()
        process.wait()
    before = terminal.json("ask", "dashboard")["head"]
    assert terminal.json("audit", "verify")["ok"]
    assert {row["result"] for row in terminal.json("rebuild", "--verify")["items"]} == {"equal"}
    with running(terminal) as process:
        until(lambda: terminal.json("ask", "dashboard")["head"] > before + 5, 30, process)


def test_the_terminal_finds_the_server_and_the_link_signs_in_once(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data")
    with running(terminal, "--no-sandbox") as process:
        served = terminal.json("ask", "dashboard")
        assert served["activeAgents"] == 0
        assert terminal.json("users", "add", "ada", "--role", "viewer")["status"] == "done"
        assert [row["id"] for row in terminal.json("users", "list")["items"]] == ["ada", "founder"]
        refused = terminal.bos("do", "AddUser", "--payload", '{"userId": "x"}')
        assert refused.code == 2
        assert "name: Field required" in " ".join(refused.err.split())

        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        link = next(word for word in (out + err).split() if "sign-in?link=" in word)
        assert link.startswith("http://127.0.0.1:")
    assert not (terminal.data / "server.json").exists()
    assert terminal.json("ask", "dashboard")["head"] >= served["head"]


def test_health_needs_no_token_and_everything_else_does(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data")
    with running(terminal, "--no-sandbox"):
        url = json.loads((terminal.data / "server.json").read_text())["url"]
        assert httpx2.get(f"{url}/health").json()["status"] == "ok"
        assert httpx2.get(f"{url}/api/v1/dashboard").status_code == 401
        page = httpx2.get(f"{url}/admin/operations-console", follow_redirects=True)
        assert page.status_code in (200, 401)
        assert "Sign in" in page.text
        mode = (terminal.data / "server.json").stat().st_mode & 0o777
        assert mode == 0o600

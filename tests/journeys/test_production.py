"""The production roles, each a process of its own, on one real PostgreSQL."""

import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import psycopg
import pytest
from psycopg import sql

from tests.journeys.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

AGENT = '{"agentId": "support", "name": "S", "toolPermissions": ["process_refund"]}'


class Site:
    """A business on PostgreSQL, and the processes that run it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.terminal = Terminal(folder)
        self.environment = {"BOS_DATABASE_URL": url}
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> "subprocess.Popen[str]":
        process = self.terminal.start(*words, **self.environment)
        self.processes.append(process)
        return process

    def become_the_application(self) -> None:
        """Go on as the role that may do no more than append, read and draw."""
        url = self.environment["BOS_DATABASE_URL"]
        password = secrets.token_hex(8)
        with psycopg.connect(url, autocommit=True) as owner:
            alter = sql.SQL("ALTER ROLE bos_app LOGIN PASSWORD {}")
            owner.execute(alter.format(sql.Literal(password)))
        parts = urlsplit(url)
        netloc = f"bos_app:{password}@{parts.hostname}:{parts.port}"
        self.environment["BOS_DATABASE_URL"] = urlunsplit(parts._replace(netloc=netloc))

    def run(self, *words: str) -> str:
        process = self.terminal.start(*words, **self.environment)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out

    def serve(self) -> str:
        """Start the API; return its address."""
        process = self.start("serve", "--port", "0")
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                return found.group()
        raise AssertionError("the API did not start")

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.communicate(timeout=30)


@pytest.fixture
def site(tmp_path: Path, postgres_url: str) -> Iterator[Site]:
    site = Site(tmp_path / "data", postgres_url)
    yield site
    site.stop()


def until(so: Callable[[], bool], seconds: float = 40) -> None:
    ends = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.1)


def test_api_projector_and_worker_share_one_log(site: Site) -> None:
    site.run("migrate")
    site.run("migrate")
    site.become_the_application()
    site.run("do", "RegisterAgent", "--payload", AGENT)
    founder = site.run("tokens", "issue", "founder").strip()
    agent = site.run("tokens", "issue", "agent:support").strip()
    address = site.serve()
    site.start("project")
    worker = site.start("worker")

    def call(token: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx2.request(method, f"{address}/api/v1{path}", headers=headers, json=body)
        return answer.json()

    def propose(amount: int, order: str) -> Any:
        payload = {"orderId": order, "amount": amount, "currency": "USD"}
        body = {"actionType": "process_refund", "payload": payload}
        return call(agent, "POST", "/actions", body)

    def status(receipt: Any) -> str:
        row = call(founder, "GET", f"/actions/{receipt['subject'].partition(':')[2]}")
        return str(row.get("status"))

    small, large = propose(10, "o1"), propose(900, "o2")
    assert (small["status"], large["status"]) == ("done", "held")
    until(lambda: status(small) == "completed")
    asked = call(founder, "GET", f"/approvals/{large['approvalId']}")
    told = {"approvalId": asked["id"], "approved": True, "payloadHash": asked["payloadHash"]}
    assert call(founder, "POST", "/approvals/answer", told)["resumed"]["status"] == "done"
    until(lambda: status(large) == "completed")

    worker.kill()
    waiting = propose(20, "o3")
    time.sleep(1)
    assert status(waiting) == "authorized"
    site.start("worker")
    until(lambda: status(waiting) == "completed")
    totals = call(founder, "GET", "/dashboard")["totals"]
    assert (totals["refunds"], totals["refundAmount"]) == (3, 930)

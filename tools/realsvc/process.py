"""A server process of ours: unprivileged, in a scratch directory, gone when the test is gone.

Never makes users, never changes the mode of anything that it did not make.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psutil

Origin = Literal["system", "wheel"]

SCRATCH_PARENT = "/tmp"  # short on purpose: a socket's path has at most 107 characters
PR_SET_PDEATHSIG = 1
NOBODY = 65534
POLL_SECONDS = 0.01
LOG_TAIL_CHARACTERS = 2_000
PORT_ATTEMPTS_MAX = 5
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


class Missing(RuntimeError):
    """This machine has no such server; the message is the cure."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server runs as: PostgreSQL refuses to be root."""

    user: int
    group: int

    def own(self, path: Path) -> None:
        """Give a file or a whole directory of ours to this account."""
        os.chown(path, self.user, self.group)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder, name), self.user, self.group, follow_symlinks=False)


def unprivileged() -> Account | None:
    """The account to drop to, or None where there is nothing to drop."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(found.pw_uid, found.pw_gid)
    return Account(NOBODY, NOBODY)


def reachable_by_others(path: Path) -> bool:
    """Whether another account may walk to this directory: not when it lies below root's home."""
    resolved = path.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in (resolved, *resolved.parents))


def packages(*names: str) -> list[Path]:
    """The directories of those import packages that are installed, without importing them."""
    found = [importlib.util.find_spec(name) for name in names]
    return [
        Path(place)
        for spec in found
        if spec is not None
        for place in spec.submodule_search_locations or ()
    ]


def free_port() -> int:
    """A port of this machine that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def scratch(prefix: str, parent: str | None = None) -> Path:
    """A new directory, only for the server."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent or SCRATCH_PARENT))


def die_with_parent(sent: signal.Signals) -> Callable[[], None] | None:
    """What a child does first, so that the kernel stops it when the thread that started it ends.

    Even kill -9 of a test leaves no server behind. Must run after the change of user, which
    would clear the wish again: subprocess calls it there.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def wish() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return wish


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs: a zombie that nobody collects does not."""
    try:
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


@dataclass(slots=True)
class Server:
    """One process, its directory, its port and its log."""

    base: Path
    port: int = 0
    account: Account | None = field(default_factory=unprivileged)
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The running process."""
        assert self.process is not None, "not started"
        return self.process.pid

    def spawn(self, command: Callable[[int], Sequence[str]], *, killed_by: signal.Signals) -> None:
        """Start the process on its port; a new one picks a free port."""
        self.port = self.port or free_port()
        drop = self.account
        with (self.base / "log").open("ab") as log, warnings.catch_warnings():
            # From Python 3.12 on, a fork beside threads is warned about; the hook only calls libc.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process = subprocess.Popen(
                command(self.port),
                env=ENVIRONMENT,
                cwd=self.base,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(killed_by),
                user=drop.user if drop else None,
                group=drop.group if drop else None,
                extra_groups=[] if drop else None,
            )

    def launch(
        self,
        command: Callable[[int], Sequence[str]],
        is_ready: Callable[[], bool],
        *,
        killed_by: signal.Signals,
        timeout_seconds: float,
    ) -> None:
        """Spawn, wait until ready; when someone took the free port meanwhile, try another."""
        is_new = self.port == 0
        for _ in range(PORT_ATTEMPTS_MAX):
            self.spawn(command, killed_by=killed_by)
            if self.wait(is_ready, timeout_seconds):
                return
            if not is_new or "in use" not in self.log_tail():
                break
            self.port = 0
        raise RuntimeError(f"the server did not start:\n{self.log_tail()}")

    def wait(self, is_ready: Callable[[], bool], timeout_seconds: float) -> bool:
        """Whether it became ready; False when it ended instead."""
        assert self.process is not None, "not started"
        end = time.monotonic() + timeout_seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            if is_ready():
                return True
            time.sleep(POLL_SECONDS)
        self.kill9()
        raise TimeoutError(f"not ready after {timeout_seconds} s:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last words of the server."""
        log = self.base / "log"
        return log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:] if log.exists() else ""

    def kill9(self) -> None:
        """SIGKILL the process and all its children: a power cut, as far as processes go."""
        if self.process is None or self.process.poll() is not None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid)
            parent.suspend()  # no new children while they are counted
            family = [parent, *parent.children(recursive=True)]
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            self.process.wait()
            while any(is_alive(member) for member in family):
                time.sleep(POLL_SECONDS)  # a dying child still holds the shared memory

    def stop(self, sent: signal.Signals, timeout_seconds: float = 30) -> None:
        """Ask the process to end, and wait for it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(sent)
        self.process.send_signal(signal.SIGCONT)  # a test may have suspended it
        self.process.wait(timeout_seconds)

    def remove(self) -> None:
        """Delete the directory and all that is in it."""
        shutil.rmtree(self.base, ignore_errors=True)


class Service(ABC):
    """What PostgreSQL and Redis have in common: `with Postgres.create() as postgres: ...`."""

    __slots__ = ()
    server: Server

    @abstractmethod
    def start(self) -> Self:
        """Start it, or start it again after a stop or a kill, on the same port."""

    @abstractmethod
    def destroy(self) -> None:
        """Stop at once and remove everything."""

    def kill9(self) -> None:
        """SIGKILL the server and all that it has started."""
        self.server.kill9()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Destroy."""
        self.destroy()

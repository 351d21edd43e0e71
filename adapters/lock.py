"""Lock: an embedded business is one process; a lock file says which, and how to reach it.

data/lock          held by the running process for as long as it lives (the kernel lets go of it)
data/server.json   {url, token}, readable by its owner only: how `bos` on this machine reaches it
"""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from domain.ports import StoreUnavailable


class DataInUse(StoreUnavailable):
    """Another process runs on this data folder."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that holds the lock."""

    url: str
    token: str


class DataLock:
    """The right to write in a data folder."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises `DataInUse` if somebody else holds it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._file: IO[str] = (folder / "lock").open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise DataInUse(
                f"{folder} is in use by another process: stop it, or name its address with --url"
            ) from error

    def announce(self, server: Server) -> None:
        """Let other processes of the same user know how to reach this one."""
        path = self._folder / "server.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"url": server.url, "token": server.token}, file)

    def release(self) -> None:
        """Let go."""
        (self._folder / "server.json").unlink(missing_ok=True)
        self._file.close()


def running_server(folder: Path) -> Server | None:
    """Return the server that runs on a data folder, if it says how to reach it."""
    try:
        found = json.loads((folder / "server.json").read_text())
        return Server(str(found["url"]), str(found["token"]))
    except (OSError, ValueError, KeyError):
        return None

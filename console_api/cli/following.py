"""Following: the log of a running server, event by event; taken up again where the line broke.

bytes ──lines──► blocks ──► id: how far we are      data: one event      event: reset: a notice
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from console_api.cli.output import errors

PATH: Final = "/api/v1/events/stream"
SILENCE_SECONDS_MAX: Final = 45.0
"""The server says something every 15 seconds."""
RETRY_SECONDS: Final = 1.0
PASSING: Final = (429, 502, 503, 504)
_TIMEOUT: Final = httpx.Timeout(10.0, read=SILENCE_SECONDS_MAX)


@dataclass(slots=True)
class Following:
    """One reader of a server's log. `position` is None until the server has said where we begin."""

    http: httpx.Client
    filters: Mapping[str, Sequence[str]]
    position: int | None
    follow: bool
    refused: Callable[[httpx.Response], object]

    def events(self) -> Iterator[bytes]:
        """Return events as JSON. Raises `httpx.HTTPError` where it cannot, or need not, go on."""
        while True:
            try:
                yield from self._until_it_breaks()
                if not self.follow:
                    return
            except httpx.HTTPError:
                if self.position is None or not self.follow:
                    raise
            time.sleep(RETRY_SECONDS)

    def _until_it_breaks(self) -> Iterator[bytes]:
        query: dict[str, Any] = {**self.filters, "follow": str(self.follow).lower()}
        came = {} if self.position is None else {"after": str(self.position)}
        with self.http.stream("GET", PATH, params=query | came, timeout=_TIMEOUT) as response:
            if response.is_success:
                yield from self._told(blocks(response.iter_raw()))
            elif not self.follow or response.status_code not in PASSING:
                response.read()
                self.refused(response)

    def _told(self, found: Iterable[Mapping[bytes, bytes]]) -> Iterator[bytes]:
        for block in found:
            if block.get(b"event") == b"reset":
                errors().print("the log was restored to an earlier day", markup=False)
            elif b"data" in block:
                yield block[b"data"]
            if b"id" in block:
                self.position = int(block[b"id"])


def blocks(parts: Iterable[bytes]) -> Iterator[dict[bytes, bytes]]:
    """Split a stream into blocks of fields. Only \\n ends a line here: JSON may hold other breaks.

    A block that the line broke in is left out, as the standard says.
    """
    rest, block = b"", dict[bytes, bytes]()
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b":")
            if name:
                block[name] = value.removeprefix(b" ")
            elif not line and block:
                yield block
                block = {}

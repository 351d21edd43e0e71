"""Whether what a role needs answers: `python deploy/health.py http://... tcp://host:port ...`.

The health check of a container, with nothing but the standard library. Exit code 0: all answer.
"""

from __future__ import annotations

import socket
import sys
import urllib.request
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 3


def ask(url: str) -> None:
    """Return when the address answers, raise OSError when it does not."""
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        socket.create_connection((parts.hostname, parts.port), TIMEOUT_SECONDS).close()
    else:
        urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS).close()  # raises from 400 on


def main(urls: list[str]) -> int:
    """Ask every address; the exit code."""
    for url in urls:
        try:
            ask(url)
        except OSError as trouble:
            sys.stderr.write(f"{url} does not answer: {trouble}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

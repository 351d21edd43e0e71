"""Ids: names for new things, and secrets. Both come from the operating system's randomness."""

import hashlib
import hmac
import itertools
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import Final

SECRET_BYTES: Final = 32


def random_id() -> str:
    """Return 26 characters that sort by time: milliseconds since 1970, then 80 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{milliseconds:012x}{os.urandom(7).hex()}"


@dataclass(slots=True)
class CountedIds:
    """Ids that count, for tests and simulations: the same run makes the same names."""

    prefix: str = "c"
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __call__(self) -> str:
        """Return the next id."""
        return f"{self.prefix}{next(self._numbers)}"


def new_secret() -> str:
    """Return a secret of 256 random bits, safe in a URL."""
    return secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256. A random secret needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same_hash(one: str, other: str) -> bool:
    """Compare two hashes in a time that tells nothing about them."""
    return hmac.compare_digest(one, other)

"""Dice: chance that anybody can check, the same on every machine and in every Python.

(seed, what it is for) ──SHA-256──► a whole number        no throw depends on the one before
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Dice:
    """Throws that are named, not counted: the same seed and the same name, the same number."""

    seed: int

    def roll(self, sides: int, *what: object) -> int:
        """Return a number from 0 to `sides` - 1; 64 bits leave no bias that anybody could see."""
        text = "/".join(map(str, (self.seed, *what)))
        return int.from_bytes(sha256(text.encode()).digest()[:8], "big") % sides

    def between(self, low: int, high: int, *what: object) -> int:
        """Return a number from `low` to `high`, both included."""
        return low + self.roll(high - low + 1, *what)

    def chance(self, per_mille: int, *what: object) -> bool:
        """Say yes so many times in a thousand."""
        return self.roll(1_000, *what) < per_mille

    def pick(self, weights: Sequence[int], *what: object) -> int:
        """Return an index, each as often as its weight says; -1 if every weight is 0."""
        total = sum(weights)
        if total <= 0:
            return -1
        left = self.roll(total, *what)
        for index, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return index
        raise AssertionError("a roll is below the sum of the weights")

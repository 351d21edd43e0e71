"""Costs: what calls take in CPU time, in turns, so that a slow moment hits all contestants."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from statistics import median
from time import process_time_ns
from typing import Any, TypeAlias

Contestant: TypeAlias = tuple[Callable[[Any], object], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """Nanoseconds of CPU time for one call, round by round."""

    rounds: tuple[float, ...]

    @property
    def best(self) -> float:
        return min(self.rounds)

    @property
    def median(self) -> float:
        return median(self.rounds)

    def over(self, other: "Cost") -> float:
        """How many times the other, in the middle of the rounds: processors change their pace."""
        return median(mine / its for mine, its in zip(self.rounds, other.rounds, strict=True))

    def figures(self) -> dict[str, float]:
        return {"best": self.best, "median": self.median}


def nanoseconds(function: Callable[[Any], object], argument: object, calls: int) -> float:
    start = process_time_ns()
    for _ in repeat(None, calls):
        function(argument)
    return (process_time_ns() - start) / calls


def measured(contestants: Sequence[Contestant], calls: int, rounds: int) -> list[Cost]:
    times: list[list[float]] = [[] for _ in contestants]
    for function, argument in contestants:
        function(argument)  # what is made once and kept, a book or a chapter, is no part of a call
    for _ in range(rounds):
        for taken, (function, argument) in zip(times, contestants, strict=True):
            taken.append(nanoseconds(function, argument, calls))
    return [Cost(tuple(taken)) for taken in times]

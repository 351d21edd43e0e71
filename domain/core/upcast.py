"""Upcasting: what was stored years ago, told in today's words. Stored events are never rewritten.

(name, 1, fields) ──@upcaster(name, 1)──► (name, 2, fields) ──► … ──► what is written today
                  └─ yields one: renamed or reshaped    several: split    none: dropped
Upcasters are pure and see plain JSON: dicts, lists, text, booleans, None, integers, and decimals
for every number that is not an integer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Fields: TypeAlias = dict[str, Any]
Stored: TypeAlias = tuple[str, int, Fields]
"""A stored name, a schema version, and the fields of an event of that version."""

STEPS_MAX: Final = 1_000
"""Upcasters that one stored event may pass; more is a circle."""


@dataclass(frozen=True, slots=True)
class Upcaster:
    """How one version of one event is told in the words of a later one."""

    stored_as: str
    version: int
    lift: Callable[[Fields], Iterator[Stored]]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What stands, for readers of the whole log, where an event was that means nothing today."""

    stored_as: str
    schema_version: int


def upcaster(
    stored_as: str, version: int
) -> Callable[[Callable[[Fields], Iterator[Stored]]], Upcaster]:
    """Make a function the upcaster of one version of one event; list it in its stream.

    The function may change the fields that it is given: they are its own.
    """

    def make(lift: Callable[[Fields], Iterator[Stored]]) -> Upcaster:
        return Upcaster(stored_as, version, lift)

    return make


class Upcasters:
    """Every upcaster, and the version that each event is written with today."""

    def __init__(self, current: Mapping[str, int], upcasters: Iterable[Upcaster]) -> None:
        """Take the names and versions of today, and the steps that lead to them."""
        self._current = current
        self._steps: dict[tuple[str, int], Upcaster] = {}
        for each in upcasters:
            kind = (each.stored_as, each.version)
            assert kind not in self._steps, f"{_told(*kind)} has two upcasters"
            assert each.version != current.get(each.stored_as), f"{_told(*kind)} is today's"
            self._steps[kind] = each

    def objection(self, name: str, version: int) -> str:
        """Say why a stored event cannot be told in today's words, or nothing if it can."""
        if self._current.get(name) == version or (name, version) in self._steps:
            return ""
        known = self._current.get(name)
        if known is not None and version > known:
            return (
                f"{_told(name, version)} is newer than this program, which knows version {known}:"
                " run the program that wrote it, or a newer one"
            )
        return (
            f"{_told(name, version)} is unknown to this program, and no upcaster lifts it: run the"
            " program that wrote it, or a newer one"
        )

    def lift(self, name: str, version: int, fields: Fields) -> Iterator[Stored]:
        """Yield what an event of any known version is today, in order: none, one or several.

        Raises `LookupError` for a name and version that it does not know.
        """
        waiting = [(name, version, fields)]
        for _ in range(STEPS_MAX):
            while waiting and self._current.get(waiting[-1][0]) == waiting[-1][1]:
                yield waiting.pop()
            if not waiting:
                return
            name, version, fields = waiting.pop()
            if objection := self.objection(name, version):
                raise LookupError(objection)
            further = list(self._steps[name, version].lift(fields))
            waiting += reversed(further)
        raise LookupError(f"the upcasters of {_told(name, version)} lead in a circle")


def _told(name: str, version: int) -> str:
    return f"{name} version {version}"

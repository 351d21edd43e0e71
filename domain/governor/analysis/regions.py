"""Regions: the boxes of a space in which the answer is one.

condition ─ cut ─► {action: process_refund, data.amount: 501} TRUE
                   {action: process_refund, data.amount: missing …} ERROR
                   {action: other} FALSE                            data.amount does not matter
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from domain.governor.analysis.formula import Formula, Outcome
from domain.governor.analysis.points import TooMany
from domain.governor.analysis.space import Box, Space

State = TypeVar("State", bound=Hashable)
Label = TypeVar("Label")

BOXES_MAX: Final = 1_000
"""What is looked at to have every box, before one box of each answer has to do."""


@dataclass(frozen=True, slots=True)
class Region(Generic[Label]):
    """A box with one answer; `certain` unless it takes a comparison that nobody can follow."""

    label: Label
    box: Box
    certain: bool


@dataclass(frozen=True, slots=True)
class Regions(Generic[Label]):
    """Some boxes, with at least one for each answer that there is; `whole` if they are all."""

    boxes: list[Region[Label]]
    whole: bool


def cut(
    space: Space,
    start: State,
    formulas: Sequence[Formula],
    advance: Callable[[State, Mapping[int, Outcome]], State],
    settled: Callable[[State], Label | None],
) -> Regions[Label] | None:
    """Cut a space into boxes of one answer each, one axis after the other.

    `advance` takes the outcomes of some leaves into account, `settled` tells the answer when
    they suffice. None where too much would have to be looked at.
    """
    for whole, looks_max in ((True, min(BOXES_MAX, space.cells_max)), (False, space.cells_max)):
        try:
            walk = _Walk(space, formulas, advance, settled, whole, looks_max)
            walk.on(0, start, {})
        except TooMany:
            continue
        return Regions(walk.found, whole)
    return None


class _Walk(Generic[State, Label]):
    """One way through a space; unless it is `whole`, what was seen from elsewhere is passed by."""

    def __init__(
        self,
        space: Space,
        formulas: Sequence[Formula],
        advance: Callable[[State, Mapping[int, Outcome]], State],
        settled: Callable[[State], Label | None],
        whole: bool,
        looks_max: int,
    ) -> None:
        self.found: Final[list[Region[Label]]] = []
        self._space = space
        self._plan = space.plan(formulas)
        self._advance = advance
        self._settled = settled
        self._seen: set[tuple[int, State, bool]] | None = None if whole else set()
        self._left = looks_max

    def on(self, depth: int, state: State, box: Box) -> None:
        """Go on along an axis, from a state that the axes before have led to."""
        label = self._settled(state)
        if label is not None:
            self.found.append(Region(label, box, self._is_certain(box)))
            return
        if self._was_seen(depth, state, box):
            return
        axis, leaves = self._plan[depth]
        parts: dict[State, int] = {}
        for mask, outcomes in self._space.partition(leaves):
            after = self._advance(state, outcomes)
            parts[after] = parts.get(after, 0) | mask
        self._left -= len(parts)
        if self._left < 0:
            raise TooMany
        for after, mask in parts.items():
            self.on(depth + 1, after, {**box, axis: mask} if len(parts) > 1 else box)

    def _is_certain(self, box: Box) -> bool:
        return not any(map(self._space.is_opaque, box))

    def _was_seen(self, depth: int, state: State, box: Box) -> bool:
        if self._seen is None:
            return False
        here = (depth, state, self._is_certain(box))
        known = here in self._seen
        self._seen.add(here)
        return known


def apart(one: Box, other: Box) -> bool:
    """Say whether two boxes have no cell in common: an `&` for each axis that both speak of."""
    if len(other) < len(one):
        one, other = other, one
    for axis, mask in one.items():  # noqa: SIM110 - a generator takes twice as long
        if axis in other and not mask & other[axis]:
            return True
    return False


def overlap(one: Box, other: Box) -> Box:
    """Return what two boxes have in common."""
    shared = {axis: mask & other[axis] for axis, mask in one.items() if axis in other}
    return {**one, **other, **shared}

"""Space: all that some conditions can tell apart, and for each of them who says what there.

            data.amount │ 499   500   501   missing …          an axis for each group of fields,
  action ───────────────┼──────────────────────────            its cells along it
  process_refund        │ F     F     T     E
  other                 │ F     F     F     F

A set of cells is an integer, one bit a cell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from domain.governor.analysis.atoms import Atom, Parameters, atom, identity
from domain.governor.analysis.cells import CELLS_MAX, Cell, cells_of
from domain.governor.analysis.formula import (
    Formula,
    Outcome,
    formula_of,
    leaves_of,
)
from domain.governor.analysis.linking import Group, grouped
from domain.governor.analysis.points import Marks, TooMany
from domain.governor.analysis.universe import EVERYTHING, Universe
from domain.governor.language import Condition, Environment
from domain.governor.language.tree import Node, Path

Box = dict[int, int]
"""Of some axes, by number, the cells; of all others, any."""

_OUTCOMES: Final = (Outcome.TRUE, Outcome.FALSE, Outcome.ERROR)


class Subject(NamedTuple):
    """A condition, and the values of the parameters that it is asked with."""

    condition: Condition
    parameters: Parameters


class Leaf(NamedTuple):
    """In which cells of its group a comparison, or its negation, is true, and has no answer."""

    axis: int
    true: int
    error: int


@dataclass(frozen=True, slots=True)
class Axis:
    """A group of fields with its cells; without fields, a comparison that may say anything."""

    paths: tuple[Path, ...]
    cells: tuple[Cell, ...]
    marks: Marks

    @property
    def full(self) -> int:
        """Return the set of all cells."""
        return (1 << len(self.cells)) - 1


class Space:
    """The cells of some conditions in a universe."""

    def __init__(
        self,
        subjects: Sequence[Subject],
        universe: Universe = EVERYTHING,
        cells_max: int = CELLS_MAX,
    ) -> None:
        """Find the cells, and ask every comparison in each; past `cells_max`, claim nothing."""
        self._atoms: dict[object, int] = {}
        self._known: list[Atom] = []
        self.formulas: Final[tuple[Formula, ...]] = tuple(map(self._formula, subjects))
        self.universe: Final = universe
        self.cells_max: Final = cells_max
        self.axes: Final[list[Axis]] = []
        self._leaves: Final[list[Leaf]] = [Leaf(0, 0, 0)] * (2 * len(self._known))
        self._partitions: dict[tuple[int, ...], list[tuple[int, dict[int, Outcome]]]] = {}
        self._measure()

    def _formula(self, subject: Subject) -> Formula:
        def leaf(node: Node, positive: bool) -> Formula:
            key = identity(node, subject.parameters)
            number = self._atoms.setdefault(key, len(self._known))
            if number == len(self._known):
                self._known.append(atom(node, subject.parameters))
            return 2 * number + (not positive)

        return formula_of(subject.condition.tree, leaf)

    # ── cells ──

    def _measure(self) -> None:
        numbers = {id(each): number for number, each in enumerate(self._known)}
        groups, opaque = grouped(self._known)
        for group in groups:
            try:
                found = cells_of(group, self.universe, self.cells_max)
            except TooMany:
                opaque += group.atoms
                continue
            axis = Axis(group.paths, tuple(cell for cell, _ in found), group.marks)
            asked = [_asked(each, found, _position(group, each)) for each in group.atoms]
            self._place(axis, [numbers[id(each)] for each in group.atoms], asked)
        for each in opaque:
            anything = Axis((), ((),) * len(_OUTCOMES), Marks())
            self._place(anything, [numbers[id(each)]], [(0b001, 0b100)])
        constant = [each for each in self._known if not each.paths and not each.opaque]
        asked = [_asked(each, [((), Environment())], None) for each in constant]
        self._place(Axis((), ((),), Marks()), [numbers[id(each)] for each in constant], asked)

    def _place(self, axis: Axis, atoms: Sequence[int], asked: Sequence[tuple[int, int]]) -> None:
        here = len(self.axes)
        self.axes.append(axis)
        for number, (true, error) in zip(atoms, asked, strict=True):
            self._leaves[2 * number] = Leaf(here, true, error)
            self._leaves[2 * number + 1] = Leaf(here, axis.full & ~true & ~error, error)

    def is_opaque(self, axis: int) -> bool:
        """Say whether an axis stands for a comparison that may say anything."""
        return not self.axes[axis].paths and len(self.axes[axis].cells) > 1

    # ── what can be told apart ──

    def plan(self, formulas: Sequence[Formula]) -> list[tuple[int, tuple[int, ...]]]:
        """Return the axes that matter to some formulas, each with the leaves that lie on it.

        The shortest come first, since the action type decides most; what is opaque comes last,
        so that everything before it is certain.
        """
        used: dict[int, list[int]] = {}
        for leaf in dict.fromkeys(leaf for each in formulas for leaf in leaves_of(each)):
            used.setdefault(self._leaves[leaf].axis, []).append(leaf)
        cuts = {axis: len(self.partition(tuple(leaves))) for axis, leaves in used.items()}
        ordered = sorted(used, key=lambda axis: (self.is_opaque(axis), cuts[axis], axis))
        return [(axis, tuple(used[axis])) for axis in ordered]

    def partition(self, leaves: tuple[int, ...]) -> list[tuple[int, dict[int, Outcome]]]:
        """Return the cells of an axis in the sets that some of its leaves cannot tell apart."""
        known = self._partitions.get(leaves)
        if known is None:
            known = self._partitions[leaves] = self._cut(leaves)
        return known

    def _cut(self, leaves: tuple[int, ...]) -> list[tuple[int, dict[int, Outcome]]]:
        parts: list[tuple[int, dict[int, Outcome]]] = [
            (self.axes[self._leaves[leaves[0]].axis].full, {})
        ]
        for leaf in leaves:
            _, true, error = self._leaves[leaf]
            parts = [
                (cut, {**outcomes, leaf: outcome})
                for mask, outcomes in parts
                for outcome, cut in zip(
                    _OUTCOMES, (mask & true, mask & ~true & ~error, mask & error), strict=True
                )
                if cut
            ]
        return parts

    # ── back to values ──

    def values_in(self, box: Box, leaves: Iterable[int]) -> tuple[tuple[Path, object], ...]:
        """Return values of the fields that some comparisons read, in a box."""
        found: list[tuple[Path, object]] = []
        for number in sorted({self._leaves[leaf].axis for leaf in leaves}):
            axis = self.axes[number]
            if axis.paths:
                mask = box.get(number, axis.full)
                cell = axis.cells[(mask & -mask).bit_length() - 1]
                found += zip(axis.paths, cell, strict=True)
        return tuple(found)


def _position(group: Group, each: Atom) -> int | None:
    """Return which field of a cell alone decides a comparison, if one does."""
    alone = len(each.paths) == 1 < len(group.paths) and not group.nests
    return group.paths.index(each.paths[0]) if alone else None


def _asked(
    each: Atom, cells: Sequence[tuple[Cell, Environment]], position: int | None
) -> tuple[int, int]:
    """Return in which cells a comparison is true, and in which it has no answer."""
    outcomes: dict[int, Outcome] = {}
    true = error = 0
    for number, (cell, there) in enumerate(cells):
        key = number if position is None else id(cell[position])
        outcome = outcomes.get(key)
        if outcome is None:
            outcome = outcomes[key] = each.ask(there)
        if outcome is Outcome.TRUE:
            true |= 1 << number
        elif outcome is Outcome.ERROR:
            error |= 1 << number
    return true, error

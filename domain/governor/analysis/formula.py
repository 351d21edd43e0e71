"""Formula: what is left of a condition once some of its comparisons are known.

tree ─► Join(&&, {0, Join(||, {1, 2})})      0, 1 and 2 are comparisons: true, false or an error
         └─ given {0: true} ─► Join(||, {1, 2}) ─ given {1: error} ─► … ─► an Outcome

Negations are pushed down to the leaves. Operands are sets: in this language neither their order
nor their number ever matters (strong Kleene logic: `false && error` is false in any order).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias, Union

from domain.governor.language.tree import Every, Node, Not, Some


class Outcome(IntEnum):
    """What a condition says; below zero, so that no leaf is mistaken for one."""

    TRUE = -1
    FALSE = -2
    ERROR = -3


class Join(NamedTuple):
    """Operands of `&&` (FALSE is decisive) or of `||` (TRUE is)."""

    decisive: Outcome
    operands: frozenset["Formula"]


Formula: TypeAlias = Union[Outcome, int, Join]  # noqa: UP007 - refers to itself through Join

_NEUTRAL: Final = {Outcome.TRUE: Outcome.FALSE, Outcome.FALSE: Outcome.TRUE}


def joined(decisive: Outcome, operands: Iterable[Formula]) -> Formula:
    """Join operands, as far as they decide already."""
    kept: set[Formula] = set()
    neutral = _NEUTRAL[decisive]
    for each in operands:
        if each == decisive:
            return decisive
        if each != neutral:
            kept.add(each)
    if not kept:
        return neutral
    return kept.pop() if len(kept) == 1 else Join(decisive, frozenset(kept))


def formula_of(node: Node, leaf: Callable[[Node, bool], Formula], positive: bool = True) -> Formula:
    """Return the formula of a tree; `leaf` names a comparison, or its negation."""
    match node:
        case Not(operand=operand):
            return formula_of(operand, leaf, not positive)
        case Every(operands=operands) | Some(operands=operands):
            decisive = Outcome.FALSE if isinstance(node, Every) is positive else Outcome.TRUE
            return joined(decisive, [formula_of(each, leaf, positive) for each in operands])
        case _:
            return leaf(node, positive)


def given(formula: Formula, outcomes: Mapping[int, Outcome]) -> Formula:
    """Return what is left when some leaves are known."""
    if isinstance(formula, Join):
        decisive, operands = formula
        return joined(decisive, [given(each, outcomes) for each in operands])
    return outcomes.get(formula, formula)


def leaves_of(formula: Formula) -> Iterator[int]:
    """Yield the leaves that are left."""
    if isinstance(formula, Join):
        for each in formula.operands:
            yield from leaves_of(each)
    elif not isinstance(formula, Outcome):
        yield formula

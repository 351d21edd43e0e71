"""Survey: many conditions, each by itself and in pairs, where two concern the same action type.

conditions ─ by action type ─► one space each ─► a study each, a relation for each pair
What a space of many cannot tell, because it has too many cells, a space of one or two may.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from domain.governor.analysis.formula import Outcome
from domain.governor.analysis.space import Space, Subject
from domain.governor.analysis.study import (
    Answer,
    Comparison,
    Relation,
    Study,
    compared,
    study,
)
from domain.governor.analysis.universe import EVERYTHING, Universe

SHARED_CELLS_MAX: Final = 5_000
"""Of a space of many, which link fields that each of them alone does not."""


@dataclass(frozen=True, slots=True)
class Kinship:
    """How two conditions stand to each other; `comparison` has the witnesses."""

    left: str
    right: str
    relation: Relation
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known about each condition by its name, and about pairs of them."""

    studies: Mapping[str, Study]
    kinships: Sequence[Kinship]


def survey(subjects: Mapping[str, Subject], universe: Universe = EVERYTHING) -> Survey:
    """Study some conditions by themselves and against each other."""
    studies: dict[str, Study] = {}
    kinships: list[Kinship] = []
    seen: set[tuple[str, str]] = set()
    for named, general in _chapters(subjects):
        members = [*named, *general]
        space = Space([subjects[name] for name in members], universe, SHARED_CELLS_MAX)
        here = {name: Study(space, n, subjects[name]) for n, name in enumerate(members)}
        for name in members:
            studies.setdefault(name, here[name])
        for pair in _pairs(named, general):
            if pair not in seen:
                seen.add(pair)
                kinships.append(_kinship(pair, here, universe))
    known = {
        name: study(found.subject, universe) if _is_vague(found) else found
        for name, found in studies.items()
    }
    return Survey(known, kinships)


def _chapters(subjects: Mapping[str, Subject]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield for each action type the conditions that name it, and those that name none."""
    general: list[str] = []
    named: dict[str, list[str]] = {}
    for name, subject in subjects.items():
        actions = subject.condition.actions
        if not actions:  # none named, or none that could ever be meant
            general.append(name)
        for action in sorted(actions or ()):
            named.setdefault(action, []).append(name)
    for members in named.values():
        yield members, general
    yield general, []


def _pairs(named: Sequence[str], general: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from combinations(named, 2)
    yield from ((name, other) for name in named for other in general)


def _kinship(pair: tuple[str, str], here: Mapping[str, Study], universe: Universe) -> Kinship:
    one, other = here[pair[0]], here[pair[1]]
    found = compared(one, other)
    if found is None or (relation := found.relation) is Relation.UNKNOWN:
        found = alone_together(one.subject, other.subject, universe)
        relation = Relation.UNKNOWN if found is None else found.relation
    return Kinship(*pair, relation, found)


def alone_together(
    one: Subject, other: Subject, universe: Universe = EVERYTHING
) -> Comparison | None:
    """Compare two conditions in a space of their own; None where that would take too long."""
    space = Space((one, other), universe)
    return compared(Study(space, 0, one), Study(space, 1, other))


def _is_vague(found: Study) -> bool:
    return any(found.can(outcome) is Answer.UNKNOWN for outcome in _OUTCOMES)


_OUTCOMES: Final = tuple(Outcome)

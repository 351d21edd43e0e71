"""Study: what one condition can say at all, and how two conditions stand to each other.

one    never true · always true · can err              each yes, no or unknown, with a witness
two    equal · alike · implies · implied by · disjoint · overlapping · unknown
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from domain.governor.analysis.cells import CELLS_MAX
from domain.governor.analysis.formula import Formula, Outcome, given, leaves_of
from domain.governor.analysis.regions import Regions, apart, cut, overlap
from domain.governor.analysis.space import Box, Space, Subject
from domain.governor.analysis.universe import EVERYTHING, Universe
from domain.governor.analysis.witness import Witness, witness
from domain.governor.language import Environment, EvaluationError


class Answer(Enum):
    """What is known about a claim."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Relation(Enum):
    """How the requests that one condition holds for stand to those of another.

    EQUAL conditions have the same outcome everywhere, ALIKE ones hold for the same requests but
    differ in which they cannot answer.
    """

    EQUAL = "equal"
    ALIKE = "alike"
    IMPLIES = "implies"
    IMPLIED = "implied by"
    DISJOINT = "disjoint"
    OVERLAPPING = "overlapping"
    UNKNOWN = "unknown"


class Study:
    """One condition in a space."""

    def __init__(self, space: Space, number: int, subject: Subject) -> None:
        """Cut the space by what the condition says."""
        self.space: Final = space
        self.subject: Final = subject
        self.formula: Final = space.formulas[number]
        self.regions: Final[Regions[Outcome] | None] = cut(
            space, self.formula, [self.formula], given, _outcome
        )

    def can(self, outcome: Outcome) -> Answer:
        """Say whether an outcome is possible."""
        if self.regions is None:
            return Answer.UNKNOWN
        return _answer([each.certain for each in self.regions.boxes if each.label is outcome])

    @property
    def never_true(self) -> Answer:
        """Say whether the condition holds for no request."""
        return negated(self.can(Outcome.TRUE))

    @property
    def always_true(self) -> Answer:
        """Say whether the condition holds for every request."""
        others = (self.can(Outcome.FALSE), self.can(Outcome.ERROR))
        if Answer.YES in others:
            return Answer.NO
        return Answer.UNKNOWN if Answer.UNKNOWN in others else Answer.YES

    def witness(self, outcome: Outcome) -> Witness | None:
        """Return a request with an outcome, checked by asking the condition itself."""
        boxes = self.regions.boxes if self.regions is not None else []
        region = next((each for each in boxes if each.certain and each.label is outcome), None)
        if region is None:
            return None
        values = self.space.values_in(region.box, leaves_of(self.formula))
        found = witness(values, self.subject.parameters, self.space.universe)
        assert asked(self.subject, found.environment()) is outcome, (self.subject, found)
        return found


def _outcome(formula: Formula) -> Outcome | None:
    return formula if isinstance(formula, Outcome) else None


def study(subject: Subject, universe: Universe = EVERYTHING) -> Study:
    """Study one condition by itself."""
    return Study(Space((subject,), universe), 0, subject)


def asked(subject: Subject, environment: Environment) -> Outcome:
    """Return what a condition says itself."""
    environment.params = subject.parameters
    try:
        holds = subject.condition.evaluate(environment)
    except EvaluationError:
        return Outcome.ERROR
    return Outcome.TRUE if holds else Outcome.FALSE


def negated(answer: Answer) -> Answer:
    """Return the answer to the opposite claim."""
    swap = {Answer.YES: Answer.NO, Answer.NO: Answer.YES}
    return swap.get(answer, answer)


def _answer(certain: Sequence[bool]) -> Answer:
    if any(certain):
        return Answer.YES
    return Answer.UNKNOWN if certain else Answer.NO


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two conditions of one space, and boxes for the pairs of outcomes that are possible."""

    left: Study
    right: Study
    certain: dict[tuple[Outcome, Outcome], tuple[Box, Box]]
    possible: set[tuple[Outcome, Outcome]]

    def can(self, left: Outcome, right: Outcome) -> Answer:
        """Say whether both outcomes can meet in one request."""
        if (left, right) in self.certain:
            return Answer.YES
        return Answer.UNKNOWN if (left, right) in self.possible else Answer.NO

    @property
    def relation(self) -> Relation:
        """Say how they stand to each other."""
        both = self.can(Outcome.TRUE, Outcome.TRUE)
        if both is Answer.NO:
            return Relation.DISJOINT
        only_left = self._any(Outcome.TRUE, flip=False)
        only_right = self._any(Outcome.TRUE, flip=True)
        if only_left is only_right is Answer.NO:
            return self._kinship()
        if Answer.UNKNOWN in (both, only_left, only_right):
            return Relation.UNKNOWN
        if only_left is Answer.NO:
            return Relation.IMPLIES
        return Relation.IMPLIED if only_right is Answer.NO else Relation.OVERLAPPING

    def _any(self, outcome: Outcome, *, flip: bool) -> Answer:
        others = [each for each in Outcome if each is not outcome]
        found = [self.can(*((o, outcome) if flip else (outcome, o))) for o in others]
        if Answer.YES in found:
            return Answer.YES
        return Answer.UNKNOWN if Answer.UNKNOWN in found else Answer.NO

    def _kinship(self) -> Relation:
        found = {self.can(*pair) for pair in _ERRORS_ALONE}
        if Answer.YES in found:
            return Relation.ALIKE
        return Relation.UNKNOWN if Answer.UNKNOWN in found else Relation.EQUAL

    def witness(self, left: Outcome, right: Outcome) -> Witness | None:
        """Return a request with these outcomes, checked by asking both conditions themselves."""
        boxes = self.certain.get((left, right))
        if boxes is None:
            return None
        space, box = self.left.space, overlap(*boxes)
        leaves = (leaf for each in (self.left, self.right) for leaf in leaves_of(each.formula))
        found = witness(space.values_in(box, leaves), self.left.subject.parameters, space.universe)
        for study, outcome in ((self.left, left), (self.right, right)):
            environment = found.environment(study.subject.parameters)
            assert asked(study.subject, environment) is outcome, (study.subject, found)
        return found


_ERRORS_ALONE: Final = ((Outcome.ERROR, Outcome.FALSE), (Outcome.FALSE, Outcome.ERROR))


def compared(left: Study, right: Study) -> Comparison | None:
    """Compare two conditions of one space; None where that would take too long."""
    assert left.space is right.space, "two spaces have nothing in common"
    if left.regions is None or right.regions is None:
        return None
    pairs = len(left.regions.boxes) * len(right.regions.boxes)
    if not (left.regions.whole and right.regions.whole) or pairs > CELLS_MAX:
        return _compared_anew(left, right)
    certain: dict[tuple[Outcome, Outcome], tuple[Box, Box]] = {}
    possible: set[tuple[Outcome, Outcome]] = set()
    for one in left.regions.boxes:
        for other in right.regions.boxes:
            pair = (one.label, other.label)
            if pair in certain:
                continue
            sure = one.certain and other.certain
            if (sure or pair not in possible) and not apart(one.box, other.box):
                possible.add(pair)
                if sure:
                    certain[pair] = (one.box, other.box)
    return Comparison(left, right, certain, possible)


def _compared_anew(left: Study, right: Study) -> Comparison | None:
    """Walk the space once for both, where one has too many boxes to hold against the other's."""
    both = (left.formula, right.formula)
    found = cut(left.space, both, both, _both_given, _both_settled)
    if found is None:
        return None
    certain = {each.label: (each.box, each.box) for each in found.boxes if each.certain}
    return Comparison(left, right, certain, {each.label for each in found.boxes})


def _both_given(
    both: tuple[Formula, Formula], outcomes: Mapping[int, Outcome]
) -> tuple[Formula, Formula]:
    return given(both[0], outcomes), given(both[1], outcomes)


def _both_settled(both: tuple[Formula, Formula]) -> tuple[Outcome, Outcome] | None:
    one, other = both
    return (one, other) if isinstance(one, Outcome) and isinstance(other, Outcome) else None

"""Study: what one condition can say at all, and how two conditions stand to each other.

one    never true · always true · can err              each yes, no or unknown, with a witness
two    equal · alike · implies · implied by · disjoint · overlapping · unknown
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

from domain.governor.analysis.cells import CELLS_MAX
from domain.governor.analysis.formula import Formula, Outcome, given, leaves_of
from domain.governor.analysis.regions import Region, Regions, apart, cut, overlap
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
        self._boxes: Final[dict[Outcome, list[Region[Outcome]]]] = {}
        for each in self.regions.boxes if self.regions is not None else ():
            self._boxes.setdefault(each.label, []).append(each)

    def boxes(self, outcome: Outcome) -> list[Region[Outcome]]:
        """Return the boxes of an outcome."""
        return self._boxes.get(outcome, [])

    def can(self, outcome: Outcome) -> Answer:
        """Say whether an outcome is possible."""
        if self.regions is None:
            return Answer.UNKNOWN
        certain = [each.certain for each in self.boxes(outcome)]
        if any(certain):
            return Answer.YES
        return Answer.UNKNOWN if certain else Answer.NO

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
        region = next((each for each in self.boxes(outcome) if each.certain), None)
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


Pair = tuple[Outcome, Outcome]
Meeting = tuple[Answer, tuple[Box, Box] | None]
"""Whether two outcomes can meet in one request, and if so, in which boxes."""


class Comparison:
    """Two conditions of one space, and which of their outcomes can meet in one request."""

    def __init__(self, left: Study, right: Study, known: dict[Pair, Meeting]) -> None:
        """Take what is known already; the rest is found when it is asked for."""
        self.left: Final = left
        self.right: Final = right
        self._known: Final = known

    def can(self, left: Outcome, right: Outcome) -> Answer:
        """Say whether both outcomes can meet in one request."""
        return self._meeting((left, right))[0]

    def _meeting(self, pair: Pair) -> Meeting:
        found = self._known.get(pair)
        if found is None:
            found = self._known[pair] = _met(self.left.boxes(pair[0]), self.right.boxes(pair[1]))
        return found

    @property
    def relation(self) -> Relation:
        """Say how they stand to each other."""
        both = self.can(Outcome.TRUE, Outcome.TRUE)
        if both is Answer.NO:
            return Relation.DISJOINT
        only_left = _any(self.can(Outcome.TRUE, other) for other in _NOT_TRUE)
        only_right = _any(self.can(other, Outcome.TRUE) for other in _NOT_TRUE)
        if only_left is only_right is Answer.NO:
            return self._kinship()
        if Answer.UNKNOWN in (both, only_left, only_right):
            return Relation.UNKNOWN
        if only_left is Answer.NO:
            return Relation.IMPLIES
        return Relation.IMPLIED if only_right is Answer.NO else Relation.OVERLAPPING

    def _kinship(self) -> Relation:
        found = _any(self.can(*pair) for pair in _ERRORS_ALONE)
        if found is Answer.YES:
            return Relation.ALIKE
        return Relation.UNKNOWN if found is Answer.UNKNOWN else Relation.EQUAL

    def witness(self, left: Outcome, right: Outcome) -> Witness | None:
        """Return a request with these outcomes, checked by asking both conditions themselves."""
        boxes = self._meeting((left, right))[1]
        if boxes is None:
            return None
        space, box = self.left.space, overlap(*boxes)
        leaves = (leaf for each in (self.left, self.right) for leaf in leaves_of(each.formula))
        found = witness(space.values_in(box, leaves), self.left.subject.parameters, space.universe)
        for study, outcome in ((self.left, left), (self.right, right)):
            environment = found.environment(study.subject.parameters)
            assert asked(study.subject, environment) is outcome, (study.subject, found)
        return found


_NOT_TRUE: Final = (Outcome.FALSE, Outcome.ERROR)
_ERRORS_ALONE: Final = ((Outcome.ERROR, Outcome.FALSE), (Outcome.FALSE, Outcome.ERROR))


def _any(answers: Iterable[Answer]) -> Answer:
    found = Answer.NO
    for answer in answers:
        if answer is Answer.YES:
            return answer
        if answer is Answer.UNKNOWN:
            found = answer
    return found


def _met(ones: Sequence[Region[Outcome]], others: Sequence[Region[Outcome]]) -> Meeting:
    found: Meeting = (Answer.NO, None)
    for one in ones:
        for other in others:
            if apart(one.box, other.box):
                continue
            if one.certain and other.certain:
                return Answer.YES, (one.box, other.box)
            found = (Answer.UNKNOWN, None)
    return found


def compared(left: Study, right: Study) -> Comparison | None:
    """Compare two conditions of one space; None where that would take too long."""
    assert left.space is right.space, "two spaces have nothing in common"
    if left.regions is None or right.regions is None:
        return None
    pairs = len(left.regions.boxes) * len(right.regions.boxes)
    if left.regions.whole and right.regions.whole and pairs <= CELLS_MAX:
        return Comparison(left, right, {})
    return _compared_anew(left, right)


def _compared_anew(left: Study, right: Study) -> Comparison | None:
    """Walk the space once for both, where one has too many boxes to hold against the other's."""
    both = (left.formula, right.formula)
    found = cut(left.space, both, both, _both_given, _both_settled)
    if found is None:
        return None
    known: dict[Pair, Meeting] = {
        (one, other): (Answer.NO, None) for one in Outcome for other in Outcome
    }
    for each in sorted(found.boxes, key=lambda each: each.certain):
        known[each.label] = (
            (Answer.YES, (each.box, each.box)) if each.certain else (Answer.UNKNOWN, None)
        )
    return Comparison(left, right, known)


def _both_given(
    both: tuple[Formula, Formula], outcomes: Mapping[int, Outcome]
) -> tuple[Formula, Formula]:
    return given(both[0], outcomes), given(both[1], outcomes)


def _both_settled(both: tuple[Formula, Formula]) -> tuple[Outcome, Outcome] | None:
    one, other = both
    return (one, other) if isinstance(one, Outcome) and isinstance(other, Outcome) else None

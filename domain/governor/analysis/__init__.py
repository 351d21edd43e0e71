"""Static analysis: what policies can say at all, decided before they are in force.

condition ─► atoms ─► groups of fields ─► cells ─► regions ─► study, relation, difference, lint
Exact, without a solver: the truth of a condition depends only on the cell that each field is in.
"""

from domain.governor.analysis.diagnostic import Diagnostic, Severity
from domain.governor.analysis.difference import Change, Difference, difference
from domain.governor.analysis.formula import Outcome
from domain.governor.analysis.lint import lint
from domain.governor.analysis.space import Subject
from domain.governor.analysis.study import Answer, Relation, Study, study
from domain.governor.analysis.survey import Survey, survey
from domain.governor.analysis.universe import EVERYTHING, Universe
from domain.governor.analysis.vocabulary import Vocabulary
from domain.governor.analysis.witness import Witness

__all__ = [
    "EVERYTHING",
    "Answer",
    "Change",
    "Diagnostic",
    "Difference",
    "Outcome",
    "Relation",
    "Severity",
    "Study",
    "Subject",
    "Survey",
    "Universe",
    "Vocabulary",
    "Witness",
    "difference",
    "lint",
    "study",
    "survey",
]

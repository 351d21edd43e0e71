"""The language of conditions: a strict subset of CEL, compiled to closures, that fails closed.

"data.amount > 500" ─ parse ─► tree ─ compile ─► Condition.evaluate(Environment) ─► true | false
         ▲                      │                                                  └► error = deny
         └────────── render ────┘
"""

from domain.governor.language.condition import Condition, compile_as_cel, compile_condition
from domain.governor.language.errors import EvaluationError, PolicySyntaxError
from domain.governor.language.parser import parse
from domain.governor.language.printer import render
from domain.governor.language.values import MISSING, Environment

__all__ = [
    "MISSING",
    "Condition",
    "Environment",
    "EvaluationError",
    "PolicySyntaxError",
    "compile_as_cel",
    "compile_condition",
    "parse",
    "render",
]

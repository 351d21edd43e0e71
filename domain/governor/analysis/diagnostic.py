"""Diagnostics: what lint has to say about a policy.      error  >  warning  >  note"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from domain.governor.analysis.witness import Witness


class Severity(IntEnum):
    """An error is refused, a warning wants a second look, a note only tells."""

    NOTE = 0
    WARNING = 1
    ERROR = 2

    @property
    def word(self) -> str:
        """Return the word that people read."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One thing to know about a policy: the rule, what is so, what to do, and a request that
    shows it. `rule` is empty where it is about the policy."""

    severity: Severity
    code: str
    message: str
    rule: str = ""
    cure: str = ""
    witness: Witness | None = None

    @property
    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "severity": self.severity.word,
            "code": self.code,
            "rule": self.rule,
            "message": self.message,
            "cure": self.cure,
            "witness": self.witness.told if self.witness is not None else None,
        }

"""Vocabulary: the words that conditions may use, as the caller declares them.

actions    process_refund: {amount: number, coupon: string|null}   every rule is heard
commands   draft_policy: {policyId: string}                        only rules that name them are
facts      refunds24h: number
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.governor.analysis.universe import ANYTHING, Universe, kinds_in
from domain.governor.language import Condition
from domain.governor.language.tree import Path

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Action types and commands with the declared types of their fields, and the facts there are.

    A type is one or several of missing, null, boolean, integer, number, string, list, object,
    any, joined by `|`.
    """

    actions: Mapping[str, Fields] = field(default_factory=dict)
    commands: Mapping[str, Fields] = field(default_factory=dict)
    facts: Fields = field(default_factory=dict)

    @property
    def requests(self) -> dict[str, Fields]:
        """Return everything that a rule can name."""
        return {**self.commands, **self.actions}

    def concerned(self, condition: Condition) -> dict[str, Fields]:
        """Return the requests that a condition is about, with their fields."""
        if condition.actions is None:
            return dict(self.actions)
        known = self.requests
        return {name: known[name] for name in sorted(condition.actions) if name in known}

    def universes(self, condition: Condition) -> Iterator[Universe]:
        """Yield what there can be in each of those requests."""
        for name, fields in self.concerned(condition).items():
            yield Universe(name, fields, self.facts)

    def kinds(self, path: Path, fields: Mapping[str, Fields]) -> frozenset[str]:
        """Return what a path can lead to in some requests; nothing where none declares it."""
        match path:
            case Path("data", ("action",)):
                return _STRING
            case Path("data", (name, *rest)):
                types = [each[name] for each in fields.values() if name in each]
            case Path("facts", (name, *rest)):
                types = [self.facts[name]] if name in self.facts else []
            case _:
                return _STRING
        kinds = frozenset().union(*map(kinds_in, types))
        if rest:
            return ANYTHING if "object" in kinds else frozenset()
        return kinds


_STRING: Final = frozenset({"string"})

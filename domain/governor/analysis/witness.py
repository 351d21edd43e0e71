"""Witnesses: requests that show what is claimed; to evaluate one is to check the claim.

Witness ─► environment()  for the compiled condition      payload  for people and for JSON
        └► words          data.amount = 501, data.country is missing
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from domain.governor.analysis.atoms import Parameters
from domain.governor.analysis.cells import environment
from domain.governor.analysis.universe import ACTION, Universe
from domain.governor.language import MISSING, Environment, render
from domain.governor.language.tree import Literal, Path
from domain.governor.language.values import is_nan


@dataclass(frozen=True, slots=True)
class Witness:
    """The values of what is read, in one request; `parameters` are those of its first policy."""

    values: tuple[tuple[Path, object], ...]
    parameters: Parameters = field(default_factory=dict)

    def environment(self, parameters: Parameters | None = None) -> Environment:
        """Return what a condition sees, with these parameters instead of the witness's own."""
        found = environment(self.values)
        assert found is not None, "a cell without an environment"
        found.params = self.parameters if parameters is None else parameters
        return found

    @property
    def words(self) -> str:
        """Say it in one line."""
        return ", ".join(f"{render(path)} {_said(value)}" for path, value in self.values)

    @property
    def told(self) -> dict[str, Any]:
        """Return it as JSON: what is read of the payload, of the facts and of the request."""
        there = self.environment()
        data = {name: value for name, value in there.data.items() if name != "action"}
        roots = {"data": data, "facts": there.facts, **there.context}
        return {name: _plain(value) for name, value in roots.items() if value != {}}


def witness(
    values: tuple[tuple[Path, object], ...], parameters: Parameters, universe: Universe
) -> Witness:
    """Return a witness; where the action type matters or is known, it comes first."""
    others = tuple(pair for pair in values if pair[0] != ACTION)
    action = [pair for pair in values if pair[0] == ACTION]
    if universe.action is not None:
        action = [(ACTION, universe.action)]
    return Witness((*action, *others), parameters)


def _said(value: object) -> str:
    if value is MISSING:
        return "is missing"
    return f"= {written(value)}"


def written(value: object) -> str:
    """Return a value as conditions write it, as far as they can."""
    if is_nan(value):
        return "NaN"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        pairs = (f"{written(name)}: {written(each)}" for name, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if value is None or isinstance(value, bool | int | Decimal | str):
        return f"{value:f}" if isinstance(value, Decimal) else render(Literal(value))
    return str(value)


def _plain(value: object) -> object:
    """Return a value that JSON can say; NaN, which it cannot, as its name."""
    if is_nan(value):
        return "NaN"
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value

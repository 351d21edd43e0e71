"""Vocabulary: what policies may speak of, as the schemas of actions and commands declare it.

ProcessRefund.amount: Decimal ─► number      requested_at: str | None ─► null|string
"""

from collections.abc import Iterable
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from commands.actions import ACTION_TYPES
from commands.catalog import COMMANDS
from commands.facts.known import FACTS
from commands.facts.tally import tallied
from commands.planning import verb_named
from domain.governor.analysis import Vocabulary
from domain.governor.fact import Tally

_TYPES: Final[dict[Any, str]] = {
    NoneType: "null",
    bool: "boolean",
    int: "integer",
    Decimal: "number",
    float: "number",
    str: "string",
    list: "list",
    tuple: "list",
    dict: "object",
}


def vocabulary(own: Iterable[Tally] = ()) -> Vocabulary:
    """Return the words that mean something to this business, and to one policy of its own."""
    facts = {**FACTS, **{tally.name: tallied(tally) for tally in own}}
    return Vocabulary(
        facts={name: fact.kind for name, fact in facts.items()},
        actions={name: declared(each.payload) for name, each in ACTION_TYPES.items()},
        commands={verb_named(name): declared(each) for name, each in COMMANDS.items()},
    )


def declared(model: type[BaseModel]) -> dict[str, str]:
    """Return the fields of a payload, by their JSON names, with their types."""
    return {
        each.alias or name: "|".join(sorted(_kinds(each.annotation)))
        for name, each in model.model_fields.items()
    }


def _kinds(annotation: Any) -> set[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return set().union(*map(_kinds, arguments))
    if origin is Annotated:
        return _kinds(arguments[0])
    if origin is Literal:
        return set().union(*(_kinds(type(each)) for each in arguments))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {"object"}
    return {_TYPES.get(origin or annotation, "any")}

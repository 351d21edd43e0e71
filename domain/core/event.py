"""Events: facts that happened, kept for ever.

@event("action.proposed")            the class may be renamed and moved; the stored name may not
class ActionProposed: ...            a frozen, slotted, keyword-only dataclass
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(stored_as: str, *, version: int = 1) -> Callable[[type[T]], type[T]]:
    """Make a class an immutable fact.

    `stored_as` is the name written to the log, `<category>.<snake_case>`, past tense.
    `version` is the schema version that new events are written with.
    """

    def make(cls: type[T]) -> type[T]:
        fact = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        fact.stored_as = stored_as  # type: ignore[attr-defined]
        fact.schema_version = version  # type: ignore[attr-defined]
        return fact

    return make


def stored_name(fact: object) -> str:
    """Return the name under which a fact, or a class of facts, is stored."""
    name: object = getattr(fact, "stored_as", None)
    assert isinstance(name, str), f"{fact!r} is not an event"
    return name


def schema_version(fact: object) -> int:
    """Return the schema version that a fact, or a class of facts, is written with."""
    version: object = getattr(fact, "schema_version", None)
    assert isinstance(version, int), f"{fact!r} is not an event"
    return version

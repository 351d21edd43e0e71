"""Fact: one thing that the log can tell about a request, and the names things are counted under.

reads(ask, matter) ──► histories        tell(ask, matter, past) ──► value | Unknown | Untold
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from commands.message import Reads
from domain.core.canonical import digest
from domain.governor.fact import Matter
from domain.governor.judge import Ask
from domain.kernel.org_unit import ROOT
from domain.ports import Past

_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@-]{0,127}")
_KINDS: Final = {"money": "number", "count": "integer", "hours": "number", "text": "string"}
AGENT, ORG_UNIT, BUSINESS = "agent", "org_unit", "business"


class Untold(Exception):
    """The log cannot tell a fact in this decision."""


class Unknown(Exception):
    """The log knows nothing of it; the fact is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that the log can tell. `corrects` maps action types to the claim it replaces.

    `reads` names the histories it is told from, `tell` gives its value from them; both may raise
    `Untold`. `unit` is money, count, hours or text.
    """

    name: str
    about: str
    unit: str
    reads: Callable[[Ask, Matter], Reads]
    tell: Callable[[Ask, Matter, Past], object]
    corrects: Mapping[str, str] = field(default_factory=dict)
    may_be_missing: bool = False

    @property
    def kind(self) -> str:
        """Return the type of its value, as a vocabulary declares it."""
        kind = _KINDS[self.unit]
        return f"missing|{kind}" if self.may_be_missing else kind


def subject_key(subject: str, value: str) -> str:
    """Return the key of a thing's commitments; a name that is no key goes by its digest."""
    return f"{subject}:{value if _KEY.fullmatch(value) else digest(value)[:32]}"


def commitment_keys(
    action_id: str, agent_id: str, org_path: tuple[str, ...], subjects: Mapping[str, str]
) -> tuple[str, ...]:
    """Return every name under which what is authorized now will be counted."""
    return (
        f"action:{action_id}",
        *((f"{AGENT}:{agent_id}",) if agent_id else ()),
        *(f"{ORG_UNIT}:{unit}" for unit in org_path),
        *(subject_key(name, value) for name, value in subjects.items() if value),
    )


def key_of(same: str, ask: Ask, matter: Matter) -> str:
    """Return the name under which a request finds others of the same agent, customer …"""
    if same == AGENT and ask.agent_id:
        return f"{AGENT}:{ask.agent_id}"
    if same == ORG_UNIT and ask.org_unit_id:
        return f"{ORG_UNIT}:{ask.org_unit_id}"
    if same == BUSINESS:
        return f"{ORG_UNIT}:{ROOT}"
    if value := matter.subjects.get(same, ""):
        return subject_key(same, value)
    raise Untold(f"{ask.action} names no {same}")

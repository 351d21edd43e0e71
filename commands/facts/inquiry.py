"""Inquiry: the facts that one decision needs, found out inside its consistency boundary.

rules in force ──► facts they ask for ──► histories to read ──► Standing: a value, or why not
                                                                 corrects the claim of that name
A fact that cannot be told denies whatever asks for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from commands.facts.fact import Fact, Unknown, Untold
from commands.facts.known import FACTS
from commands.facts.tally import tallied
from commands.message import Entry, Reads
from domain.core.instant import Instant
from domain.core.stream import Stream
from domain.governor.claim import CLAIM, ClaimContradicted
from domain.governor.fact import FactUse, Matter, Standing
from domain.governor.judge import Ask
from domain.ports import Past


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The facts that one decision needs: those that rules ask for, and those that correct."""

    ask: Ask
    matter: Matter
    facts: Mapping[FactUse, Fact]

    def reads(self) -> Reads:
        """Return the histories that the facts are told from, each once."""
        found: dict[tuple[str, str], tuple[Stream[Any, Any], str]] = {}
        for fact in self.facts.values():
            try:
                named = fact.reads(self.ask, self.matter)
            except Untold:
                continue  # said again, with its reason, when the fact is to be told
            for stream, key in named:
                found[stream.at(key), str(id(stream))] = (stream, key)
        return tuple(found.values())

    def standings(self, past: Past) -> dict[FactUse, Standing]:
        """Tell every fact."""
        return {use: self._told(use, fact, past) for use, fact in self.facts.items()}

    def _told(self, use: FactUse, fact: Fact, past: Past) -> Standing:
        try:
            return Standing(use.name, fact.tell(self.ask, self.matter, past))
        except Unknown:
            return Standing(use.name, missing=True)
        except Untold as untold:
            return Standing(use.name, problem=str(untold))

    def corrections(self, standings: Mapping[FactUse, Standing]) -> dict[str, object]:
        """Return what the log says in the place of claims, by the claim's name."""
        return {
            claim: standings[use].value
            for use, fact in self.facts.items()
            if (claim := fact.corrects.get(self.ask.action))
            and not (standings[use].missing or standings[use].problem)
        }


def inquiry(ask: Ask, uses: Iterable[FactUse]) -> Inquiry | None:
    """Return what is to be found out for a request, or None if nothing is."""
    if ask.matter is None:
        return None
    facts: dict[FactUse, Fact] = {}
    for use in uses:
        fact = FACTS.get(use.name) if use.tally is None else tallied(use.tally)
        if fact is not None:
            facts[use] = fact
    for fact in _CORRECTING.get(ask.action, ()):
        facts.setdefault(FactUse("", fact.name), fact)
    return Inquiry(ask, ask.matter, facts) if facts else None


_CORRECTING: Final = {
    action: tuple(fact for fact in FACTS.values() if action in fact.corrects)
    for action in {action for fact in FACTS.values() for action in fact.corrects}
}


def contradictions(ask: Ask, at: Instant) -> tuple[Entry, ...]:
    """Return, as facts of their own, the claims of an agent that the log does not bear out."""
    if not ask.agent_id:
        return ()
    return tuple(
        (
            (CLAIM.at(ask.agent_id),),
            ClaimContradicted(
                agent_id=ask.agent_id,
                action=ask.action,
                name=name,
                claimed=ask.data.get(name),
                found=found,
                at=at,
            ),
        )
        for name, found in ask.corrections.items()
        if ask.data.get(name) not in (None, "", found)
    )

"""Difference: what a new version of a policy answers otherwise, and to which requests.

old rules ─┐               ┌─► allowed ─► held      data.amount is above 300 and at most 500
           ├─ one space ───┤
new rules ─┘               └─► held ─► allowed      …    or nothing: the texts differ, not the law

A policy answers with its strictest rule that holds; a rule that has no answer denies.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from domain.core.principal import Role
from domain.governor.analysis.formula import Formula, Outcome, given, leaves_of
from domain.governor.analysis.regions import Region, cut
from domain.governor.analysis.space import Space, Subject
from domain.governor.analysis.study import Answer, asked
from domain.governor.analysis.universe import EVERYTHING, Universe
from domain.governor.analysis.witness import Witness, witness
from domain.governor.analysis.words import described
from domain.governor.effect import Effect, effect_of
from domain.governor.policy import Policy, Rule, article

BOXES_MAX: Final = 3
"""Of the requests that are answered otherwise, how many kinds are told."""
_APPROVERS: Final = (Role.OPERATOR.value, Role.ADMIN.value, Role.FOUNDER.value)


class Strength(NamedTuple):
    """An answer: the effect, and of approvals how high the approver has to stand."""

    effect: Effect
    rank: int = 0

    @property
    def words(self) -> str:
        """Say it in a word or two."""
        if self.effect is Effect.REQUIRE_APPROVAL:
            return f"held for {_APPROVERS[self.rank]}"
        return _WORDS[self.effect]


_WORDS: Final = {Effect.ALLOW: "allowed", Effect.WARN: "warned about", Effect.DENY: "denied"}
ALLOWED: Final = Strength(Effect.ALLOW)
DENIED: Final = Strength(Effect.DENY)


class Party(NamedTuple):
    """A policy half way: its strictest answer so far, and the rules that are still open."""

    floor: Strength
    open: frozenset[tuple[Formula, Strength]]


@dataclass(frozen=True, slots=True)
class Change:
    """Requests that are answered otherwise: in words, and one of them as an example."""

    before: Strength
    after: Strength
    where: tuple[str, ...]
    example: Witness | None

    @property
    def words(self) -> str:
        """Say it in one line."""
        return f"now {self.after.words}, {self.before.words} before"


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes between two versions. `same` is unknown where a comparison is opaque."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    same: Answer


def strength_of(rule: Rule) -> Strength:
    """Return what a rule answers where it holds."""
    effect = effect_of(rule.action)
    if effect is not Effect.REQUIRE_APPROVAL:
        return Strength(effect)
    known = rule.approver_role in _APPROVERS
    return Strength(effect, _APPROVERS.index(rule.approver_role) if known else len(_APPROVERS) - 1)


def difference(old: Policy, new: Policy, universe: Universe = EVERYTHING) -> Difference:
    """Compare what two versions of a policy answer to every request in their scope."""
    subjects = [*subjects_of(old), *subjects_of(new)]
    space = Space(subjects, universe)
    formulas = space.formulas
    count = len(subjects_of(old))
    parties = (_party(old, formulas[:count]), _party(new, formulas[count:]))
    regions = cut(space, parties, formulas, _advanced, _settled)
    if regions is None:
        return Difference((), tuple(_notes(old, new)), Answer.UNKNOWN)
    found: dict[tuple[Strength, Strength], list[Region[tuple[Strength, Strength]]]] = {}
    for region in regions.boxes:
        if region.label[0] != region.label[1]:
            found.setdefault(region.label, []).append(region)
    changes = [_change(old, new, space, boxes) for _, boxes in sorted(found.items())]
    notes = tuple(_notes(old, new))
    same = Answer.NO if _scope(old) != _scope(new) else _sameness(changes)
    return Difference(tuple(changes), notes, same)


def subjects_of(policy: Policy) -> list[Subject]:
    """Return the conditions of a policy's rules, as far as they are conditions."""
    conditions = (article(policy, rule).condition for rule in policy.rules)
    return [Subject(each, policy.parameters) for each in conditions if each is not None]


def answered(policy: Policy, request: Witness) -> Strength:
    """Return what a policy answers to a request, by asking its rules themselves."""
    strengths = [ALLOWED]
    for rule in policy.rules:
        condition = article(policy, rule).condition
        outcome = Outcome.ERROR
        if condition is not None:
            outcome = asked(Subject(condition, policy.parameters), request.environment())
        strengths.append(contribution(outcome, strength_of(rule)))
    return max(strengths)


def contribution(outcome: Outcome, strength: Strength) -> Strength:
    """Return what a rule adds to the answer of its policy."""
    if outcome is Outcome.ERROR:
        return DENIED
    return strength if outcome is Outcome.TRUE else ALLOWED


def _party(policy: Policy, formulas: Sequence[Formula]) -> Party:
    rules = [rule for rule in policy.rules if article(policy, rule).condition is not None]
    floor = ALLOWED if len(rules) == len(policy.rules) else DENIED
    pairs = zip(formulas, map(strength_of, rules), strict=True)
    return _weighed(Party(floor, frozenset(pairs)), {})


def _weighed(party: Party, outcomes: Mapping[int, Outcome]) -> Party:
    floor, left = party.floor, []
    for formula, strength in party.open:
        after = given(formula, outcomes)
        if isinstance(after, Outcome):
            floor = max(floor, contribution(after, strength))
        else:
            left.append((after, strength))
    return Party(floor, frozenset(() if floor == DENIED else left))


def _advanced(parties: tuple[Party, Party], outcomes: Mapping[int, Outcome]) -> tuple[Party, Party]:
    return _weighed(parties[0], outcomes), _weighed(parties[1], outcomes)


def _settled(parties: tuple[Party, Party]) -> tuple[Strength, Strength] | None:
    old, new = parties
    return None if old.open or new.open else (old.floor, new.floor)


def _change(
    old: Policy,
    new: Policy,
    space: Space,
    regions: Sequence[Region[tuple[Strength, Strength]]],
) -> Change:
    before, after = regions[0].label
    where = tuple(described(space.axes, region.box) for region in regions[:BOXES_MAX])
    sure = next((region for region in regions if region.certain), None)
    example = None
    if sure is not None:
        leaves = (leaf for formula in space.formulas for leaf in leaves_of(formula))
        example = witness(space.values_in(sure.box, leaves), old.parameters, space.universe)
        assert (answered(old, example), answered(new, example)) == (before, after), example
    return Change(before, after, where, example)


def _sameness(changes: Sequence[Change]) -> Answer:
    if any(change.example is not None for change in changes):
        return Answer.NO
    return Answer.UNKNOWN if changes else Answer.YES


def _scope(policy: Policy) -> str:
    return f"{policy.scope} {policy.scope_id}".strip()


def _notes(old: Policy, new: Policy) -> Iterator[str]:
    """Say what else is new: none of it changes an answer, but for the scope."""
    if _scope(old) != _scope(new):
        yield f"the scope was {_scope(old)} and is {_scope(new)}: elsewhere everything changes"
    before, after = ({rule.id: rule for rule in policy.rules} for policy in (old, new))
    yield from (f"rule {name} is gone" for name in before if name not in after)
    yield from (f"rule {name} is new" for name in after if name not in before)
    for name in (name for name in before if name in after):
        for what in ("condition", "action", "approver_role", "message"):
            if getattr(before[name], what) != getattr(after[name], what):
                yield f"rule {name} has another {what.replace('_', ' ')}"
    for name in sorted({*old.parameters, *new.parameters}):
        was, now = (policy.parameters.get(name, "absent") for policy in (old, new))
        if repr(was) != repr(now):
            yield f"parameter {name} was {was} and is {now}"

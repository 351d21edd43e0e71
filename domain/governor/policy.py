"""Policies: rules as data, and the rule book that is compiled from the active ones.

Policy ─ rules ─► condition (text) ─► closure        RuleBook: action type ─► rules that may fire
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from domain.core.canonical import digest
from domain.governor.effect import Effect, effect_of
from domain.governor.fact import FactUse, Tally, tally_flaw
from domain.governor.language import Condition, PolicySyntaxError, compile_condition
from domain.governor.parameter import Bounds, bounds_flaw, unfit
from domain.governor.verdict import Finding, Reading

SCOPES: Final = ("global", "org_unit", "agent", "workflow")
ACTIONS: Final = ("allow", "warn", "deny", "require_approval")
ACTORS: Final = ("user", "agent", "system")
APPROVALS_MAX: Final = 10
EXPIRES_HOURS_MAX: Final = 168
RULES_MAX: Final = 100
FACTS_MAX: Final = 20
CASES_MAX: Final = 200
FOUNDER: Final = "founder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One condition, and what the governor answers where it holds."""

    id: str
    condition: str
    action: str
    message: str
    priority: int = 0
    approver_role: str = FOUNDER
    approvals: int = 1
    expires_hours: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One example of what a policy must answer: the proof that it means what it says.

    `data` is a payload, `facts` what the log says, `expect` an effect. Broken data belongs among
    the cases: a policy is known by what it does when it cannot tell.
    """

    name: str
    action: str
    data: Mapping[str, object]
    expect: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One immutable version of a policy.

    `applies_to` names the action types that it is about, `actors` the kinds of principals; both
    are empty where it is about all. `parameters` have `bounds`; `facts` are tallies of its own;
    `cases` are its tests. `owner` is who answers for it.
    """

    id: str
    version: int
    name: str
    description: str = ""
    rationale: str = ""
    scope: str = "global"
    scope_id: str = ""
    rules: tuple[Rule, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    built_in: bool = False
    applies_to: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    owner: str = ""
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    facts: tuple[Tally, ...] = ()
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """A rule ready to be asked: its policy, and its condition as a closure.

    `condition` is None where the stored text does not compile; such a rule always denies.
    """

    key: str
    policy: Policy
    rule: Rule
    effect: Effect
    condition: Condition | None
    met: Finding
    unmet: Finding
    facts: tuple[FactUse, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One path that rules about an action read, how to read it for the record, and who does.

    Parameters of different policies are different things, though their names be the same.
    """

    path: str
    source: str
    article: Article
    readers: tuple[str, ...]
    missing: Reading


@dataclass(frozen=True, slots=True)
class Chapter:
    """The rules that could hold for one action type, in a fixed order, and what they read."""

    articles: tuple[Article, ...]
    lookups: tuple[Lookup, ...]
    facts: tuple[FactUse, ...] = ()


_FACTS: Final = "facts."
_SOURCES: Final = {"data": "claim", "facts": "fact", "params": "params"}


def article(policy: Policy, rule: Rule) -> Article:
    """Compile one rule."""
    condition, problem = _compiled(rule.condition)
    key = f"{policy.id}@{policy.version}/{rule.id}"
    effect = effect_of(rule.action)
    met = Finding(key, "true", effect.word, rule.message)
    unmet = Finding(key, "false", Effect.ALLOW.word)
    facts = _facts_used(policy, condition)
    return Article(key, policy, rule, effect, condition, met, unmet, facts, problem)


def _facts_used(policy: Policy, condition: Condition | None) -> tuple[FactUse, ...]:
    declared = {tally.name: tally for tally in policy.facts}
    names = _fact_names(condition) if condition is not None else ()
    return tuple(
        FactUse(policy.id, name, declared[name]) if name in declared else FactUse("", name)
        for name in names
    )


def _fact_names(condition: Condition) -> tuple[str, ...]:
    paths = (path for path in condition.reads if path.startswith(_FACTS))
    return tuple(path.removeprefix(_FACTS) for path in paths)


def chapter(articles: Iterable[Article]) -> Chapter:
    """Bind rules together; what several of them read is read once."""
    ordered = tuple(sorted(articles, key=lambda each: each.key))
    reads: dict[tuple[str, str], list[Article]] = {}
    for each in ordered:
        for path in each.condition.reads if each.condition is not None else ():
            reads.setdefault((path, _owner(each, path)), []).append(each)
    reads.pop(("data.action", ""), None)  # the governor's own word, on every verdict already
    lookups = tuple(_lookup(path, reads[path, own]) for path, own in sorted(reads))
    facts = dict.fromkeys(use for each in ordered for use in each.facts)
    return Chapter(ordered, lookups, tuple(facts))


def _owner(article: Article, path: str) -> str:
    """Return the policy that gives a path its meaning, or nothing where all mean the same."""
    if path.startswith("params."):
        return article.policy.id
    return next((use.owner for use in article.facts if path == _FACTS + use.name), "")


def _lookup(path: str, readers: list[Article]) -> Lookup:
    source = _SOURCES.get(re.split(r"[.\[]", path, maxsplit=1)[0], "context")
    keys = tuple(each.key for each in readers)
    return Lookup(path, source, readers[0], keys, Reading(path, "missing"))


@lru_cache(maxsize=4096)
def _compiled(text: str) -> tuple[Condition | None, str]:
    try:
        return compile_condition(text), ""
    except PolicySyntaxError as error:
        return None, str(error)


class RuleBook:
    """The active policies, compiled and indexed by the action types that they can hold for."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        """Compile the rules of some policies, in the order of their identities."""
        active = sorted(policies, key=lambda policy: policy.id)
        self.hash: Final = digest([[p.id, p.version, dict(p.parameters)] for p in active])
        self._every: list[Article] = []
        self._named: dict[str, list[Article]] = {}
        for each in (article(policy, rule) for policy in active for rule in policy.rules):
            actions = each.condition.actions if each.condition is not None else None
            for action in actions or ():
                self._named.setdefault(action, []).append(each)
            if actions is None:
                self._every.append(each)
        self._chapters: dict[str, Chapter] = {}
        self._rest: Final = chapter(self._every)

    def about(self, action: str) -> Chapter:
        """Return every rule that could hold for an action type."""
        if action not in self._named:
            return self._rest
        known = self._chapters.get(action)
        if known is None:
            known = chapter([*self._every, *self._named[action]])
            self._chapters[action] = known
        return known

    def naming(self, verb: str) -> Chapter:
        """Return the rules that name a command, and no others."""
        return chapter(self._named[verb]) if verb in self._named else _NOTHING


_NOTHING: Final = Chapter((), ())


def flaw(policy: Policy) -> str:
    """Say what is wrong with a policy in one sentence, or nothing."""
    if policy.scope not in SCOPES:
        return f"scope {policy.scope!r} is not one of {', '.join(SCOPES)}"
    if (policy.scope == "global") == bool(policy.scope_id):
        return "a global policy has no scope_id, every other scope needs one"
    if not 0 < len(policy.rules) <= RULES_MAX:
        return f"a policy has 1 to {RULES_MAX} rules, this one has {len(policy.rules)}"
    if len({rule.id for rule in policy.rules}) < len(policy.rules):
        return "two rules have the same id"
    if len({tally.name for tally in policy.facts}) < len(policy.facts):
        return "two facts have the same name"
    flaws = (
        *map(tally_flaw, policy.facts),
        *map(_rule_flaw, policy.rules),
        *(bounds_flaw(name, bounds) for name, bounds in policy.bounds.items()),
        *(parameter_flaw(policy, name) for name in (*policy.bounds, *policy.parameters)),
        *(_case_flaw(case) for case in policy.cases),
        *(
            f"actors: {each!r} is not one of {', '.join(ACTORS)}"
            for each in policy.actors
            if each not in ACTORS
        ),
    )
    return next(filter(None, flaws), "")


def parameter_flaw(policy: Policy, name: str) -> str:
    """Say why a parameter may not be what it is, or nothing if it may."""
    if name not in policy.parameters:
        return f"parameter {name} has bounds and no value"
    bounds = policy.bounds.get(name)
    return unfit(name, policy.parameters[name], bounds) if bounds is not None else ""


def _case_flaw(case: Case) -> str:
    if effect_of(case.expect).word != case.expect:
        return f"test {case.name}: {case.expect!r} is not an effect"
    return ""


def _rule_flaw(rule: Rule) -> str:
    if rule.action not in ACTIONS:
        return f"rule {rule.id}: action {rule.action!r} is not one of {', '.join(ACTIONS)}"
    if rule.approver_role not in ("founder", "admin", "operator"):
        return f"rule {rule.id}: {rule.approver_role!r} cannot approve"
    if not 1 <= rule.approvals <= APPROVALS_MAX:
        return f"rule {rule.id}: approvals is {rule.approvals}, and must be 1 to {APPROVALS_MAX}"
    if not 1 <= rule.expires_hours <= EXPIRES_HOURS_MAX:
        return f"rule {rule.id}: expires_hours must be 1 to {EXPIRES_HOURS_MAX}"
    if problem := _compiled(rule.condition)[1]:
        return f"rule {rule.id}: {problem}"
    return ""

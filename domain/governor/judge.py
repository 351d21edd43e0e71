"""Judge: weigh one request against the law.

objections ──┐
kill switch ─┼─► the strictest wins; an error is a denial; the order never matters
rules ───────┘
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from domain.core.principal import Actor
from domain.governor.demand import HOURS_DEFAULT, Demand, merged
from domain.governor.effect import Effect
from domain.governor.fact import FactUse, Matter, Standing
from domain.governor.language import MISSING, Environment, EvaluationError
from domain.governor.law import Law
from domain.governor.policy import FOUNDER, Article, Chapter, Lookup, Policy, RuleBook
from domain.governor.verdict import Finding, Objection, Reading, Verdict

READING_CHARACTERS_MAX: Final = 256
_SILENCE: Final = Chapter((), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """All that the governor needs to know about a request.

    `org_path` leads from the root org unit to the one concerned. `worldly` requests are actions
    on the world: every policy is heard, and they wait while a kill switch is engaged. Of other
    commands only the rules that name them are heard, so that a rule about payments cannot lock
    people out of the business by failing on a command that pays nothing. `brake` commands hear
    no rule at all: nothing may stand between a person and the brake. `founding` is true of the
    one request made without a law. `matter` is what facts are about; `facts` are what the log
    says, and `corrections` what it says in the place of claims in `data`. `overridden` are the
    denials that a founder has lifted for this one request: those findings, to the letter.
    """

    command: str
    action: str
    actor: Actor
    subject: str
    data: Mapping[str, object]
    payload_hash: str
    org_path: tuple[str, ...] = ()
    agent_id: str = ""
    workflow_id: str = ""
    objections: tuple[Objection, ...] = ()
    matter: Matter | None = None
    facts: Mapping[FactUse, Standing] = field(default_factory=dict)
    corrections: Mapping[str, object] = field(default_factory=dict)
    overridden: tuple[Finding, ...] = ()
    worldly: bool = False
    brake: bool = False
    founding: bool = False

    @property
    def org_unit_id(self) -> str:
        """Return the org unit concerned."""
        return self.org_path[-1] if self.org_path else ""


_LAWLESS: Final = Objection(
    "no_law", "This business has no law yet, so nothing is allowed: found it first (`bos up`)"
)


def judge(ask: Ask, law: Law) -> Verdict:
    """Hear every rule that concerns a request; the strictest answer wins."""
    objections = ask.objections
    if not law.constituted and not ask.founding:
        objections = (_LAWLESS, *objections)
    if objections:
        return Verdict(effect=Effect.DENY, objections=objections, law_hash=law.book.hash)
    chapter = _heard(ask, law.book)
    articles = [each for each in chapter.articles if _concerns(each.policy, ask)]
    sight = Sight(ask)
    opinions = [_opinion(each, sight) for each in articles]
    engagements = law.engagements(ask.org_path) if ask.worldly else ()
    effect = Effect.REQUIRE_APPROVAL if engagements else Effect.ALLOW
    for opinion, finding in opinions:
        if finding not in ask.overridden:
            effect = max(effect, opinion)
    wanted = _Wanted()
    if effect is Effect.REQUIRE_APPROVAL:
        wanted = _wanted(articles, opinions, engagements)
    return Verdict(
        effect=effect,
        findings=tuple([finding for _, finding in opinions]),
        readings=_readings(chapter, articles, sight),
        engagements=engagements,
        triggers=wanted.triggers,
        approver_role=wanted.demands[0].role if wanted.demands else "",
        demands=wanted.demands,
        expires_hours=wanted.expires_hours,
        law_hash=law.book.hash,
        shadows=_watched(ask, law, sight) if law.shadows else (),
    )


def facts_needed(ask: Ask, law: Law) -> tuple[FactUse, ...]:
    """Return the facts that the rules ask for which a request has to hear, or that only watch."""
    facts = _heard(ask, law.book).facts
    return (*facts, *_heard(ask, law.shadow_book).facts) if law.shadows else facts


def _heard(ask: Ask, book: RuleBook) -> Chapter:
    if ask.worldly:
        return book.about(ask.action)
    return _SILENCE if ask.brake else book.naming(ask.action)


def _watched(ask: Ask, law: Law, sight: "Sight") -> tuple[Finding, ...]:
    """Return what rules would have said that are only watched, where they would have said it."""
    articles = _heard(ask, law.shadow_book).articles
    opinions = (_opinion(each, sight) for each in articles if _concerns(each.policy, ask))
    return tuple(finding for _, finding in opinions if finding.result != "false")


@dataclass(slots=True)
class Sight:
    """What rules see of one request. The action type is the governor's word, never a claim.

    Facts that a policy declares itself are seen by that policy only.
    """

    ask: Ask
    _by_owner: dict[str, Environment] = field(default_factory=dict)

    def of(self, article: Article) -> Environment:
        """Return what one rule sees."""
        owner = article.policy.id if article.policy.facts else ""
        environment = self._by_owner.get(owner)
        if environment is None:
            environment = self._by_owner[owner] = environment_of(self.ask, owner)
        environment.params = article.policy.parameters
        return environment


def environment_of(ask: Ask, owner: str = "") -> Environment:
    """Return what the rules of one policy see; without a name, those without facts of their own."""
    actor = ask.actor
    return Environment(
        data={**ask.data, **ask.corrections, "action": ask.action},
        context={
            "action": ask.action,
            "orgUnitId": ask.org_unit_id,
            "agentId": ask.agent_id,
            "workflowId": ask.workflow_id,
            "actor": {"id": actor.id, "kind": actor.kind, "role": actor.role.value},
        },
        params={},
        facts={
            use.name: standing.value
            for use, standing in ask.facts.items()
            if use.owner in ("", owner) and not standing.missing
        },
    )


def _concerns(policy: Policy, ask: Ask) -> bool:
    if policy.applies_to and ask.action not in policy.applies_to:
        return False
    if policy.actors and ask.actor.kind not in policy.actors:
        return False
    match policy.scope:
        case "global":
            return True
        case "org_unit":
            return policy.scope_id in ask.org_path
        case "agent":
            return policy.scope_id == ask.agent_id
        case "workflow":
            return policy.scope_id == ask.workflow_id
        case _:
            return True  # an unknown scope concerns everybody: it can only make things stricter


def _opinion(article: Article, sight: Sight) -> tuple[Effect, Finding]:
    problem = article.problem or _untold(article, sight.ask)
    if article.condition is None or problem:
        return Effect.DENY, Finding(article.key, "error", "deny", problem)
    try:
        holds = article.condition.evaluate(sight.of(article))
    except EvaluationError as error:
        return Effect.DENY, Finding(article.key, "error", "deny", error.reason)
    return (article.effect, article.met) if holds else (Effect.ALLOW, article.unmet)


def _untold(article: Article, ask: Ask) -> str:
    """Say which fact the log could not tell; a rule that needs it cannot be trusted to be false."""
    for use in article.facts:
        standing = ask.facts.get(use)
        if standing is None:
            return f"facts.{use.name} is not a fact that this program knows"
        if standing.problem:
            return f"facts.{use.name} cannot be told: {standing.problem}"
    return ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What asks for an approval, whose, and how soon."""

    triggers: tuple[str, ...] = ()
    demands: tuple[Demand, ...] = ()
    expires_hours: int = HOURS_DEFAULT


def _wanted(
    articles: list[Article],
    opinions: list[tuple[Effect, Finding]],
    engagements: tuple[str, ...],
) -> _Wanted:
    """Merge what asks for an approval: every trigger, everybody demanded, the shortest time."""
    rules = [
        article
        for article, (effect, _) in zip(articles, opinions, strict=True)
        if effect is Effect.REQUIRE_APPROVAL
    ]
    triggers = (
        *(f"kill_switch:{engagement}" for engagement in engagements),
        *(article.key for article in rules),
    )
    demands = [Demand(each.rule.approver_role, each.rule.approvals) for each in rules]
    hours = [each.rule.expires_hours for each in rules]
    if engagements:
        demands.append(Demand(FOUNDER, 1))
        hours.append(HOURS_DEFAULT)
    return _Wanted(triggers, merged(demands), min(hours))


def _readings(chapter: Chapter, asked: list[Article], sight: Sight) -> tuple[Reading, ...]:
    """Record what was read by the rules that were asked."""
    if len(asked) == len(chapter.articles):
        return tuple([_reading(lookup, sight) for lookup in chapter.lookups])
    keys = {article.key for article in asked}
    return tuple(
        _reading(lookup, sight) for lookup in chapter.lookups if not keys.isdisjoint(lookup.readers)
    )


def _reading(lookup: Lookup, sight: Sight) -> Reading:
    article = lookup.article
    assert article.condition is not None
    value = article.condition.lookup(sight.of(article), lookup.path)
    if value is MISSING:
        return lookup.missing
    corrected = lookup.path.removeprefix("data.") in sight.ask.corrections
    return Reading(lookup.path, "fact" if corrected else lookup.source, _recordable(value))


def _recordable(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, str) and len(value) <= READING_CHARACTERS_MAX:
        return value
    return f"({type(value).__name__}, not recorded)"

"""Laws of the governor, whatever the policies: order is nothing, more policies are never milder.

The reference asks every rule of every policy, one by one, without an index.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st

from domain.core.principal import Actor, Role
from domain.governor.builtin import BUILT_IN
from domain.governor.effect import Effect
from domain.governor.judge import Ask, environment_of, judge
from domain.governor.language import Environment, EvaluationError
from domain.governor.law import EVERYWHERE, Law
from domain.governor.policy import SCOPES, Policy, Rule, article
from domain.governor.verdict import Verdict

PATH: Final = ("business", "eu")
ACTIONS: Final = ("process_refund", "process_payout", "update_price", "nonsense")
APPROVERS: Final = ("operator", "admin", "founder")

COMPARISONS: Final = (
    "data.amount > 500",
    "data.amount <= params.limit",
    "data.amount == 500",
    "data.color == 'red'",
    "data.color != 'red'",
    "data.color",
    "has(data.amount)",
    "size(data.color) > 2",
    "orgUnitId == 'eu'",
    "agentId == 'support'",
    "actor.role == 'agent'",
    "true",
    "false",
    "data.amount >",  # does not compile
)
GUARDS: Final = (
    "action == 'process_refund'",
    "data.action == 'process_payout'",
    "'update_price' == action",
    "action in ['process_refund', 'update_price']",
    "action != 'process_refund'",
    "data.action == 'process_refund' && action == 'process_payout'",
)


ATOMS: Final = (*COMPARISONS, *GUARDS)
CONDITIONS: Final = (
    *ATOMS,
    *(f"{one} {sign} {other}" for one in ATOMS for sign in ("&&", "||") for other in ATOMS),
    *(f"!({one}) && ({other} || {one})" for one in ATOMS for other in ATOMS),
)
"""Texts that may name actions, may err, and may be no condition at all."""

RULES: Final = st.lists(
    st.builds(
        Rule,
        id=st.just(""),
        condition=st.sampled_from(CONDITIONS),
        action=st.sampled_from(("allow", "warn", "require_approval", "deny", "explode")),
        message=st.sampled_from(("no", "ask", "")),
        approver_role=st.sampled_from(APPROVERS),
    ),
    min_size=1,
    max_size=3,
)
REACHES: Final = (
    ("global", ""),
    *((scope, named) for scope in (*SCOPES[1:], "galaxy") for named in ("eu", "us", "support")),
    ("org_unit", "business"),
    ("workflow", "returns"),
)
PARAMETERS: Final[tuple[dict[str, object], ...]] = ({}, {"limit": 400}, {"limit": Decimal("500.5")})


@st.composite
def policies(draw: st.DrawFn, id: str) -> Policy:
    scope, scope_id = draw(st.sampled_from(REACHES) | st.just(REACHES[0]))
    return Policy(
        id=id,
        version=2,
        name=id,
        scope=scope,
        scope_id=scope_id,
        rules=tuple(replace(rule, id=f"r{n}") for n, rule in enumerate(draw(RULES))),
        parameters=draw(st.sampled_from(PARAMETERS)),
    )


@st.composite
def laws(draw: st.DrawFn) -> Law:
    count = draw(st.integers(0, 4))
    active = {f"p{n}": draw(policies(f"p{n}")) for n in range(count)}
    stops = draw(st.sampled_from(({}, {}, {EVERYWHERE: "k1"}, {"eu": "k2"}, {"us": "k3"})))
    return Law(name="Shop", active=active, stops=stops)


DATA: Final[st.SearchStrategy[dict[str, Any]]] = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.sampled_from(
            (0, 400, 500, 501, Decimal("500.5"), Decimal("NaN"), "900", None, True, [900])
        ),
        "color": st.sampled_from(("red", "blue", None, 7)),
        "type": st.sampled_from(("payout", "gift")),
        "action": st.sampled_from(ACTIONS),
    },
)


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    return Ask(
        command="ProposeAction",
        action=draw(st.sampled_from(ACTIONS)),
        actor=Actor("support", draw(st.sampled_from((Role.AGENT, Role.OPERATOR)))),
        subject="action:a1",
        data=draw(DATA),
        payload_hash="hash",
        org_path=draw(st.sampled_from((PATH, PATH[:1], ()))),
        agent_id=draw(st.sampled_from(("support", ""))),
        workflow_id=draw(st.sampled_from(("returns", ""))),
        worldly=(worldly := draw(st.sampled_from((True, True, False)))),
        brake=not worldly and draw(st.booleans()),
    )


# ── the reference ──


def concerns(policy: Policy, ask: Ask) -> bool:
    wanted: Mapping[str, object] = {
        "org_unit": ask.org_path,
        "agent": (ask.agent_id,),
        "workflow": (ask.workflow_id,),
    }
    known = wanted.get(policy.scope)
    return not isinstance(known, tuple) or policy.scope_id in known


def answer(policy: Policy, rule: Rule, environment: Environment) -> Effect:
    made = article(policy, rule)
    if made.condition is None:
        return Effect.DENY
    environment.params = policy.parameters
    try:
        return made.effect if made.condition.evaluate(environment) else Effect.ALLOW
    except EvaluationError:
        return Effect.DENY


def heard(ask: Ask, policy: Policy, rule: Rule) -> bool:
    """Of an action on the world every rule is heard, of other commands those that name them."""
    condition = article(policy, rule).condition
    names = condition.actions if condition is not None else None
    return ask.worldly or (not ask.brake and names is not None and ask.action in names)


def reference(ask: Ask, law: Law) -> tuple[Effect, set[str]]:
    """The strictest answer of all rules, and the rules that demand an approval."""
    answers = {
        f"{policy.id}@{policy.version}/{rule.id}": answer(policy, rule, environment_of(ask))
        for policy in law.active.values()
        if concerns(policy, ask)
        for rule in policy.rules
        if heard(ask, policy, rule)
    }
    stopped = {law.stops[unit] for unit in (EVERYWHERE, *ask.org_path) if unit in law.stops}
    floor = Effect.REQUIRE_APPROVAL if stopped and ask.worldly else Effect.ALLOW
    effect = max(floor, *answers.values(), Effect.ALLOW)
    if effect is not Effect.REQUIRE_APPROVAL:
        return effect, set()
    asking = {key for key, each in answers.items() if each is Effect.REQUIRE_APPROVAL}
    if ask.worldly:
        asking |= {f"kill_switch:{each}" for each in stopped}
    return effect, asking


# ── laws ──


@given(asks(), laws())
def test_the_index_leaves_out_no_rule_that_could_hold(ask: Ask, law: Law) -> None:
    verdict = judge(ask, law)
    assert (verdict.effect, set(verdict.triggers)) == reference(ask, law)
    assert judge(ask, law) == verdict


@given(asks(), laws())
def test_what_the_index_leaves_out_does_not_hold(ask: Ask, law: Law) -> None:
    found = {each.key for each in law.book.about(ask.action).articles}
    for policy in law.active.values():
        for rule in policy.rules:
            if f"{policy.id}@{policy.version}/{rule.id}" not in found:
                assert answer(policy, rule, environment_of(ask)) is Effect.ALLOW


@given(asks(), laws(), st.randoms(use_true_random=False))
def test_the_order_of_policies_and_of_rules_is_nothing(ask: Ask, law: Law, dice: Any) -> None:
    shuffled = list(law.active.values())
    dice.shuffle(shuffled)
    turned = [replace(each, rules=each.rules[::-1]) for each in shuffled]
    other = Law(name=law.name, active={each.id: each for each in turned}, stops=law.stops)
    assert judge(ask, other) == judge(ask, law)


@given(asks(), laws(), policies("more"))
@example(
    Ask(
        command="ProposeAction",
        action="process_refund",
        actor=Actor("support", Role.AGENT),
        subject="action:a1",
        data={"amount": 900},
        payload_hash="hash",
    ),
    Law(name="Shop", active={each.id: each for each in BUILT_IN}),
    Policy(
        id="more",
        version=1,
        name="more",
        rules=(Rule(id="r", condition="true", action="allow", message="", priority=99),),
    ),
)
def test_one_more_policy_never_weakens_a_verdict(ask: Ask, law: Law, more: Policy) -> None:
    before = judge(ask, law)
    after = judge(ask, replace(law, active={**law.active, "more": more}))
    assert_not_weaker(before, after)


@given(asks(), laws(), st.sampled_from(("*", "business", "eu", "us")))
def test_one_more_stop_never_weakens_a_verdict(ask: Ask, law: Law, org_unit_id: str) -> None:
    before = judge(ask, law)
    stops = {org_unit_id: "k9", **law.stops}
    assert_not_weaker(before, judge(ask, replace(law, stops=stops)))


def assert_not_weaker(before: Verdict, after: Verdict) -> None:
    assert after.effect >= before.effect
    if after.effect is Effect.REQUIRE_APPROVAL is before.effect:
        assert set(after.triggers) >= set(before.triggers)
        assert APPROVERS.index(after.approver_role) >= APPROVERS.index(before.approver_role)


@given(asks(), laws())
def test_there_is_a_trigger_and_an_approver_exactly_where_a_person_must_agree(
    ask: Ask, law: Law
) -> None:
    verdict = judge(ask, law)
    waits = verdict.effect is Effect.REQUIRE_APPROVAL
    assert bool(verdict.triggers) is waits
    assert (verdict.approver_role in APPROVERS) is waits


@given(asks(), laws())
def test_a_claim_about_the_action_type_changes_no_verdict(ask: Ask, law: Law) -> None:
    honest = {name: value for name, value in ask.data.items() if name != "action"}
    assert judge(replace(ask, data=honest), law) == judge(ask, law)

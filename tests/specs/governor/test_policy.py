"""What a sound policy is, and how it becomes rules that can be asked."""

from dataclasses import replace

import pytest

from domain.governor.builtin import BUILT_IN
from domain.governor.effect import Effect
from domain.governor.policy import RULES_MAX, Policy, Rule, RuleBook, article, flaw

RULE = Rule(id="r", condition="data.amount > 100", action="deny", message="too much")
CAP = Policy(id="cap", version=3, name="Cap", rules=(RULE,))


def keys(book: RuleBook, action: str) -> list[str]:
    return [each.key for each in book.about(action).articles]


def with_condition(text: str, policy_id: str = "cap") -> Policy:
    return replace(CAP, id=policy_id, rules=(replace(RULE, condition=text),))


# ── flaws ──


def test_a_sound_policy_has_no_flaw() -> None:
    assert flaw(CAP) == ""


@pytest.mark.parametrize("policy", BUILT_IN, ids=lambda policy: policy.id)
def test_the_built_in_policies_have_no_flaw(policy: Policy) -> None:
    assert flaw(policy) == ""


@pytest.mark.parametrize("scope", ["org_unit", "agent", "workflow"])
def test_a_narrow_scope_names_what_it_is_about(scope: str) -> None:
    assert flaw(replace(CAP, scope=scope, scope_id="eu")) == ""
    assert "needs one" in flaw(replace(CAP, scope=scope))


def test_a_global_scope_names_nothing() -> None:
    assert "no scope_id" in flaw(replace(CAP, scope_id="eu"))


def test_a_scope_is_a_known_one() -> None:
    assert "'galaxy'" in flaw(replace(CAP, scope="galaxy", scope_id="milky way"))


def test_a_policy_has_rules_but_not_too_many() -> None:
    many = tuple(replace(RULE, id=f"r{n}") for n in range(RULES_MAX))
    assert flaw(replace(CAP, rules=many)) == ""
    assert "101" in flaw(replace(CAP, rules=(*many, RULE)))
    assert "0" in flaw(replace(CAP, rules=()))


def test_two_rules_of_a_policy_have_different_ids() -> None:
    assert "same id" in flaw(replace(CAP, rules=(RULE, replace(RULE, message="other"))))


@pytest.mark.parametrize("action", ["allow", "deny", "require_approval"])
def test_a_rule_answers_with_a_known_action(action: str) -> None:
    assert flaw(replace(CAP, rules=(replace(RULE, action=action),))) == ""


@pytest.mark.parametrize("action", ["explode", "Warn", "Deny", ""])
def test_a_rule_answers_with_no_other_action(action: str) -> None:
    assert flaw(replace(CAP, rules=(replace(RULE, action=action),))).startswith("rule r: action")


@pytest.mark.parametrize("role", ["viewer", "agent", "service", "emperor", ""])
def test_only_people_who_decide_are_named_as_approvers(role: str) -> None:
    assert "cannot approve" in flaw(replace(CAP, rules=(replace(RULE, approver_role=role),)))


@pytest.mark.parametrize("role", ["founder", "admin", "operator"])
def test_people_who_decide_may_be_named_as_approvers(role: str) -> None:
    assert flaw(replace(CAP, rules=(replace(RULE, approver_role=role),))) == ""


def test_a_condition_that_cannot_be_read_says_where() -> None:
    problem = flaw(with_condition("data.amount >"))
    assert problem.startswith("rule r: line 1, column ")


# ── articles ──


def test_an_article_is_named_after_its_policy_its_version_and_its_rule() -> None:
    made = article(CAP, RULE)
    assert made.key == "cap@3/r"
    assert made.effect is Effect.DENY
    assert made.condition is not None


def test_an_article_that_does_not_compile_keeps_its_problem() -> None:
    made = article(CAP, replace(RULE, condition="data.amount >"))
    assert made.condition is None
    assert made.problem.startswith("line 1")


def test_an_effect_that_nobody_knows_is_the_strictest() -> None:
    assert article(CAP, replace(RULE, action="explode")).effect is Effect.DENY


# ── the rule book ──


def test_a_rule_about_one_action_is_asked_for_that_action_only() -> None:
    book = RuleBook([with_condition("action == 'process_refund' && data.amount > 1")])
    assert keys(book, "process_refund") == ["cap@3/r"]
    assert keys(book, "update_price") == []


def test_a_rule_about_every_action_is_asked_for_each() -> None:
    book = RuleBook([with_condition("data.amount > 1")])
    assert keys(book, "process_refund") == keys(book, "never heard of") == ["cap@3/r"]


@pytest.mark.parametrize(
    "text",
    [
        "data.action == 'a' || action == 'b'",
        "action in ['a', 'b']",
        "'a' == action || ('b' == data.action && data.x)",
    ],
)
def test_a_rule_about_two_actions_is_asked_for_both(text: str) -> None:
    book = RuleBook([with_condition(text)])
    assert (keys(book, "a"), keys(book, "b"), keys(book, "c")) == (["cap@3/r"], ["cap@3/r"], [])


@pytest.mark.parametrize("text", ["action != 'a'", "!(action == 'a')", "action == 'a' || data.x"])
def test_a_rule_that_may_hold_elsewhere_is_asked_everywhere(text: str) -> None:
    assert keys(RuleBook([with_condition(text)]), "b") == ["cap@3/r"]


def test_a_rule_that_does_not_compile_is_asked_everywhere() -> None:
    assert keys(RuleBook([with_condition("action == 'a' &&")]), "b") == ["cap@3/r"]


def test_rules_are_asked_in_the_same_order_however_they_were_activated() -> None:
    policies = [with_condition("action == 'a'", "z"), with_condition("data.x", "m"), CAP]
    forward, backward = RuleBook(policies), RuleBook(policies[::-1])
    assert keys(forward, "a") == keys(backward, "a") == ["cap@3/r", "m@3/r", "z@3/r"]


def test_asking_about_many_unknown_actions_does_not_fill_the_memory() -> None:
    book = RuleBook([CAP])
    answers = {keys(book, f"action {n}")[0] for n in range(2_000)}
    assert answers == {"cap@3/r"}
    assert keys(book, "action 0") == ["cap@3/r"]

"""What can be said of policies before they are in force."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.governor.analysis import (
    Answer,
    Diagnostic,
    Difference,
    Outcome,
    Relation,
    Severity,
    Study,
    Subject,
    Universe,
    Vocabulary,
    difference,
    lint,
    study,
    survey,
)
from domain.governor.analysis.survey import alone_together
from domain.governor.builtin import BUILT_IN
from domain.governor.language import compile_condition
from domain.governor.policy import Policy, Rule

REFUND: Final = "action == 'process_refund'"
WORDS: Final = Vocabulary(
    actions={
        "process_refund": {"amount": "number", "country": "string", "note": "string|null"},
        "process_payout": {"type": "string", "reconciled": "boolean", "riskScore": "number"},
        "update_price": {"marginPercent": "number", "quantity": "integer"},
        "increase_ad_spend": {"cashRunwayDays": "number", "roas": "number"},
        "publish_content": {"title": "string", "tags": "list", "extra": "object"},
    },
    commands={"draft_policy": {"policyId": "string"}},
    facts={"refunds24h": "number"},
)


def subject(text: str, **parameters: object) -> Subject:
    return Subject(compile_condition(text), parameters)


def studied(text: str, **parameters: object) -> Study:
    return study(subject(text, **parameters))


def policy(*rules: tuple[str, str] | tuple[str, str, str], **parameters: object) -> Policy:
    made = tuple(
        Rule(
            id=f"r{n}",
            condition=text,
            action=action,
            message="",
            approver_role=(*role, "founder")[0],
        )
        for n, (text, action, *role) in enumerate(rules, start=1)
    )
    return Policy(id="p", version=1, name="P", rules=made, parameters=parameters)


def codes(found: tuple[Diagnostic, ...], rule: str = "") -> list[str]:
    return [each.code for each in found if not rule or each.rule == rule]


def only(found: tuple[Diagnostic, ...], code: str) -> Diagnostic:
    (each,) = (each for each in found if each.code == code)
    return each


# ── one condition ──


@pytest.mark.parametrize(
    "text",
    [
        "data.amount > 500 && data.amount < 500",
        "data.amount > 1 && data.amount < 2 && data.amount == 'one'",
        f"{REFUND} && data.action == 'process_payout'",
        "!(data.x == 1) && data.x == 1.0",
        "data.x in ['a', 'b'] && data.x > 'c'",
        "data.x > 'a' && data.x < 'a\\x00'",
        "data.x.startsWith('ab') && size(data.x) < 2",
        "data.x.startsWith('a') && data.x == 'b'",
        "data.x.contains('b') && data.x in ['a', 'c']",
        "data.x && data.x == 'true'",
        "has(data.x.y) && data.x == 5",
        "data.a < data.b && data.b < data.c && data.c < data.a",
        "data.a == data.b && data.a > 5 && data.b < 5",
        "'abc'.contains(data.x) && size(data.x) > 3",
        "'a' in data.list && size(data.list) == 0",
        "actor.role == null",
        "params.gone > 5",
        "false",
    ],
)
def test_these_never_hold(text: str) -> None:
    assert studied(text).never_true is Answer.YES
    assert studied(text).witness(Outcome.TRUE) is None


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "data.x == 5 || data.x != 5 || true",
        f"!({REFUND}) || data.action == 'process_refund'",
        "has(data.x) || !has(data.x)",
        "action >= ''",
        "orgUnitId.contains('')",
    ],
)
def test_these_always_hold(text: str) -> None:
    assert studied(text).always_true is Answer.YES


def test_a_field_that_may_be_missing_makes_nothing_certain() -> None:
    found = studied("data.amount > 500 || data.amount <= 500")
    assert (found.always_true, found.can(Outcome.FALSE)) == (Answer.NO, Answer.NO)
    witness = found.witness(Outcome.ERROR)
    assert witness is not None
    assert witness.words == "data.amount is missing"
    assert witness.told == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("data.x > 500", 501),
        ("data.x > 0.15 && data.x < 0.16", Decimal("0.155")),
        ("data.x > 1 && data.x < 9", 5),
        ("data.x == 'payout'", "payout"),
        ("data.x > 'a' && data.x < 'ab'", "a0"),
        ("data.x.startsWith('ab') && data.x.endsWith('bc') && size(data.x) == 3", "abc"),
        ("data.x == null", None),
        ("data.x in ['a', 2] && data.x != 'a'", 2),
        ("size(data.x) == 2 && 'a' in data.x && 'b' in data.x", ["a", "b"]),
        ("data.x.y == 1", {"y": 1}),
    ],
)
def test_a_witness_is_a_value_that_a_person_would_try(text: str, value: object) -> None:
    witness = studied(text).witness(Outcome.TRUE)
    assert witness is not None
    assert witness.told["data"]["x"] == value


def test_parameters_are_constants_of_their_policy() -> None:
    assert (
        studied("data.x > params.low && data.x < params.high", low=1, high=1).never_true
        is Answer.YES
    )
    assert (
        studied("data.x > params.low && data.x < params.high", low=1, high=2).never_true
        is Answer.NO
    )
    assert studied("data.x in params.some && data.x > 5", some=[1, 6]).never_true is Answer.NO
    assert studied("data.x in params.some && data.x > 6", some=[1, 6]).never_true is Answer.YES


def test_what_cannot_be_followed_is_unknown_and_not_guessed() -> None:
    found = studied("data.a.startsWith(data.b)")
    assert {found.can(outcome) for outcome in Outcome} == {Answer.UNKNOWN}
    assert studied("size(data.a) > data.b").never_true is Answer.UNKNOWN
    assert (
        studied(f"{REFUND} && action == 'x' && data.a.startsWith(data.b)").never_true is Answer.YES
    )
    assert studied("action != 'x' || data.a.contains(data.b)").can(Outcome.TRUE) is Answer.YES


def test_too_many_cells_are_unknown() -> None:
    linked = " && ".join(f"data.f{n} < data.f{n + 1}" for n in range(7))
    found = studied(linked)
    assert {found.can(outcome) for outcome in Outcome} == {Answer.UNKNOWN}


def test_many_fields_are_not_too_many() -> None:
    many = " || ".join(f"(data.x{n} == 1 && data.y{n} == 1 && data.z{n} != 2)" for n in range(15))
    found = alone_together(subject(many), subject(f"({many}) && data.x0 > 1"))
    assert found is not None
    assert found.relation is Relation.IMPLIED
    assert found.left.witness(Outcome.TRUE) is not None
    more = policy((f"{many} || data.x20 == 1", "deny"))
    assert difference(policy((many, "deny")), more).same is Answer.NO


def test_a_schema_leaves_less() -> None:
    refund = Universe("process_refund", WORDS.actions["process_refund"], WORDS.facts)
    price = Universe("update_price", WORDS.actions["update_price"], WORDS.facts)
    amount = subject("data.amount > 500")
    assert study(amount, refund).can(Outcome.ERROR) is Answer.NO
    assert study(amount, price).can(Outcome.ERROR) is Answer.YES
    assert study(subject("data.quantity > 5 && data.quantity < 6"), price).never_true is Answer.YES
    assert (
        study(subject("facts.refunds24h >= 0 || facts.refunds24h < 0"), price).always_true
        is Answer.YES
    )


# ── two conditions ──


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("data.x > 5", "!(data.x <= 5)", Relation.EQUAL),
        ("data.x > 5 && data.y", "data.y && 5 < data.x", Relation.EQUAL),
        ("data.x > 5", "has(data.x) && data.x > 5", Relation.ALIKE),
        ("data.x > 9", "data.x > 5", Relation.IMPLIES),
        ("data.x > 5", "data.x > 9", Relation.IMPLIED),
        ("data.x in ['a']", "data.x in ['b', 'a']", Relation.IMPLIES),
        ("data.x.startsWith('ab')", "data.x.startsWith('a')", Relation.IMPLIES),
        ("data.x.startsWith('a')", "data.x.startsWith('b')", Relation.DISJOINT),
        ("data.x > 9", "data.x < 9", Relation.DISJOINT),
        ("data.x > 5", "data.x < 9", Relation.OVERLAPPING),
        ("data.x > 5", "data.y > 5", Relation.OVERLAPPING),
        ("data.x.startsWith(data.y)", "data.x == 'a'", Relation.UNKNOWN),
        ("data.x.startsWith(data.y)", "data.x.startsWith(data.y)", Relation.EQUAL),
    ],
)
def test_how_two_conditions_stand(one: str, other: str, relation: Relation) -> None:
    found = alone_together(subject(one), subject(other))
    assert found is not None
    assert found.relation is relation


def test_relations_of_policies_that_concern_the_same_action() -> None:
    texts = {
        "a": f"{REFUND} && data.amount > 500",
        "b": f"{REFUND} && data.amount > 1000",
        "c": "action == 'update_price' && data.amount > 500",
        "d": "data.amount > 2000",
    }
    found = survey({name: subject(text) for name, text in texts.items()})
    relations = {(each.left, each.right): each.relation for each in found.kinships}
    assert relations == {
        ("a", "b"): Relation.IMPLIED,
        ("a", "d"): Relation.OVERLAPPING,
        ("b", "d"): Relation.OVERLAPPING,
        ("c", "d"): Relation.OVERLAPPING,
    }
    assert all(each.never_true is Answer.NO for each in found.studies.values())


# ── difference ──


def told(found: Difference) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (each.words, each.where, each.example.words if each.example else "")
        for each in found.changes
    ]


AMOUNT: Final = f"{REFUND} && data.amount > params.limit"


def test_a_raised_limit_lets_these_pass() -> None:
    old, new = (
        policy((AMOUNT, "require_approval"), limit=500),
        policy((AMOUNT, "require_approval"), limit=1000),
    )
    found = difference(old, new)
    where = "action is 'process_refund' and data.amount is above 500 and at most 1000"
    example = "action = 'process_refund', data.amount = 1000"
    assert told(found) == [("now allowed, held for founder before", (where,), example)]
    assert found.notes == ("parameter limit was 500 and is 1000",)
    assert told(difference(new, old))[0][0] == "now held for founder, allowed before"


def test_the_same_meaning_in_other_words() -> None:
    old = policy((AMOUNT, "require_approval"), limit=500)
    new = policy(("!(action != 'process_refund' || data.amount <= 500)", "require_approval"))
    found = difference(old, new)
    assert (found.same, found.changes) == (Answer.YES, ())
    assert "rule r1 has another condition" in found.notes


def test_the_strictest_rule_and_every_error_count() -> None:
    old = policy(("data.x > 5", "require_approval"), ("data.x > 9", "deny"))
    new = policy(("data.x > 5 && data.x <= 9", "require_approval"), ("data.x > 9", "deny"))
    assert difference(old, new).same is Answer.YES
    guarded = policy(("has(data.x) && data.x > 5", "require_approval"), ("data.x > 9", "deny"))
    assert difference(old, guarded).same is Answer.YES, "the second rule still denies"
    both = policy(
        ("has(data.x) && data.x > 5", "require_approval"), ("has(data.x) && data.x > 9", "deny")
    )
    assert told(difference(old, both)) == [
        ("now allowed, denied before", ("data.x is missing",), "data.x is missing")
    ]


def test_a_lower_approver_is_a_difference() -> None:
    old, new = (
        policy(("data.x > 5", "require_approval", role)) for role in ("founder", "operator")
    )
    (change,) = difference(old, new).changes
    assert change.words == "now held for operator, held for founder before"


def test_another_scope_is_another_meaning() -> None:
    old = policy(("data.x > 5", "deny"))
    new = Policy(id="p", version=2, name="P", rules=old.rules, scope="org_unit", scope_id="eu")
    found = difference(old, new)
    assert (found.same, found.changes) == (Answer.NO, ())
    assert found.notes == ("the scope was global and is org_unit eu: elsewhere everything changes",)


def test_what_cannot_be_followed_leaves_the_difference_open() -> None:
    old = policy(("data.a.contains(data.b)", "deny"))
    found = difference(old, policy(("data.b.contains(data.a)", "deny")))
    assert found.same is Answer.UNKNOWN
    assert difference(old, old).same is Answer.YES


# ── lint ──


@pytest.mark.parametrize("each", BUILT_IN, ids=lambda each: str(each.id))
def test_the_built_in_policies_have_nothing_but_notes(each: Policy) -> None:
    found = lint(each, WORDS)
    assert {one.severity for one in found} == {Severity.NOTE}
    assert {one.code for one in found} == {"denies_broken_data"}


def test_a_rule_that_never_holds_is_an_error() -> None:
    found = only(
        lint(policy((f"{REFUND} && data.amount > 5 && data.amount < 5", "deny")), WORDS),
        "never_true",
    )
    assert found.severity is Severity.ERROR
    assert found.witness is not None
    assert found.told["witness"] == {"action": "process_refund"}
    assert codes(lint(policy(("1 == 2", "deny")))) == ["never_true"]
    broken = only(lint(policy(("data.x == params.gone", "deny"))), "never_true")
    assert broken.message == "has no answer to any request, so it denies them all"


def test_a_rule_that_always_holds_wants_to_be_confirmed() -> None:
    found = lint(policy(("true", "require_approval")), WORDS)
    assert only(found, "always_true").severity is Severity.WARNING
    declared = lint(policy((f"{REFUND} && (data.amount > 5 || data.amount <= 5)", "deny")), WORDS)
    assert only(declared, "always_declared").rule == "r1"
    assert "always_declared" not in codes(lint(policy((REFUND, "deny")), WORDS))


def test_a_rule_that_no_payload_can_meet_is_doubtful() -> None:
    found = lint(
        policy(("action == 'update_price' && data.quantity > 5 && data.quantity < 6", "deny")),
        WORDS,
    )
    assert only(found, "never_declared").severity is Severity.WARNING


def test_a_rule_without_an_answer_says_for_which_data() -> None:
    found = only(lint(policy(("data.amount > 50", "deny")), WORDS), "can_err")
    assert found.severity is Severity.WARNING
    assert found.message == (
        "denies process_payout, update_price, increase_ad_spend … for want of an answer: "
        "data.amount is missing, and > needs a number"
    )
    assert found.cure.endswith("has(data.amount) && …, or name the action types that are meant")
    assert found.told["witness"] == {"action": "process_payout"}
    null = only(lint(policy((f"{REFUND} && size(data.note) > 5", "deny")), WORDS), "can_err")
    assert null.cure == "only if such data should pass: data.note != null && …"


@pytest.mark.parametrize(
    ("text", "cured"),
    [
        ("data.amount > 50", "has(data.amount) && data.amount > 50"),
        ("data.note > 'a'", "has(data.note) && data.note != null && data.note > 'a'"),
    ],
)
def test_the_cure_cures(text: str, cured: str) -> None:
    field = text.split()[0].removeprefix("data.")
    for value in ({}, {field: None}) if "null" in cured else ({},):
        environment = {"data": value}
        assert said(text, environment) is Outcome.ERROR
        assert said(cured, environment) is Outcome.FALSE


def said(text: str, roots: Mapping[str, Any]) -> Outcome:
    from domain.governor.analysis.study import asked
    from domain.governor.language import Environment

    return asked(subject(text), Environment(**roots))


def test_allow_weakens_nothing() -> None:
    found = only(lint(policy((f"{REFUND} && data.amount < 5", "allow")), WORDS), "allow")
    assert found.severity is Severity.WARNING


def test_a_rule_that_another_outdoes_is_named() -> None:
    shadowed = lint(policy(("data.x > 9", "require_approval"), ("data.x > 5", "deny")))
    found = only(shadowed, "shadowed")
    assert (found.rule, "rule r2" in found.message) == ("r1", True)
    assert found.witness is not None
    assert found.witness.words == "data.x = 10"
    assert "shadowed" not in codes(
        lint(policy(("data.x > 9", "deny"), ("data.x > 5", "require_approval")))
    )
    weaker = (
        ("data.x > 9", "require_approval", "founder"),
        ("data.x > 5", "require_approval", "operator"),
    )
    assert "shadowed" not in codes(lint(policy(*weaker)))
    guarded = (("data.x > 9", "deny"), ("has(data.x) && data.x > 5", "deny"))
    assert "shadowed" not in codes(lint(policy(*guarded))), "only the first denies broken data"


def test_of_two_alike_the_later_goes() -> None:
    found = lint(policy(("data.x > 5", "deny"), ("5 < data.x", "deny"), ("!(data.x <= 5)", "deny")))
    assert [each.rule for each in found if each.code == "duplicate"] == ["r3", "r2"]


OURS: Final = "one of amount, country, note"
MISNAMED: Final = (
    (
        *("action == 'proces_refund'", "action_unknown"),
        *("no action type is called 'proces_refund'", "did you mean process_refund?"),
    ),
    (
        *("data.action in ['draft_polisy']", "action_unknown"),
        *("no action type is called 'draft_polisy'", "did you mean draft_policy?"),
    ),
    (
        *(f"{REFUND} && data.amuont > 5", "path_unknown"),
        *("data.amuont is no field of process_refund", "did you mean data.amount?"),
    ),
    (
        *(f"{REFUND} && data.roas > 5", "path_unknown"),
        *("data.roas is no field of process_refund", OURS),
    ),
    (
        *(f"{REFUND} && data.amount.value > 5", "path_unknown"),
        *("data.amount holds no other fields", OURS),
    ),
    (
        *("facts.refund24h > 5", "path_unknown"),
        *("no fact is called refund24h", "did you mean facts.refunds24h?"),
    ),
    (
        *(f"{REFUND} && data.amount > '5'", "type_mismatch"),
        *("in data.amount > '5', data.amount is a number, which '5' is not",),
        *("compare it with a number",),
    ),
    (
        *(f"{REFUND} && data.country in ['US', 1]", "type_mismatch"),
        *("in data.country in ['US', 1], data.country is a string, which 1 is not",),
        *("compare it with a string",),
    ),
    (
        *(f"{REFUND} && data.amount.startsWith('5')", "type_mismatch"),
        *("in data.amount.startsWith('5'), data.amount is a number, which '5' is not",),
        *("compare it with a number",),
    ),
    (
        *("agentId == 5", "type_mismatch"),
        *("in agentId == 5, agentId is a string, which 5 is not", "compare it with a string"),
    ),
    (
        *(f"{REFUND} && data.amount > params.limt", "parameter_unknown"),
        *("params.limt has no value, so the rule denies whatever reads it",),
        *("did you mean limit?",),
    ),
)


@pytest.mark.parametrize(("text", "code", "message", "cure"), MISNAMED)
def test_a_word_that_means_nothing_is_an_error(
    text: str, code: str, message: str, cure: str
) -> None:
    found = only(lint(policy((text, "deny"), (AMOUNT, "deny"), limit=5), WORDS), code)
    assert (found.severity, found.rule) == (Severity.ERROR, "r1")
    assert (found.message, found.cure) == (message, cure)


@pytest.mark.parametrize(
    "text",
    [
        "action == 'publish_content' && data.extra.anything == 5",
        "action == 'publish_content' && size(data.tags) > 5",
        "data.note != null && has(data.note) && data.note == 'x'",
        "action == 'draft_policy' && data.policyId == 'p'",
        f"{REFUND} && facts.refunds24h > 5",
    ],
)
def test_what_is_declared_is_no_typo(text: str) -> None:
    assert all(each.severity < Severity.ERROR for each in lint(policy((text, "deny")), WORDS))


def test_a_parameter_that_nobody_reads_changes_nothing() -> None:
    found = only(lint(policy(("data.x > 5", "deny"), limit=5)), "parameter_unused")
    assert (found.severity, found.rule) == (Severity.WARNING, "")


def test_what_does_not_compile_is_the_first_error() -> None:
    found = lint(policy(("data.x >", "deny"), ("data.x > 5", "deny")))
    assert (found[0].code, found[0].rule) == ("syntax", "r1")


def test_what_cannot_be_analyzed_is_noted() -> None:
    found = only(lint(policy(("data.a.contains(data.b)", "deny"))), "unknown")
    assert found.severity is Severity.NOTE

"""Laws of static analysis: a witness shows what is claimed, and no request contradicts a claim."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise, product
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.governor.analysis import Answer, Outcome, Relation, Subject, difference, study
from domain.governor.analysis.points import Marks, numbers, strings
from domain.governor.analysis.study import asked
from domain.governor.analysis.survey import alone_together, survey
from domain.governor.effect import Effect
from domain.governor.language import Environment, compile_condition, render
from domain.governor.language.tree import (
    Compare,
    Every,
    Has,
    In,
    ListLiteral,
    Literal,
    Node,
    Not,
    Path,
    Size,
    Some,
    TextTest,
)
from domain.governor.policy import Policy, Rule, article

# ── conditions and requests that speak of the same few things ──

WORDS: Final = ("", "a", "b", "ab", "ba", "aa", "bc", "a\0", "é")
NUMBERS: Final = (0, 1, 2, -1, Decimal("1.5"), Decimal("0.15"), 10**33, Decimal("1e-40"))
PARAMETERS: Final[Mapping[str, object]] = {"limit": Decimal("1.5"), "word": "ab", "some": ["a", 1]}

constants = st.builds(Literal, st.sampled_from([None, True, False, *WORDS, *NUMBERS]))
figures = st.builds(Literal, st.sampled_from(NUMBERS))
words = st.builds(Literal, st.sampled_from(WORDS))
fields = st.one_of(
    st.sampled_from([Path("data", (name,)) for name in "xyz"]),
    st.sampled_from([Path("facts", ("x",)), Path("data", ("x", "y")), Path("orgUnitId")]),
)
given_by_policy = st.sampled_from([Path("params", (name,)) for name in (*PARAMETERS, "gone")])
symbols = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
lists = st.builds(ListLiteral, st.lists(constants, max_size=3).map(tuple))
sizes = st.builds(Size, fields)
actions = st.sampled_from([Path("action"), Path("data", ("action",))])
relations: st.SearchStrategy[Node] = st.one_of(
    st.builds(Compare, symbols, fields, st.one_of(constants, figures, figures)),
    st.builds(Compare, symbols, st.one_of(constants, given_by_policy), fields),
    st.builds(Compare, st.sampled_from(["==", "!="]), actions, words),
    st.builds(Compare, symbols, fields, fields),
    st.builds(Compare, symbols, sizes, figures),
    st.builds(Compare, symbols, sizes, st.one_of(sizes, fields)),
    st.builds(In, fields, lists),
    st.builds(In, st.one_of(fields, constants), st.one_of(fields, given_by_policy)),
    st.builds(Has, fields),
    st.builds(
        TextTest,
        st.sampled_from(["startsWith", "endsWith", "contains"]),
        st.one_of(fields, words),
        st.one_of(words, words, fields),
    ),
    fields,
    constants,
)


def joined(below: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(below, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Every, several),
        st.builds(Every, several),
        st.builds(Some, several),
        st.builds(Not, below),
        st.builds(Compare, st.sampled_from(["==", "!="]), below, constants),
    )


nodes: st.SearchStrategy[Node] = st.recursive(relations, joined, max_leaves=5)

ATOMS: Final = (None, True, False, *NUMBERS, 3, 1.5, 0.15, 7.25, *WORDS, "abab", "zz", "b" * 5)
atoms = st.one_of(st.sampled_from(ATOMS), st.just(Decimal("NaN")), st.just(float("nan")))
values = st.recursive(
    atoms,
    lambda below: st.one_of(
        st.lists(below, max_size=3), st.dictionaries(st.sampled_from("xyk"), below, max_size=2)
    ),
    max_leaves=3,
)
payloads = st.dictionaries(st.sampled_from("xyz"), values, max_size=3)


@st.composite
def requests(draw: st.DrawFn) -> Environment:
    action = draw(st.sampled_from(["a", "b", "something"]))
    return Environment(
        {**draw(payloads), "action": action},
        {"action": action, "orgUnitId": draw(st.sampled_from(WORDS))},
        {},
        draw(payloads),
    )


def subject(node: Node) -> Subject:
    return Subject(compile_condition(render(node)), PARAMETERS)


OUTCOMES: Final = tuple(Outcome)
PAIRS: Final = tuple((one, other) for one in Outcome for other in Outcome)


# ── points ──

some_words = st.sets(st.text("ab", max_size=3), max_size=2)
marks = st.builds(
    Marks,
    words=some_words,
    ordered=some_words,
    prefixes=some_words,
    suffixes=some_words,
    parts=some_words,
    sizes=st.one_of(st.just(set()), st.integers(0, 3).map(lambda n: {n, max(0, n - 1), n + 1})),
)
EVERY_WORD: Final = [
    "".join(letters) for size in range(5) for letters in product("\0abc", repeat=size)
]


def told_apart(word: str, marks: Marks) -> tuple[object, ...]:
    """Answer every question that the marks stand for."""
    return (
        *(word == each for each in sorted(marks.words)),
        *((word < each, word > each) for each in sorted(marks.ordered)),
        *(word.startswith(each) for each in sorted(marks.prefixes)),
        *(word.endswith(each) for each in sorted(marks.suffixes)),
        *(each in word for each in sorted(marks.parts)),
        *((len(word) < each - 1, len(word) > each - 1) for each in sorted(marks.sizes)[-1:]),
    )


@given(marks)
def test_there_is_a_string_for_every_way_to_answer(marks: Marks) -> None:
    shown = {told_apart(word, marks) for word in strings(marks, 1)}
    assert shown >= {told_apart(word, marks) for word in EVERY_WORD}


@given(st.sets(st.sampled_from([Decimal(each) for each in NUMBERS])), st.integers(1, 3))
def test_there_are_numbers_in_every_gap(constants: set[Decimal], each: int) -> None:
    found = sorted(numbers(constants, each))
    assert len(set(found)) == len(found)
    assert constants <= set(found)
    ends = [None, *sorted(constants), None]
    for low, high in pairwise(ends):
        gap = [n for n in found if (low is None or n > low) and (high is None or n < high)]
        assert len(gap) >= each
        if low is None or high is None or high - low > 1:
            assert any(n == int(n) for n in gap), "a whole number, where there is one"


# ── one condition ──


@given(nodes)
@example(Compare("<", Path("data", ("x",)), Path("data", ("y",))))
def test_a_witness_shows_what_is_claimed(node: Node) -> None:
    found = study(subject(node))
    for outcome in OUTCOMES:
        witness = found.witness(outcome)
        assert (witness is not None) is (found.can(outcome) is Answer.YES)
        if witness is not None:
            assert asked(found.subject, witness.environment()) is outcome


@given(nodes, st.lists(requests(), min_size=1, max_size=20))
def test_no_request_contradicts_a_study(node: Node, requests: list[Environment]) -> None:
    found = study(subject(node))
    for request in requests:
        outcome = asked(found.subject, request)
        assert found.can(outcome) is not Answer.NO, (render(node), request.data)
        if outcome is Outcome.TRUE:
            assert found.never_true is not Answer.YES
        else:
            assert found.always_true is not Answer.YES


# ── two conditions ──


def in_line(relation: Relation, one: Outcome, other: Outcome) -> bool:
    """Say whether a request with these outcomes is in line with a relation."""
    holds, other_holds = one is Outcome.TRUE, other is Outcome.TRUE
    match relation:
        case Relation.EQUAL:
            return one is other
        case Relation.ALIKE:
            return holds is other_holds
        case Relation.IMPLIES:
            return other_holds or not holds
        case Relation.IMPLIED:
            return holds or not other_holds
        case Relation.DISJOINT:
            return not (holds and other_holds)
        case Relation.OVERLAPPING | Relation.UNKNOWN:
            return True


@given(nodes, nodes, st.lists(requests(), min_size=1, max_size=20))
def test_no_request_contradicts_a_relation(
    one: Node, other: Node, requests: list[Environment]
) -> None:
    for left, right in ((one, other), (one, Every((one, other))), (Some((one, other)), one)):
        found = alone_together(subject(left), subject(right))
        assert found is not None
        for request in requests:
            pair = asked(found.left.subject, request), asked(found.right.subject, request)
            assert found.can(*pair) is not Answer.NO
            assert in_line(found.relation, *pair)


@settings(max_examples=50)
@given(nodes, nodes)
def test_a_relation_has_its_witnesses(one: Node, other: Node) -> None:
    found = alone_together(subject(one), subject(other))
    assert found is not None
    shown = {pair for pair in PAIRS if found.witness(*pair) is not None}
    assert shown == {pair for pair in PAIRS if found.can(*pair) is Answer.YES}
    if found.relation is Relation.OVERLAPPING:
        assert (Outcome.TRUE, Outcome.TRUE) in shown


@settings(max_examples=50)
@given(nodes)
def test_what_is_written_otherwise_is_equal(node: Node) -> None:
    found = alone_together(subject(Every((node, node))), subject(Not(Some((Not(node), Not(node))))))
    assert found is not None
    expected = {Relation.EQUAL, Relation.UNKNOWN}
    if found.left.never_true is Answer.YES:
        expected.add(Relation.DISJOINT)
    assert found.relation in expected


# ── two versions ──

rules = st.lists(st.tuples(nodes, st.sampled_from(["deny", "require_approval"])), max_size=3)


def policy(several: list[tuple[Node, str]]) -> Policy:
    made = tuple(
        Rule(id=str(number), condition=render(node), action=action, message="")
        for number, (node, action) in enumerate(several)
    )
    return Policy(id="p", version=1, name="p", rules=made, parameters=PARAMETERS)


def effect(policy: Policy, request: Environment) -> Effect:
    """Return what the governor's own articles make of a request."""
    found = Effect.ALLOW
    for rule in policy.rules:
        each = article(policy, rule)
        assert each.condition is not None
        outcome = asked(Subject(each.condition, PARAMETERS), request)
        if outcome is not Outcome.FALSE:
            found = max(found, each.effect if outcome is Outcome.TRUE else Effect.DENY)
    return found


@settings(max_examples=50)
@given(rules, rules, st.lists(requests(), min_size=1, max_size=20))
def test_no_request_is_answered_otherwise_untold(
    old: list[tuple[Node, str]], new: list[tuple[Node, str]], requests: list[Environment]
) -> None:
    before, after = policy(old), policy([*old[:1], *new])
    found = difference(before, after)
    told = {(change.before.effect, change.after.effect) for change in found.changes}
    for change in found.changes:
        if change.example is not None:
            shown = [effect(each, change.example.environment()) for each in (before, after)]
            assert shown == [change.before.effect, change.after.effect]
    for request in requests:
        pair = effect(before, request), effect(after, request)
        assert pair[0] is pair[1] or pair in told
        assert pair[0] is pair[1] or found.same is not Answer.YES


# ── many conditions ──


@settings(max_examples=30)  # each is studied alone, in pairs and together
@given(st.lists(nodes, min_size=2, max_size=3))
def test_many_are_told_apart_as_two_are(several: list[Node]) -> None:
    subjects = {str(number): subject(node) for number, node in enumerate(several)}
    found = survey(subjects)
    for name, each in found.studies.items():
        alone = study(subjects[name])
        for outcome in OUTCOMES:
            vague = Answer.UNKNOWN in (alone.can(outcome), each.can(outcome))
            assert vague or alone.can(outcome) is each.can(outcome)
    for kinship in found.kinships:
        two = alone_together(subjects[kinship.left], subjects[kinship.right])
        assert two is not None
        vague = Relation.UNKNOWN in (two.relation, kinship.relation)
        assert vague or two.relation is kinship.relation

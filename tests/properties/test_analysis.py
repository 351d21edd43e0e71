"""Laws of static analysis: a witness shows what is claimed, and no request contradicts a claim."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from domain.governor.analysis import Answer, Outcome, Relation, Subject, study
from domain.governor.analysis.study import asked
from domain.governor.analysis.survey import alone_together, survey
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


@given(nodes, nodes)
def test_a_relation_has_its_witnesses(one: Node, other: Node) -> None:
    found = alone_together(subject(one), subject(other))
    assert found is not None
    shown = {pair for pair in PAIRS if found.witness(*pair) is not None}
    assert shown == {pair for pair in PAIRS if found.can(*pair) is Answer.YES}
    if found.relation is Relation.OVERLAPPING:
        assert (Outcome.TRUE, Outcome.TRUE) in shown


@given(nodes)
def test_what_is_written_otherwise_is_equal(node: Node) -> None:
    found = alone_together(subject(Every((node, node))), subject(Not(Some((Not(node), Not(node))))))
    assert found is not None
    expected = {Relation.EQUAL, Relation.UNKNOWN}
    if found.left.never_true is Answer.YES:
        expected.add(Relation.DISJOINT)
    assert found.relation in expected


# ── many conditions ──


@given(st.lists(nodes, min_size=2, max_size=4))
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

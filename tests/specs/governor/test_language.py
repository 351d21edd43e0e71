"""The language of conditions, example by example."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import pytest

from domain.governor.language import (
    MISSING,
    Condition,
    Environment,
    EvaluationError,
    PolicySyntaxError,
    compile_condition,
    parse,
    render,
)

NAN: Final = float("nan")
ABSENT: Final = object()

UNRECONCILED: Final = "data.type == 'payout' && data.reconciled != true"
RISKY: Final = "data.type == 'payout' && data.riskScore > 0.7"
MARGIN: Final = "data.action == 'update_price' && data.marginPercent < 0.15"
RUNWAY: Final = "data.action == 'increase_ad_spend' && data.cashRunwayDays < 30"
ROAS: Final = "data.action == 'increase_ad_spend' && data.roas < 2.0"
REFUND: Final = "data.action == 'process_refund' && data.amount > 500"

PAYOUT: Final = {"type": "payout"}
PRICE: Final = {"action": "update_price"}
SPEND: Final = {"action": "increase_ad_spend"}
REFUNDING: Final = {"action": "process_refund"}


def ask(text: str, data: Mapping[str, object] | None = None, **other: Any) -> bool:
    return compile_condition(text).evaluate(Environment(data or {}, **other))


def reason(text: str, data: Mapping[str, object] | None = None, **other: Any) -> str:
    with pytest.raises(EvaluationError) as caught:
        ask(text, data, **other)
    return caught.value.reason


def every_type_of(number: str) -> list[object]:
    """The same number as every type a payload may bring it in."""
    exact = Decimal(number)
    whole: list[object] = [int(exact)] if exact == int(exact) else []
    return [exact, float(number), *whole]


# ── the four built-in policies ──


@pytest.mark.parametrize(
    ("text", "guard", "field", "number", "fires"),
    [
        (REFUND, REFUNDING, "amount", "499.99", False),
        (REFUND, REFUNDING, "amount", "500", False),
        (REFUND, REFUNDING, "amount", "500.00", False),
        (REFUND, REFUNDING, "amount", "500.01", True),
        (REFUND, REFUNDING, "amount", "500.0000000000001", True),
        (REFUND, REFUNDING, "amount", "-501", False),
        (MARGIN, PRICE, "marginPercent", "0.1499", True),
        (MARGIN, PRICE, "marginPercent", "0.15", False),
        (MARGIN, PRICE, "marginPercent", "0.1501", False),
        (MARGIN, PRICE, "marginPercent", "0", True),
        (MARGIN, PRICE, "marginPercent", "-3", True),
        (RUNWAY, SPEND, "cashRunwayDays", "29", True),
        (RUNWAY, SPEND, "cashRunwayDays", "29.99", True),
        (RUNWAY, SPEND, "cashRunwayDays", "30", False),
        (RUNWAY, SPEND, "cashRunwayDays", "31", False),
        (ROAS, SPEND, "roas", "1.99", True),
        (ROAS, SPEND, "roas", "2.0", False),
        (ROAS, SPEND, "roas", "2.01", False),
        (RISKY, PAYOUT, "riskScore", "0.69", False),
        (RISKY, PAYOUT, "riskScore", "0.7", False),
        (RISKY, PAYOUT, "riskScore", "0.71", True),
        (RISKY, PAYOUT, "riskScore", "1", True),
    ],
)
def test_a_built_in_policy_fires_beyond_its_threshold_and_not_on_it(
    text: str, guard: Mapping[str, object], field: str, number: str, fires: bool
) -> None:
    for value in every_type_of(number):
        assert ask(text, {**guard, field: value}) is fires, type(value)


@pytest.mark.parametrize(
    ("reconciled", "fires"),
    [(True, False), (False, True), (None, True), ("true", True), (1, True), (ABSENT, True)],
)
def test_a_payout_passes_only_when_it_is_truly_reconciled(reconciled: object, fires: bool) -> None:
    data = PAYOUT if reconciled is ABSENT else {**PAYOUT, "reconciled": reconciled}
    assert ask(UNRECONCILED, data) is fires


@pytest.mark.parametrize("text", [UNRECONCILED, RISKY, MARGIN, RUNWAY, ROAS, REFUND])
def test_a_built_in_policy_leaves_other_actions_alone_whatever_they_carry(text: str) -> None:
    for other in ({}, {"type": "message", "action": "send"}, {"type": None, "action": None}):
        assert ask(text, {**other, "amount": "900", "riskScore": NAN}) is False


# ── broken data ──


@pytest.mark.parametrize(
    ("amount", "is_what"),
    [
        (ABSENT, "missing"),
        ("900", "a string"),
        (None, "null"),
        (NAN, "NaN"),
        (Decimal("NaN"), "NaN"),
        (Decimal("sNaN"), "NaN"),
        ([900], "a list"),
        ({"value": 900}, "an object"),
        (True, "a boolean"),
        ((900,), "of type tuple"),
    ],
)
@pytest.mark.parametrize("symbol", [">", ">=", "<", "<="])
def test_broken_data_is_an_error_that_names_the_field(
    amount: object, is_what: str, symbol: str
) -> None:
    data: dict[str, object] = {"action": "process_refund"}
    if amount is not ABSENT:
        data["amount"] = amount
    expected = f"data.amount is {is_what}, and {symbol} needs a number"
    assert reason(f"data.action == 'process_refund' && data.amount {symbol} 500", data) == expected
    assert reason(f"500 {symbol} data.amount", data) == expected
    assert reason(f"data.amount {symbol} params.limit", data, params={"limit": 500}) == expected
    assert reason(f"data.amount {symbol} 1e300", data) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.name > 'm'", "data.name is missing, and > needs a string"),
        ("data.five > 'm'", "data.five is a number, and > needs a string"),
        ("data.five > data.text", "data.text is a string, and > needs a number"),
        ("data.text < data.five", "data.five is a number, and < needs a string"),
        ("data.text < data.name", "data.name is missing, and < needs a string"),
        ("data.name < data.none", "data.name is missing, and < needs a number, a string or a"),
        ("data.none < true", "data.none is null, and < needs a boolean"),
        ("data.five < true", "data.five is a number, and < needs a boolean"),
        ("data.name.matches('x')", "data.name is missing, and matches needs a string"),
        ("data.half.matches('x')", "data.half holds half a character (a lone surrogate), and mat"),
        ("data.nan == 5", "data.nan is NaN, and == cannot compare it"),
        ("data.nan != 'x'", "data.nan is NaN, and != cannot compare it"),
        ("data.nan == true", "data.nan is NaN, and == cannot compare it"),
        ("5 == data.nan", "data.nan is NaN, and == cannot compare it"),
        ("data.nan == data.nan", "data.nan is NaN, and == cannot compare it"),
        ("data.nans == []", "data.nans holds NaN, and == cannot compare it"),
        ("data.nan in []", "data.nan is NaN, and in cannot compare it"),
        ("1 in data.nans", "data.nans holds NaN, and in cannot compare it"),
        ("data.odd == 5", "data.odd is of type object, and == cannot compare it"),
        ("data.odds == 5", "data.odds holds a value of type object, and == cannot compare it"),
        ("data.odd.x == 5", "data.odd.x leads through a value of type object"),
        ("data.five in data.name", "data.name is missing, and in needs a list"),
        ("data.five in data.text", "data.text is a string, and in needs a list"),
        ("size(data.five) > 1", "data.five is a number, and size needs a string, a list or "),
        ("data.name.startsWith('x')", "data.name is missing, and startsWith needs a string"),
        ("data.five.contains('x')", "data.five is a number, and contains needs a string"),
        ("data.text.endsWith(data.none)", "data.none is null, and endsWith needs a string"),
        ("data.five", "data.five is a number, and a condition needs true or false"),
        ("data.yes && data.text", "data.text is a string, and && needs true or false"),
        ("data.no || 'x'", "'x' is a string, and || needs true or false"),
        ("!data.name", "data.name is missing, and ! needs true or false"),
        ("!(data.name > 5)", "data.name is missing, and > needs a number"),
        ("(data.yes == true) < 5", "(data.yes == true) is a boolean, and < needs a number"),
        ("params.limit == 5", "params.limit is missing"),
        ("has(params.limit)", "params.limit is missing"),
        ("data.five in params.list", "params.list is missing"),
        ("data.text.contains(params.part)", "params.part is missing"),
        ("data.nan > params.limit", "params.limit is missing"),
        ("data.nan == 'x' && data.five == 5", "data.nan is NaN, and == cannot compare it"),
        ("data.five == 5 && data.odd == 'x'", "data.odd is of type object, and == cannot comp"),
        ("data.odd.x == 'x' && data.yes", "data.odd.x leads through a value of type object"),
    ],
)
def test_a_reason_says_what_is_wrong_with_which_value(text: str, expected: str) -> None:
    data = {
        "five": 5,
        "text": "text",
        "half": "x\ud800",
        "none": None,
        "yes": True,
        "no": False,
        "nan": NAN,
        "nans": [1, [{"x": Decimal("NaN")}]],
        "odd": object(),
        "odds": {"x": object()},
    }
    assert reason(text, data).startswith(expected)


def test_a_value_nested_without_end_is_an_error_and_not_a_crash() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert "nested more than 40 levels" in reason("data.x == data.x", {"x": endless})


# ── equality ──


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (1, Decimal("1.00"), True),
        (True, 1, False),
        (False, 0, False),
        (True, True, True),
        (1, "1", False),
        (None, None, True),
        (None, False, False),
        (None, 0, False),
        (0.1, Decimal("0.1"), True),
        (2**53 + 1, float(2**53), False),
        (2**60, float(2**60), True),
        (Decimal(2**60), float(2**60), True),
        (10**23, 1e23, False),
        (Decimal(2**53 + 1), float(2**53), False),
        (float("inf"), Decimal("Infinity"), True),
        (-0.0, 0, True),
        ([1, "x", None], [1.0, "x", None], True),
        ([1, 2], [2, 1], False),
        ([True], [1], False),
        ([], {}, False),
        ({"a": [Decimal("0.5")]}, {"a": [0.5]}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ("straße", "strasse", False),
    ],
)
def test_equality_compares_exactly_and_converts_nothing(
    left: object, right: object, same: bool
) -> None:
    for data in ({"l": left, "r": right}, {"l": right, "r": left}):
        assert ask("data.l == data.r", data) is same
        assert ask("data.l != data.r", data) is not same
        assert ask("data.l in data.rs", {**data, "rs": [data["r"]]}) is same


@pytest.mark.parametrize(
    "other", ["null", "true", "0", "''", "[]", "data.gone", "data.text.x", "0.5"]
)
def test_a_missing_field_equals_nothing_not_even_null(other: str) -> None:
    data = {"text": "text"}
    assert ask(f"data.x == {other}", data) is False
    assert ask(f"data.x != {other}", data) is True
    assert ask(f"{other} == data.x", data) is False


def test_null_equals_null_only() -> None:
    data = {"x": None, "zero": 0, "no": False, "empty": ""}
    assert ask("data.x == null", data)
    assert not any(ask(f"data.{name} == null", data) for name in ("zero", "no", "empty", "gone"))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("data.f == 0.1", True),
        ("data.f < 0.10000000000000001", True),
        ("data.f > 0.0999999999999999999", True),
        ("data.f <= data.d", True),
        ("data.f >= data.d", True),
        ("data.f < data.d", False),
        ("data.big > 9007199254740992.5", True),
        ("data.big > 9007199254740993", False),
        ("data.big >= 9007199254740993", True),
        ("data.big > 9007199254740992.9999999999999999", True),
        ("data.huge > 1e300", True),
        ("data.huge < 1e6144", True),
        ("data.f > -1e6144", True),
        ("data.f > 1e-6144", True),
        ("data.inf > 1e6144", True),
    ],
)
def test_numbers_of_different_types_compare_exactly(text: str, holds: bool) -> None:
    data = {"f": 0.1, "d": Decimal("0.1"), "big": 2**53 + 1, "huge": 1e301, "inf": float("inf")}
    assert ask(text, data) is holds


# ── the other operators ──


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("data.country in ['US', 'CA']", True),
        ("data.country in ['FR']", False),
        ("data.country in []", False),
        ("data.country in data.countries", True),
        ("data.gone in ['US']", False),
        ("data.none in [null]", True),
        ("data.gone in [null]", False),
        ("data.yes in [1, 'true']", False),
        ("data.one in [1.0]", True),
        ("data.one in [true]", False),
        ("data.one in params.allowed", True),
        ("has(data.none)", True),
        ("has(data.gone)", False),
        ("has(data.deep.er['a b'])", True),
        ("has(data.deep.er.gone)", False),
        ("has(data.country.gone)", False),
        ("has(action) && !has(runId)", True),
        ("has(params.allowed)", True),
        ("size(data.country) == 2", True),
        ("size(data.countries) >= 2", True),
        ("size(data.deep) == 2", True),
        ("size('πέντε') == 5", True),
        ("size([]) == 0", True),
        ("data.country.startsWith('U')", True),
        ("data.country.endsWith('U')", False),
        ("data.country.contains(data.country)", True),
        ("data.country.matches('S')", True),
        ("data.country.matches('^[A-Z]{2}$')", True),
        ("data.country.matches('^S')", False),
        (r"'a1'.matches(r'\d')", True),
        ("data.no < data.yes", True),
        ("data.yes < true", False),
        ("data.yes <= true && false <= data.yes", True),
        ("'US-CA'.contains(data.country)", True),
        ("data.yes", True),
        ("!data.yes", False),
        ("!!data.yes", True),
        ("data.yes == (data.one == 1)", True),
        ("action == 'refund' && actor.kind == 'agent' && actor.role != 'founder'", True),
        ("orgUnitId == 'eu' || workflowId == 'w1'", True),
        ("facts.refunds24h > 1000", False),
        ("facts.refunds24h >= params.limit", True),
        ("data['country'] == 'US'", True),
        ("data.a < data.b", True),
        ("'a' < data.b", True),
        ("-5 < data.one && data.one <= 1", True),
        ("data.deep.er == 'US' && data.yes", False),
        ("data.deep.name == 'US' && data.yes", True),
        ("data.country.er == 'US' && data.yes", False),
        ("params.name == 'US' && data.yes", True),
        ("'FR' == params.name && data.yes", False),
        ("true || false && false", True),
        ("(true || false) && false", False),
    ],
)
def test_an_expression_means_what_it_says(text: str, holds: bool) -> None:
    data = {
        "country": "US",
        "countries": ["FR", "US"],
        "none": None,
        "yes": True,
        "no": False,
        "one": 1,
        "deep": {"er": {"a b": 1}, "name": "US"},
        "a": "a",
        "b": "b",
    }
    context = {
        "action": "refund",
        "workflowId": "w1",
        "actor": {"id": "a1", "kind": "agent", "role": "agent"},
    }
    parameters = {"allowed": [3, 1], "limit": Decimal("900.00"), "name": "US"}
    facts = {"refunds24h": 900}
    assert ask(text, data, context=context, params=parameters, facts=facts) is holds


ERROR: Final = "data.gone > 1"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (f"false && {ERROR}", False),
        (f"{ERROR} && false", False),
        (f"{ERROR} && {ERROR} && false", False),
        (f"true && {ERROR} && false", False),
        (f"true || {ERROR}", True),
        (f"{ERROR} || true", True),
        (f"{ERROR} || false || true", True),
        (f"!({ERROR} && false)", True),
        ("'x' && false", False),
        ("5 || true", True),
    ],
)
def test_a_decisive_operand_absorbs_errors_wherever_it_stands(text: str, holds: bool) -> None:
    assert ask(text) is holds


@pytest.mark.parametrize("junction", ["&&", "||"])
def test_of_many_errors_the_leftmost_is_reported(junction: str) -> None:
    neutral = "true" if junction == "&&" else "false"
    parts = [neutral, "data.a > 1", neutral, "data.b > 1", "data.c > 1"]
    assert reason(f" {junction} ".join(parts)).startswith("data.a")
    assert reason(f" {junction} ".join(reversed(parts))).startswith("data.c")
    guarded = f"data.a > 1 {junction} action == 'x' {junction} data.b > 1"
    action = "x" if junction == "&&" else "y"
    assert reason(guarded, context={"action": action}).startswith("data.a")


# ── what is known without running ──


def test_a_condition_tells_what_it_reads() -> None:
    condition = compile_condition(
        "data.b > params.limit && has(data['a b'].c) && actor.id != data.b && facts.x in [1]"
    )
    assert condition.reads == ("actor.id", "data.b", "data['a b'].c", "facts.x", "params.limit")
    assert condition.parameters == ("limit",)
    environment = Environment(
        data={"b": 7, "a b": {"c": None}}, context={"actor": {"id": "ada"}}, params={"limit": 5}
    )
    values = [condition.lookup(environment, path) for path in condition.reads]
    assert values == ["ada", 7, None, MISSING, 5]
    environment.params = {}
    assert condition.lookup(environment, "params.limit") is MISSING


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("action == 'a'", {"a"}),
        ("'a' == data.action && data.x > 1", {"a"}),
        ("data.x > 1 && (true && action in ['a', 'b'])", {"a", "b"}),
        ("action == 'a' || data.action == 'b' && data.x > 1", {"a", "b"}),
        ("action in ['a', 'b'] && action != 'b' && action in ['a', 'c']", {"a"}),
        ("action == 'a' && action == 'b'", set()),
        ("action in ['a', 1]", {"a"}),
        ("action == 'a' || data.x > 1", None),
        ("action != 'a'", None),
        ("!(action == 'a')", None),
        ("action == data.x", None),
        ("action in params.actions", None),
        ("facts.action == 'a'", None),
        ("data.action.x == 'a'", None),
        ("data.type == 'payout'", None),
    ],
)
def test_a_condition_tells_outside_which_actions_it_cannot_hold(
    text: str, actions: set[str] | None
) -> None:
    assert compile_condition(text).actions == actions


def test_conditions_are_known_by_their_text() -> None:
    condition = compile_condition(REFUND)
    assert condition == compile_condition(REFUND)
    assert condition.text == REFUND
    assert "process_refund" in repr(condition)
    assert {condition: 1}[compile_condition(REFUND)] == 1


# ── syntax ──


@pytest.mark.parametrize(
    ("text", "line", "column", "expected", "message"),
    [
        ("", 1, 1, "a value", "expected a value, found the end"),
        ("data.x ==", 1, 10, "a value", "expected a value, found the end"),
        ("data.x == 1 data.y", 1, 13, "an operator or the end", "found `data`"),
        ("(data.x == 1", 1, 13, "`)` or an operator", "found the end"),
        ("data.x == 1)", 1, 12, "an operator or the end", "nothing is open that `)`"),
        ("data.x = 1", 1, 8, "==", "write =="),
        ("data.x & true", 1, 8, "&&", "write &&"),
        ("data.x | true", 1, 8, "||", "write ||"),
        ("data.x ==\n  data.y + 1", 2, 10, "an operator", "no arithmetic"),
        ("data.x - 1 > 0", 1, 8, "a number right after -", "no arithmetic"),
        ("-data.x > 0", 1, 1, "a number right after -", "no arithmetic"),
        ("data.x ? true : false", 1, 8, "an operator", "no choice"),
        ("amount > 500", 1, 1, "one of data, facts, params", "data.amount"),
        ("data > 5", 1, 6, "`.` or `[`", "data needs a field"),
        ("data.1 > 5", 1, 5, "`.` or `[`", "data needs a field"),
        ("data.x.1 > 5", 1, 7, "an operator or the end", "found `.1`"),
        ("data.in == 5", 1, 6, "a name", "in is a keyword"),
        ("data[0] == 5", 1, 6, "a string", "no positions"),
        ("data[x] == 5", 1, 6, "a string", "named by a string"),
        ("data['x' == 5", 1, 10, "`]`", "found `==`"),
        ("actor.name == 'x'", 1, 7, "id, kind, role", "an actor has"),
        ("action.name == 'x'", 1, 8, "an operator or the end", "action has no fields"),
        ("params.x.y == 'x'", 1, 10, "an operator or the end", "at most 1 step"),
        ("1 < data.x < 5", 1, 12, "&& or ||", "do not chain"),
        ("data.x in 'abc'", 1, 11, "a list or a path", "in needs"),
        ("data.x in [data.y]", 1, 12, "a constant", "found `data`"),
        ("data.x in [1 2]", 1, 14, "`,` or `]`", "found `2`"),
        ("data.x in [1,]", 1, 14, "a constant", "found `]`"),
        ("has(5)", 1, 5, "a path", "found `5`"),
        ("has(data.x.contains('y'))", 1, 5, "a path", "found `data`"),
        ("size(data.x", 1, 12, "`)`", "found the end"),
        ("matches(data.x, 'y')", 1, 1, "one of startsWith", "data.x.matches("),
        ("data.x.matches(data.y)", 1, 16, "a string", "checked now"),
        ("data.x.matches('(?=a)')", 1, 16, "a pattern of RE2", "invalid perl operator"),
        (f"data.x.matches('{'a' * 513}')", 1, 16, "a pattern of RE2", "at most 512 characters"),
        ("data.x.size() == 1", 1, 8, "one of startsWith", "size(data.x)"),
        ("data.x.exists(y, y > 1)", 1, 8, "one of startsWith", "exists is not available"),
        ("data.x.startsWith(5)", 1, 19, "a string or a path", "found `5`"),
        ("'abc' == \"abc", 1, 14, '"', "the string of column 10 is not closed"),
        ("'abc\n' == 'x'", 1, 5, "'", "is not closed"),
        (r"'\q' == 'x'", 1, 2, "an escape", "no escape"),
        (r"'\ud800' == 'x'", 1, 2, "a Unicode character", "no character"),
        (r"'\U00110000' == 'x'", 1, 2, "a Unicode character", "no character"),
        ("'\ud800' == 'x'", 1, 2, "a Unicode character", "lone surrogate"),
        ("'a\x00' == 'x'", 1, 3, r"\u0000", "invisible"),
        ("'\u202e' == 'x'", 1, 2, r"\u202e", "invisible"),
        ("data.x == 5 \x00", 1, 13, "a value or an operator", "unexpected character '\\x00'"),
        ("data.x == 5x", 1, 12, "an operator", "runs into a letter"),
        ("data.x == 0x1F", 1, 12, "an operator", "runs into a letter"),
        ("data.x == 1u", 1, 12, "an operator", "runs into a letter"),
        ("data.x == {'a': 1}", 1, 11, "a value", "no object literals"),
        ("5.5.5 == 1", 1, 4, "an operator or the end", "found `.5`"),
    ],
)
def test_a_syntax_error_says_where_and_what_was_expected(
    text: str, line: int, column: int, expected: str, message: str
) -> None:
    with pytest.raises(PolicySyntaxError) as caught:
        compile_condition(text)
    error = caught.value
    assert (error.line, error.column) == (line, column), str(error)
    assert error.expected.startswith(expected)
    assert message in error.message
    assert str(error).startswith(f"line {line}, column {column}: ")


def test_the_leftmost_mistake_is_the_one_reported() -> None:
    with pytest.raises(PolicySyntaxError) as caught:
        compile_condition("data.x == == 5 && data.y = $")
    assert caught.value.column == 11


def repeated(part: str, times: int, joint: str = " && ") -> str:
    return joint.join([part] * times)


@pytest.mark.parametrize(
    ("fits", "breaks", "expected"),
    [
        ("true" + " " * 4092, "true" + " " * 4093, "at most 4096 characters"),
        ("(" * 40 + "true" + ")" * 40, "(" * 41 + "true" + ")" * 41, "at most 40 levels"),
        ("!" * 40 + "true", "!" * 41 + "true", "at most 40 levels"),
        (repeated("!(true)", 50), "!(" * 21 + "true", "at most 40 levels"),
        ("(" * 20 + "!" * 20 + "true" + ")" * 20, "!(" * 21 + "true", "at most 40 levels"),
        (repeated("1", 599, "&&"), repeated("1", 600, "&&"), "at most 600 nodes"),
        (f"1 in [{repeated('1', 64, ',')}]", f"1 in [{repeated('1', 65, ',')}]", "at most 64 elem"),
        (f"data.x == {'9' * 34}", f"data.x == {'9' * 35}", "at most 34 digits"),
        (f"data.x == -0.{'9' * 34}", f"data.x == -0.{'9' * 35}", "at most 34 digits"),
        ("data.x == 1e6144", "data.x == 1e6145", "an exponent of at most 6144"),
        ("data.x == 1e-6144", "data.x == 1e-6145", "an exponent of at most 6144"),
        ("data.x == 0" + "0" * 4000, "data.x == 1" + "0" * 4000, "at most 34 digits"),
        ("data" + ".x" * 40 + "== 1", "data" + ".x" * 41 + "== 1", "an operator or the end"),
    ],
)
def test_a_limit_is_reached_but_not_passed(fits: str, breaks: str, expected: str) -> None:
    assert isinstance(compile_condition(fits), Condition)
    with pytest.raises(PolicySyntaxError) as caught:
        compile_condition(breaks)
    assert caught.value.expected.startswith(expected)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'\a\b\f\n\r\t\v'", "\a\b\f\n\r\t\v"),
        (r"""'\\ \? \" \' \`'""", "\\ ? \" ' `"),
        (r"'\x41\X42\u0043\U00000044\105'", "ABCDE"),
        (r"'\000\377'", "\x00\xff"),
        ('"it\'s"', "it's"),
        ("'say \"hi\"'", 'say "hi"'),
        ("'🐱 πέντε'", "🐱 πέντε"),
    ],
)
def test_strings_have_the_escapes_of_cel(text: str, value: str) -> None:
    assert ask(f"data.x == {text}", {"x": value})
    assert ask(f"data.x == {render(parse(text))}", {"x": value})


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("((data.x)) == (1)", "data.x == 1"),
        ("data.x==1&&(data.y||data.z)", "data.x == 1 && (data.y || data.z)"),
        ("(data.x && data.y) && data.z", "(data.x && data.y) && data.z"),
        ("data.x || (data.y && data.z)", "data.x || data.y && data.z"),
        ("!(data.x)", "!data.x"),
        ("!(data.x == 1)", "!(data.x == 1)"),
        ("(data.x == 1) == true", "(data.x == 1) == true"),
        ('data["x"]["a b"]["in"]', "data.x['a b']['in']"),
        ("data.x in [ 1,2.50 , -3e5,null ]", "data.x in [1, 2.50, -3e5, null]"),
        ('data.x.startsWith("it\'s")', 'data.x.startsWith("it\'s")'),
        ('data.x == "a\\n"', r"data.x == 'a\n'"),
        ("data.x == 1e0", "data.x == 1e0"),
        ("data.x == .5", "data.x == 0.5"),
    ],
)
def test_a_tree_is_printed_in_one_way(text: str, rendered: str) -> None:
    tree = parse(text)
    assert render(tree) == rendered
    assert parse(rendered) == tree

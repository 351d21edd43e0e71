"""What people write by habit or by accident, and what the language tells them to write."""

import sys
from typing import Final

import pytest

from domain.governor.language import PolicySyntaxError, compile_condition
from domain.governor.language.pattern import matcher

# A condition, the column of the mistake, what was expected there, and the sentence about it.
MISTAKES: Final = [
    # operators of other languages
    ("data.x = 1", 8, "==", "a single = compares nothing, write =="),
    ("data.x === 1", 8, "==", "write == for ==="),
    ("data.x !== 1", 8, "!=", "write != for !=="),
    ("data.x <> 1", 8, "!=", "write != for <>"),
    ("data.x =< 1", 8, "<=", "write <= for =<"),
    ("data.x => 1", 8, ">=", "write >= for =>"),
    ("data.x =~ 'a'", 8, "matches", "a pattern is asked for with data.x.matches('...')"),
    ("data.x & data.y", 8, "&&", "a single & means nothing here, write &&"),
    ("data.x | data.y", 8, "||", "a single | means nothing here, write ||"),
    ("data.x ≥ 5", 8, ">=", r"write >= for '\u2265'"),
    ("data.x ≠ 5", 8, "!=", r"write != for '\u2260'"),
    ("data.x > \u20135", 10, "-", r"write - for '\u2013'"),
    ("data.x ? 1 : 2", 8, "an operator", "there is no choice of values: ? is not available"),
    ("data.x ?? 1", 8, "an operator", "there is no choice of values: ? is not available"),
    # words for operators
    ("data.x == 1 and data.y", 13, "&&", "write && for and"),
    ("data.x == 1 OR data.y", 13, "||", "write || for OR"),
    ("not data.x", 1, "!", "write ! for not"),
    ("data.x not in [1]", 8, "an operator", "write !(data.x in [1, 2]) for not in, and != for not"),
    ("data.x is null", 8, "==", "write == for is"),
    ("data.x gt 5", 8, ">", "write > for gt"),
    ("data.x between 1 and 5", 8, "&&", "write data.x >= 1 && data.x <= 5 for between"),
    ("data.name like 'x%'", 11, "an operator", "matches is written data.x.matches('...')"),
    ("data.name contains 'x'", 11, "an operator", "contains is written data.x.contains('...')"),
    ("if data.x > 5", 1, "a condition", "a condition starts without if"),
    ("data.x > 5 then deny", 12, "the end", "a condition ends here: what follows from it is the"),
    # constants of other languages
    ("data.x == None", 11, "null", "write null for None"),
    ("data.x == True", 11, "true", "write true for True"),
    ("data.x != undefined", 11, "null", "write null for undefined"),
    # quotes
    ("data.name == \u201crefund\u201d", 14, "'", r"'\u201c' is a typographic quote, a text stands"),
    ("data.name == \u2018refund\u2019", 14, "'", r"'\u2018' is a typographic quote, a text stands"),
    ("data.name == `refund`", 14, "'", "a text stands in straight quotes, as in 'text'"),
    ('data.name == "refund', 21, '"', 'the string of column 14 is not closed by "'),
    ("data.name == \"refund' && data.x", 32, '"', 'the string of column 14 is not closed by "'),
    ("data.name == refund'", 14, "one of data,", "unknown name refund: a field of the payload is"),
    ("action == process_refund", 11, "one of data,", "unknown name process_refund: a field of the"),
    ("data.x == b'abc'", 11, "a string", "there are no bytes: a payload has none"),
    ("data.x == rr'abc'", 11, "a string", "one r is enough"),
    ("data.x == r'a\x01'", 14, "a string without r", r"only an escape can write \u0001"),
    ("data.x == '''a", 15, "'''", "the string of column 11 is not closed by '''"),
    # names
    ("dta.x > 5", 1, "one of data,", "unknown name dta: did you mean data?"),
    ("date.x > 5", 1, "one of data,", "unknown name date: did you mean data?"),
    ("acton == 'x'", 1, "one of data,", "unknown name acton: did you mean action?"),
    ("parms.limit > 5", 1, "one of data,", "unknown name parms: did you mean params?"),
    ("agentid == 'a1'", 1, "one of data,", "unknown name agentid: did you mean agentId?"),
    ("fact.roas > 5", 1, "one of data,", "unknown name fact: did you mean facts?"),
    ("amount > 500", 1, "one of data,", "unknown name amount: a field of the payload is written "),
    ("actor.nam == 'x'", 7, "id, kind, role", "an actor has these fields: id, kind, role"),
    ("facts > 5", 7, "`.` or `[`", "facts needs a field, as in facts.x"),
    (
        "data.first-name == 'x'",
        11,
        "a number right",
        "a field with a - in its name is written data['",
    ),
    ("data.items[0] == 1", 12, "a string", "lists have no positions here: fields are data['x']"),
    ("data..x == 1", 6, "a name", "expected a name, found `.`"),
    ("data.true == 1", 6, "a name", "true is a keyword: a field of this name is written ['true']"),
    # functions
    ("len(data.items) > 1", 1, "one of starts", "len is not available: did you mean size?"),
    ("data.items.length() > 1", 12, "one of starts", "length is not available: did you mean size?"),
    ("data.n.startswith('x')", 8, "one of starts", "startswith is not available: did you mean st"),
    (
        "data.n.includes('x')",
        8,
        "one of starts",
        "includes is not available: did you mean contains?",
    ),
    ("data.n.match('x')", 8, "one of starts", "match is not available: did you mean matches?"),
    ("data.n.matchs('x')", 8, "one of starts", "matchs is not available: did you mean matches?"),
    ("contains(data.n, 'x')", 1, "one of starts", "contains is written data.x.contains('...')"),
    ("data.n.size() > 1", 8, "one of starts", "size is written size(data.x)"),
    ("defined(data.x)", 1, "one of starts", "defined is not available: did you mean has?"),
    (
        "data.n.exists(i, i > 1)",
        8,
        "one of starts",
        "exists is not available: there are no compreh",
    ),
    ("int(data.x) > 5", 1, "one of starts", "int is not available: no value is converted into"),
    ("lower(data.x) == 'a'", 1, "one of starts", "lower is not available"),
    ("size data.x > 1", 6, "`(`", "expected `(`, found `data`"),
    ("data.n.matches('(')", 16, "a pattern of RE2", "this is no pattern of RE2: missing ): ("),
    (
        "data.n.matches(r'a(?!b)')",
        16,
        "a pattern of RE2",
        "this is no pattern of RE2: invalid perl",
    ),
    ("data.n.matches(params.p)", 16, "a string", "a pattern is a string, so that it can be check"),
    # brackets and commas
    ("(data.x == 1", 13, "`)` or an operator", "expected `)` or an operator, found the end"),
    ("data.x == 1)", 12, "an operator or the end", "nothing is open that `)` would close"),
    ("data.x == 1]", 12, "an operator or the end", "nothing is open that `]` would close"),
    ("data.x in ('a', 'b')", 11, "a list or a path", "a list is written in brackets, as in [1, 2]"),
    ("data.x in [1, 2", 16, "`,` or `]`", "expected `,` or `]`, found the end"),
    ("data.x == {'a': 1}", 11, "a value", "there are no object literals: { is not available"),
    # numbers
    ("data.x > 1,000", 11, "an operator or", "a number has no separators: write 1000 for 1,000"),
    ("data.x > $500", 10, "a number", "an amount is a plain number, as in 500.00: without $"),
    (
        "data.x > 500 \u20ac",
        14,
        "a number",
        r"an amount is a plain number, as in 500.00: without '",
    ),
    ("data.x > 500EUR", 13, "an operator", "the number 500 runs into a letter"),
    ("data.x > 15%", 12, "an operator", "there is no arithmetic: % is not available, and 15 perce"),
    ("data.x > 5.", 11, "an operator or the end", "expected an operator or the end, found `.`"),
    (
        "data.day > 2024-01-01",
        16,
        "an operator or",
        "there is no arithmetic: a date is a text in qu",
    ),
    # arithmetic
    ("data.x + data.y > 5", 8, "an operator", "there is no arithmetic: + is not available"),
    ("data.x - 1 > 5", 8, "a number right", "expected a number right after -: there is no arithm"),
    ("data.x-1 > 5", 7, "an operator or the end", "there is no arithmetic: - is not available"),
    ("data.x == -data.y", 11, "a number right", "expected a number right after -: there is no ari"),
    # the rest
    ("data.x\u00a0> 5", 7, "an ordinary space", r"'\xa0' looks like a space but is none: type it"),
    ("data.x > 5 // why", 12, "a condition", "there are no comments: say it in the rationale of"),
    ("data.x > 5;", 11, "the end", "a policy rule is one condition: join two of them with"),
    ("data.x &&", 10, "a value", "expected a value, found the end"),
    ("&& data.x", 1, "a value", "expected a value, found `&&`"),
    ("1 < data.x < 5", 12, "&& or ||", "comparisons do not chain, join two of them with &&"),
    (
        "data.x == 'a' 'b'",
        15,
        "an operator or the end",
        "expected an operator or the end, found `'b'",
    ),
    ("data.x == 1 ')'", 13, "an operator or the end", "expected an operator or the end, found"),
    ("@data.x", 1, "a value or an operator", "unexpected character '@'"),
]


@pytest.mark.parametrize(("text", "column", "expected", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_cure(
    text: str, column: int, expected: str, said: str
) -> None:
    with pytest.raises(PolicySyntaxError) as caught:
        compile_condition(f"data.fine\n  || {text}")
    error = caught.value
    assert (error.line, error.column) == (2, column + len("  || ")), str(error)
    assert error.expected.startswith(expected), error.expected
    assert error.message.startswith(moved(said)), error.message


def moved(said: str) -> str:
    """The sentences about unclosed strings name a column."""
    for column in (11, 14):
        said = said.replace(f"of column {column} ", f"of column {column + len('  || ')} ")
    return said


def test_nearness_is_not_asked_about_names_without_end() -> None:
    with pytest.raises(PolicySyntaxError) as caught:
        compile_condition("dat" + "a" * 4000 + " > 5")
    assert "did you mean" not in caught.value.message
    assert len(caught.value.message) < 200


def test_without_re2_there_is_no_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own `re` is never asked: a crafted text could hold it up."""
    text = "data.x.matches('never compiled before')"
    with monkeypatch.context() as without:
        without.setattr(sys.modules[matcher.__module__], "re2", None)
        with pytest.raises(PolicySyntaxError) as caught:
            compile_condition(text)
        assert caught.value.message.startswith("matches needs the package google-re2")
        assert compile_condition("data.x == 'a'").reads == ("data.x",)
    assert compile_condition(text).reads == ("data.x",)

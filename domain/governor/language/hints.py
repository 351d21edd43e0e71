"""Hints: what people write who know another language, and what it is called here.

character  `=` `“` `≥` ─┐
word       and  None  ──┼─►  (what was expected, a sentence that says what to write)
function   len  like  ──┘
"""

from difflib import get_close_matches
from typing import Final, NamedTuple

NAME_CHARACTERS_MAX: Final = 40
"""Longer names are not compared with ours: nearness takes more than linear time."""


NEARNESS_MIN: Final = 0.75
"""From 0 (nothing in common) to 1 (the same); "date" is this near to "data"."""


class Hint(NamedTuple):
    """What was expected in a place, and the sentence about it."""

    expected: str
    message: str


_NO_TOKEN: Final = "a value or an operator"
_OPERATOR: Final = "an operator"
_COMMENT: Final = Hint(
    "a condition", "there are no comments: say it in the rationale of the policy"
)
_PLAIN_NUMBER: Final = "an amount is a plain number, as in 500.00: "


def _written(wrong: str, right: str) -> Hint:
    return Hint(right, f"write {right} for {wrong}")


def _no_arithmetic(symbol: str) -> Hint:
    return Hint(_OPERATOR, f"there is no arithmetic: {symbol} is not available")


# The longest that fits is the one that is said.
_SYMBOLS: Final = {
    "===": _written("===", "=="),
    "!==": _written("!==", "!="),
    "<>": _written("<>", "!="),
    "=<": _written("=<", "<="),
    "=>": _written("=>", ">="),
    "=~": Hint("matches", "a pattern is asked for with data.x.matches('...')"),
    "=": Hint("==", "a single = compares nothing, write =="),
    "&": Hint("&&", "a single & means nothing here, write &&"),
    "|": Hint("||", "a single | means nothing here, write ||"),
    "//": _COMMENT,
    "/*": _COMMENT,
    "#": _COMMENT,
    "+": _no_arithmetic("+"),
    "*": _no_arithmetic("*"),
    "/": _no_arithmetic("/"),
    "^": _no_arithmetic("^"),
    "%": Hint(_OPERATOR, "there is no arithmetic: % is not available, and 15 percent is 0.15"),
    "?": Hint(_OPERATOR, "there is no choice of values: ? is not available"),
    ":": Hint(_OPERATOR, "there is no choice of values: `:` is not available"),
    ";": Hint("the end", "a policy rule is one condition: join two of them with && or ||"),
    "{": Hint("a value", "there are no object literals: { is not available"),
    "}": Hint(_OPERATOR, "there are no object literals: } is not available"),
    "`": Hint("'", "a text stands in straight quotes, as in 'text'"),
    "$": Hint("a number", f"{_PLAIN_NUMBER}without $"),
    "-": Hint("a number right after -", "expected a number right after -: there is no arithmetic"),
}
_UNICODE: Final = {
    **{
        quote: Hint(
            "'", f"{quote!a} is a typographic quote, a text stands in straight ones: 'text'"
        )
        for quote in "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u00ab\u00bb"
    },
    **{
        space: Hint("an ordinary space", f"{space!a} looks like a space but is none: type it anew")
        for space in "\u00a0\u2007\u2009\u202f\u3000\ufeff\u200b"
    },
    **{dash: _written(f"{dash!a}", "-") for dash in "\u2010\u2011\u2012\u2013\u2014\u2212"},
    **{sign: Hint("a number", f"{_PLAIN_NUMBER}without {sign!a}") for sign in "\u20ac\u00a3\u00a5"},
    "\u2260": _written(r"'\u2260'", "!="),
    "\u2264": _written(r"'\u2264'", "<="),
    "\u2265": _written(r"'\u2265'", ">="),
    "\u2227": _written(r"'\u2227'", "&&"),
    "\u2228": _written(r"'\u2228'", "||"),
    "\u00ac": _written(r"'\xac'", "!"),
    "\u2208": _written(r"'\u2208'", "in"),
}
_SYMBOL_CHARACTERS_MAX: Final = max(map(len, _SYMBOLS))

_CONSTANTS: Final = {
    **dict.fromkeys(("none", "nil", "null", "undefined"), "null"),
    **{"true": "true", "yes": "true", "false": "false", "no": "false"},
}
_WORDS: Final = {
    **{"and": "&&", "or": "||", "not": "!", "xor": "!="},
    **dict.fromkeys(("is", "eq", "equals"), "=="),
    **{"ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
}
_SENTENCES: Final = {
    "if": Hint("a condition", "a condition starts without if"),
    "when": Hint("a condition", "a condition starts without when"),
    "then": Hint(
        "the end", "a condition ends here: what follows from it is the action of its rule"
    ),
    "between": Hint("&&", "write data.x >= 1 && data.x <= 5 for between"),
}
_ALIASES: Final = {
    **dict.fromkeys(("len", "length", "count"), "size"),
    **dict.fromkeys(("includes", "include", "has_substring", "indexof"), "contains"),
    **dict.fromkeys(("defined", "isset", "is_defined"), "has"),
    **dict.fromkeys(("regex", "match", "like", "test", "search"), "matches"),
    **dict.fromkeys(("beginswith", "starts", "prefix"), "startsWith"),
    **dict.fromkeys(("ends", "suffix"), "endsWith"),
}
_CONVERSIONS: Final = frozenset(
    {"int", "uint", "double", "float", "string", "str", "bytes", "bool", "dyn", "type", "number"}
)
_COMPREHENSIONS: Final = frozenset({"all", "any", "exists", "exists_one", "map", "filter"})
_USES: Final = {"size": "size(data.x)", "has": "has(data.x)"}


def stranger(text: str, offset: int) -> Hint:
    """Return the hint about characters that begin no word of the language."""
    if known := _UNICODE.get(text[offset]):
        return known
    following = text[offset + 1 : offset + 2]
    if text[offset] == "-" and following.isalpha() and _ends_name(text, offset):
        return Hint("a number right after -", "a field with a - in its name is written data['a-b']")
    for length in range(_SYMBOL_CHARACTERS_MAX, 0, -1):
        if known := _SYMBOLS.get(text[offset : offset + length]):
            return known
    return Hint(_NO_TOKEN, f"unexpected character {text[offset]!a}")


def _ends_name(text: str, offset: int) -> bool:
    return offset > 0 and (text[offset - 1].isalnum() or text[offset - 1] == "_")


def unknown_name(name: str, roots: tuple[str, ...]) -> Hint:
    """Return the hint about a name that stands where a value should."""
    expected = f"one of {', '.join(roots)}, has, size"
    plain = name.lower()
    if plain in _SENTENCES:
        return _SENTENCES[plain]
    if plain in _CONSTANTS:
        return Hint(_CONSTANTS[plain], f"write {_CONSTANTS[plain]} for {name}")
    if plain in _WORDS:
        return Hint(_WORDS[plain], f"write {_WORDS[plain]} for {name}")
    if near := _near(name, roots):
        return Hint(expected, f"unknown name {name}: did you mean {near}?")
    shown = name[:NAME_CHARACTERS_MAX]
    written = f"a field of the payload is written data.{shown}, a text '{shown}'"
    return Hint(expected, f"unknown name {shown}: {written}")


def unknown_function(name: str, functions: tuple[str, ...]) -> Hint:
    """Return the hint about a name that is called but is no function."""
    known = (*functions, *_USES)
    expected, plain = f"one of {', '.join(known)}", name.lower()
    if name in _USES:
        return Hint(expected, f"{name} is written {_USES[name]}")
    if name in functions:
        return Hint(expected, f"{name} is written data.x.{name}('...')")
    if plain in _COMPREHENSIONS:
        without = "there are no comprehensions, and has(data.x) asks for a field"
        return Hint(expected, f"{name} is not available: {without}")
    if plain in _CONVERSIONS:
        return Hint(expected, f"{name} is not available: no value is converted into another type")
    near = _ALIASES.get(plain) or _near(name, known)
    shown = name[:NAME_CHARACTERS_MAX]
    return Hint(expected, f"{shown} is not available" + (f": did you mean {near}?" if near else ""))


def no_operator(word: str, before: str, functions: tuple[str, ...]) -> Hint | None:
    """Return the hint about a word that stands where an operator should, if there is one."""
    plain = word.lower()
    after_number = before[:1] == "-" or before[:1].isdigit()
    if plain in _SENTENCES:
        return _SENTENCES[plain]
    if plain == "not":
        return Hint("an operator", "write !(data.x in [1, 2]) for not in, and != for not equal")
    if plain in _WORDS:
        return Hint(_WORDS[plain], f"write {_WORDS[plain]} for {word}")
    if (function := _ALIASES.get(plain, word)) in functions:
        return Hint("an operator", f"{function} is written data.x.{function}('...')")
    if word == "," and after_number:
        return Hint("an operator or the end", "a number has no separators: write 1000 for 1,000")
    if word[:1] == "-":
        rest = "a date is a text in quotes" if after_number else "- is not available"
        return Hint("an operator or the end", f"there is no arithmetic: {rest}")
    if word in (")", "]"):
        return Hint("an operator or the end", f"nothing is open that `{word}` would close")
    return None


def _near(name: str, known: tuple[str, ...]) -> str:
    if len(name) > NAME_CHARACTERS_MAX:
        return ""
    in_lower_case = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), in_lower_case, n=1, cutoff=NEARNESS_MIN)
    return in_lower_case[near[0]] if near else ""

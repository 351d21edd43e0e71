"""Lexer: text to tokens, in one pass from left to right, each character looked at a bounded
number of times.

"data.amount > 0.15"  ─►  name data · symbol . · name amount · symbol > · number 0.15 · end
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from typing import Literal as OneOf

from domain.governor.language.errors import PolicySyntaxError
from domain.governor.language.tree import Scalar

TEXT_CHARACTERS_MAX: Final = 4_096
NUMBER_DIGITS_MAX: Final = 34  # with the exponent below: what an IEEE 754 decimal128 can hold
NUMBER_EXPONENT_MAX: Final = 6_144

# Possessive quantifiers: nothing is ever tried twice.
_TOKEN: Final = re.compile(
    r"""
      (?P<space>  [ \t\n\r\f]++ )
    | (?P<number> -?+ (?: [0-9]++ (?:\.[0-9]++)?+ | \.[0-9]++ ) (?: [eE] [+-]?+ [0-9]++ )?+ )
    | (?P<name>   [A-Za-z_][A-Za-z0-9_]*+ )
    | (?P<symbol> && | \|\| | == | != | <= | >= | [<>!()\[\].,] )
    """,
    re.VERBOSE,
)
# Left out, and so to be escaped: what a reader of the policy could not see (control characters,
# line separators, bidirectional overrides) and lone surrogates, which nobody can store.
_PLAIN: Final = re.compile(
    r"[^'\"\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]++",
)
_ESCAPE: Final = re.compile(
    r"""\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})"""
    r"""|([0-3][0-7]{2}))"""
)
_SHORT: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_HINTS: Final = {
    "=": ("==", "a single = compares nothing, write =="),
    "&": ("&&", "a single & means nothing here, write &&"),
    "|": ("||", "a single | means nothing here, write ||"),
    "-": ("a number right after -", "expected a number right after -: there is no arithmetic"),
    "+": ("an operator", "there is no arithmetic: + is not available"),
    "*": ("an operator", "there is no arithmetic: * is not available"),
    "/": ("an operator", "there is no arithmetic: / is not available"),
    "%": ("an operator", "there is no arithmetic: % is not available"),
    "?": ("an operator", "there is no choice of values: ? is not available"),
    "{": ("a value", "there are no object literals: { is not available"),
}
_NO_TOKEN: Final = "a value or an operator"

Kind = OneOf["name", "number", "string", "symbol", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a condition: its kind, how it is written, its value, and where it starts."""

    kind: Kind
    text: str
    offset: int
    value: Scalar = None


class Source:
    """A text that knows its lines."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        """Take a text of bounded length."""
        self.text = text
        if len(text) > TEXT_CHARACTERS_MAX:
            expected = f"at most {TEXT_CHARACTERS_MAX} characters"
            raise self.error(TEXT_CHARACTERS_MAX, expected, f"a condition has {expected}")

    def error(self, offset: int, expected: str, message: str) -> PolicySyntaxError:
        """Return an error at a place in the text; lines and columns count from 1."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset)
        return PolicySyntaxError(line, column, expected, message)


def tokens(source: Source) -> Iterator[Token]:
    """Yield the tokens one by one, so that the leftmost mistake is the one reported."""
    text, offset = source.text, 0
    while offset < len(text):
        if text[offset] in "'\"":
            value, end = _string(source, offset)
            yield Token("string", text[offset:end], offset, value)
        elif found := _TOKEN.match(text, offset):
            end = found.end()
            if found.lastgroup != "space":
                yield _token(source, found, offset)
        else:
            raise _stranger(source, offset)
        offset = end
    yield Token("end", "", offset)


def _token(source: Source, found: re.Match[str], offset: int) -> Token:
    word = found.group()
    if found.lastgroup == "number":
        return Token("number", word, offset, _number(source, word, offset))
    return Token("name" if found.lastgroup == "name" else "symbol", word, offset)


def _stranger(source: Source, offset: int) -> PolicySyntaxError:
    character = source.text[offset]
    expected, message = _HINTS.get(character, (_NO_TOKEN, ""))
    return source.error(offset, expected, message or f"unexpected character {character!a}")


def _number(source: Source, word: str, offset: int) -> int | Decimal:
    end = offset + len(word)
    following = source.text[end : end + 1]
    if following == "_" or (following.isascii() and following.isalpha()):
        raise source.error(
            end, "an operator", f"the number {word[:NUMBER_DIGITS_MAX]} runs into a letter"
        )
    mantissa, _, exponent = word.lower().partition("e")
    if len(mantissa.replace(".", "").lstrip("-0")) > NUMBER_DIGITS_MAX:
        limit = f"at most {NUMBER_DIGITS_MAX} digits"
        raise source.error(offset, limit, f"a number has {limit}")
    if not exponent and "." not in word:
        return int(word)
    # The written exponent first: it alone may be beyond what Decimal takes.
    if abs(int(exponent or "0")) <= NUMBER_EXPONENT_MAX + TEXT_CHARACTERS_MAX:
        value = Decimal(word)
        if abs(value.adjusted()) <= NUMBER_EXPONENT_MAX:
            return value
    limit = f"an exponent of at most {NUMBER_EXPONENT_MAX}"
    raise source.error(offset, limit, f"a number has {limit}")


def _string(source: Source, start: int) -> tuple[str, int]:
    text, quote, offset = source.text, source.text[start], start + 1
    parts: list[str] = []
    while (character := text[offset : offset + 1]) != quote:
        if found := _PLAIN.match(text, offset):
            parts.append(found.group())
            offset = found.end()
        elif character == "\\":
            part, offset = _escape(source, offset)
            parts.append(part)
        elif character and character in "'\"":
            parts.append(character)
            offset += 1
        else:
            raise _unwritable(source, start, offset, quote)
    return "".join(parts), offset + 1


def _escape(source: Source, offset: int) -> tuple[str, int]:
    found = _ESCAPE.match(source.text, offset)
    if found is None:
        raise source.error(
            offset, r"an escape such as \n, \x41, \u0041 or \101", "this is no escape of a string"
        )
    short, *hexadecimal, octal = found.groups()
    if short:
        return _SHORT.get(short, short), found.end()
    code = int(octal, 8) if octal else int(next(filter(None, hexadecimal)), 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise source.error(offset, "a Unicode character", "there is no character of this number")
    return chr(code), found.end()


def _unwritable(source: Source, start: int, offset: int, quote: str) -> PolicySyntaxError:
    character = source.text[offset : offset + 1]
    if character in ("", "\n", "\r"):
        return source.error(
            offset, quote, f"the string of column {_column(source, start)} is not closed by {quote}"
        )
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return source.error(offset, "a Unicode character", "half a character (a lone surrogate)")
    return source.error(
        offset, f"\\u{code:04x}", f"an invisible character has to be written \\u{code:04x}"
    )


def _column(source: Source, offset: int) -> int:
    return offset - source.text.rfind("\n", 0, offset)

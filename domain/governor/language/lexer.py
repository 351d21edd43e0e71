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

from domain.governor.language.hints import stranger
from domain.governor.language.source import TEXT_CHARACTERS_MAX, Source
from domain.governor.language.strings import string
from domain.governor.language.tree import Scalar

NUMBER_DIGITS_MAX: Final = 34  # with the exponent below: what an IEEE 754 decimal128 can hold
NUMBER_EXPONENT_MAX: Final = 6_144

# Possessive quantifiers: nothing is ever tried twice. What is looked for behind a symbol is the
# rest of a symbol of another language: ===, !== and <> are one mistake, not two.
_TOKEN: Final = re.compile(
    r"""
      (?P<space>  [ \t\n\r\f]++ )
    | (?P<number> -?+ (?: [0-9]++ (?:\.[0-9]++)?+ | \.[0-9]++ ) (?: [eE] [+-]?+ [0-9]++ )?+ )
    | (?P<name>   [A-Za-z_][A-Za-z0-9_]*+ )
    | (?P<symbol> && | \|\| | ==(?!=) | !=(?!=) | <= | >= | <(?!>) | !(?!=) | [>()\[\].,] )
    """,
    re.VERBOSE,
)

Kind = OneOf["name", "number", "string", "symbol", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a condition: its kind, how it is written, its value, and where it starts."""

    kind: Kind
    text: str
    offset: int
    value: Scalar = None


def tokens(source: Source) -> Iterator[Token]:
    """Yield the tokens one by one, so that the leftmost mistake is the one reported."""
    text, offset = source.text, 0
    while offset < len(text):
        if read := string(source, offset):
            value, end = read
            yield Token("string", text[offset:end], offset, value)
        elif found := _TOKEN.match(text, offset):
            end = found.end()
            if found.lastgroup != "space":
                yield _token(source, found, offset)
        else:
            raise source.error(offset, *stranger(text, offset))
        offset = end
    yield Token("end", "", offset)


def _token(source: Source, found: re.Match[str], offset: int) -> Token:
    word = found.group()
    if found.lastgroup == "number":
        return Token("number", word, offset, _number(source, word, offset))
    return Token("name" if found.lastgroup == "name" else "symbol", word, offset)


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

"""Cursor: a place in the tokens of a condition, with one token of foresight.

… before │ token … ─ advance, accept, expect ─► …       error, surprise: what is wrong here
"""

from typing import Final

from domain.governor.language.errors import PolicySyntaxError
from domain.governor.language.lexer import Token, tokens
from domain.governor.language.source import Source

TOKEN_SHOWN_CHARACTERS_MAX: Final = 40


class Cursor:
    """One run over one text."""

    __slots__ = ("_stream", "before", "source", "token")

    def __init__(self, source: Source) -> None:
        """Start at the first token."""
        self.source = source
        self._stream = tokens(source)
        self.token = next(self._stream)
        self.before = ""

    def at(self, symbol: str) -> bool:
        """Say whether a symbol stands here."""
        return self.token.kind == "symbol" and self.token.text == symbol

    def advance(self) -> Token:
        """Return the token that stands here, and go on to the next."""
        token = self.token
        self.before = token.text
        self.token = next(self._stream)
        return token

    def accept(self, symbol: str) -> bool:
        """Go on if a symbol stands here, and say whether it did."""
        if not self.at(symbol):
            return False
        self.advance()
        return True

    def expect(self, symbol: str, expected: str = "") -> None:
        """Go on if a symbol stands here, which it has to."""
        if not self.accept(symbol):
            raise self.surprise(expected or f"`{symbol}`")

    def error(self, at: Token, expected: str, message: str) -> PolicySyntaxError:
        """Return the error of a token, whichever it is."""
        return self.source.error(at.offset, expected, message)

    def surprise(self, expected: str, message: str = "") -> PolicySyntaxError:
        """Return the error of the token that stands here."""
        return self.error(
            self.token, expected, message or f"expected {expected}, found {shown(self.token)}"
        )


def shown(token: Token) -> str:
    """Return a token as an error message shows it."""
    if token.kind == "end":
        return "the end"
    return f"`{ascii(token.text)[1:-1][:TOKEN_SHOWN_CHARACTERS_MAX]}`"

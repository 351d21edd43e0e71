"""Source: a text of bounded length that knows where its lines begin.

error(offset) ─► PolicySyntaxError(line, column)      both count from 1
"""

from typing import Final

from domain.governor.language.errors import PolicySyntaxError

TEXT_CHARACTERS_MAX: Final = 4_096


class Source:
    """A text that knows its lines."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        """Take a text of bounded length."""
        self.text = text
        if len(text) > TEXT_CHARACTERS_MAX:
            expected = f"at most {TEXT_CHARACTERS_MAX} characters"
            raise self.error(TEXT_CHARACTERS_MAX, expected, f"a condition has {expected}")

    def column(self, offset: int) -> int:
        """Return the column of a place in its line."""
        return offset - self.text.rfind("\n", 0, offset)

    def error(self, offset: int, expected: str, message: str) -> PolicySyntaxError:
        """Return an error at a place in the text."""
        line = self.text.count("\n", 0, offset) + 1
        return PolicySyntaxError(line, self.column(offset), expected, message)

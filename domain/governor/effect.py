"""Effects: how strict an answer is.   allow < warn < require_approval < deny"""

from enum import IntEnum
from typing import Final


class Effect(IntEnum):
    """From the mildest to the strictest; answers combine by taking the maximum."""

    ALLOW = 0
    WARN = 1
    REQUIRE_APPROVAL = 2
    DENY = 3

    @property
    def word(self) -> str:
        """Return the word that policies and records use."""
        return _WORDS[self]


_WORDS: Final = ("allow", "warn", "require_approval", "deny")
_BY_WORD: Final = {effect.word: effect for effect in Effect}


def effect_of(word: str) -> Effect:
    """Read an effect; a word that nobody knows is the strictest of all."""
    return _BY_WORD.get(word, Effect.DENY)

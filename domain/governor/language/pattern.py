"""Patterns: the one door to RE2, whose time is linear in the text for every pattern.

'^AC-[0-9]+$' ─ compiled ─► matcher(text) ─► true | false      a part of the text is enough

Python's own `re` backtracks: one crafted payload could hold up every decision. So without RE2
there is no `matches`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

try:
    import re2  # type: ignore[import-untyped]
except ImportError:
    re2 = None

PATTERN_CHARACTERS_MAX: Final = 512
PATTERN_MEMORY_BYTES_MAX: Final = 1 << 20

Matcher: TypeAlias = Callable[[str], bool]


class BadPattern(Exception):
    """A text is no pattern, or there is nothing here that could match one."""


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Matcher:
    """Return the function that finds a pattern in a text, or raise BadPattern.

    The function raises UnicodeEncodeError for half characters (lone surrogates).
    """
    if re2 is None:
        raise BadPattern("matches needs the package google-re2, which is not installed here")
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise BadPattern(f"a pattern has at most {PATTERN_CHARACTERS_MAX} characters")
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_BYTES_MAX
    options.never_capture = True
    options.log_errors = False
    try:
        search = re2.compile(pattern.encode(), options).search
    except re2.error as error:
        raise BadPattern(f"this is no pattern of RE2: {_said(error)}") from error

    def found(text: str) -> bool:
        return search(text.encode()) is not None

    return found


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)

"""Lists as PostgreSQL's array literals.

    ["a", None, 'b"c']  ──►  {"a",NULL,"b\\"c"}

psycopg finds out the type of every list anew, which for a dozen short ones is most of what a call
costs. Bytes are left to it: in binary they are half as long.
"""

from collections.abc import Iterable


def texts(words: Iterable[str | None]) -> str:
    """Return a text[]; inside quotes, only quotes and backslashes mean anything."""
    return "{" + ",".join(_quoted(word) for word in words) + "}"


def integers(numbers: Iterable[int]) -> str:
    """Return an int[] or bigint[]."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _quoted(word: str | None) -> str:
    if word is None:
        return "NULL"
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'

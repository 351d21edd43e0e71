r"""Strings: the ways of CEL to write a text, read in one pass.

'text'  "text"     with escapes: \n \x41 \u0041 \101             on one line
'''…'''  \"""…\"""   the same, and lines may end inside it
r'\d+'  R"\d+"     raw: every character is itself, a backslash too
"""

import re
from typing import Final

from domain.governor.language.source import Source

# Left out, and so to be escaped: what a reader of the policy could not see (control characters,
# line separators, bidirectional overrides) and lone surrogates, which nobody can store.
_PLAIN: Final = re.compile(
    r"[^'\"\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]++",
)
_OPENING: Final = re.compile(r"""(?P<prefix>[rRbB]{0,2}+)(?P<quote>'''|\"\"\"|'|\")""")
_ESCAPE: Final = re.compile(
    r"""\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})"""
    r"""|([0-3][0-7]{2}))"""
)
_SHORT: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def string(source: Source, start: int) -> tuple[str, int] | None:
    """Return the text of the string that starts at a place, and its end; None if none does."""
    opening = _OPENING.match(source.text, start)
    if opening is None:
        return None
    prefix, quote = opening["prefix"].lower(), opening["quote"]
    if "b" in prefix or len(prefix) > 1:
        message = "there are no bytes: a payload has none" if "b" in prefix else "one r is enough"
        raise source.error(start, "a string", message)
    return _rest(source, start, opening.end(), quote, raw=bool(prefix))


def _rest(source: Source, start: int, offset: int, quote: str, raw: bool) -> tuple[str, int]:
    text = source.text
    parts: list[str] = []
    while not text.startswith(quote, offset):
        character = text[offset : offset + 1]
        if found := _PLAIN.match(text, offset):
            parts.append(found.group())
            offset = found.end()
        elif character == "\\" and not raw:
            part, offset = _escape(source, offset)
            parts.append(part)
        elif character and (character in "'\"\\" or (character == "\n" and len(quote) == 3)):
            parts.append(character)
            offset += 1
        else:
            raise _unwritable(source, start, offset, quote, raw)
    return "".join(parts), offset + len(quote)


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


def _unwritable(source: Source, start: int, offset: int, quote: str, raw: bool) -> Exception:
    character = source.text[offset : offset + 1]
    if character in ("", "\n", "\r"):
        column = source.column(start)
        return source.error(
            offset, quote, f"the string of column {column} is not closed by {quote}"
        )
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return source.error(offset, "a Unicode character", "half a character (a lone surrogate)")
    escape = f"\\u{code:04x}"
    if raw:
        return source.error(offset, "a string without r", f"only an escape can write {escape}")
    return source.error(offset, escape, f"an invisible character has to be written {escape}")

"""Canonical JSON: one value, one text, one hash.

RFC 8785 (JSON Canonicalization Scheme) with one difference, made on purpose: a number that is
not an integer is a decimal, and is written as a string in plain notation without trailing
zeros, so that money never passes through a binary float. `1.50` and `1.5` are the same text, and
so are `600.0` and `600`, whether a program holds them as decimals or as integers.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

INTEGER_MAX: Final = 2**53 - 1
"""RFC 8785 inherits I-JSON's exact integers; larger ones are written as strings."""


def canonical(value: object) -> bytes:
    """Return the canonical UTF-8 text of a JSON value with decimals.

    Raises `ValueError` for what has no canonical form: NaN, infinities, lone surrogates.
    """
    text = _ENCODER.encode(value)
    if text.isascii() and not _LONG_NUMBER.search(text):
        return text.encode()
    return _PLAIN.encode(_ordered(value)).encode()  # UnicodeEncodeError is a ValueError


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def plain(number: Decimal) -> str:
    """Write a decimal in plain notation, without trailing zeros: `1.5`, `-0.001`, `12`."""
    if not number.is_finite():
        raise ValueError(f"{number} has no canonical form")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _number(value: Decimal) -> int | str:
    text = plain(value)
    return text if "." in text else int(text)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"{type(value).__name__} has no canonical form")


def _ordered(value: object) -> object:
    """Order keys by UTF-16 code units (RFC 8785, section 3.2.3) and spell out large integers."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    if isinstance(value, Decimal):
        value = _number(value)
    if type(value) is int and not -INTEGER_MAX <= value <= INTEGER_MAX:
        return str(value)
    return value


_ENCODER: Final = json.JSONEncoder(
    default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_PLAIN: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_LONG_NUMBER: Final = re.compile(r"(?:^|[:,\[-])[0-9]{16}")
"""Where sixteen digits begin a value, an integer may be too large to be written as it is."""

"""Requests: bytes from outside ──► a JSON object ──► a command. Every way in checks alike.

Numbers that are not integers become decimals, exactly. NaN, Infinity, a name twice in an object,
lone surrogates, nesting too deep and anything over a megabyte are refused, and say so.
"""

import json
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from commands.actions import problems_of
from commands.catalog import COMMANDS
from commands.message import Command

BODY_BYTES_MAX: Final = 1_000_000
DEPTH_MAX: Final = 32
DIGITS_MAX: Final = 64


class BadRequest(Exception):
    """A request that makes no sense; the message says what was wrong and what to do."""

    def __init__(self, code: str, message: str) -> None:
        """Name the mistake, and explain it."""
        super().__init__(message)
        self.code = code


def parse_json(body: bytes | str) -> dict[str, Any]:
    """Return the JSON object in a body. Raises `BadRequest`."""
    if len(body) > BODY_BYTES_MAX:
        raise BadRequest("too_large", f"a request has at most {BODY_BYTES_MAX} bytes")
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_once,
        )
        json.dumps(value, default=str, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise BadRequest("not_utf8", "the request is not UTF-8 text") from None
    except UnicodeEncodeError:
        raise BadRequest("not_text", "the request holds half a surrogate pair") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequest("not_json", f"the request is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise BadRequest("too_deep", f"JSON nests at most {DEPTH_MAX} deep here") from None
    if not isinstance(value, dict):
        raise BadRequest("not_an_object", "the request must be a JSON object: {…}")
    if _depth(value) > DEPTH_MAX:
        raise BadRequest("too_deep", f"JSON nests at most {DEPTH_MAX} deep here")
    return value


def _decimal(text: str) -> Decimal:
    if len(text) > DIGITS_MAX:
        raise BadRequest("number_too_long", f"a number has at most {DIGITS_MAX} characters")
    number = Decimal(text)
    if abs(number.adjusted()) > DIGITS_MAX:
        raise BadRequest("number_too_large", f"{text} is out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise BadRequest("number_too_long", f"a number has at most {DIGITS_MAX} digits")
    return int(text)


def _constant(text: str) -> object:
    raise BadRequest("not_a_number", f"{text} is not a JSON number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadRequest("name_twice", "an object in the request has the same name twice")
    return found


def _depth(value: Any, at: int = 1) -> int:
    if at > DEPTH_MAX:
        return at
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_depth(each, at + 1) for each in inner), default=at)


def command_named(name: str, wire: dict[str, Any]) -> Command:
    """Return a command by its name and its JSON. Raises `BadRequest`."""
    kind = COMMANDS.get(name)
    if kind is None:
        raise BadRequest(
            "unknown_command", f"no command is called {name!r}: they are {', '.join(COMMANDS)}"
        )
    try:
        return kind.model_validate(wire)
    except ValidationError as error:
        raise BadRequest("invalid_command", f"{name}: {problems_of(error)}") from None

"""Caller: what a request says about itself, checked before anything is done about it.

Authorization: Bearer bos_… ──► Actor         only here, never in the address
Idempotency-Key             ──► key           asking twice is asking once
body                        ──► bytes         counted while they arrive
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from console_api.access import NotAuthenticated, authenticate
from console_api.business import Business
from console_api.http.problems import Problem
from console_api.requests import BODY_BYTES_MAX, BadRequest, parse_json
from domain.core.principal import Actor

BODY_SECONDS_MAX: Final = 30.0
KEY_PATTERN: Final = r"^[!-~]{1,200}$"
_KEY: Final = re.compile(r"[!-~]{1,200}")
_UTF8: Final = {"", "charset=utf-8", 'charset="utf-8"'}


@dataclass(frozen=True, slots=True)
class Written:
    """What came with a write."""

    body: bytes
    key: str

    def json(self) -> dict[str, Any]:
        """Return the JSON object that was sent. Raises `BadRequest`."""
        return parse_json(self.body)


def identify(business: Business) -> Callable[[Request], Actor]:
    """Return how the caller of a request is found out."""

    def caller(request: Request) -> Actor:
        given = request.headers.getlist("authorization")
        if not given:
            raise NotAuthenticated("send your token in a header: Authorization: Bearer bos_…")
        scheme, _, text = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            raise NotAuthenticated("one header is expected: Authorization: Bearer bos_…")
        return authenticate(business, text.strip())

    return caller


async def written(request: Request) -> Written:
    """Return the body and the idempotency key of a write."""
    if request.query_params:
        raise BadRequest("query_not_empty", "a write says everything in its body, not in its URL")
    key = _key(request)
    _check_content_type(request.headers.getlist("content-type"))
    _check_length(request.headers.get("content-length", ""))
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return Written(await _read(request), key)
    except TimeoutError:
        late = f"The body did not arrive within {BODY_SECONDS_MAX:g} seconds"
        raise Problem(408, "too_slow", late, headers={"Connection": "close"}) from None


Sent = Annotated[Written, Depends(written)]
"""What handlers that write ask for."""


def _key(request: Request) -> str:
    given = request.headers.getlist("idempotency-key")
    if not given:
        return ""
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise BadRequest(
            "bad_idempotency_key",
            "Idempotency-Key is 1 to 200 visible ASCII characters, once",
        )
    return given[0]


def _check_content_type(given: list[str]) -> None:
    kind, _, parameter = (given[0] if len(given) == 1 else "").partition(";")
    if kind.strip().lower() != "application/json" or parameter.strip().lower() not in _UTF8:
        raise Problem(
            415, "not_json_type", "The body must be sent as Content-Type: application/json"
        )


def _check_length(announced: str) -> None:
    """Refuse a body that is announced as too large, before any of it is read."""
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > BODY_BYTES_MAX):
        raise _too_large()


async def _read(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> BadRequest:
    return BadRequest("too_large", f"a request has at most {BODY_BYTES_MAX} bytes")

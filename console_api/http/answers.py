"""Answers: values written as JSON, exactly. Decimals are numbers, to the last digit."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

MEDIA_TYPE: Final = "application/json"
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def written_json(value: Any) -> bytes:
    """Write a value as JSON."""
    return _ENCODER.encode(value)


def answer(value: Any, status: int = 200) -> Response:
    """Answer with a value."""
    return Response(written_json(value), status, media_type=MEDIA_TYPE)

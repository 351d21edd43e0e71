"""Routing: one operation of the API, described by us and not guessed from its function."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import Response

API: Final = "/api/v1"


def add(
    app: FastAPI,
    method: str,
    path: str,
    handler: Callable[..., Response | Awaitable[Response]],
    *,
    operation: str,
    summary: str,
    about: dict[str, Any],
) -> None:
    """Add one operation; `operation` is what generated clients call it."""
    app.add_api_route(
        path,
        handler,
        methods=[method],
        operation_id=operation,
        summary=summary,
        response_class=Response,
        response_model=None,
        openapi_extra=about,
    )

"""Problems: everything that can go wrong, as RFC 9457 documents.

whatever was raised ──► Problem(status, code, detail) ──► application/problem+json
A broken world and a bug say nothing of their inside; the server's log does.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from commands.message import Refused
from console_api.access import NotAuthenticated
from console_api.http.answers import written_json
from console_api.requests import BadRequest
from domain.ports import BrokenWorld, Conflict, NotStorable, StoreFull
from queries.listing import BadQuestion

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 1
TYPE: Final = "urn:business-os:problem:"
_log = logging.getLogger(__name__)


class Problem(Exception):
    """A no: its status, a code for programs, one sentence for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Say what is wrong, and what to do."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def answer(self) -> Response:
        """Return the document."""
        document = {
            "type": f"{TYPE}{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.more,
        }
        return Response(written_json(document), self.status, self.headers, MEDIA_TYPE)


def again(status: int, code: str, detail: str) -> Problem:
    """Return a problem that may be gone in a moment."""
    return Problem(status, code, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def refusal(receipt: Refused) -> Problem:
    """Return a recorded no: 403 from the governor, 409 from the business."""
    return Problem(
        403 if receipt.denied else 409,
        receipt.code,
        "; ".join(receipt.reasons),
        more={
            "outcome": "denied" if receipt.denied else "refused",
            "reasons": receipt.reasons,
            "commandId": receipt.command_id,
            "subject": receipt.subject,
            "position": receipt.position,
        },
    )


def unexpected() -> Problem:
    """Return what is said about a bug."""
    return Problem(500, "internal_error", "Something broke here; the server's log says what")


_STATUS_OF_CODE: Final = {"too_large": 413, "unknown_command": 404}
_CODE_OF_STATUS: Final = {404: "no_such_path", 405: "method_not_allowed"}


def _bad_request(error: BadRequest) -> Problem:
    return Problem(_STATUS_OF_CODE.get(error.code, 400), error.code, str(error))


def _stranger(error: NotAuthenticated) -> Problem:
    challenge = {"WWW-Authenticate": 'Bearer realm="business-os"'}
    return Problem(401, "not_authenticated", str(error), headers=challenge)


def _conflict(_error: Conflict) -> Problem:
    return again(
        409, "conflict", "What this relied on kept changing: nothing was written, send it again"
    )


def _broken(error: BrokenWorld) -> Problem:
    _log.warning("%s: %s", type(error).__name__, error)
    return again(
        503, "store_unavailable", "A database cannot be used now, so nothing is allowed: try again"
    )


def _full(error: StoreFull) -> Problem:
    _log.warning("%s", error)
    return again(
        503,
        "store_full",
        "The disk is full, so nothing was written: free space, then send it again",
    )


def _of_framework(error: HTTPException) -> Problem:
    code = _CODE_OF_STATUS.get(error.status_code, "http_error")
    nowhere = "nothing is at this path: /openapi.json lists what there is"
    detail = nowhere if error.status_code == 404 else str(error.detail)
    return Problem(error.status_code, code, detail, headers=error.headers)


_KNOWN: Final[tuple[tuple[type[Exception], Callable[[Any], Problem]], ...]] = (
    (Problem, lambda problem: problem),
    (BadRequest, _bad_request),
    (BadQuestion, lambda error: Problem(400, "bad_question", str(error))),
    (RequestValidationError, lambda _: Problem(400, "bad_request", "A parameter is wrong")),
    (NotAuthenticated, _stranger),
    (Conflict, _conflict),
    (NotStorable, lambda error: Problem(413, "not_storable", f"The log refuses this: {error}")),
    (StoreFull, _full),
    (BrokenWorld, _broken),
    (HTTPException, _of_framework),
)
"""What handlers raise; of an exception's classes the most particular one counts."""


def _handler(
    problem_of: Callable[[Any], Problem],
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if problem.status == 405:
            problem.headers = {"Allow": _methods_here(request)}
            problem.detail = f"{request.method} is not possible here: {problem.headers['Allow']} is"
        return problem.answer()

    return handle


def _methods_here(request: Request) -> str:
    """Return every method of a path, which routes may share; a literal path hides a pattern."""
    here = [each for each in request.app.routes if each.matches(request.scope)[0] != Match.NONE]
    literal = [each for each in here if getattr(each, "path", "") == request.url.path]
    methods = {method for each in literal or here for method in getattr(each, "methods", ())}
    return ", ".join(sorted(methods))


def handle_problems(app: FastAPI) -> None:
    """Answer everything that handlers raise with a problem document."""
    for kind, problem_of in _KNOWN:
        app.add_exception_handler(kind, _handler(problem_of))

"""Waiting: what people have to decide, added up, and how requests like one of them ended.

GET  /approvals-digest        GET  /approvals-similar/{id}
"""

from fastapi import FastAPI, Request
from starlette.responses import Response

from console_api.http import describe, waiting_schemas
from console_api.http.answers import answer
from console_api.http.problems import Problem
from console_api.http.reads import Reading
from console_api.http.routing import API, add


def add_waiting(app: FastAPI, reading: Reading) -> None:
    """Add the operations that help people to decide."""

    def digest(request: Request) -> Response:
        reading.asked(request, "getApprovalsDigest")
        return answer(reading.business.approvals_digest())

    def similar(request: Request) -> Response:
        actor, _asked = reading.asked(request, "listSimilarApprovals")
        key = request.path_params["id"]
        items = None if "\0" in key else reading.business.approvals_similar(key)
        if items is None:
            raise Problem(404, "unknown_id", f"approvals has no {key[:200]!r} for {actor}")
        return answer({"items": items})

    about = describe.read(waiting_schemas.Digest)
    summary, path = "Get what waits for people", f"{API}/approvals-digest"
    add(app, "GET", path, digest, operation="getApprovalsDigest", summary=summary, about=about)
    name = describe.path("id", "The id of an approval")
    about = describe.read(waiting_schemas.SimilarRequests, name, more=(404,))
    summary, path = "List how requests like one ended", f"{API}/approvals-similar/{{id:path}}"
    add(app, "GET", path, similar, operation="listSimilarApprovals", summary=summary, about=about)

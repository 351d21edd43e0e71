"""HttpClient: `bos` talking to a running server, with a token.

A recorded no comes back as a problem document and is turned into the receipt that it is; every
other problem ends the command with the sentence that the server wrote.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NoReturn

import httpx
import msgspec

from console_api.cli.following import Following
from console_api.cli.output import BROKEN, NO, USAGE, fail
from domain.core.instant import SECOND, Instant

Json = dict[str, Any]

API: Final = "/api/v1"
TIMEOUT_SECONDS: Final = 30.0
SETTLE_SECONDS_MAX: Final = 120.0
AGENT_TOKEN_SECONDS: Final = 3_600
_CODES: Final = {400: USAGE, 401: NO, 403: NO, 404: NO, 409: NO, 413: USAGE, 415: USAGE, 422: USAGE}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class HttpClient:
    """A business behind an address."""

    def __init__(self, url: str, token: str | None) -> None:
        """Prepare to call a server; nothing is sent yet."""
        if token is None:
            fail("--url needs a token: --token, or BOS_TOKEN in the environment", code=USAGE)
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )
        self._position = 0

    def do(self, name: str, wire: Json, *, key: str = "") -> Json:
        """Send a command."""
        return self._receipt(self._post(f"/commands/{name}", wire, key=key))

    def ask(
        self, question: str, filters: Mapping[str, str], limit: int, cursor: str | None
    ) -> Json:
        """List rows, from read models that show what this client has done."""
        wanted = {**filters, "limit": str(limit), **({"cursor": cursor} if cursor else {})}
        return self._get(f"/{question}", wanted)

    def dashboard(self, org_unit_id: str) -> Json:
        """Return the front page."""
        return self._get("/dashboard", {"orgUnitId": org_unit_id})

    def answer(
        self, approval_id: str, *, approved: bool, text: str, on_behalf_of: str | None = None
    ) -> Json:
        """Approve or reject what stands in the inbox now."""
        row = self._get(f"/approvals/{approval_id}", {})
        wire = {
            "approvalId": approval_id,
            "approved": approved,
            "payloadHash": row["payloadHash"],
            "onBehalfOf": on_behalf_of,
            ("notes" if approved else "reason"): text,
        }
        told = self._post("/approvals/answer", wire)
        if "receipt" not in told:
            return {"receipt": self._receipt(told), "resumed": None}
        return {"receipt": self._receipt(told["receipt"]), "resumed": told["resumed"]}

    def approvals_digest(self) -> Json:
        """Return what waits for people."""
        return self._get("/approvals-digest", {})

    def approvals_similar(self, approval_id: str) -> Json:
        """Return how requests like one ended."""
        return self._get(f"/approvals-similar/{approval_id}", {})

    def state(self, stream: str, at: int | None) -> Json:
        """Return one thing as it stands, or stood."""
        return self._get(f"/state/{stream}", {} if at is None else {"at": str(at)})

    def events(
        self, after: int | None, types: Sequence[str], tags: Sequence[str], *, follow: bool
    ) -> Iterator[bytes]:
        """Tell the log on from a position; a line that breaks is taken up where it broke."""
        position = after if after is not None or follow else 0
        filters = {"type": types, "tag": tags}
        try:
            yield from Following(self._http, filters, position, follow, _refused).events()
        except httpx.HTTPError as error:
            fail(f"{self._url} does not answer: {error!s:.200}")

    def issue_token(self, holder: str, lifetime: Instant) -> tuple[str, Json]:
        """Issue an API token."""
        wire = {"holder": holder, "lifetimeSeconds": lifetime // SECOND}
        told = self._post("/tokens", wire)
        if "token" not in told:
            return "", self._receipt(told)
        return str(told["token"]), self._receipt(told["receipt"])

    def as_agent(self, agent_id: str) -> "HttpClient":
        """Return a client with a token of its own, that speaks as an agent for an hour.

        Whoever may not issue tokens goes on as who they are; the governor judges that.
        """
        text, _receipt = self.issue_token(f"agent:{agent_id}", AGENT_TOKEN_SECONDS * SECOND)
        return HttpClient(self._url, text) if text else self

    def settle(self, progress: Callable[[int, int], None]) -> None:
        """Wait until the server has run what was authorized, as far as it may run."""
        ends = time.monotonic() + SETTLE_SECONDS_MAX
        most = 0
        while time.monotonic() < ends:
            filters = {"status": "authorized,running"}
            left = len(self.ask("actions", filters, 500, None)["items"])
            most = max(most, left)
            progress(most - left, most)
            if not left or self.dashboard("business")["killSwitch"]["engaged"]:
                return
            time.sleep(0.2)

    def close(self, *, settle: bool = True) -> None:
        """Hang up; the server goes on by itself."""
        self._http.close()

    def _receipt(self, told: Json) -> Json:
        self._position = max(self._position, int(told.get("position", 0)))
        return told

    def _get(self, path: str, query: Mapping[str, str]) -> Json:
        seen = {"minPosition": str(self._position)} if self._position else {}
        return self._answered(lambda: self._http.get(API + path, params={**query, **seen}))

    def _post(self, path: str, wire: Json, *, key: str = "") -> Json:
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        body = _ENCODER.encode(wire)
        return self._answered(lambda: self._http.post(API + path, content=body, headers=headers))

    def _answered(self, call: Callable[[], httpx.Response]) -> Json:
        try:
            response = call()
            told: Json = _DECODER.decode(response.content)
        except httpx.HTTPError as error:
            fail(f"{self._url} does not answer: {error!s:.200}")
        except msgspec.DecodeError:
            fail(f"{self._url} does not speak this API: is it a Business OS server?")
        if response.is_success:
            return told
        if "outcome" in told:
            told["status"] = told.pop("outcome")
            return told
        _refuse(response.status_code, told)


def _refused(response: httpx.Response) -> NoReturn:
    try:
        told: Json = _DECODER.decode(response.content)
    except msgspec.DecodeError:
        told = {}
    _refuse(response.status_code, told)


def _refuse(status: int, told: Json) -> NoReturn:
    fail(str(told.get("detail", f"the server answered {status}")), code=_CODES.get(status, BROKEN))

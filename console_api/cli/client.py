"""Client: what `bos` talks to.

LocalClient   opens the embedded folder or the database itself, and settles what follows
HttpClient    talks to a running server, with a token
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from adapters.lock import DataInUse, running_server
from console_api import desk, receipts
from console_api.access import NotAuthenticated, actor_named, issue
from console_api.bootstrap import open_business
from console_api.business import Business
from console_api.requests import BadRequest, command_named
from console_api.settings import Settings
from console_api.workers.engine_room import settle
from domain.core.instant import Instant
from domain.core.principal import Actor
from queries.catalog import BY_NAME
from queries.listing import BadQuestion

Json = dict[str, Any]
WAIT_SECONDS: Final = 1.0


class Client(Protocol):
    """What the commands of `bos` ask of a business."""

    def do(self, name: str, wire: Json, *, key: str = "") -> Json:
        """Send a command; return its receipt."""
        ...

    def ask(
        self, question: str, filters: Mapping[str, str], limit: int, cursor: str | None
    ) -> Json:
        """List rows: `{items, nextCursor}`."""
        ...

    def dashboard(self, org_unit_id: str) -> Json:
        """Return the front page."""
        ...

    def answer(
        self, approval_id: str, *, approved: bool, text: str, on_behalf_of: str | None = None
    ) -> Json:
        """Approve or reject what stands in the inbox now."""
        ...

    def approvals_digest(self) -> Json:
        """Return what waits for people."""
        ...

    def approvals_similar(self, approval_id: str) -> Json:
        """Return how requests like one ended: `{items}`."""
        ...

    def state(self, stream: str, at: int | None) -> Json:
        """Return one thing as it stands, or stood."""
        ...

    def events(
        self, after: int | None, types: Sequence[str], tags: Sequence[str], *, follow: bool
    ) -> Iterator[bytes]:
        """Tell the log on from a position, an event at a time, as one line of JSON each.

        Without a position: everything there is, or, if the log is followed, what comes from now on.
        """
        ...

    def issue_token(self, holder: str, lifetime: Instant) -> tuple[str, Json]:
        """Issue an API token; return its secret and the receipt."""
        ...

    def as_agent(self, agent_id: str) -> "Client":
        """Return a client that speaks as an agent, on the same business."""
        ...

    def settle(self, progress: Callable[[int, int], None]) -> None:
        """Wait until what follows from what was done is done too."""
        ...

    def close(self, *, settle: bool = True) -> None:
        """Let go; unless told otherwise, what was started is finished first."""
        ...


@dataclass(slots=True)
class LocalClient:
    """A business opened in this process, spoken to as one of its people."""

    business: Business
    actor: Actor
    settled_at: int = 0

    def do(self, name: str, wire: Json, *, key: str = "") -> Json:
        """Send a command."""
        return receipts.told(self.business.do(command_named(name, wire), self.actor, key=key))

    def ask(
        self, question: str, filters: Mapping[str, str], limit: int, cursor: str | None
    ) -> Json:
        """List rows, from read models that show everything up to now."""
        found = BY_NAME.get(question)
        if found is None:
            raise BadQuestion(f"no list is called {question!r}: they are {', '.join(BY_NAME)}")
        self.business.draw()
        answer = self.business.ask(found, filters, limit=limit, cursor=cursor)
        return {"items": answer.items, "nextCursor": answer.next_cursor}

    def dashboard(self, org_unit_id: str) -> Json:
        """Return the front page."""
        self.business.draw()
        return self.business.dashboard(org_unit_id)

    def answer(
        self, approval_id: str, *, approved: bool, text: str, on_behalf_of: str | None = None
    ) -> Json:
        """Approve or reject what stands in the inbox now."""
        self.business.draw()
        row = self.business.views.get("approvals", approval_id)
        if row is None:
            raise BadRequest("approval_unknown", f"no approval is called {approval_id}")
        told = desk.answer(
            self.business,
            self.actor,
            approval_id=approval_id,
            approved=approved,
            payload_hash=str(row["payload_hash"]),
            reason=text,
            on_behalf_of=on_behalf_of,
        )
        resumed = None if told.resumed is None else receipts.told(told.resumed)
        return {"receipt": receipts.told(told.receipt), "resumed": resumed}

    def approvals_digest(self) -> Json:
        """Return what waits for people."""
        self.business.draw()
        return self.business.approvals_digest()

    def approvals_similar(self, approval_id: str) -> Json:
        """Return how requests like one ended."""
        self.business.draw()
        return {"items": self.business.approvals_similar(approval_id) or []}

    def state(self, stream: str, at: int | None) -> Json:
        """Return one thing as it stands, or stood."""
        return self.business.state_told(stream, at)

    def events(
        self, after: int | None, types: Sequence[str], tags: Sequence[str], *, follow: bool
    ) -> Iterator[bytes]:
        """Tell the log on from a position."""
        from console_api.tail import PAGE_EVENTS, page_of, wanted_of

        wanted, log = wanted_of(types, tags), self.business.log
        head = log.head()
        position = after if after is not None else head if follow else 0
        while True:
            while position < head:
                upto = min(position + PAGE_EVENTS, head)
                page = page_of(
                    position, upto, log.page(after=position, limit=PAGE_EVENTS, upto=upto)
                )
                yield from (frame.data for frame in page.frames if wanted(frame))
                position = page.upto
            if not follow:
                return
            head = log.wait(after=position, timeout_seconds=WAIT_SECONDS)

    def issue_token(self, holder: str, lifetime: Instant) -> tuple[str, Json]:
        """Issue an API token."""
        minted = issue(self.business, holder=holder, by=self.actor, lifetime=lifetime)
        return minted.text, receipts.told(minted.receipt)

    def as_agent(self, agent_id: str) -> "LocalClient":
        """Speak as an agent."""
        return LocalClient(self.business, actor_named(self.business, f"agent:{agent_id}"))

    def settle(self, progress: Callable[[int, int], None]) -> None:
        """Do what follows from what was done."""
        self.settled_at = settle(self.business, progress)

    def close(self, *, settle: bool = True) -> None:
        """Settle what follows from what was done, then let go."""
        try:
            if settle and self.business.log.head() > self.settled_at:
                self.settle(lambda _done, _total: None)
        finally:
            self.business.close()


def connect(settings: Settings, *, url: str | None, token: str | None, as_: str) -> Client:
    """Return whatever `bos` should talk to.

    An address given wins; a database or a folder is opened directly; a folder on which a server
    runs is reached through that server, with the key that it left for this user.
    """
    if url is not None:
        return _remote(url, token)
    try:
        business = open_business(settings)
    except DataInUse:
        server = running_server(Path(settings.data))
        if server is None:
            raise
        return _remote(server.url, token or server.token)
    try:
        actor = actor_named(business, as_)
    except NotAuthenticated:
        business.close()
        raise
    return LocalClient(business, actor, business.log.head())


def _remote(url: str, token: str | None) -> Client:
    from console_api.cli.remote import HttpClient

    return HttpClient(url, token)

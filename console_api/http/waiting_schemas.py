"""Schemas of what waits for people, and of how requests like one ended."""

from console_api.http.health import Moment, Told
from console_api.http.schemas import Exact


class WaitingMoney(Told):
    """What waits in one currency."""

    currency: str
    count: int
    amount: Exact


class WaitingRequest(Told):
    """One request that waits."""

    id: str
    action: str
    amount: Exact | None
    currency: str
    requested_by: str
    requested_at: Moment
    expires_at: Moment


class Digest(Told):
    """What waits for people now. `byRole` counts by the highest role that is asked."""

    at: Moment
    waiting: int
    money: list[WaitingMoney]
    by_role: dict[str, int]
    oldest: WaitingRequest | None
    most_urgent: WaitingRequest | None


class SimilarRequest(Told):
    """A request like another one: how it was decided, and what came of it."""

    id: str
    amount: Exact | None
    currency: str
    requested_by: str
    status: str
    decided_by: str | None
    notes: str | None
    requested_at: Moment
    action_status: str | None
    success: bool | None
    reward_score: Exact | None


class SimilarRequests(Told):
    """The requests nearest to another one, nearest first."""

    items: list[SimilarRequest]

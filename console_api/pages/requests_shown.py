"""Requests, shown: what waits for a person, in the words that they decide by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console_api.business import Business
from console_api.pages.wording import risk_of, title_of
from domain.access.user import USER
from domain.core.principal import Actor
from domain.core.stream import Refusal
from domain.governor.approval import APPROVAL, Approval
from domain.governor.approving import counted, objection_to_deciding
from domain.view_store import Where


@dataclass(frozen=True, slots=True)
class Shown:
    """One request for approval, ready for a template."""

    id: str
    title: str
    status: str
    risk: str
    row: Mapping[str, Any]
    payload: Mapping[str, Any]
    claim: str

    @property
    def key(self) -> str:
        """Return the end of the id: enough to type, and nobody types it by accident."""
        return self.id[-6:]


def shown(row: Mapping[str, Any]) -> Shown:
    """Return a row of the approvals as it is shown."""
    request: Mapping[str, Any] = row["context"] or {}
    proposes = request.get("command") == "ProposeAction"
    payload = request.get("payload", {}) if proposes else _without_command(request)
    return Shown(
        id=row["id"],
        title=title_of(row["action"], payload),
        status=row["status"],
        risk=risk_of(row["action"], row["amount"]),
        row=row,
        payload=payload,
        claim=str(request.get("reason", "")) if proposes else "",
    )


def _without_command(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in request.items() if name != "command"}


def objection(business: Business, approval_id: str, actor: Actor) -> str:
    """Say why somebody may not decide a request, by the governor's own rule; or nothing."""
    refused = objection_to_deciding(business.state(APPROVAL, approval_id), by=actor)
    return refused.because if isinstance(refused, Refusal) else ""


def standings(business: Business, approval_id: str) -> list[dict[str, Any]]:
    """Return each demand of a request, and how many of those who agreed count for it now."""
    state: Approval = business.state(APPROVAL, approval_id)
    if state.request is None:
        return []
    people = {name: business.state(USER, name.partition(":")[2]) for name in state.speakers}
    roles = {name: user.role for name, user in people.items() if user.role is not None}
    agreed = counted(state.yeses, roles)
    return [
        {"role": each.role, "count": each.count, "have": min(each.met_by(agreed), each.count)}
        for each in state.request.demands
    ]


def policies_of(row: Mapping[str, Any]) -> list[str]:
    """Return the policies that ask for a person, each once."""
    triggers = row["triggeringPolicies"] or ()
    named = (str(trigger).partition("@")[0] for trigger in triggers if "@" in str(trigger))
    return list(dict.fromkeys(named))


def earlier(business: Business, row: Mapping[str, Any]) -> dict[str, int]:
    """Count how requests of the same kind by the same requester ended."""
    same = (Where("action", "=", row["action"]), Where("requested_by", "=", row["requestedBy"]))
    ends = {"approved": ["approved", "consumed"], "rejected": ["rejected"], "expired": ["expired"]}
    return {
        word: business.views.count("approvals", (*same, Where("status", "in", ended)))
        for word, ended in ends.items()
    }

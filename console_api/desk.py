"""Desk: where a person answers what was parked, and sees at once what became of it.

grant ──► the parked command goes on (as the reactor would do it; whoever comes first does it)
"""

from dataclasses import dataclass
from typing import Any

from commands.governor.approval import GrantApproval, RejectApproval
from commands.message import Done, Receipt
from commands.reactions import follow_ups
from console_api.business import Business
from domain.core.principal import Actor
from domain.governor.approval import APPROVAL, ApprovalGranted


@dataclass(frozen=True, slots=True)
class Answered:
    """What was recorded about an approval, and what became of the command that waited for it."""

    receipt: Receipt
    resumed: Receipt | None = None


def answer(
    business: Business,
    actor: Actor,
    *,
    approval_id: str,
    approved: bool,
    payload_hash: str,
    reason: str = "",
    notes: str = "",
    on_behalf_of: str | None = None,
    key: str = "",
) -> Answered:
    """Approve or reject what somebody was shown. Raises `pydantic.ValidationError`, `Conflict`."""
    wire: dict[str, Any] = {
        "approvalId": approval_id,
        "payloadHash": payload_hash,
        "onBehalfOf": on_behalf_of,
    }
    if not approved:
        command = RejectApproval.model_validate({**wire, "reason": reason or notes})
        return Answered(business.do(command, actor, key=key))
    receipt = business.do(
        GrantApproval.model_validate({**wire, "notes": notes or reason}), actor, key=key
    )
    if not isinstance(receipt, Done):
        return Answered(receipt)
    return Answered(receipt, _resume(business, approval_id))


def _resume(business: Business, approval_id: str) -> Receipt | None:
    events, _head = business.log.read({APPROVAL.at(approval_id): 0})
    grants = [recorded for recorded in events if isinstance(recorded.fact, ApprovalGranted)]
    receipts = [
        business.follow(follow_up)
        for recorded in grants
        for follow_up in follow_ups(recorded, business.state)
    ]
    return receipts[-1] if receipts else None

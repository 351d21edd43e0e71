"""Overriding: how a denied command goes on once, because a founder took it upon themselves.

override.granted ──► the same command again, judged again: the findings that were shown are lifted,
                     whatever is new denies or asks ──► override.used, in the same append
"""

from dataclasses import replace

from commands.message import Entry, Reads, Sender
from domain.core.stream import Refusal
from domain.governor import override
from domain.governor.approval import APPROVAL
from domain.governor.judge import Ask
from domain.governor.override import OVERRIDE, OverrideUsed
from domain.ports import Past


def override_of(past: Past, sender: Sender) -> str:
    """Return the denial that was overridden for a command: for it, or before it was parked."""
    if sender.override_id or not sender.approval_id:
        return sender.override_id
    request = past.state(APPROVAL, sender.approval_id).request
    return request.override_id if request is not None else ""


def override_reads(past: Past, sender: Sender) -> Reads:
    """Return the history of the override that a command rests on, if it rests on one."""
    override_id = override_of(past, sender)
    return ((OVERRIDE, override_id),) if override_id else ()


def overridden(past: Past, sender: Sender, ask: Ask) -> tuple[Ask, Refusal | None]:
    """Lift from a request the findings that a founder was shown, or say why they stay."""
    override_id = override_of(past, sender)
    if not override_id:
        return ask, None
    state = past.state(OVERRIDE, override_id)
    if refusal := override.use(state, payload_hash=ask.payload_hash):
        return ask, refusal
    assert state.granted is not None
    return replace(ask, overridden=state.granted.findings), None


def used_up(past: Past, sender: Sender, outcome: str) -> tuple[Entry, ...]:
    """Return the end of the override that a command rests on; only one that is parked keeps it."""
    override_id = override_of(past, sender)
    if not override_id or outcome == "held":
        return ()
    fact = OverrideUsed(command_id=override_id, by_command_id=sender.command_id, outcome=outcome)
    return (((OVERRIDE.at(override_id),), fact),)

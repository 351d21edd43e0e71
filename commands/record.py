"""Record: how an answer of the governor is written down, beside the facts it allows."""

from typing import Any, Final

from commands.message import Command, Entry, Sender
from domain.core.canonical import canonical
from domain.core.stream import Refusal
from domain.governor.judge import Ask
from domain.governor.verdict import ENGINE_VERSION, VERDICT, Verdict, VerdictRecorded

SIGHT_MAX: Final = 2_000


def verdict_entry(
    sender: Sender,
    ask: Ask,
    verdict: Verdict,
    *,
    as_of: int,
    outcome: str,
    size: int,
    refusal: Refusal | None,
    approval_id: str,
    request: dict[str, Any] | None,
) -> Entry:
    """Return the verdict of one command as the first entry of its append."""
    code, reasons = "", verdict.reasons
    if refusal is not None:
        code, reasons = refusal.code, (refusal.because,)
    elif outcome == "denied":
        code = verdict.objections[0].code if verdict.objections else "policy_denied"
    fact = VerdictRecorded(
        command_id=sender.command_id,
        command=ask.command,
        action=ask.action,
        subject=ask.subject,
        actor_id=str(ask.actor),
        actor_role=ask.actor.role.value,
        org_unit_id=ask.org_unit_id,
        payload_hash=ask.payload_hash,
        law_hash=verdict.law_hash,
        engine_version=ENGINE_VERSION,
        as_of=as_of,
        effect=verdict.effect.word,
        outcome=outcome,
        size=size,
        code=code,
        reasons=reasons,
        findings=verdict.findings,
        objections=verdict.objections,
        readings=verdict.readings,
        kill_switch=verdict.engagements,
        triggers=verdict.triggers,
        approval_id=approval_id,
        request=request,
        shadows=verdict.shadows,
    )
    return (VERDICT.at(sender.command_id),), fact


def request_of(command: Command) -> dict[str, Any]:
    """Return a command as it can be kept and sent again, or, if it has no JSON, a sight of it."""
    wire = command.wire()
    try:
        canonical(wire)
    except ValueError:
        return {"command": type(command).__name__, "unwritable": ascii(wire)[:SIGHT_MAX]}
    return {"command": type(command).__name__, **wire}

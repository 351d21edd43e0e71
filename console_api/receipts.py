"""Receipts: what became of a command, as people and programs are told."""

from typing import Any, Final

from commands.message import Done, Held, Receipt

STATUS: Final = {"done": 0, "held": 0, "denied": 1, "refused": 1}
"""The exit code of the command line for each answer."""


def told(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as JSON: status is done, held, denied or refused."""
    common = {
        "position": receipt.position,
        "commandId": receipt.command_id,
        "subject": receipt.subject,
    }
    if isinstance(receipt, Done):
        return {"status": "done", **common}
    if isinstance(receipt, Held):
        told_why = {"approvalId": receipt.approval_id, "reasons": list(receipt.reasons)}
        return {"status": "held", **common, **told_why}
    status = "denied" if receipt.denied else "refused"
    return {"status": status, **common, "code": receipt.code, "reasons": list(receipt.reasons)}

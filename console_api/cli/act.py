"""bos do, propose, approve, reject, kill, release: commands, and what people decide."""

from typing import Any

import click

from console_api.cli.options import Target, targeted
from console_api.cli.output import NO, Quit, out, print_json
from console_api.receipts import STATUS
from console_api.requests import BODY_BYTES_MAX, BadRequest, parse_json

Json = dict[str, Any]


def payload_of(text: str) -> Json:
    """Return the JSON object in an option: `{…}`, or `@FILE`, or `@-` for standard input."""
    if not text.startswith("@"):
        return parse_json(text)
    try:
        with click.open_file(text[1:], "rb") as file:
            return parse_json(file.read(BODY_BYTES_MAX + 1))
    except OSError as error:
        raise BadRequest("no_file", f"{text[1:]} cannot be read: {error.strerror}") from None


def show(receipt: Json, *, json: bool, quiet: bool = False) -> None:
    """Print a receipt, and end with exit code 1 if the answer was no."""
    if json:
        print_json(receipt)
    elif not quiet:
        out().print(sentence(receipt), markup=False)
    if STATUS[receipt["status"]]:
        raise Quit(NO)


def sentence(receipt: Json) -> str:
    """Say in one line what became of a command."""
    why = "; ".join(receipt.get("reasons", ()))
    match receipt["status"]:
        case "done":
            return f"done at position {receipt['position']}: {receipt['subject']}"
        case "held":
            return f"held for approval {receipt['approvalId']}: {why}"
        case status:
            return f"{status} ({receipt['code']}): {why}"


@click.command("do")
@click.argument("command")
@click.option("--payload", default="{}", help="The command as JSON, or @FILE.")
@click.option("--idempotency-key", default="", help="Asking twice with one key is asking once.")
@targeted
def do_(target: Target, command: str, payload: str, idempotency_key: str) -> None:
    """Send one command through the governor."""
    wire = payload_of(payload)
    with target.client() as client:
        receipt = client.do(command, wire, key=idempotency_key)
    show(receipt, json=target.json)


@click.command("propose")
@click.argument("action_type")
@click.option("--payload", required=True, help="The arguments of the action as JSON, or @FILE.")
@click.option("--agent", help="The agent that proposes.")
@click.option("--org-unit", help="The org unit concerned; by default the agent's.")
@click.option("--reason", default="", help="Why.")
@click.option("--idempotency-key", default="", help="Asking twice with one key is asking once.")
@targeted
def propose_(
    target: Target,
    action_type: str,
    payload: str,
    agent: str | None,
    org_unit: str | None,
    reason: str,
    idempotency_key: str,
) -> None:
    """Propose an action, as an agent."""
    wire: Json = {"actionType": action_type, "payload": payload_of(payload), "reason": reason}
    if org_unit:
        wire["orgUnitId"] = org_unit
    if agent:
        wire["agentId"] = agent
    with target.client() as client:
        spokesman = client.as_agent(agent) if agent else client
        receipt = spokesman.do("ProposeAction", wire, key=idempotency_key)
    show(receipt, json=target.json)


@click.command("approve")
@click.argument("approval_id")
@click.option("--notes", default="", help="Kept with the approval.")
@click.option("--for", "person", help="In whose name: somebody who has delegated to you.")
@targeted
def approve_(target: Target, approval_id: str, notes: str, person: str | None) -> None:
    """Approve a parked command; it goes on as soon as everybody demanded has."""
    _answer(target, approval_id, approved=True, text=notes, person=person)


@click.command("reject")
@click.argument("approval_id")
@click.option("--reason", required=True, help="Why not.")
@click.option("--for", "person", help="In whose name: somebody who has delegated to you.")
@targeted
def reject_(target: Target, approval_id: str, reason: str, person: str | None) -> None:
    """Reject a parked command."""
    _answer(target, approval_id, approved=False, text=reason, person=person)


def _answer(
    target: Target, approval_id: str, *, approved: bool, text: str, person: str | None
) -> None:
    with target.client() as client:
        told = client.answer(approval_id, approved=approved, text=text, on_behalf_of=person)
    if target.json:
        print_json(told)
        if STATUS[told["receipt"]["status"]]:
            raise Quit(NO)
        return
    show(told["receipt"], json=False, quiet=told["resumed"] is not None)
    if told["resumed"] is not None:
        out().print(f"approved; {sentence(told['resumed'])}", markup=False)


@click.command("override")
@click.argument("command_id")
@click.option("--reason", required=True, help="Why, in at least 20 characters.")
@targeted
def override_(target: Target, command_id: str, reason: str) -> None:
    """Let a command go on once that policies denied; only a founder may."""
    with target.client() as client:
        wire = {"verdictCommandId": command_id, "reason": reason}
        receipt = client.do("OverrideDenial", wire)
    show(receipt, json=target.json)


@click.command("kill")
@click.option("--reason", required=True, help="Why everything must stop.")
@click.option("--org-unit", default="*", help="Only this org unit and what is below it.")
@targeted
def kill_(target: Target, reason: str, org_unit: str) -> None:
    """Engage the kill switch: from this position on nothing autonomous is authorized."""
    with target.client() as client:
        receipt = client.do("EngageKillSwitch", {"reason": reason, "orgUnitId": org_unit})
    show(receipt, json=target.json)


@click.command("release")
@click.option("--reason", required=True, help="Why work may resume.")
@click.option("--org-unit", default="*", help="Only this org unit and what is below it.")
@targeted
def release_(target: Target, reason: str, org_unit: str) -> None:
    """Release the kill switch; only a founder may."""
    with target.client() as client:
        receipt = client.do("ReleaseKillSwitch", {"reason": reason, "orgUnitId": org_unit})
    show(receipt, json=target.json)

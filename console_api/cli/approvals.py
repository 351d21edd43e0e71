"""bos approvals: what waits, one request in full, questions and answers, mandates."""

from typing import Any

import click

from console_api.cli.act import payload_of, show
from console_api.cli.options import Target, targeted
from console_api.cli.output import NO, Quit, out, print_facts, print_json, print_table

Json = dict[str, Any]
_SHOWN = ("id", "action", "amount", "currency", "status", "requestedBy", "reason", "expiresAt")
_SIMILAR = ("id", "amount", "currency", "status", "decidedBy", "actionStatus", "success", "notes")


@click.group("approvals")
def approvals_() -> None:
    """Approvals: digest, show, ask, answer, amend, limit, delegate, withdraw."""


@approvals_.command("digest")
@targeted
def digest(target: Target) -> None:
    """Say what waits: how much, the oldest, the most urgent."""
    with target.client() as client:
        told = client.approvals_digest()
    if target.json:
        return print_json(told)
    money = [f"{each['amount']:,} {each['currency']} ({each['count']})" for each in told["money"]]
    return print_facts(
        {
            "waiting": told["waiting"],
            "money": money,
            "byRole": told["byRole"],
            "oldest": told["oldest"],
            "mostUrgent": told["mostUrgent"],
        }
    )


@approvals_.command("show")
@click.argument("approval_id")
@targeted
def show_(target: Target, approval_id: str) -> None:
    """Show one request: who must agree, who has, what was asked, and similar ones."""
    with target.client() as client:
        found = client.ask("approvals", {"id": approval_id}, 1, None)["items"]
        if not found:
            raise Quit(NO, f"no approval is called {approval_id}: see `bos ask approvals`")
        row = found[0]
        similar = client.approvals_similar(approval_id)["items"]
    if target.json:
        return print_json({**row, "similar": similar})
    demands = [f"{each['count']} x {each['role']}" for each in row["demands"]]
    agreed = [_yes(each) for each in row["endorsements"]]
    print_facts({name: row[name] for name in _SHOWN} | {"demands": demands, "agreed": agreed})
    print_facts(row["context"], title="What is asked")
    for asked in row["infoRequests"]:
        out().print(f"{asked['by']} asked: {asked['question']}", markup=False)
        for given in asked["answers"]:
            out().print(f"  {given['by']}: {given['text']}", markup=False)
    return print_table(similar, _SIMILAR, title="Similar requests", empty="Nothing similar yet.")


def _yes(told: Json) -> str:
    return str(told["by"]) + (f" for {told['onBehalfOf']}" if told["onBehalfOf"] else "")


def _send(target: Target, command: str, wire: Json) -> None:
    with target.client() as client:
        receipt = client.do(command, wire)
    show(receipt, json=target.json)


@approvals_.command("ask")
@click.argument("approval_id")
@click.argument("question")
@targeted
def ask(target: Target, approval_id: str, question: str) -> None:
    """Ask for more before deciding; the clock keeps running."""
    _send(target, "RequestInformation", {"approvalId": approval_id, "question": question})


@approvals_.command("answer")
@click.argument("approval_id")
@click.argument("text")
@targeted
def answer(target: Target, approval_id: str, text: str) -> None:
    """Answer what was asked about a request."""
    _send(target, "GiveInformation", {"approvalId": approval_id, "text": text})


@approvals_.command("amend")
@click.argument("approval_id")
@click.option("--payload", required=True, help="The new arguments as JSON, or @FILE.")
@targeted
def amend(target: Target, approval_id: str, payload: str) -> None:
    """Ask for something else instead; it is judged anew, and you cannot approve it."""
    wire: Json = {"approvalId": approval_id, "payload": payload_of(payload)}
    with target.client() as client:
        found = client.ask("approvals", {"id": approval_id}, 1, None)["items"]
        if not found:
            raise Quit(NO, f"no approval is called {approval_id}: see `bos ask approvals`")
        receipt = client.do("AmendRequest", {**wire, "payloadHash": found[0]["payloadHash"]})
    show(receipt, json=target.json)


@approvals_.command("limit")
@click.argument("role", type=click.Choice(["operator", "admin"]))
@click.argument("currency")
@click.option("--each", help="The most, each time; left out, there is no such limit.")
@click.option("--per-day", help="The most within 24 hours; left out, there is no such limit.")
@click.option("--reason", required=True, help="Why.")
@targeted
def limit(
    target: Target, role: str, currency: str, each: str | None, per_day: str | None, reason: str
) -> None:
    """Say how much money a role may approve; only a founder may."""
    numbers = {"each": each, "perDay": per_day}
    given = ", ".join(f'"{name}": {text}' for name, text in numbers.items() if text is not None)
    wire = {**payload_of(f"{{{given}}}"), "role": role, "currency": currency, "reason": reason}
    _send(target, "SetApprovalLimit", wire)


@approvals_.command("delegate")
@click.argument("delegate")
@click.option("--until", required=True, help="Such as 2030-01-31T18:00, on the business's clock.")
@click.option("--reason", required=True, help="Why.")
@targeted
def delegate_(target: Target, delegate: str, until: str, reason: str) -> None:
    """Let another person approve in your name for a while."""
    _send(target, "DelegateApprovals", {"delegate": delegate, "until": until, "reason": reason})


@approvals_.command("withdraw")
@click.argument("delegate")
@click.option("--delegator", help="Whose delegation; by default yours.")
@click.option("--reason", required=True, help="Why.")
@targeted
def withdraw(target: Target, delegate: str, delegator: str | None, reason: str) -> None:
    """End a delegation."""
    wire = {"delegate": delegate, "delegator": delegator, "reason": reason}
    _send(target, "WithdrawDelegation", wire)

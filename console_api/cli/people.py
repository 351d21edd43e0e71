"""bos users, tokens: who works here, and the secrets by which programs are known."""

import click

from console_api.cli.act import show
from console_api.cli.options import Target, targeted
from console_api.cli.output import NO, Quit, out, print_json, print_table
from domain.core.instant import DAY


@click.group("users")
def users_() -> None:
    """People: list, add, role, remove."""


@users_.command("list")
@targeted
def list_users(target: Target) -> None:
    """List the people who work here."""
    _listed(target, "users", ("id", "name", "role", "status"))


@users_.command("add")
@click.argument("user_id")
@click.option("--name", help="As people call them; by default the id.")
@click.option(
    "--role", required=True, type=click.Choice(["founder", "admin", "operator", "viewer"])
)
@targeted
def add_user(target: Target, user_id: str, name: str | None, role: str) -> None:
    """Let a person work here."""
    wire = {"userId": user_id, "name": name or user_id, "role": role}
    with target.client() as client:
        receipt = client.do("AddUser", wire)
    show(receipt, json=target.json)


@users_.command("role")
@click.argument("user_id")
@click.argument("role", type=click.Choice(["founder", "admin", "operator", "viewer"]))
@targeted
def change_role(target: Target, user_id: str, role: str) -> None:
    """Let a person do other things."""
    with target.client() as client:
        receipt = client.do("ChangeUserRole", {"userId": user_id, "role": role})
    show(receipt, json=target.json)


@users_.command("remove")
@click.argument("user_id")
@targeted
def remove_user(target: Target, user_id: str) -> None:
    """Let a person work here no more."""
    with target.client() as client:
        receipt = client.do("RemoveUser", {"userId": user_id})
    show(receipt, json=target.json)


@click.group("tokens")
def tokens_() -> None:
    """API tokens: list, issue, revoke."""


@tokens_.command("list")
@targeted
def list_tokens(target: Target) -> None:
    """List tokens; the secrets themselves are kept nowhere."""
    _listed(target, "tokens", ("id", "kind", "holder", "status", "expiresAt", "issuedBy"))


@tokens_.command("issue")
@click.argument("holder")
@click.option("--days", type=click.IntRange(1, 366), default=90, help="How long it lives.")
@targeted
def issue(target: Target, holder: str, days: int) -> None:
    """Issue a token for user:ID or agent:ID; the secret is shown once."""
    full = holder if ":" in holder else f"user:{holder}"
    with target.client() as client:
        text, receipt = client.issue_token(full, days * DAY)
    if target.json:
        print_json({"token": text if receipt["status"] == "done" else None, "receipt": receipt})
        if receipt["status"] != "done":
            raise Quit(NO)
        return
    show(receipt, json=False, quiet=receipt["status"] == "done")
    out().print(text, markup=False)


@tokens_.command("revoke")
@click.argument("token_id")
@targeted
def revoke(target: Target, token_id: str) -> None:
    """Let a token open nothing any more."""
    with target.client() as client:
        receipt = client.do("RevokeToken", {"tokenId": token_id})
    show(receipt, json=target.json)


def _listed(target: Target, question: str, columns: tuple[str, ...]) -> None:
    with target.client() as client:
        answer = client.ask(question, {}, 500, None)
    if target.json:
        return print_json(answer)
    return print_table(answer["items"], columns)

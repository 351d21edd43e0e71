"""bos policy: the rules in force, and what they would say."""

from pathlib import Path

import click

from console_api.cli.act import payload_of, show
from console_api.cli.lint import diff, draft_in, lint
from console_api.cli.options import Target, targeted
from console_api.cli.output import NO, Quit, out, print_facts, print_json, print_table


@click.group("policy")
def policy_() -> None:
    """Policies: list, show, lint, diff, check, draft, activate, disable."""


policy_.add_command(lint)
policy_.add_command(diff)


@policy_.command("list")
@targeted
def list_(target: Target) -> None:
    """List every policy and its state."""
    with target.client() as client:
        answer = client.ask("policies", {}, 500, None)
    if target.json:
        return print_json(answer)
    return print_table(answer["items"], ("id", "name", "scope", "status", "activeVersion"))


@policy_.command("show")
@click.argument("policy_id")
@targeted
def show_(target: Target, policy_id: str) -> None:
    """Show one policy with its rules."""
    with target.client() as client:
        found = client.ask("policies", {"id": policy_id}, 1, None)["items"]
    if not found:
        raise Quit(NO, f"no policy is called {policy_id}: see `bos policy list`")
    if target.json:
        return print_json(found[0])
    row = found[0]
    print_facts({name: row[name] for name in ("id", "name", "status", "version", "rationale")})
    return print_table(row["rules"], ("id", "condition", "action", "message", "approver_role"))


@policy_.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--action", "action_type", required=True, help="The action type.")
@click.option("--payload", required=True, help="The arguments as JSON, or @FILE.")
@click.option("--json", "json", is_flag=True, help="Print JSON.")
def check(file: Path, action_type: str, payload: str, json: bool) -> None:
    """Say what a policy file alone would answer to a payload."""
    from commands.governor.law import policy_of
    from domain.core.principal import Actor, Role
    from domain.governor.judge import Ask, judge
    from domain.governor.law import Law

    policy = policy_of(draft_in(file))
    ask = Ask(
        command="ProposeAction",
        action=action_type,
        actor=Actor("somebody", Role.AGENT),
        subject="action:none",
        data=payload_of(payload),
        payload_hash="",
        org_path=(policy.scope_id,) if policy.scope == "org_unit" else (),
        agent_id=policy.scope_id if policy.scope == "agent" else "",
        workflow_id=policy.scope_id if policy.scope == "workflow" else "",
        worldly=True,
    )
    verdict = judge(ask, Law(name="check", active={policy.id: policy}))
    findings = [
        {"rule": each.rule, "result": each.result, "effect": each.effect, "message": each.message}
        for each in verdict.findings
    ]
    if json:
        print_json({"effect": verdict.effect.word, "findings": findings})
    else:
        out().print(f"{verdict.effect.word}: {'; '.join(verdict.reasons) or 'nothing fired'}")
        print_table(findings, ("rule", "result", "effect", "message"))
    if verdict.effect.word == "deny":
        raise Quit(NO)


@policy_.command("draft")
@click.argument("file", type=click.Path(path_type=Path))
@targeted
def draft(target: Target, file: Path) -> None:
    """Write down a new version of a policy; it binds nobody until it is activated."""
    wire = draft_in(file).wire()
    with target.client() as client:
        receipt = client.do("DraftPolicy", wire)
    show(receipt, json=target.json)


@policy_.command("activate")
@click.argument("policy_id")
@click.option("--reason", required=True, help="Why now.")
@targeted
def activate(target: Target, policy_id: str, reason: str) -> None:
    """Put the newest version of a policy in force."""
    with target.client() as client:
        receipt = client.do("ActivatePolicy", {"policyId": policy_id, "reason": reason})
    show(receipt, json=target.json)


@policy_.command("disable")
@click.argument("policy_id")
@click.option("--reason", required=True, help="Why.")
@targeted
def disable(target: Target, policy_id: str, reason: str) -> None:
    """Take a policy out of force."""
    with target.client() as client:
        receipt = client.do("DisablePolicy", {"policyId": policy_id, "reason": reason})
    show(receipt, json=target.json)

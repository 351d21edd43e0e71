"""bos ask, state: questions, and histories."""

from collections.abc import Sequence
from typing import Any

import click

from console_api.cli.options import Target, targeted
from console_api.cli.output import NO, Quit, out, print_facts, print_json, print_table
from queries.listing import LIMIT_DEFAULT, BadQuestion

Json = dict[str, Any]
_LOOSE = {"ignore_unknown_options": True, "allow_extra_args": True}


def filters_of(words: Sequence[str]) -> dict[str, str]:
    """Read `--status pending --agent-id=support` as filters by column."""
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise BadQuestion(f"{word!r}: a filter is --NAME VALUE")
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not rest:
                raise BadQuestion(f"--{name} needs a value")
            value = rest.pop(0)
        first, *more = name.split("-")
        found[first + "".join(map(str.capitalize, more))] = value
    return found


@click.command("ask", context_settings=_LOOSE)
@click.argument("question")
@click.option("--limit", type=int, default=LIMIT_DEFAULT, help="Rows at most (500).")
@click.option("--cursor", help="Go on where a list ended.")
@click.argument("filters", nargs=-1, type=click.UNPROCESSED)
@targeted
def ask_(
    target: Target, question: str, limit: int, cursor: str | None, filters: tuple[str, ...]
) -> None:
    """Ask anything: dashboard, action-types, or a list with --NAME VALUE filters.

    \b
    bos ask approvals --status pending
    bos ask actions --agent-id support --status denied
    bos ask audit-log --timestamp ">=2030-01-31T00:00:00Z"
    """
    wanted = filters_of(filters)
    if question == "action-types":
        return _action_types(target)
    with target.client() as client:
        if question == "dashboard":
            unit = wanted.get("orgUnitId", wanted.get("orgUnit", "business"))
            return _dashboard(client.dashboard(unit), as_json=target.json)
        answer = client.ask(question, wanted, limit, cursor)
    if target.json:
        return print_json(answer)
    from queries.catalog import BY_NAME

    shown = BY_NAME[question].shown or tuple(answer["items"][0] if answer["items"] else ())
    print_table(answer["items"], shown, empty=f"No {question} like that.")
    if answer["nextCursor"]:
        out().print(f"There is more: --cursor {answer['nextCursor']}", markup=False)
    return None


def _action_types(target: Target) -> None:
    from commands.actions import catalog_told

    types = catalog_told()
    if target.json:
        return print_json({"items": types, "nextCursor": None})
    return print_table(types, ("name", "effectClass", "risk", "fields"))


def _dashboard(told: Json, *, as_json: bool) -> None:
    if as_json:
        return print_json(told)
    totals = told["totals"]
    stops = told["killSwitch"]["stops"]
    currency = totals["currency"] or ""
    facts = {
        "business": told["name"],
        "killSwitch": "; ".join(f"{s['orgUnitId']} since {s['position']}" for s in stops) or "off",
        "activeAgents": told["activeAgents"],
        "pendingApprovals": told["pendingApprovals"],
        "openIncidents": told["openIncidents"],
        "decisionsToday": told["decisionsToday"],
        "orders": totals["orders"],
        "revenue": f"{totals['revenue']:,} {currency}",
        "refundsCompleted": f"{totals['refunds']} ({totals['refundAmount']:,} {currency})",
        "refundsPending": f"{told['refundsPending']['count']} "
        f"({told['refundsPending']['amount']:,} {currency})",
        "events": told["head"],
        "behind": max(told["lag"].values(), default=0),
    }
    return print_facts(facts)


@click.command("state")
@click.argument("stream")
@click.option("--at", type=int, help="As it stood at this position of the log.")
@targeted
def state_(target: Target, stream: str, at: int | None) -> None:
    """Show anything at any position, folded from its own history: `bos state action:ID`."""
    with target.client() as client:
        told = client.state(stream, at)
    if target.json:
        return print_json(told)
    if not told["events"]:
        out().print(
            f"{told['stream']} has no history at position {told['position']}.", markup=False
        )
        raise Quit(NO)
    print_facts(told["state"] or {}, title=f"{told['stream']} at position {told['position']}")
    print_table(told["events"], ("position", "type", "actor", "occurredAt"))
    if hidden := told["eventCount"] - len(told["events"]):
        out().print(f"{hidden} older events made it so too; --json shows no more of them.")

"""bos policy lint, bos policy diff: what a policy means, before it is in force.

FILE ─► lint ─► findings, each with a request that shows it       exit 1 where one is an error
A, B ─► diff ─► what is answered otherwise, with an example       FILE or POLICY@VERSION
"""

import json as json_
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from console_api.cli.options import Target, targeted
from console_api.cli.output import NO, Quit, out, print_json, print_table, to_json
from console_api.requests import BadRequest, command_named, parse_json

if TYPE_CHECKING:
    from domain.governor.analysis import Difference
    from domain.governor.policy import Policy

SENTENCE_CHARACTERS_MAX: Final = 600
_VERSION: Final = re.compile(r"(?P<id>[A-Za-z0-9][A-Za-z0-9._-]*)@(?P<version>[1-9][0-9]*)")
_LAW: Final = "law:business"
_DRAFTED: Final = "law.policy_drafted"


def draft_in(file: Path) -> Any:
    """Return the draft of a policy in a file."""
    try:
        wire = parse_json(file.read_bytes())
    except OSError as error:
        raise BadRequest("no_file", f"{file} cannot be read: {error.strerror}") from None
    return command_named("DraftPolicy", wire)


@click.command("lint")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "json", is_flag=True, help="Print JSON.")
def lint(file: Path, json: bool) -> None:
    """Check a policy file without sending it anywhere: what is wrong, doubtful or good to know."""
    from commands.governor.law import policy_of
    from commands.governor.vocabulary import vocabulary
    from domain.governor.analysis import Severity
    from domain.governor.analysis import lint as linted
    from domain.governor.policy import flaw

    policy = policy_of(draft_in(file))
    problem = flaw(policy)
    found = () if problem else linted(policy, vocabulary(policy.facts))
    sound = not problem and all(each.severity < Severity.ERROR for each in found)
    if json:
        findings = [each.told for each in found]
        print_json({"ok": sound, "problem": problem or None, "findings": findings})
    else:
        rows = [
            {**each.told, "shownBy": each.witness.words if each.witness else ""} for each in found
        ]
        columns = ("severity", "rule", "message", "cure", "shownBy")
        if rows:
            print_table(rows, columns, characters_max=SENTENCE_CHARACTERS_MAX)
        verdict = "This policy is sound." if sound else "This policy has errors: see above."
        out().print(problem or verdict, markup=False)
    if not sound:
        raise Quit(NO)


@click.command("diff")
@click.argument("old")
@click.argument("new")
@targeted
def diff(target: Target, old: str, new: str) -> None:
    """Say what a new version of a policy answers otherwise. OLD, NEW: a file, or POLICY@VERSION."""
    from domain.governor.analysis import difference

    before, after = (_policy(target, name) for name in (old, new))
    found = difference(before, after)
    if target.json:
        return print_json(_told(found))
    rows = [
        {
            "now": change.after.words,
            "before": change.before.words,
            "where": "; or ".join(change.where) or "everywhere",
            "example": change.example.words if change.example else "",
        }
        for change in found.changes
    ]
    print_table(
        rows,
        ("now", "before", "where", "example"),
        characters_max=SENTENCE_CHARACTERS_MAX,
        empty=_SAMENESS[found.same.value],
    )
    for note in found.notes:
        out().print(f"- {note}", markup=False)
    return None


_SAMENESS: Final = {
    "yes": "Same meaning: every request is answered as before.",
    "no": "Within their scopes, both answer alike.",
    "unknown": "Unknown: these policies cannot be compared exactly.",
}


def _told(found: "Difference") -> dict[str, Any]:
    return {
        "same": found.same.value,
        "changes": [
            {
                "before": change.before.words,
                "after": change.after.words,
                "where": list(change.where),
                "example": change.example.told if change.example else None,
            }
            for change in found.changes
        ],
        "notes": list(found.notes),
    }


def _policy(target: Target, name: str) -> "Policy":
    from commands.governor.law import policy_of
    from domain.governor.policy import flaw

    if (found := _VERSION.fullmatch(name)) and not Path(name).exists():
        return _recorded(target, found["id"], int(found["version"]))
    policy = policy_of(draft_in(Path(name)))
    if problem := flaw(policy):
        raise Quit(NO, f"{name}: {problem}")
    return policy


def _recorded(target: Target, policy_id: str, version: int) -> "Policy":
    """Return a version as it was drafted, from the state of the law right after that."""
    from domain.governor.policy import Policy

    with target.client() as client:
        events = client.state(_LAW, None)["events"]
        drafts = (each["position"] for each in reversed(events) if each["type"] == _DRAFTED)
        for position in drafts:
            state = to_json(client.state(_LAW, position)["state"])
            found = json_.loads(state, parse_float=Decimal)["drafts"].get(policy_id)
            if found is None or found["version"] < version:
                break
            if found["version"] == version:
                return replace(msgspec.convert(found, Policy), parameters=found["parameters"])
    raise Quit(NO, f"no policy is recorded as {policy_id}@{version}: see `bos policy list`")

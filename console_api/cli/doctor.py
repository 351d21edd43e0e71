"""bos doctor: the configuration, the connections, the lags, the clock, and what cannot be drawn."""

import json
from datetime import datetime, timedelta
from typing import Any, Final

import click

from console_api.cli.options import Target, targeted
from console_api.cli.output import errors, print_facts, print_json, print_table

Json = dict[str, Any]
HOW_FAR: Final = ("view", "behind", "secondsBehind", "rebuilding", "degraded")
UNDRAWN: Final = ("view", "position", "eventType", "error", "tries", "events")
CLOCK_SECONDS_MAX = 5
"""Two machines that both keep time differ by less."""
_CLOCK_WRONG = (
    "Warning: the newest event is {} ahead of the clock. Either the clock is wrong now, or it was"
    " when that was written: what expires is told by the clock, so set it right."
)


def _clock_behind(client: Any, told: Json) -> int:
    """Return by how many seconds the newest event is ahead of the business's clock; 0 is good."""
    newest = list(client.events(max(0, told["head"] - 1), (), (), follow=False))
    if not newest:
        return 0
    at = datetime.fromisoformat(json.loads(newest[-1])["occurredAt"])
    ahead = (at - datetime.fromisoformat(told["at"])).total_seconds()
    return int(ahead) if ahead > CLOCK_SECONDS_MAX else 0


@click.command("doctor")
@targeted
def doctor_(target: Target) -> None:
    """Show the configuration, the connections, the lags, and what cannot be drawn."""
    settings = target.settings()
    with target.client() as client:
        told = client.dashboard("business")
        behind = _clock_behind(client, told)
    models = told["readModels"]
    degraded = [each for each in models if each["degraded"]]
    facts: Json = {
        "settings": settings.model_dump(mode="json"),
        "head": told["head"],
        "lag": told["lag"],
        "readModels": models,
        "killSwitch": told["killSwitch"],
        "clockBehindSeconds": behind,
        "healthy": not (max(told["lag"].values(), default=0) or degraded or behind),
    }
    if target.json:
        return print_json(facts)
    print_facts({**facts["settings"]}, title="Settings")
    if behind:
        errors().print(_CLOCK_WRONG.format(timedelta(seconds=behind)), style="yellow")
    rows = [each | {"degraded": bool(each["degraded"])} for each in models]
    print_table(rows, HOW_FAR, title=f"Read models, log at {told['head']}")
    if degraded:
        rows = [{"view": each["view"], **each["degraded"]} for each in degraded]
        print_table(rows, UNDRAWN, title="Events that cannot be drawn")
    return None

"""bos events: the log itself, as it is or as it grows.

position  occurred at          type               actor        tags
      42  2030-01-31 09:00:00  action.proposed    agent:support  action:act-1 agent:support
"""

import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import click
import msgspec

from console_api.cli.options import Target, targeted
from console_api.cli.output import out, printable

_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_FORMAT: Final = "{:>9}  {:<19}  {:<26}  {:<20}  {}"
_HEADING: Final = _FORMAT.format("position", "occurred at", "type", "actor", "tags")


@click.command("events")
@click.option("--follow", "-f", is_flag=True, help="Wait for more at the end.")
@click.option("--after", type=click.IntRange(min=0), help="Only what came after this position.")
@click.option("--type", "types", multiple=True, help="Only this type; may be repeated (any of).")
@click.option("--tag", "tags", multiple=True, help="Only with this tag; may be repeated (all of).")
@targeted
def events_(
    target: Target, follow: bool, after: int | None, types: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    """Tell the log, an event a line; with --follow, what happens from now on.

    \b
    bos events --type action.denied
    bos events --tag action:act-1 --json
    bos events --follow --after 0
    """
    with target.client() as client:
        events = client.events(after, types, tags, follow=follow)
        if target.json:
            _print_lines(events)
        else:
            _print_rows(events)


def _print_lines(events: Iterable[bytes]) -> None:
    for event in events:
        sys.stdout.write(event.decode() + "\n")
        sys.stdout.flush()


def _print_rows(events: Iterable[bytes]) -> None:
    show, nth = out(), 0
    for nth, event in enumerate(events, 1):
        if nth == 1:
            show.print(_HEADING, style="bold", markup=False, soft_wrap=True)
        show.print(_row(_DECODER.decode(event)), markup=False, soft_wrap=True)
    if not nth:
        show.print("No events like that.")


def _row(told: dict[str, Any]) -> str:
    at = told["occurredAt"][:19].replace("T", " ")
    tags = " ".join(told["tags"])
    return printable(_FORMAT.format(told["position"], at, told["type"], told["actor"], tags))

"""bos audit: is the log what it was when it was written?"""

from typing import Any

import click

from console_api.cli.options import Target, targeted
from console_api.cli.output import NO, Quit, out, print_json, progress

PAGE = 5_000


@click.group("audit")
def audit_() -> None:
    """The log: verify."""


@audit_.command("verify")
@targeted
def verify(target: Target) -> None:
    """Walk the chain of hashes over every event, and say where it breaks."""
    from adapters.chain import GENESIS
    from adapters.chain import verify as first_broken
    from console_api.bootstrap import open_business

    business = open_business(target.settings())
    try:
        head, reached, previous, broken = business.log.head(), 0, GENESIS, None
        with progress("verify", quiet=target.json) as show:
            while broken is None and reached < head:
                rows = business.log.recorder.page(reached, PAGE, head)
                broken = reached + 1 if not rows else first_broken(rows, previous)
                if rows:
                    reached, previous = rows[-1].position, rows[-1].hash
                show(reached, head)
    finally:
        business.close()
    told: dict[str, Any] = {"events": head, "firstBadPosition": broken, "ok": broken is None}
    if target.json:
        print_json(told)
    elif broken is None:
        out().print(f"The chain holds over all {head} events.")
    if broken is not None:
        raise Quit(NO, f"the log was changed: the chain breaks at position {broken}")

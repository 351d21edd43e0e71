"""bos rebuild: the read models drawn anew, compared, taken back.

rebuild            draw anew beside, swap        an interrupted one is gone on with
rebuild --verify   draw anew beside, compare     rebuild VIEW --rollback   the kept one again
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from console_api import interpreter
from console_api.cli.options import Target, targeted
from console_api.cli.output import (
    NO,
    USAGE,
    Quit,
    errors,
    print_json,
    print_table,
    progress,
)
from queries.listing import BadQuestion

if TYPE_CHECKING:
    from console_api.business import Business
    from console_api.workers.shift import Shift
    from projections.view import View

Json = dict[str, Any]
ASKED_AGAIN_SECONDS: Final = 0.2


@click.command("rebuild")
@click.argument("views", nargs=-1)
@click.option("--verify", is_flag=True, help="Compare with the live ones instead of swapping.")
@click.option("--rollback", is_flag=True, help="Make the editions kept before live again.")
@targeted
def rebuild_(target: Target, views: tuple[str, ...], verify: bool, rollback: bool) -> None:
    """Draw read models anew from the log, beside the live ones, and swap.

    Without names, all of them, in one pass. Stopped in the middle, the same command goes on.
    """
    from console_api.bootstrap import open_business
    from projections.catalog import BY_NAME

    if verify and rollback:
        raise Quit(USAGE, "--verify compares and --rollback swaps: give one of them")
    if rollback and not views:
        raise Quit(USAGE, "--rollback needs the names of the read models to take back")
    names = views or tuple(BY_NAME)
    if unknown := [name for name in names if name not in BY_NAME]:
        raise BadQuestion(f"no read model is called {', '.join(unknown)}: {', '.join(BY_NAME)}")
    pictures = [BY_NAME[name] for name in dict.fromkeys(names)]
    business = open_business(target.settings())
    interpreter.tune()
    try:
        with _in_turn(business) as turn:
            do = _compared if verify else _rolled_back if rollback else _rebuilt
            rows = do(business, pictures, turn, quiet=target.json)
    finally:
        business.close()
    _report(rows, json=target.json)


def _report(rows: list[Json], *, json: bool) -> None:
    if json:
        print_json({"items": rows, "nextCursor": None})
    else:
        print_table(rows, ("view", "rows", "position", "result", "differences"))
    results = {row["result"] for row in rows}
    if "differs" in results:
        raise Quit(NO, "some read models differ from what the log says: `bos rebuild` redraws them")
    if "degraded" in results:
        raise Quit(NO, "some read models cannot draw an event: `bos doctor` says which")
    if "refused" in results:
        raise Quit(NO, "; ".join(each for row in rows for each in row["differences"]))


@contextmanager
def _in_turn(business: "Business") -> "Iterator[Shift]":
    """Wait until nobody else draws anew, or has been silent for so long that they are gone."""
    from console_api.workers.shift import in_turn

    with in_turn(business.views, business.clock) as turn:
        if not turn.hold():
            errors().print("Another process is drawing anew: waiting for it to end.", markup=False)
            while not turn.hold():
                time.sleep(ASKED_AGAIN_SECONDS)
        yield turn


def _rebuilt(
    business: "Business", pictures: "Sequence[View]", turn: "Shift", *, quiet: bool
) -> list[Json]:
    from projections.engine.beside import rebuild

    what = pictures[0].name if len(pictures) == 1 else f"{len(pictures)} read models"
    with progress(what, quiet=quiet) as show:

        def tell(reached: int, aim: int) -> None:
            turn.hold()
            show(reached, aim)

        editions = rebuild(
            pictures, log=business.log, views=business.views, clock=business.clock, progress=tell
        )
    return [
        _row(business, edition.shape.name, edition.position, edition.degraded and "degraded")
        for edition in editions
    ]


def _row(business: "Business", name: str, position: int, result: str) -> Json:
    rows = business.views.count(name)
    told = result or "rebuilt"
    return {"view": name, "rows": rows, "position": position, "result": told, "differences": ()}


def _compared(
    business: "Business", pictures: "Sequence[View]", turn: "Shift", *, quiet: bool
) -> list[Json]:
    from projections.engine.compare import compare

    rows = []
    for view in pictures:
        with progress(view.name, quiet=quiet) as show:

            def tell(reached: int, aim: int, show: Any = show) -> None:
                turn.hold()
                show(reached, aim)

            found = compare(
                view, log=business.log, views=business.views, clock=business.clock, progress=tell
            )
        told = {"view": found.view, "rows": found.rows, "position": found.position}
        result = "equal" if found.equal else "differs"
        rows.append(told | {"result": result, "differences": found.differences})
    return rows


def _rolled_back(
    business: "Business", pictures: "Sequence[View]", _turn: "Shift", *, quiet: bool
) -> list[Json]:
    from domain.core.stream import Refusal
    from projections.engine.beside import roll_back

    rows = []
    for view in pictures:
        met = roll_back(view, log=business.log, views=business.views, clock=business.clock)
        if isinstance(met, Refusal):
            position = business.views.positions().get(view.name, 0)
            row = _row(business, view.name, position, "refused")
            rows.append(row | {"differences": (met.because,)})
        else:
            result = "degraded" if met.degraded else "rolled back"
            rows.append(_row(business, view.name, met.position, result))
    return rows

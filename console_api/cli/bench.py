"""bos bench: the benchmarks, each with its peer or its limit in the same run.

They live beside the tests, so they run from a checkout of the project.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from console_api.cli.output import USAGE, Quit, out

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = ROOT / "tests" / "benchmarks"


def names() -> list[str]:
    """Return the benchmarks of this checkout."""
    return sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "__init__")


@click.command("bench")
@click.argument("name", nargs=-1)
@click.option("--json", "json", is_flag=True, help="Print JSON.")
@click.option("--events", type=click.IntRange(1), help="Length of the log, for `views`.")
def bench_(name: tuple[str, ...], json: bool, events: int | None) -> None:
    """Run benchmarks: all of them, or those named."""
    known = names()
    if not known:
        raise Quit(USAGE, "benchmarks run from a checkout of the project, not from a wheel")
    if unknown := [each for each in name if each not in known]:
        raise Quit(USAGE, f"no benchmark is called {', '.join(unknown)}: {', '.join(known)}")
    for each in name or known:
        if not json:
            out().rule(each)
        options = ["--json"] if json else []
        options += ["--events", str(events)] if events is not None else []
        command = [sys.executable, "-m", f"tests.benchmarks.{each}", *options]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code:
            raise Quit(code, f"the benchmark {each} ended with {code}")

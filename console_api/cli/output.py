"""Output: what `bos` prints. Tables to people, JSON to machines, one sentence of error to stderr.

exit codes   0 ok · 1 the answer is no · 2 usage · 3 the world is broken
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, NoReturn

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

OK: Final = 0
NO: Final = 1
USAGE: Final = 2
BROKEN: Final = 3

CELL_CHARACTERS_MAX: Final = 60
ID_WIDTH_MAX: Final = 32
WIDTH_ELSEWHERE: Final = 200
"""Columns of text where there is no terminal to ask, as in a pipe or a file."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
_TONES: Final = {
    "done": "green", "completed": "green", "active": "green", "approved": "green",
    "consumed": "green", "resolved": "green", "closed": "green", "equal": "green",
    "held": "yellow", "pending": "yellow", "awaiting_approval": "yellow", "open": "yellow",
    "running": "cyan", "authorized": "cyan", "investigating": "cyan",
    "denied": "red", "refused": "red", "rejected": "red", "failed": "red", "expired": "red",
    "engaged": "red", "critical": "red", "high": "red", "differs": "red",
}  # fmt: skip


class Quit(Exception):
    """The command ends here, with an exit code and, for people, a sentence on stderr."""

    def __init__(self, code: int, message: str = "") -> None:
        """Say how it ends."""
        super().__init__(message)
        self.code = code


def fail(message: str, *, code: int = BROKEN) -> NoReturn:
    """End with a sentence that says what is wrong and what to do."""
    raise Quit(code, message)


def to_json(value: Any) -> str:
    """Return a value as indented JSON; decimals are numbers."""
    return msgspec.json.format(_ENCODER.encode(value), indent=2).decode()


def out() -> Console:
    """Return the console that answers are printed on."""
    width = None if sys.stdout.isatty() else WIDTH_ELSEWHERE
    return Console(highlight=False, width=width, soft_wrap=width is not None)


def errors() -> Console:
    """Return the console for errors and progress."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print an answer for machines."""
    sys.stdout.write(to_json(value) + "\n")


def cell(value: Any, characters_max: int = CELL_CHARACTERS_MAX) -> Text:
    """Return a value as a cell of a table; what somebody else wrote is never markup."""
    if value is None:
        return Text("")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, Decimal):
        return Text(f"{value:,f}")
    if isinstance(value, Mapping):
        shown = ", ".join(
            f"{name} {each}" for name, each in value.items() if each not in ("", None)
        )
        return Text(_cut(shown, characters_max))
    if isinstance(value, list | tuple):
        return Text(_cut(", ".join(map(str, value)), characters_max))
    text = str(value)
    if text.endswith("Z") and len(text) == 27 and text[10] == "T":
        text = text[:19].replace("T", " ")
    return Text(_cut(printable(text), characters_max), style=_TONES.get(text, ""))


def printable(text: str) -> str:
    """Return text that moves no cursor and rings no bell, whoever wrote it."""
    return "".join(each if each.isprintable() else "·" for each in text)


def _cut(text: str, characters_max: int) -> str:
    return text if len(text) <= characters_max else text[: characters_max - 1] + "…"


def print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    title: str = "",
    empty: str = "",
    characters_max: int = CELL_CHARACTERS_MAX,
) -> None:
    """Print rows as a table, or a sentence where there are none."""
    if not rows:
        out().print(empty or "Nothing to show.")
        return
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        numeric = all(isinstance(row.get(column), int | Decimal | None) for row in rows)
        table.add_column(
            _heading(column),
            justify="right" if numeric else "left",
            overflow="fold",
            min_width=min(_longest(rows, column), ID_WIDTH_MAX) if column == "id" else None,
        )
    for row in rows:
        table.add_row(*(cell(row.get(column), characters_max) for column in columns))
    out().print(table)


def _longest(rows: Sequence[Mapping[str, Any]], column: str) -> int:
    return max(len(str(row.get(column))) for row in rows)


def _heading(name: str) -> str:
    return "".join(f" {each.lower()}" if each.isupper() else each for each in name)


def print_facts(facts: Mapping[str, Any], *, title: str = "") -> None:
    """Print names and values, one pair a line."""
    table = Table(title=title or None, title_justify="left", show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column()
    for name, value in facts.items():
        table.add_row(_heading(name), cell(value))
    out().print(table)


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a bar for long work on a terminal; nothing where there is none."""
    console = errors()
    if quiet or not console.is_terminal:
        yield lambda _done, _total: None
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show

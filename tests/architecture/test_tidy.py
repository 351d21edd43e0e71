"""The code keeps its own promises about shape."""

import ast
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = (
    *("domain", "projections", "commands", "queries", "adapters", "console_api", "replays"),
)
CORE: Final = ("domain", "projections", "replays")
LINES_MAX: Final = 300
FUNCTION_LINES_MAX: Final = 50
CLOCKS_AND_DICE: Final = {"os", "random", "secrets", "socket", "subprocess", "time", "uuid"}
CLOCK_CALLS: Final = {"now", "today", "utcnow"}
NAMELESS: Final = {"common", "helper", "helpers", "misc", "util", "utils"}


def sources(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(tree: ast.AST) -> set[str]:
    """The top-level names of everything a module imports."""
    nodes = list(ast.walk(tree))
    plain = [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    froms = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in (*plain, *froms)}


def clock_calls(tree: ast.AST) -> list[str]:
    """Every datetime.now() and its like."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCK_CALLS
        and ast.unparse(node.value).split(".")[-1] in {"date", "datetime"}
    ]


def long_functions(tree: ast.AST) -> list[str]:
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]


@cache
def owners() -> dict[str, list[str]]:
    return dict(packages_distributions())


@pytest.mark.parametrize("path", sources(*PACKAGES, "tools"), ids=name_of)
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    text = path.read_text()
    lines, functions = text.count("\n"), long_functions(ast.parse(text))
    assert lines <= LINES_MAX
    assert functions == []


@pytest.mark.parametrize("path", sources(*CORE), ids=name_of)
def test_the_core_has_no_clock_and_no_dice(path: Path) -> None:
    tree = ast.parse(path.read_text())
    dice, clocks = imported(tree) & CLOCKS_AND_DICE, clock_calls(tree)
    assert dice == set()
    assert clocks == []


@pytest.mark.parametrize("path", sources(*PACKAGES, "tools", "tests"), ids=name_of)
def test_a_file_is_named_for_what_it_is(path: Path) -> None:
    assert not {path.stem, *path.relative_to(ROOT).parts} & NAMELESS


@pytest.mark.parametrize("package", [*PACKAGES, "tools"])
def test_nobody_else_owns_our_import_names(package: str) -> None:
    assert set(owners().get(package, ["business-os"])) == {"business-os"}


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from random import random",
        "import os.path",
        "at = datetime.now(UTC)",
        "day = datetime.date.today()",
        "def long():\n" + "    pass\n" * FUNCTION_LINES_MAX,
    ],
)
def test_these_checks_can_fail(source: str) -> None:
    tree = ast.parse(source)
    assert imported(tree) & CLOCKS_AND_DICE or clock_calls(tree) or long_functions(tree)

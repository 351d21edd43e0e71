"""Each import contract of pyproject.toml is kept, and is noticed when it is broken.

a copy of the packages + one offending line ──► lint-imports ──► that contract BROKEN
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PACKAGES: Final[list[str]] = SETTINGS["root_packages"]
CONTRACTS: Final[dict[str, dict[str, list[str]]]] = {
    contract["name"]: contract for contract in SETTINGS["contracts"]
}
LINT_IMPORTS: Final = Path(sys.executable).with_name("lint-imports")
OFFENDER: Final = "offender.py"  # the offending line stands in a new module of this name
LINT_SECONDS_MAX: Final = 60

# contract, offending package, offending line
OFFENSES: Final = [
    ("Imports point inward", "domain", "import projections"),
    ("Imports point inward", "domain", "import console_api"),
    ("Imports point inward", "projections", "import queries"),
    ("Imports point inward", "commands", "import queries"),
    ("Imports point inward", "queries", "import commands"),
    ("Imports point inward", "queries", "import replays"),
    ("Imports point inward", "replays", "import console_api"),
    ("Adapters know the domain and nothing else of ours", "adapters", "import projections"),
    ("Adapters know the domain and nothing else of ours", "adapters", "import commands"),
    ("Adapters know the domain and nothing else of ours", "adapters", "import console_api"),
    ("Only console_api chooses adapters", "commands", "import adapters"),
    ("Only console_api chooses adapters", "queries", "from adapters import memory"),
    ("Only console_api chooses adapters", "replays", "import adapters"),
    ("The core runs without frameworks", "domain", "import pydantic"),
    ("The core runs without frameworks", "projections", "from sqlalchemy import select"),
    ("The core runs without frameworks", "replays", "import psycopg"),
    ("The core runs without frameworks", "domain.kernel", "import msgspec"),
    ("Only decision and twin calculate with numpy", "domain", "import numpy"),
    ("Only decision and twin calculate with numpy", "projections", "from numpy import array"),
    ("One door to the event sourcing library", "adapters", "import eventsourcing"),
    ("One door to the event sourcing library", "queries", "from eventsourcing import dcb"),
    ("Components meet only in commands", "domain.kernel", "import domain.governor"),
    ("Components meet only in commands", "domain.governor", "from domain import kernel"),
    ("Components meet only in commands", "domain.core", "import domain.kernel"),
    ("Components meet only in commands", "domain.to_come", "import domain.kernel"),
]
# what the contracts let pass
INNOCENT: Final = [
    ("domain.decision", "import numpy"),
    ("domain.twin", "import numpy"),
    ("adapters.dcb", "import eventsourcing"),
    ("commands", "import pydantic"),
    ("queries", "import sqlalchemy"),
    ("console_api", "import adapters"),
    ("replays", "import commands"),
    ("domain.governor", "import domain.core"),
]


def verdicts(tree: Path) -> dict[str, bool]:
    """Contract name → kept, as lint-imports reports them for a tree."""
    done = subprocess.run(
        [LINT_IMPORTS, "--config", tree / "pyproject.toml"],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=LINT_SECONDS_MAX,
        check=False,
    )
    found = re.findall(r"^(.+) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE)
    assert {name for name, _ in found} == set(CONTRACTS), done.stdout + done.stderr
    return {name: word == "KEPT" for name, word in found}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages."""
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


@pytest.fixture(scope="module")
def unbroken(tree: Path) -> dict[str, bool]:
    """The verdicts before any offense."""
    return verdicts(tree)


def write(tree: Path, package: str, line: str) -> list[Path]:
    """Write a module with one line; what is new on disk."""
    folder = tree.joinpath(*package.split("."))
    made = [] if folder.exists() else [folder]
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / OFFENDER).write_text(f"{line}\n")
    return [*made, folder / OFFENDER]


def remove(made: list[Path]) -> None:
    for path in made:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def test_every_contract_is_kept(unbroken: dict[str, bool]) -> None:
    assert [name for name, kept in unbroken.items() if not kept] == []


@pytest.mark.slow
@pytest.mark.parametrize(("contract", "package", "line"), OFFENSES)
def test_an_offense_is_noticed(
    tree: Path, unbroken: dict[str, bool], contract: str, package: str, line: str
) -> None:
    assert unbroken[contract]
    made = write(tree, package, line)
    try:
        assert not verdicts(tree)[contract]
    finally:
        remove(made)


@pytest.mark.slow
def test_what_is_allowed_is_not_noticed(tree: Path, unbroken: dict[str, bool]) -> None:
    made = [path for package, line in INNOCENT for path in write(tree, package, line)]
    try:
        assert verdicts(tree) == unbroken
    finally:
        remove(made)


def test_every_contract_has_an_offense() -> None:
    assert {contract for contract, _, _ in OFFENSES} == set(CONTRACTS)

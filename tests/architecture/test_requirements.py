"""The locks name every package by hash and no index at all, so that any mirror will do."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
LOCKS: Final = ("bootstrap", "prod", "dev")
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text()


def entries(lock: str) -> list[str]:
    """One string for each pinned package, its hashes included."""
    return re.sub(r"\\\n\s*", "", text(lock)).strip().splitlines()


def pins(lock: str) -> set[str]:
    """name==version ; marker, without the hashes."""
    return {entry.partition("--hash")[0].strip() for entry in entries(lock)}


def names(lock: str) -> set[str]:
    return {canonicalize_name(Requirement(pin).name) for pin in pins(lock)}


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_stands_in_a_lock(lock: str) -> None:
    assert "://" not in text(lock)
    assert not [entry for entry in entries(lock) if entry.startswith("-")]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_version_and_hash(lock: str) -> None:
    assert entries(lock)
    for entry in entries(lock):
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


def test_every_runtime_dependency_is_locked() -> None:
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert declared <= names("prod")


def test_every_development_dependency_is_locked() -> None:
    extra = PROJECT["optional-dependencies"]["dev"]
    assert {canonicalize_name(Requirement(line).name) for line in extra} <= names("dev")


def test_the_tests_run_what_production_runs() -> None:
    assert pins("prod") <= pins("dev")


def test_the_locks_obey_the_bounds_of_the_project() -> None:
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    bounds = {canonicalize_name(need.name): need.specifier for need in map(Requirement, declared)}
    for pin in map(Requirement, pins("dev")):
        (version,) = {clause.version for clause in pin.specifier}
        assert bounds.get(canonicalize_name(pin.name), pin.specifier).contains(version), pin

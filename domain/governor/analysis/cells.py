"""Cells: concrete values for a group of fields, so many that every way to answer is among them.

Group(data.amount; 500)  ─►  500  501  499  other  true  false  missing  null  []  {}  NaN
Each cell stands for all the values that no comparison of the group can tell from it.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations, count, product
from math import prod
from typing import Any, Final

from domain.governor.analysis.linking import Group
from domain.governor.analysis.points import Marks, TooMany, numbers, strings
from domain.governor.analysis.universe import ACTION, Universe, kind_of
from domain.governor.language import MISSING, Environment
from domain.governor.language.reading import place
from domain.governor.language.tree import Path

CELLS_MAX: Final = 200_000
"""What is looked at before the answer is `unknown`: some seconds' work."""
SEARCHES_MAX: Final = 3
NAN: Final = Decimal("NaN")

Cell = tuple[object, ...]


def cells_of(group: Group, universe: Universe, cells_max: int) -> list[tuple[Cell, Environment]]:
    """Return the cells of a group, each with an environment that is in it; may be TooMany."""
    containers = group.containers
    values = _values(group)
    choices = []
    for path in group.paths:
        kinds = universe.admits(path)
        wanted = values
        if path == ACTION and universe.action is not None:
            wanted = [universe.action]
        elif searches := containers.get(path):
            wanted = [*values, *_collections(group.marks, values, searches)]
        choices.append([value for value in wanted if kind_of(value) in kinds])
    if prod(map(len, choices)) > cells_max:
        raise TooMany
    found = ((cell, environment(zip(group.paths, cell, strict=True))) for cell in product(*choices))
    return [(cell, there) for cell, there in found if there is not None]


def _values(group: Group) -> list[object]:
    """Return values of every kind, those first that the constants speak of."""
    marks, each = group.marks, len(group.paths)
    deep = bool(group.nests or group.containers or marks.sizes)
    alike = each if group.equates or group.nests else 1
    texts: list[object] = list(strings(marks, each))
    amounts: list[object] = list(numbers(marks.numbers, each))
    plain: list[object] = [True, False, MISSING, *texts, *amounts]
    if marks.numbers or (each > 1 and not (marks.words or marks.ordered)):
        plain = [*amounts, MISSING, *texts, True, False]
    elif marks.words or marks.ordered or marks.is_textual:
        plain = [*texts, MISSING, *amounts, True, False]
    return [*plain, None, *_lists(marks, alike, deep), *_objects(marks, alike, deep), NAN]


def _lists(marks: Marks, each: int, deep: bool) -> Iterator[object]:
    yield from marks.lists
    sizes = sorted(marks.sizes) or ([0, 1] if each > 1 or marks.lists else [0])
    fresh = _fresh(marks.lists)
    for size in sizes:
        for _ in range(each if size else 1):
            yield [next(fresh)] * size
        if deep and size:
            yield [NAN] * size
    if deep and not marks.sizes:
        yield [NAN]


def _fresh(taken: Sequence[object]) -> Iterator[str]:
    words = {str(item) for each in taken if isinstance(each, list) for item in each}
    return (word for word in (f"item-{i}" for i in count()) if word not in words)


def _objects(marks: Marks, each: int, deep: bool) -> Iterator[object]:
    sizes = {0, 1} if each > 1 else {0}
    for size in sorted(sizes | {max(0, s - d) for s in marks.sizes for d in range(each)}):
        for nth in range(each if size else 1):
            yield {f"key-{nth}-{i}": None for i in range(size)}
        if deep and size:
            yield {f"key-{i}": NAN for i in range(size)}
    if deep:
        yield {"key": NAN}


def _collections(marks: Marks, values: Sequence[object], searches: int) -> Iterator[object]:
    """Yield lists that hold any choice of what is searched for, alone and among other things."""
    if searches > SEARCHES_MAX:
        raise TooMany
    sought = [
        value for value in (*marks.members, *values) if kind_of(value) not in ("nan", "missing")
    ]
    distinct: list[Any] = []
    for value in sought:
        if not any(type(value) is type(other) and value == other for other in distinct):
            distinct.append(value)
    fresh = _fresh([[*values, *marks.members]])
    for many in range(1, searches + 1):
        for chosen in combinations(distinct, many):
            sizes = sorted(marks.sizes) or [many, many + 1]
            for size in (size for size in sizes if size >= many):
                yield [*chosen, *(next(fresh) for _ in range(size - many))]


def environment(values: Iterable[tuple[Path, object]]) -> Environment | None:
    """Return an environment with these values, outer fields first; None where none can be."""
    roots: tuple[dict[str, Any], ...] = ({}, {}, {})
    absent: list[Path] = []
    for path, value in values:
        root, keys = place(path)
        if value is MISSING:
            absent.append(path)
        elif any(_is_below(path, each) for each in absent) or not _put(roots[root], keys, value):
            return None
        if path == ACTION:
            roots[0]["action"] = value
    data, facts, context = roots
    return Environment(data, context, {}, facts)


def _is_below(path: Path, outer: Path) -> bool:
    return path.root == outer.root and path.steps[: len(outer.steps)] == outer.steps


def _put(tree: dict[str, Any], keys: tuple[str, ...], value: object) -> bool:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if type(tree) is not dict:
            return False
    tree[keys[-1]] = dict(value) if isinstance(value, dict) else value
    return True

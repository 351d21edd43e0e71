"""Words: a box as people say it.

{data.amount: 501, 750, 1000} ─► "data.amount is above 500 and at most 1000"
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from domain.governor.analysis.points import Marks
from domain.governor.analysis.space import Axis, Box
from domain.governor.analysis.universe import ACTION, kind_of
from domain.governor.analysis.witness import written
from domain.governor.language import render
from domain.governor.language.values import is_nan

PARTS_MAX: Final = 3
"""Kinds of value that are spelled out before the others are named instead."""
_ARTICLES: Final = {
    "missing": "missing", "null": "null", "list": "a list", "object": "an object", "nan": "NaN",
}  # fmt: skip


def described(axes: Sequence[Axis], box: Box) -> str:
    """Say which requests are in a box; nothing where it takes them all."""
    action_first = sorted(box, key=lambda number: (axes[number].paths != (ACTION,), number))
    return " and ".join(_axis(axes[number], box[number]) for number in action_first)


def _axis(axis: Axis, mask: int) -> str:
    if not axis.paths:
        return "a comparison that cannot be analyzed says so"
    inside = [cell for number, cell in enumerate(axis.cells) if mask >> number & 1]
    if len(axis.paths) > 1:
        pairs = zip(axis.paths, inside[0], strict=True)
        return f"for example {', '.join(f'{render(p)} is {_value(v)}' for p, v in pairs)}"
    outside = [cell[0] for number, cell in enumerate(axis.cells) if not mask >> number & 1]
    values = [cell[0] for cell in inside]
    parts = list(_parts(values, outside, axis.marks))
    rest = list(_parts(outside, values, axis.marks))
    name = render(axis.paths[0])
    if len(parts) > PARTS_MAX and len(rest) < len(parts):
        return f"{name} is anything but {_either(rest)}"
    return f"{name} is {_either(parts)}"


def _value(value: object) -> str:
    return _ARTICLES.get(kind_of(value), written(value))


def _either(parts: Sequence[str]) -> str:
    return " or ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _parts(values: Sequence[object], others: Sequence[object], marks: Marks) -> Iterator[str]:
    yield from _numbers(_only_numbers(values), _only_numbers(others), sorted(marks.numbers))
    yield from _strings(_only_strings(values), _only_strings(others), marks)
    yield from (written(value) for value in (True, False) if any(v is value for v in values))
    yield from dict.fromkeys(_ARTICLES[k] for k in map(kind_of, values) if k in _ARTICLES)


def _only_numbers(values: Iterable[object]) -> list[int | Decimal]:
    numbers = (v for v in values if isinstance(v, int | Decimal) and not isinstance(v, bool))
    return [value for value in numbers if not is_nan(value)]


def _only_strings(values: Iterable[object]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _numbers(
    values: Sequence[int | Decimal], others: Sequence[int | Decimal], marks: Sequence[Decimal]
) -> Iterator[str]:
    """Say which intervals some numbers stand for."""
    run: list[int | Decimal] = []
    for value in sorted([*values, *others]):
        if value in values:
            run.append(value)
        elif run:
            yield _interval(run, marks)
            run = []
    if run:
        yield _interval(run, marks)


def _interval(run: Sequence[int | Decimal], marks: Sequence[Decimal]) -> str:
    first, last = run[0], run[-1]
    if first == last and first in marks:
        return written(first)
    below = [each for each in marks if each <= first]
    above = [each for each in marks if each >= last]
    low = (
        f"{'at least' if below and below[-1] == first else 'above'} {written(below[-1])}"
        if below
        else ""
    )
    high = f"{'at most' if above[0] == last else 'below'} {written(above[0])}" if above else ""
    return " and ".join(filter(None, (low, high))) or "a number"


def _strings(values: Sequence[str], others: Sequence[str], marks: Marks) -> Iterator[str]:
    if not values:
        return
    if not others:
        yield "a string"
    elif all(value in marks.words for value in values):
        yield from map(written, values)
    elif all(other in marks.words for other in others):
        yield f"a string other than {_either([written(other) for other in others])}"
    else:
        yield f"a string such as {written(values[0])}"

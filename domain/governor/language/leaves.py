"""Leaves: closures for the comparisons that policies are made of, a field against a constant.

Each answers at once for the expected type, and leaves everything else (a missing field, null,
NaN, a wrong type) to the general closure of the same comparison. They repeat themselves because
a call costs more than a comparison.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from domain.governor.language.values import Environment

Predicate: TypeAlias = Callable[[Environment], bool]


def text_equals(root: int, name: str, wanted: str, hit: bool, general: Predicate) -> Predicate:
    """`data.type == 'payout'`; with `hit` False, `!=`."""

    def run(environment: Environment) -> bool:
        value = environment.roots[root].get(name)
        return (value == wanted) is hit if type(value) is str else general(environment)

    return run


def flag_equals(root: int, name: str, wanted: bool, hit: bool, general: Predicate) -> Predicate:
    """`data.reconciled == true`; with `hit` False, `!=`."""

    def run(environment: Environment) -> bool:
        value = environment.roots[root].get(name)
        return (value is wanted) is hit if type(value) is bool else general(environment)

    return run


def text_within(root: int, name: str, wanted: frozenset[str], general: Predicate) -> Predicate:
    """`data.country in ['US', 'CA']`."""

    def run(environment: Environment) -> bool:
        value = environment.roots[root].get(name)
        return value in wanted if type(value) is str else general(environment)

    return run


def above(
    root: int, name: str, bound: int | Decimal, double: float, hit: bool, general: Predicate
) -> Predicate:
    """`data.amount > 500`; with `hit` False, `<=`. `double` bounds floats."""

    def run(environment: Environment) -> bool:
        value = environment.roots[root].get(name)
        if type(value) is int:
            return (value > bound) is hit
        if type(value) is float and value == value:
            return (value > double) is hit
        if type(value) is Decimal and not value.is_nan():
            return (value > bound) is hit
        return general(environment)

    return run


def below(
    root: int, name: str, bound: int | Decimal, double: float, hit: bool, general: Predicate
) -> Predicate:
    """`data.marginPercent < 0.15`; with `hit` False, `>=`. `double` bounds floats."""

    def run(environment: Environment) -> bool:
        value = environment.roots[root].get(name)
        if type(value) is int:
            return (value < bound) is hit
        if type(value) is float and value == value:
            return (value < double) is hit
        if type(value) is Decimal and not value.is_nan():
            return (value < bound) is hit
        return general(environment)

    return run


def guarded(root: int, name: str, wanted: str, rest: Predicate, whole: Predicate) -> Predicate:
    """`action == 'process_refund' && …`, wherever in the conjunction the guard stands."""

    def run(environment: Environment) -> bool:
        value = environment.roots[root].get(name)
        if type(value) is str:
            return rest(environment) if value == wanted else False
        return whole(environment)

    return run

"""Junctions: `&&` and `||`, in which errors never hide an answer and order never changes one.

false && error = error && false = false        true || error = error || true = true
anything else with an error is that error, the leftmost if there are several
"""

from collections.abc import Iterator

from domain.governor.language.errors import EvaluationError
from domain.governor.language.leaves import Predicate
from domain.governor.language.values import Environment


def several(tests: tuple[Predicate, ...], decisive: bool) -> Predicate:
    """Join tests; a `decisive` true makes it `||`, a decisive false `&&`."""
    if len(tests) == 1:
        return tests[0]
    return _pair(*tests, decisive) if len(tests) == 2 else _chain(tests, decisive)


def _pair(left: Predicate, right: Predicate, decisive: bool) -> Predicate:
    def run(environment: Environment) -> bool:
        try:
            if left(environment) is decisive:
                return decisive
        except EvaluationError as error:
            return _after(error, iter((right,)), environment, decisive)
        return right(environment)

    return run


def _chain(tests: tuple[Predicate, ...], decisive: bool) -> Predicate:
    def run(environment: Environment) -> bool:
        remaining = iter(tests)
        try:
            for each in remaining:
                if each(environment) is decisive:
                    return decisive
        except EvaluationError as error:
            return _after(error, remaining, environment, decisive)
        return not decisive

    return run


def _after(
    leftmost: EvaluationError,
    remaining: Iterator[Predicate],
    environment: Environment,
    decisive: bool,
) -> bool:
    """Look for a decisive operand behind an error, asking each once: time stays linear."""
    for each in remaining:
        try:
            if each(environment) is decisive:
                return decisive
        except EvaluationError:
            continue
    raise leftmost

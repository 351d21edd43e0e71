"""Reading: the closures that fetch a value, and the names that reasons give to it.

Path, Literal, ListLiteral, Size  ─►  Term(read, name, given)
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from domain.governor.language.errors import EvaluationError
from domain.governor.language.printer import render, render_path
from domain.governor.language.tree import ListLiteral, Literal, Path, Size
from domain.governor.language.values import (
    CONTEXT,
    DATA,
    FACTS,
    MISSING,
    Environment,
    described,
    is_known,
)

Reader: TypeAlias = Callable[[Environment], object]
Operand: TypeAlias = Path | Literal | ListLiteral | Size

_ROOTS: Final = {"data": DATA, "facts": FACTS}


class Term(NamedTuple):
    """An operand: how to read it, what to call it in a reason, and whether the policy gives it."""

    read: Reader
    name: str
    given: bool


def term(operand: Operand) -> Term:
    """Return an operand ready to be read."""
    is_parameter = isinstance(operand, Path) and operand.root == "params"
    given = is_parameter or isinstance(operand, Literal | ListLiteral)
    return Term(reader(operand), render(operand), given)


def reader(operand: Operand) -> Reader:
    """Return the closure that fetches the value of an operand."""
    match operand:
        case Path():
            return _path(operand)
        case Literal(value=value):
            return _constant(value)
        case ListLiteral(items=items):
            return _constant([item.value for item in items])
        case Size(of=of):
            return _size(term(of))


def place(path: Path) -> tuple[int, tuple[str, ...]]:
    """Return which root of an environment a path starts from, and the keys to take."""
    if path.root in _ROOTS:
        return _ROOTS[path.root], path.steps
    return CONTEXT, (path.root, *path.steps)


def unfit(operand: Term, value: object, asker: str, needed: str) -> EvaluationError:
    """Return the error of an operand whose value is of the wrong kind."""
    return EvaluationError(f"{operand.name} is {described(value)}, and {asker} needs {needed}")


def _path(path: Path) -> Reader:
    if path.root == "params":
        return _parameter(path.steps[0], render_path(path))
    root, (first, *rest) = place(path)
    return _deep(root, first, tuple(rest), path) if rest else _field(root, first)


def _parameter(name: str, path: str) -> Reader:
    def read(environment: Environment) -> object:
        value = environment.params.get(name, MISSING)
        if value is MISSING:
            raise EvaluationError(f"{path} is missing")
        return value

    return read


def _field(root: int, name: str) -> Reader:
    def read(environment: Environment) -> object:
        return environment.roots[root].get(name, MISSING)

    return read


def _deep(root: int, first: str, rest: tuple[str, ...], path: Path) -> Reader:
    def read(environment: Environment) -> object:
        value = environment.roots[root].get(first, MISSING)
        for step in rest:
            if type(value) is dict:
                value = value.get(step, MISSING)
            elif is_known(value):
                return MISSING
            else:
                name = render_path(path)
                raise EvaluationError(f"{name} leads through a value {described(value)}")
        return value

    return read


def _constant(value: object) -> Reader:
    def read(_: Environment) -> object:
        return value

    return read


def _size(of: Term) -> Reader:
    def read(environment: Environment) -> object:
        value = of.read(environment)
        if type(value) is str or type(value) is list or type(value) is dict:
            return len(value)
        raise unfit(of, value, "size", "a string, a list or an object")

    return read

"""Reading: the closures that fetch a value, and the names that reasons give to it.

Path, Literal, ListLiteral, Size  ─►  Term(read, name, given)

GOVERNOR   a missing field is MISSING            NaN compares with nothing    0.1 is a decimal
CEL        a missing field is an error           NaN compares as in IEEE 754  0.1 is a float
"""

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
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


class Mode(Enum):
    """Whose meaning a condition has where CEL leaves it to its host.

    The governor's is the only one that decides anything. CEL's own is there to be compared with
    other implementations of CEL, on everything that the two have in common.
    """

    GOVERNOR = "governor"
    CEL = "cel"


class Term(NamedTuple):
    """An operand: how to read it, what to call it in a reason, and whether the policy gives it."""

    read: Reader
    name: str
    given: bool


def term(operand: Operand, mode: Mode = Mode.GOVERNOR) -> Term:
    """Return an operand ready to be read."""
    is_parameter = isinstance(operand, Path) and operand.root == "params"
    given = is_parameter or isinstance(operand, Literal | ListLiteral)
    return Term(reader(operand, mode), render(operand), given)


def reader(operand: Operand, mode: Mode = Mode.GOVERNOR) -> Reader:
    """Return the closure that fetches the value of an operand."""
    match operand:
        case Path():
            return _path(operand) if mode is Mode.GOVERNOR else _present(operand)
        case Literal():
            return _constant(_value(operand, mode))
        case ListLiteral(items=items):
            return _constant([_value(item, mode) for item in items])
        case Size(of=of):
            return _size(term(of, mode))


def presence(path: Path, mode: Mode = Mode.GOVERNOR) -> Callable[[Environment], bool]:
    """Return the closure of `has`; in CEL only the last step of a path may be missing."""
    if mode is Mode.CEL and path.root != "params" and len(place(path)[1]) > 1:
        return _within(term(Path(path.root, path.steps[:-1]), mode), path.steps[-1])
    read = reader(path)

    def run(environment: Environment) -> bool:
        return read(environment) is not MISSING

    return run


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


def _within(above: Term, name: str) -> Callable[[Environment], bool]:
    def run(environment: Environment) -> bool:
        value = above.read(environment)
        if type(value) is not dict:
            raise unfit(above, value, "has", "an object")
        return name in value

    return run


def _present(path: Path) -> Reader:
    """Read a path as CEL does: what is missing anywhere along it is an error."""
    name, read = render_path(path), _path(path)

    def run(environment: Environment) -> object:
        value = read(environment)
        if value is MISSING:
            raise EvaluationError(f"{name} is missing")
        return value

    return run


def _value(literal: Literal, mode: Mode) -> object:
    value = literal.value
    return float(value) if mode is Mode.CEL and isinstance(value, Decimal) else value


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

"""Condition: one compiled expression, and what can be known about it without running it.

text ─► tree ─► closure      reads  parameters  actions (outside which it cannot hold)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from domain.governor.language.compile import predicate, value_of
from domain.governor.language.errors import EvaluationError
from domain.governor.language.parser import parse
from domain.governor.language.printer import render_path
from domain.governor.language.reading import Mode, Reader, reader
from domain.governor.language.tree import (
    Compare,
    Every,
    In,
    ListLiteral,
    Literal,
    Node,
    Path,
    Some,
    children,
)
from domain.governor.language.values import MISSING, Environment

_ACTION: frozenset[Path] = frozenset({Path("action"), Path("data", ("action",))})


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that is ready to be asked; two of the same text are equal.

    `evaluate(environment)` gives true or false, or raises an EvaluationError. `reads` has every
    path in its one way of writing, sorted. `actions` is None where the condition may hold for
    any action type; it relies on `data.action` being the action type.
    """

    text: str
    tree: Node = field(compare=False, repr=False)
    evaluate: Callable[[Environment], bool] = field(compare=False, repr=False)
    reads: tuple[str, ...] = field(compare=False, repr=False)
    parameters: tuple[str, ...] = field(compare=False, repr=False)
    actions: frozenset[str] | None = field(compare=False, repr=False)
    _readers: Mapping[str, Reader] = field(compare=False, repr=False)

    def lookup(self, environment: Environment, path: str) -> object:
        """Return the value of one of the paths read, or MISSING; this never raises an error."""
        try:
            return self._readers[path](environment)
        except EvaluationError:
            return MISSING


def compile_condition(text: str) -> Condition:
    """Compile a text, or raise a PolicySyntaxError."""
    tree = parse(text)
    paths = {render_path(path): path for path in paths_of(tree)}
    return Condition(
        text=text,
        tree=tree,
        evaluate=predicate(tree, "a condition"),
        reads=tuple(sorted(paths)),
        parameters=tuple(sorted(p.steps[0] for p in paths.values() if p.root == "params")),
        actions=actions_of(tree),
        _readers={name: reader(path) for name, path in paths.items()},
    )


def compile_as_cel(text: str) -> Reader:
    """Compile a text to what CEL means by it, to be compared with other implementations.

    No decision is ever made this way: a missing field is an error even where `==` asks for it,
    NaN compares as in IEEE 754, a number with a fraction is a float, and any value is an answer.
    """
    return value_of(parse(text), Mode.CEL).read


def paths_of(node: Node) -> Iterator[Path]:
    """Yield every path below a node, from left to right."""
    if isinstance(node, Path):
        yield node
    for child in children(node):
        yield from paths_of(child)


def actions_of(node: Node) -> frozenset[str] | None:
    """Return the action types outside which a node is certainly false, or None for all."""
    match node:
        case Every(operands=operands):
            known = [each for each in map(actions_of, operands) if each is not None]
            return frozenset.intersection(*known) if known else None
        case Some(operands=operands):
            every = [actions_of(each) for each in operands]
            known = [each for each in every if each is not None]
            return frozenset().union(*known) if len(known) == len(every) else None
        case Compare("==", path, Literal(value=str(name))) if path in _ACTION:
            return frozenset({name})
        case Compare("==", Literal(value=str(name)), path) if path in _ACTION:
            return frozenset({name})
        case In(path, ListLiteral(items=items)) if path in _ACTION:
            names = frozenset(each.value for each in items if isinstance(each.value, str))
            return names
        case _:
            return None

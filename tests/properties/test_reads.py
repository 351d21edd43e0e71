"""What a condition says that it reads is what it looks at: nothing more, and nothing less.

Condition.reads ─┬─ looked up in no environment      ► it would be said in vain
                 └─ looked up, and not said          ► nobody could check it beforehand
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from domain.governor.language import (
    Condition,
    Environment,
    EvaluationError,
    compile_condition,
    render,
)
from domain.governor.language.tree import Compare, Every, Has, In, Node, Not, Path, Some, TextTest
from tests.trees import Chance

TREES: Final = 400
CHANGES_MAX: Final = 200
GONE: Final = object()


class Watched(dict[str, Any]):
    """A mapping that knows which of its fields were looked up."""

    def __init__(self, root: str, content: Mapping[str, Any], seen: set[tuple[str, str]]) -> None:
        super().__init__(content)
        self._root, self._seen = root, seen

    def get(self, key: str, default: Any = None) -> Any:
        self._seen.add((self._root, key))
        return super().get(key, default)


def head(path: Path) -> tuple[str, str]:
    """The root of an environment and the field of it that a path begins with."""
    roots = ("data", "facts", "params")
    return (path.root, path.steps[0]) if path.root in roots else ("context", path.root)


def watched(bindings: Mapping[str, Any], seen: set[tuple[str, str]]) -> Environment:
    context = {"action": bindings["action"], "actor": bindings["actor"]}
    return Environment(
        Watched("data", bindings["data"], seen),
        Watched("context", context, seen),
        Watched("params", bindings["params"], seen),
        Watched("facts", bindings["facts"], seen),
    )


def answer(condition: Condition, environment: Environment) -> bool | str:
    try:
        return condition.evaluate(environment)
    except EvaluationError as error:
        return error.reason


def relations(node: Node) -> Iterator[Node]:
    """The parts of a tree that && || and ! join."""
    match node:
        case Every(operands=below) | Some(operands=below):
            for each in below:
                yield from relations(each)
        case Not(operand=only):
            yield from relations(only)
        case _:
            yield node


def read_by(tree: Node) -> set[str]:
    return set(compile_condition(render(tree)).reads)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_looked_up_that_was_not_said(seed: int) -> None:
    chance = Chance(seed)
    for _ in range(TREES):
        tree = chance.node()
        condition = compile_condition(render(tree))
        said = {head(path) for path in leaves_of(tree)}
        for _ in range(5):
            seen: set[tuple[str, str]] = set()
            answer(condition, watched(chance.bindings(), seen))
            assert seen <= said, condition.text


def leaves_of(node: Node) -> Iterator[Path]:
    """Every path of a tree, found without the help of the code under test."""
    match node:
        case Path():
            yield node
        case Every(operands=below) | Some(operands=below):
            for each in below:
                yield from leaves_of(each)
        case Compare(left=first, right=second) | In(item=first, container=second):
            yield from leaves_of(first)
            yield from leaves_of(second)
        case TextTest(subject=first, argument=second):
            yield from leaves_of(first)
            yield from leaves_of(second)
        case Not(operand=only) | Has(path=only):
            yield from leaves_of(only)
        case _:
            yield from filter(lambda each: isinstance(each, Path), (getattr(node, "of", None),))


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_reads_what_its_relations_read(seed: int) -> None:
    chance = Chance(seed)
    for _ in range(TREES):
        tree = chance.node()
        parts = [read_by(each) for each in relations(tree)]
        assert read_by(tree) == set().union(*parts) == {render(path) for path in leaves_of(tree)}


@pytest.mark.parametrize("seed", range(3))
def test_each_field_that_a_relation_reads_is_looked_up_and_can_change_its_answer(
    seed: int,
) -> None:
    chance = Chance(seed)
    for _ in range(TREES):
        tree = chance.relation()
        condition = compile_condition(render(tree))
        if contradicts_itself(list(leaves_of(tree))):
            continue
        for path in leaves_of(tree):
            assert matters(condition, path, chance), f"{render(path)} of {condition.text}"


def contradicts_itself(paths: list[Path]) -> bool:
    """`data.b.startsWith(data.b.s)`: no payload has a text with fields."""
    return any(
        one != other and other.root == one.root and other.steps[: len(one.steps)] == one.steps
        for one in paths
        for other in paths
    )


def matters(condition: Condition, path: Path, chance: Chance) -> bool:
    """Find two environments that differ in one field, and in what the condition answers."""
    for _ in range(CHANGES_MAX):
        bindings, seen = chance.bindings(), set[tuple[str, str]]()
        for each in leaves_of(condition.tree):
            bindings = changed(bindings, each, chance.random.choice((chance.word(), [])))
        new = chance.random.choice((GONE, object(), chance.value()))
        before = answer(condition, watched(bindings, seen))
        after = answer(condition, watched(changed(bindings, path, new), set()))
        if head(path) in seen and before != after:
            return True
    return False


def changed(bindings: Mapping[str, Any], path: Path, new: object) -> dict[str, Any]:
    """The same bindings with another value at one path, or with none."""
    found = {**bindings, **{root: dict(bindings[root]) for root in ("data", "facts", "params")}}
    if not path.steps:
        return {**found, path.root: new}
    here = found[path.root] = dict(found[path.root])
    for step in path.steps[:-1]:
        below = here.get(step)
        here[step] = dict(below) if isinstance(below, dict) else {}
        here = here[step]
    here[path.steps[-1]] = new
    if new is GONE:
        del here[path.steps[-1]]
    return found

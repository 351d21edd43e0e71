"""Naming: do the words of a condition mean anything to the business?

action == 'proces_refund'   no request is called so          did you mean process_refund?
data.amuont > 5             no field of process_refund       did you mean data.amount?
data.amount == '500'        a number is never a string
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Final

from domain.governor.analysis.atoms import variable
from domain.governor.analysis.diagnostic import Diagnostic, Severity
from domain.governor.analysis.universe import ACTION, kind_of
from domain.governor.analysis.vocabulary import Fields, Vocabulary
from domain.governor.analysis.witness import written
from domain.governor.language import Condition, render
from domain.governor.language.condition import paths_of
from domain.governor.language.tree import (
    Compare,
    In,
    ListLiteral,
    Literal,
    Node,
    Path,
    TextTest,
    children,
)
from domain.governor.policy import Policy, Rule

_error: Final = partial(Diagnostic, severity=Severity.ERROR)
_BARE: Final = {"nan": "NaN", "null": "null", "missing": "missing"}


def misnamed(
    policy: Policy, rule: Rule, condition: Condition, words: Vocabulary
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the words of a condition."""
    yield from _parameters(policy, rule, condition)
    if words.actions:
        yield from _actions(rule, condition, words)
        concerned = words.concerned(condition)
        if concerned:
            yield from _paths(rule, condition, words, concerned)
            yield from _types(policy, rule, condition, words, concerned)


def unused(policy: Policy, conditions: Iterable[Condition]) -> Iterator[Diagnostic]:
    """Yield the parameters that no rule reads."""
    read = {name for each in conditions for name in each.parameters}
    for name in sorted(set(policy.parameters) - read):
        yield Diagnostic(
            severity=Severity.WARNING,
            code="parameter_unused",
            message=f"no rule reads params.{name}: to change it changes nothing",
            cure=f"remove {name}, or write params.{name} where its value stands",
        )


def _parameters(policy: Policy, rule: Rule, condition: Condition) -> Iterator[Diagnostic]:
    for name in condition.parameters:
        if name not in policy.parameters:
            yield _error(
                code="parameter_unknown",
                rule=rule.id,
                message=f"params.{name} has no value, so the rule denies whatever reads it",
                cure=_meant(name, policy.parameters) or f"give the policy a parameter {name}",
            )


def _actions(rule: Rule, condition: Condition, words: Vocabulary) -> Iterator[Diagnostic]:
    known = words.requests
    for name in dict.fromkeys(_named(condition.tree)):
        if name not in known:
            yield _error(
                code="action_unknown",
                rule=rule.id,
                message=f"no action type is called {written(name)}",
                cure=_meant(name, known) or f"one of {', '.join(sorted(words.actions))}",
            )


def _named(node: Node) -> Iterator[str]:
    match node:
        case Compare("==" | "!=", Path() as path, Literal(value=str(name))) if _is_action(path):
            yield name
        case Compare("==" | "!=", Literal(value=str(name)), Path() as path) if _is_action(path):
            yield name
        case In(Path() as path, ListLiteral(items=items)) if _is_action(path):
            yield from (each.value for each in items if isinstance(each.value, str))
        case _:
            for child in children(node):
                yield from _named(child)


def _is_action(path: Path) -> bool:
    return variable(path) == ACTION


def _paths(
    rule: Rule, condition: Condition, words: Vocabulary, concerned: Mapping[str, Fields]
) -> Iterator[Diagnostic]:
    for path in dict.fromkeys(paths_of(condition.tree)):
        if path.root not in ("data", "facts") or words.kinds(path, concerned):
            continue
        known = words.facts if path.root == "facts" else {n for f in concerned.values() for n in f}
        about = " or ".join(concerned) if len(concerned) < 4 else "any action type"
        message = f"{render(path)} is no field of {about}"
        if path.root == "facts":
            message = f"no fact is called {path.steps[0]}"
        if path.steps[0] in known:
            message = f"{path.root}.{path.steps[0]} holds no other fields"
        meant = _meant(path.steps[0], known, f"{path.root}.")
        yield _error(
            code="path_unknown",
            rule=rule.id,
            message=message,
            cure=meant or f"one of {', '.join(sorted(known)) or 'none: there are no facts yet'}",
        )


def _meant(name: str, known: Iterable[str], root: str = "") -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {root}{near[0]}?" if near and near[0] != name else ""


def _types(
    policy: Policy,
    rule: Rule,
    condition: Condition,
    words: Vocabulary,
    concerned: Mapping[str, Fields],
) -> Iterator[Diagnostic]:
    for path, value, node in _held_against(condition.tree, policy.parameters):
        kinds = words.kinds(path, concerned)
        if kinds and value is not None and kind_of(value) not in kinds:
            yield _error(
                code="type_mismatch",
                rule=rule.id,
                message=f"in {render(node)}, {render(path)} is {_of_kinds(kinds)}, "
                f"which {written(value)} is not",
                cure=f"compare it with {_of_kinds(kinds)}",
            )


def _held_against(
    node: Node, parameters: Mapping[str, object]
) -> Iterator[tuple[Path, object, Node]]:
    """Yield the paths that are held against a constant, and the constant."""

    def values(each: Node) -> list[object]:
        match each:
            case Literal(value=value):
                return [value]
            case Path("params", (name,)) if name in parameters:
                return [parameters[name]]
            case _:
                return []

    match node:
        case Compare(left=one, right=other):
            for path, constant in ((one, other), (other, one)):
                if isinstance(path, Path) and path.root != "params":
                    yield from ((path, value, node) for value in values(constant))
        case In(item=Path() as path, container=ListLiteral(items=items)) if path.root != "params":
            yield from ((path, each.value, node) for each in items)
        case TextTest(subject=Path() as path, argument=argument) if path.root != "params":
            yield from ((path, value, node) for value in values(argument))
    for child in children(node):
        yield from _held_against(child, parameters)


def _of_kinds(kinds: frozenset[str]) -> str:
    shown = sorted(kinds - {"integer"} if "number" in kinds else kinds)
    return " or ".join(_BARE.get(kind, f"a{'n' * (kind[0] in 'aio')} {kind}") for kind in shown)

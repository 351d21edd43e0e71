"""Declared: whether all that a policy reads is a field of an action or a fact of the log.

A path that nobody declares is a typo, and a typo in a rule is a rule that never fires.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from commands.actions import ACTION_TYPES
from commands.facts.fact import AGENT, BUSINESS, ORG_UNIT
from commands.facts.known import FACTS
from domain.governor.fact import Tally
from domain.governor.language import Condition, compile_condition
from domain.governor.policy import Policy


def fields_of(action_type: str) -> frozenset[str]:
    """Return the fields of an action's payload, as they are written in JSON."""
    fields = ACTION_TYPES[action_type].payload.model_fields
    return frozenset(info.alias or name for name, info in fields.items())


SUBJECTS: Final = frozenset(
    {AGENT, ORG_UNIT, BUSINESS} | {name for each in ACTION_TYPES.values() for name in each.subjects}
)


def undeclared(policy: Policy) -> str:
    """Say what a policy asks for that nobody declares, in one sentence, or nothing."""
    own = frozenset(tally.name for tally in policy.facts)
    problems = (
        *(_strange_tally(tally) for tally in policy.facts),
        *(
            f"rule {rule.id}: {problem}"
            for rule in policy.rules
            for problem in _strange_paths(policy, compile_condition(rule.condition), own)
        ),
    )
    return next(filter(None, problems), "")


def _strange_tally(tally: Tally) -> str:
    for name in tally.over:
        if name not in ACTION_TYPES:
            return f"fact {tally.name}: {_unknown(name, 'an action type', ACTION_TYPES)}"
    if tally.same not in SUBJECTS:
        return f"fact {tally.name}: same {_unknown(tally.same, 'something counted by', SUBJECTS)}"
    if tally.name in FACTS:
        return f"fact {tally.name}: the log has a fact of this name already"
    return ""


def _strange_paths(policy: Policy, condition: Condition, own: frozenset[str]) -> Iterator[str]:
    known_facts, fields = frozenset(FACTS) | own, _readable(condition)
    for path in condition.reads:
        root, _, rest = path.partition(".")
        name = rest.partition(".")[0].partition("[")[0]
        if root == "facts" and rest not in known_facts:
            yield _unknown(path, "a fact", (f"facts.{each}" for each in known_facts))
        elif root == "data" and fields and name not in fields:
            known = (f"data.{each}" for each in fields)
            yield _unknown(path, "a field of these actions", known)
        elif root == "params" and rest not in policy.parameters:
            known = (f"params.{each}" for each in policy.parameters)
            yield _unknown(path, "a parameter of this policy", known)


def _readable(condition: Condition) -> frozenset[str]:
    """Return the fields that a condition may read: of the actions it names, else of all.

    What it names beside actions are commands, whose fields are not declared here: nothing is
    returned, and nothing can be held against it.
    """
    named = ACTION_TYPES.keys() if condition.actions is None else condition.actions
    if not named <= ACTION_TYPES.keys():
        return frozenset()
    return frozenset({"action"}).union(*map(fields_of, named))


def _unknown(name: str, kind: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"{name} is not {kind}" + (f"; did you mean {near[0]}?" if near else "")

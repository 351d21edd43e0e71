"""Lint: what is wrong, doubtful or worth knowing about a policy before it is in force.

never true · always true · has no answer · allow · shadowed · duplicate · misnamed · unused
Every claim about requests comes with one that shows it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from domain.governor.analysis.diagnostic import Diagnostic, Severity
from domain.governor.analysis.difference import contribution, strength_of
from domain.governor.analysis.formula import Outcome
from domain.governor.analysis.naming import misnamed, unused
from domain.governor.analysis.space import Space, Subject
from domain.governor.analysis.study import Answer, Comparison, Relation, Study, compared, study
from domain.governor.analysis.universe import ACTION
from domain.governor.analysis.vocabulary import Vocabulary
from domain.governor.analysis.witness import Witness
from domain.governor.language import MISSING, EvaluationError, render
from domain.governor.language.condition import paths_of
from domain.governor.policy import Policy, Rule, article

NAMES_MAX: Final = 3
"""Action types that a message spells out."""
_error: Final = partial(Diagnostic, severity=Severity.ERROR)
_warning: Final = partial(Diagnostic, severity=Severity.WARNING)
_note: Final = partial(Diagnostic, severity=Severity.NOTE)
_WORDLESS: Final = Vocabulary()


def lint(policy: Policy, words: Vocabulary = _WORDLESS) -> tuple[Diagnostic, ...]:
    """Return everything there is to say, the worst first."""
    rules = []
    found: list[Diagnostic] = []
    for rule in policy.rules:
        compiled = article(policy, rule)
        if compiled.condition is None:
            found.append(_error(code="syntax", rule=rule.id, message=compiled.problem))
        else:
            rules.append((rule, Subject(compiled.condition, policy.parameters)))
    space = Space([subject for _, subject in rules])
    studies = [Study(space, number, subject) for number, (_, subject) in enumerate(rules)]
    for (rule, subject), each in zip(rules, studies, strict=True):
        names = list(misnamed(policy, rule, subject.condition, words))
        found += [*names, *_meaning(rule, each, words, misread=bool(names))]
    found += _shadows([rule for rule, _ in rules], studies)
    found += unused(policy, (subject.condition for _, subject in rules))
    return tuple(sorted(found, key=lambda each: -each.severity))


# ── one rule ──


def _meaning(rule: Rule, each: Study, words: Vocabulary, *, misread: bool) -> Iterator[Diagnostic]:
    if rule.action == "allow":
        yield _warning(
            code="allow",
            rule=rule.id,
            message="allow weakens no other rule: the strictest answer wins, and silence allows",
            cure="remove the rule, or narrow the rules that it is meant to except from",
        )
    if each.never_true is Answer.YES:
        yield _never(rule, each)
        return
    if each.always_true is Answer.YES:
        yield _warning(
            code="always_true",
            rule=rule.id,
            message="holds for every request",
            cure="confirm that it is meant to, or say which requests it is about",
            witness=each.witness(Outcome.TRUE),
        )
    if Answer.UNKNOWN in (each.never_true, each.always_true):
        yield _note(
            code="unknown",
            rule=rule.id,
            message="cannot be analyzed exactly: whether it ever or always holds is unknown",
            cure="test it on payloads of its own",
        )
    if not misread:
        yield from _declared(rule, each, words)
        yield from _errors(rule, each, words)


def _never(rule: Rule, each: Study) -> Diagnostic:
    if each.can(Outcome.FALSE) is Answer.NO:
        message, shown = "has no answer to any request, so it denies them all", Outcome.ERROR
    elif each.can(Outcome.ERROR) is Answer.YES:
        message, shown = "never holds; all it can do is deny broken data", Outcome.ERROR
    else:
        message, shown = "never holds", Outcome.FALSE
    cure = "correct the condition: its parts contradict each other"
    witness = each.witness(shown)
    return _error(code="never_true", rule=rule.id, message=message, cure=cure, witness=witness)


def _declared(rule: Rule, each: Study, words: Vocabulary) -> Iterator[Diagnostic]:
    """Say where the schemas alone decide a condition that reads more than the action type."""
    there = [study(each.subject, universe) for universe in words.universes(each.subject.condition)]
    if not there or each.always_true is Answer.YES:
        return
    if all(one.never_true is Answer.YES for one in there):
        yield _warning(
            code="never_declared",
            rule=rule.id,
            message="holds for no payload that the schemas of its action types let through",
            cure="compare with values that the fields can have",
            witness=there[0].witness(Outcome.FALSE),
        )
    if _reads_payload(each) and all(one.always_true is Answer.YES for one in there):
        yield _warning(
            code="always_declared",
            rule=rule.id,
            message="holds for every payload that the schemas of its action types let through",
            cure="confirm that it is meant to, or leave out the comparisons that decide nothing",
            witness=there[0].witness(Outcome.TRUE),
        )


def _reads_payload(each: Study) -> bool:
    return any(path.root in ("data", "facts") for path in paths_of(each.subject.condition.tree))


def _errors(rule: Rule, each: Study, words: Vocabulary) -> Iterator[Diagnostic]:
    """Say which data leaves a condition without an answer: such a rule denies."""
    condition = each.subject.condition
    there = [study(each.subject, universe) for universe in words.universes(condition)]
    stuck = [one for one in there if one.can(Outcome.ERROR) is Answer.YES]
    if stuck:
        names = [one.space.universe.action or "" for one in stuck]
        shown = ", ".join(names[:NAMES_MAX]) + (" …" if len(names) > NAMES_MAX else "")
        witness = stuck[0].witness(Outcome.ERROR)
        yield _warning(
            code="can_err",
            rule=rule.id,
            message=f"denies {shown} for want of an answer: {_reason(stuck[0], witness)}",
            cure=_cure(stuck[0], witness, names_action=condition.actions is not None),
            witness=witness,
        )
    elif each.can(Outcome.ERROR) is Answer.YES:
        witness = each.witness(Outcome.ERROR)
        yield _note(
            code="denies_broken_data",
            rule=rule.id,
            message=f"denies data that gives it no answer: {_reason(each, witness)}",
            cure=_cure(each, witness, names_action=True),
            witness=witness,
        )


def _reason(each: Study, witness: Witness | None) -> str:
    assert witness is not None, "an error without a witness"
    try:
        each.subject.condition.evaluate(witness.environment())
    except EvaluationError as error:
        return error.reason
    raise AssertionError(f"{witness} is no error")


def _cure(each: Study, witness: Witness | None, *, names_action: bool) -> str:
    """Say how to let such data pass, where it should."""
    assert witness is not None, "an error without a witness"
    reason = _reason(each, witness)
    subject = next(
        ((path, value) for path, value in witness.values if _speaks_of(reason, render(path))), None
    )
    if subject is None:
        return "only if such data should pass: nothing but other data cures it"
    path, value = subject
    if value is not MISSING and value is not None:
        return "leave it: broken data should not pass"
    guard = f"has({render(path)}) && …" if value is MISSING else f"{render(path)} != null && …"
    name = "" if names_action or path == ACTION else ", or name the action types that are meant"
    return f"only if such data should pass: {guard}{name}"


def _speaks_of(reason: str, path: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(path)}(?![\w.\[])", reason) is not None


# ── several rules ──


def _shadows(rules: Sequence[Rule], studies: Sequence[Study]) -> Iterator[Diagnostic]:
    """Say which rules change no answer of their policy, because another is as strict."""
    sound = [
        number
        for number, rule in enumerate(rules)
        if rule.action != "allow" and studies[number].never_true is not Answer.YES
    ]
    gone: set[int] = set()
    for number in reversed(sound):  # of two alike, the later one is the one to go
        for other in sound:
            if other == number or other in gone:
                continue
            found = compared(studies[number], studies[other])
            if found is not None and _is_shadowed(rules[number], rules[other], found):
                gone.add(number)
                yield _shadow(rules[number], rules[other], found)
                break


def _is_shadowed(rule: Rule, other: Rule, found: Comparison) -> bool:
    mine, theirs = strength_of(rule), strength_of(other)
    return all(
        contribution(one, mine) <= contribution(two, theirs)
        for one in Outcome
        for two in Outcome
        if found.can(one, two) is not Answer.NO
    )


def _shadow(rule: Rule, other: Rule, found: Comparison) -> Diagnostic:
    shadow = partial(
        _warning,
        rule=rule.id,
        cure=f"remove it, or make it stricter than rule {other.id}",
        witness=found.witness(Outcome.TRUE, Outcome.TRUE),
    )
    if found.relation is Relation.EQUAL and strength_of(rule) == strength_of(other):
        return shadow(code="duplicate", message=f"says the same as rule {other.id}")
    stricter = f"wherever it holds, rule {other.id} is at least as strict"
    return shadow(code="shadowed", message=f"changes nothing: {stricter}")

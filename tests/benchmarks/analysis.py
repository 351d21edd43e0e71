"""Static analysis of many policies: `python -m tests.benchmarks.analysis [--json]`.

compile    the conditions of 1,000 policies, which are cached once they have been read
survey     each by itself (never true, always true, can err), and every pair that concerns the
           same action type, in CPU time; the budget: a second
lint       the findings of one policy, schemas and all
difference what two versions of one policy answer otherwise

The policies are made from a seed. A part of the witnesses is asked for and checked, uncounted.
"""

import argparse
import gc
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from statistics import median
from time import process_time
from typing import Any, Final

from commands.governor.vocabulary import vocabulary
from domain.governor.analysis import Answer, Outcome, Subject, Survey, difference, lint, survey
from domain.governor.builtin import REFUND_LIMIT
from domain.governor.language import compile_condition

BUDGET_SECONDS: Final = 1.0
POLICIES: Final = 1_000
ACTIONS: Final = 50
SAMPLE: Final = 25


def condition(random: Random, action: int) -> str:
    """One condition as people write them: the action type, then one to three comparisons."""
    amount, share = random.randrange(100, 2_000), random.randrange(1, 9)
    choices = (
        f"data.amount > {amount}",
        f"data.amount <= {amount}.50",
        f"data.country in ['US', 'CA', '{random.choice('DEFG')}']",
        "data.reconciled != true",
        f"data.riskScore >= 0.{share}",
        "has(data.coupon)",
        "data.currency == 'USD'",
        f"data.name.startsWith('{random.choice('xyz')}')",
        f"data.newPrice < data.oldPrice && data.oldPrice > {amount}",
    )
    parts = random.choices(choices, k=random.randrange(1, 4))
    rest = " || ".join(parts) if random.random() < 0.1 else " && ".join(parts)
    return f"action == 'action_{action}' && ({rest})"


def texts(policies: int, seed: int) -> list[str]:
    random = Random(seed)
    return [condition(random, number % ACTIONS) for number in range(policies)]


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


def check(found: Survey) -> int:
    """Ask for witnesses, which check themselves; return how many there were."""
    shown = 0
    for study in list(found.studies.values())[::SAMPLE]:
        shown += sum(study.witness(outcome) is not None for outcome in Outcome)
    for kinship in found.kinships[::SAMPLE]:
        assert kinship.comparison is not None
        shown += kinship.comparison.witness(Outcome.TRUE, Outcome.TRUE) is not None
    return shown


def measured(policies: int, rounds: int, seed: int) -> dict[str, Any]:
    written = texts(policies, seed)
    compiling = seconds(lambda: [compile_condition(text) for text in written])
    subjects = {
        f"policy-{number}": Subject(compile_condition(text), {})
        for number, text in enumerate(written)
    }
    times = [seconds(lambda: survey(subjects)) for _ in range(rounds)]
    found = survey(subjects)
    words = vocabulary()
    higher = "data.action == 'process_refund' && data.amount > 1000"
    raised = replace(REFUND_LIMIT, rules=(replace(REFUND_LIMIT.rules[0], condition=higher),))
    linting = [seconds(lambda: lint(REFUND_LIMIT, words)) for _ in range(rounds * 5)]
    comparing = [seconds(lambda: difference(REFUND_LIMIT, raised)) for _ in range(rounds * 5)]
    return {
        "policies": policies,
        "pairs": len(found.kinships),
        "relations": dict(Counter(each.relation.value for each in found.kinships)),
        "never_true": sum(each.never_true is Answer.YES for each in found.studies.values()),
        "witnesses_checked": check(found),
        "compile_seconds": compiling,
        "survey_seconds": {"best": min(times), "median": median(times)},
        "lint_milliseconds": median(linting) * 1e3,
        "difference_milliseconds": median(comparing) * 1e3,
        "budget_seconds": BUDGET_SECONDS,
    }


def show(figures: dict[str, Any]) -> None:
    took = figures["survey_seconds"]
    within = "within" if took["best"] <= BUDGET_SECONDS else "OVER"
    verdict = f"{within} the budget of {BUDGET_SECONDS} s"
    print(f"{figures['policies']:,} policies, {figures['pairs']:,} pairs: {figures['relations']}")
    print(f"{figures['never_true']} never hold; {figures['witnesses_checked']} witnesses checked")
    print(f"compile     {figures['compile_seconds']:8.3f} s")
    print(f"survey      {took['best']:8.3f} s best, {took['median']:.3f} s median: {verdict}")
    print(f"lint        {figures['lint_milliseconds']:8.3f} ms a policy")
    print(f"difference  {figures['difference_milliseconds']:8.3f} ms a pair of versions")


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print figures for a machine")
    parser.add_argument("--policies", type=int, default=POLICIES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures = measured(options.policies, options.rounds, options.seed)
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
        print()
    else:
        show(figures)


if __name__ == "__main__":
    main()

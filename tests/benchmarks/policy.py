"""Policies: our governor beside its peers and beside functions by hand, in one run.

broken data   which engine lets what through: python -m tests.benchmarks.policy --only matrix
evaluation    a compiled condition over the same by hand                          at most 2 times
decisions     1,000 policies of which none names the action, with the index       at most 2 µs
complete      payload hash, judgment and verdict record of one request            at most 25 µs

All of it in CPU time, contestants in turns: `python -m tests.benchmarks.policy [--json]`.
"""

import argparse
import gc
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from commands.message import Sender
from commands.record import verdict_entry
from domain.core.canonical import digest
from domain.governor.builtin import BUILT_IN
from domain.governor.judge import judge
from domain.governor.language import Environment, EvaluationError, compile_condition
from domain.governor.law import Law
from domain.governor.policy import Article
from tests.benchmarks.policies.by_hand import CASES, Payload, by_hand_about
from tests.benchmarks.policies.costs import Contestant, Cost, measured
from tests.benchmarks.policies.engines import (
    AGENT,
    OURS,
    REFUND,
    Governor,
    Limit,
    ask_of,
    engines,
    matrix,
)

RATIO_MAX: Final = 2.0
INDEXED_MICROSECONDS_MAX: Final = 2.0
COMPLETE_MICROSECONDS_MAX: Final = 25.0
POLICIES: Final = 1_000
PARTS: Final = ("matrix", "evaluation", "decisions", "complete")

Figures = dict[str, Any]


# ── evaluation ──


@dataclass(frozen=True, slots=True)
class Row:
    """What one question costs in each way of answering it."""

    name: str
    compiled: Cost
    by_hand: Cost
    naive: Cost

    @property
    def ratio(self) -> float:
        return self.compiled.over(self.by_hand)

    def figures(self) -> Figures:
        ways = {"compiled": self.compiled, "by_hand": self.by_hand, "naive": self.naive}
        costs = {name: cost.figures() for name, cost in ways.items()}
        return {"name": self.name, **costs, "ratio": self.ratio}


def answer(function: Callable[[Any], bool], argument: object) -> bool | None:
    try:
        return function(argument)
    except EvaluationError:
        return None


def require_agreement() -> None:
    """Refuse to measure two things that do not say the same."""
    nan = float("nan")
    broken = (None, True, "900", [nan], nan, Decimal("NaN"), 1, 1.5, Decimal("0.15"), 10**30)
    for case in CASES:
        condition = compile_condition(case.text)
        payloads = [*case.payloads().values(), case.guard, {}]
        payloads += [{**case.guard, case.field: value} for value in broken]
        for payload in payloads:
            by_hand = answer(case.by_hand, payload)
            compiled = answer(condition.evaluate, Environment(payload))
            assert compiled == by_hand, (case.name, payload, compiled, by_hand)


def evaluation(calls: int, rounds: int) -> Figures:
    require_agreement()
    rows = []
    for case in CASES:
        evaluate = compile_condition(case.text).evaluate
        for what, payload in case.payloads().items():
            ways = (
                (evaluate, Environment(payload, {"action": payload.get("action", "payout")})),
                (case.by_hand, payload),
                (case.naive, payload),
            )
            rows.append(Row(f"{case.name}, {what}", *measured(ways, calls, rounds)))
    show_rows(rows)
    return {"evaluation_ns": [row.figures() for row in rows]}


def show_rows(rows: Sequence[Row]) -> None:
    say("one condition, ns of CPU time, best (median)")
    say(f"{'condition, payload':<22}{'compiled':>16}{'by hand':>16}{'naive':>16}{'ratio':>8}")
    for row in rows:
        cells = [f"{c.best:,.0f} ({c.median:,.0f})" for c in (row.compiled, row.by_hand, row.naive)]
        say(f"{row.name:<22}" + "".join(f"{cell:>16}" for cell in cells) + f"{row.ratio:>8.2f}")
    worst = max(row.ratio for row in rows)
    say(f"worst ratio {worst:.2f}, {held(worst, RATIO_MAX)} {RATIO_MAX}\n")


# ── one decision over one policy, and over a thousand ──


def hear(articles: Sequence[Article], environment: Environment) -> None:
    for each in articles:
        assert each.condition is not None
        each.condition.evaluate(environment)


def decisions(calls: int, rounds: int) -> Figures:
    """One policy that fires, and a decision over a thousand that concern other actions."""
    matching = {"action": REFUND, "amount": 900}
    others = [Limit(f"other_{n}", n) for n in range(POLICIES)]
    book = Governor(others).law.book
    environment = Environment(matching, {"action": REFUND})
    every = [article for n in range(POLICIES) for article in book.about(f"other_{n}").articles]
    by_hand = [by_hand_about(each.action, each.amount) for each in others]
    refund = compile_condition("action == 'process_refund' && data.amount > 500").evaluate

    def all_by_hand(payload: Payload) -> None:
        for function in by_hand:
            function(payload)

    one: dict[str, Contestant] = {
        "by hand": (by_hand_about(REFUND, 500), matching),
        "closures": (refund, environment),
    }
    one |= {name_of(name): (each.denies, matching) for name, each in engines([Limit(REFUND, 500)])}
    indexed: dict[str, Contestant] = {
        "closures, index": (lambda _: hear(book.about(REFUND).articles, environment), None)
    }
    many: dict[str, Contestant] = {
        "by hand": (all_by_hand, matching),
        "closures": (lambda _: hear(every, environment), None),
    }
    many |= {name_of(name): (each.denies, matching) for name, each in engines(others)}
    costs = measured_by_name(one, calls // 10, rounds // 4)
    # What is fast is measured apart, with many calls: a scan of a thousand empties the caches.
    wide = measured_by_name(indexed, calls, rounds)
    wide |= measured_by_name(many, max(1, calls // POLICIES), rounds // 4)
    show_decisions(costs, wide)
    return {
        "one_ns": {name: cost.figures() for name, cost in costs.items()},
        "thousand_ns": {name: cost.figures() for name, cost in wide.items()},
    }


def measured_by_name(ways: Mapping[str, Contestant], calls: int, rounds: int) -> dict[str, Cost]:
    return dict(zip(ways, measured(list(ways.values()), calls, rounds), strict=True))


def name_of(engine: str) -> str:
    return "judged, with its verdict" if engine == OURS else engine


def show_decisions(one: Mapping[str, Cost], many: Mapping[str, Cost]) -> None:
    say(f"{'µs of CPU time, best (median)':<34}{'one matches':>18}{f'{POLICIES:,} do not':>22}")
    for name in sorted({*one, *many}, key=[*one, *many].index):
        cells = [micro(costs[name]) if name in costs else "" for costs in (one, many)]
        say(f"{name:<34}{cells[0]:>18}{cells[1]:>22}")
    indexed, limit = many["closures, index"].median / 1000, INDEXED_MICROSECONDS_MAX
    say(f"with the index {indexed:.2f} µs, {held(indexed, limit)} {limit} µs\n")


# ── a complete decision ──


def complete(calls: int, rounds: int) -> Figures:
    """What the road does for one request between reading and appending."""
    law = Law(name="Shop", active={policy.id: policy for policy in BUILT_IN})
    sender = Sender(actor=AGENT, command_id="c1", at=0)

    def decide(payload: Payload) -> object:
        ask = ask_of(payload, digest({"action": REFUND, "payload": payload}))
        verdict = judge(ask, law)
        return verdict_entry(
            sender,
            ask,
            verdict,
            as_of=41,
            outcome="done",
            size=3,
            refusal=None,
            approval_id="",
            request=None,
        )

    payload = {"action": REFUND, "orderId": "o1", "amount": Decimal("49.90"), "currency": "EUR"}
    (cost,) = measured([(decide, payload)], max(1, calls // 20), rounds)
    found, limit = cost.median / 1000, COMPLETE_MICROSECONDS_MAX
    say(f"a complete decision {micro(cost)} µs, {held(found, limit)} {limit} µs\n")
    return {"complete_ns": cost.figures()}


# ── broken data ──


def broken(_calls: int, _rounds: int) -> Figures:
    """Ask every engine about a refund whose amount is broken."""
    found = matrix()
    say("action == 'process_refund' && data.amount > 500, asked about an amount that is")
    for name, row in found.items():
        cells = "".join(f"{what} {'denied' if it else 'PASSES'}   " for what, it in row.items())
        say(f"{name:<18}{cells} {list(row.values()).count(False)} of {len(row)} pass")
    assert all(found[OURS].values()), "the governor let broken data pass"
    say("")
    return {"broken_data_denied": found}


# ── all of it ──

MEASURES: Final = dict(zip(PARTS, (broken, evaluation, decisions, complete), strict=True))


def held(found: float, limit: float) -> str:
    return "within the limit of" if found <= limit else "OVER the limit of"


def micro(cost: Cost) -> str:
    return f"{cost.best / 1000:,.2f} ({cost.median / 1000:,.2f})"


def say(line: str) -> None:
    print(line, file=sys.stderr if "--json" in sys.argv else sys.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print figures for a machine")
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    gc.disable()
    figures: Figures = {}
    for part in PARTS:
        if options.only in (None, part):
            figures |= MEASURES[part](options.calls, options.rounds)
    if options.json:
        print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

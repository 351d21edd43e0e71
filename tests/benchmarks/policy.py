"""Conditions beside functions written by hand: `python -m tests.benchmarks.policy [--json]`.

compiled   Condition.evaluate(environment), as the governor calls it
by hand    one function with the same checks: missing, null, booleans, NaN, wrong types
naive      one expression that trusts its payload: the floor

All three are measured in turns, in one run, in CPU time. The budget: a ratio of at most 2.
"""

import argparse
import gc
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import repeat
from statistics import median
from time import process_time_ns
from typing import Any, Final

from domain.governor.language import (
    MISSING,
    Condition,
    Environment,
    EvaluationError,
    compile_condition,
)

RATIO_MAX: Final = 2.0
CONDITIONS: Final = 1_000
ASKED: Final = "process_refund"

Payload = dict[str, Any]
Function = Callable[[Payload], bool]


def unordered(name: str, symbol: str) -> EvaluationError:
    return EvaluationError(f"{name} does not fit, and {symbol} needs a number")


def no_text(value: object, name: str) -> bool:
    """Answer `name == 'text'` for whatever is no string."""
    if value is MISSING or value is None or type(value) in (bool, int):
        return False
    if (type(value) is float and value == value) or (type(value) is Decimal and value.is_finite()):
        return False
    raise EvaluationError(f"{name} cannot be compared")


def refund_by_hand(data: Payload) -> bool:
    action = data.get("action", MISSING)
    if type(action) is not str:
        return no_text(action, "data.action")
    if action != "process_refund":
        return False
    amount = data.get("amount")
    if type(amount) is int:
        return amount > 500
    if type(amount) is float and amount == amount:
        return amount > 500
    if type(amount) is Decimal and not amount.is_nan():
        return amount > 500
    raise unordered("data.amount", ">")


def reconciled_by_hand(data: Payload) -> bool:
    kind = data.get("type", MISSING)
    if type(kind) is not str:
        return no_text(kind, "data.type")
    if kind != "payout":
        return False
    reconciled = data.get("reconciled", MISSING)
    if type(reconciled) is bool:
        return reconciled is not True
    if type(reconciled) is str:
        return True
    return not no_text(reconciled, "data.reconciled")


def risk_by_hand(data: Payload) -> bool:
    kind = data.get("type", MISSING)
    if type(kind) is not str:
        return no_text(kind, "data.type")
    if kind != "payout":
        return False
    score = data.get("riskScore")
    if type(score) is int:
        return score > 0.7
    if type(score) is float and score == score:
        return score > 0.7
    if type(score) is Decimal and not score.is_nan():
        return score > RISK
    raise unordered("data.riskScore", ">")


def margin_by_hand(data: Payload) -> bool:
    action = data.get("action", MISSING)
    if type(action) is not str:
        return no_text(action, "data.action")
    if action != "update_price":
        return False
    margin = data.get("marginPercent")
    if type(margin) is int:
        return margin < 0.15
    if type(margin) is float and margin == margin:
        return margin < 0.15
    if type(margin) is Decimal and not margin.is_nan():
        return margin < FLOOR
    raise unordered("data.marginPercent", "<")


def runway_by_hand(data: Payload) -> bool:
    action = data.get("action", MISSING)
    if type(action) is not str:
        return no_text(action, "data.action")
    if action != "increase_ad_spend":
        return False
    days = data.get("cashRunwayDays")
    if type(days) is int:
        return days < 30
    if type(days) is float and days == days:
        return days < 30
    if type(days) is Decimal and not days.is_nan():
        return days < 30
    raise unordered("data.cashRunwayDays", "<")


def roas_by_hand(data: Payload) -> bool:
    action = data.get("action", MISSING)
    if type(action) is not str:
        return no_text(action, "data.action")
    if action != "increase_ad_spend":
        return False
    roas = data.get("roas")
    if type(roas) is int:
        return roas < 2
    if type(roas) is float and roas == roas:
        return roas < 2
    if type(roas) is Decimal and not roas.is_nan():
        return roas < 2
    raise unordered("data.roas", "<")


RISK: Final = Decimal("0.7")
FLOOR: Final = Decimal("0.15")


@dataclass(frozen=True, slots=True)
class Case:
    """One built-in condition, the same by hand and naively, and the field it weighs."""

    name: str
    text: str
    by_hand: Function
    naive: Function
    guard: Payload
    field: str
    fires: object
    spares: object

    def payloads(self) -> Mapping[str, Payload]:
        """Payloads by what the condition makes of them; `other` is about something else."""
        name = next(iter(self.guard))
        return {
            "fires": {**self.guard, self.field: self.fires},
            "spares": {**self.guard, self.field: self.spares},
            "other": {name: "send_message", self.field: self.fires},
        }


CASES: Final = (
    Case(
        "refund",
        "data.action == 'process_refund' && data.amount > 500",
        refund_by_hand,
        lambda data: data["action"] == "process_refund" and data["amount"] > 500,
        {"action": "process_refund"},
        "amount",
        Decimal("500.01"),
        500,
    ),
    Case(
        "reconciled",
        "data.type == 'payout' && data.reconciled != true",
        reconciled_by_hand,
        lambda data: data["type"] == "payout" and data["reconciled"] is not True,
        {"type": "payout"},
        "reconciled",
        False,
        True,
    ),
    Case(
        "risk",
        "data.type == 'payout' && data.riskScore > 0.7",
        risk_by_hand,
        lambda data: data["type"] == "payout" and data["riskScore"] > 0.7,
        {"type": "payout"},
        "riskScore",
        0.71,
        0.7,
    ),
    Case(
        "margin",
        "data.action == 'update_price' && data.marginPercent < 0.15",
        margin_by_hand,
        lambda data: data["action"] == "update_price" and data["marginPercent"] < 0.15,
        {"action": "update_price"},
        "marginPercent",
        0.1499,
        Decimal("0.15"),
    ),
    Case(
        "runway",
        "data.action == 'increase_ad_spend' && data.cashRunwayDays < 30",
        runway_by_hand,
        lambda data: data["action"] == "increase_ad_spend" and data["cashRunwayDays"] < 30,
        {"action": "increase_ad_spend"},
        "cashRunwayDays",
        29,
        30,
    ),
    Case(
        "roas",
        "data.action == 'increase_ad_spend' && data.roas < 2.0",
        roas_by_hand,
        lambda data: data["action"] == "increase_ad_spend" and data["roas"] < 2.0,
        {"action": "increase_ad_spend"},
        "roas",
        1.99,
        2.0,
    ),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Nanoseconds of CPU time for one call, round by round."""

    rounds: tuple[float, ...]

    @property
    def best(self) -> float:
        return min(self.rounds)

    @property
    def median(self) -> float:
        return median(self.rounds)

    def figures(self) -> dict[str, float]:
        return {"best": self.best, "median": self.median}


@dataclass(frozen=True, slots=True)
class Row:
    """What one question costs in each way of answering it."""

    name: str
    compiled: Cost
    by_hand: Cost
    naive: Cost

    @property
    def ratio(self) -> float:
        """Compiled over by hand, in the middle of the rounds: processors change their pace."""
        pairs = zip(self.compiled.rounds, self.by_hand.rounds, strict=True)
        return median(compiled / by_hand for compiled, by_hand in pairs)

    def figures(self) -> dict[str, object]:
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


def nanoseconds(function: Callable[[Any], object], argument: object, calls: int) -> float:
    start = process_time_ns()
    for _ in repeat(None, calls):
        function(argument)
    return (process_time_ns() - start) / calls


def measured(
    contestants: Sequence[tuple[Callable[[Any], object], object]], calls: int, rounds: int
) -> list[Cost]:
    """Time the contestants in turns, so that a slow moment of the machine hits all of them."""
    times: list[list[float]] = [[] for _ in contestants]
    for _ in range(rounds):
        for taken, (function, argument) in zip(times, contestants, strict=True):
            taken.append(nanoseconds(function, argument, calls))
    return [Cost(tuple(taken)) for taken in times]


def built_in(calls: int, rounds: int) -> list[Row]:
    rows = []
    for case in CASES:
        evaluate = compile_condition(case.text).evaluate
        for what, payload in case.payloads().items():
            costs = measured(
                (
                    (evaluate, Environment(payload, {"action": payload.get("action", "payout")})),
                    (case.by_hand, payload),
                    (case.naive, payload),
                ),
                calls,
                rounds,
            )
            rows.append(Row(f"{case.name}, {what}", *costs))
    return rows


def by_hand_about(action: str, limit: int) -> Function:
    def run(data: Payload) -> bool:
        asked = data.get("action", MISSING)
        if type(asked) is not str:
            return no_text(asked, "data.action")
        if asked != action:
            return False
        amount = data.get("amount")
        if type(amount) is int:
            return amount > limit
        raise unordered("data.amount", ">")

    return run


def many(calls: int, rounds: int) -> dict[str, Cost]:
    """One decision over many conditions that do not concern it."""
    payload: Payload = {"action": ASKED, "amount": 0}
    environment = Environment(payload, {"action": ASKED})
    others = [
        compile_condition(f"action == 'other_{i}' && data.amount > {i}") for i in range(CONDITIONS)
    ]
    unnamed = [compile_condition(f"data.amount > {i}") for i in range(CONDITIONS)]
    functions = [by_hand_about(f"other_{i}", i) for i in range(CONDITIONS)]
    index: dict[str | None, list[Condition]] = {}
    for condition in others:
        for action in condition.actions or (None,):
            index.setdefault(action, []).append(condition)

    def hear(conditions: Sequence[Condition]) -> None:
        for condition in conditions:
            condition.evaluate(environment)

    def hear_indexed(_: object) -> None:
        hear(index.get(None, ()))
        hear(index.get(ASKED, ()))

    def hear_by_hand(_: object) -> None:
        for function in functions:
            function(payload)

    names = ("by hand, all", "compiled, all", "compiled, indexed", "compiled, no action named")
    costs = measured(
        ((hear_by_hand, None), (hear, others), (hear_indexed, None), (hear, unnamed)),
        max(1, calls // CONDITIONS),
        rounds,
    )
    return dict(zip(names, costs, strict=True))


def show(rows: Sequence[Row], decisions: Mapping[str, Cost]) -> None:
    print("ns of CPU time per evaluation, best (median)")
    print(f"{'condition, payload':<22}{'compiled':>16}{'by hand':>16}{'naive':>16}{'ratio':>8}")
    for row in rows:
        cells = [f"{c.best:,.0f} ({c.median:,.0f})" for c in (row.compiled, row.by_hand, row.naive)]
        print(f"{row.name:<22}" + "".join(f"{cell:>16}" for cell in cells) + f"{row.ratio:>8.2f}")
    worst = max(row.ratio for row in rows)
    verdict = "within" if worst <= RATIO_MAX else "OVER"
    print(f"worst ratio {worst:.2f}, {verdict} the budget of {RATIO_MAX}\n")
    print(f"one decision over {CONDITIONS:,} conditions that do not concern it, µs")
    for name, cost in decisions.items():
        print(f"{name:<28}{cost.best / 1000:>10,.1f} ({cost.median / 1000:,.1f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print figures for a machine")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    require_agreement()
    gc.disable()
    rows = built_in(options.calls, options.rounds)
    decisions = many(options.calls, options.rounds)
    if options.json:
        table = [row.figures() for row in rows]
        costs = {name: cost.figures() for name, cost in decisions.items()}
        print(json.dumps({"evaluation_ns": table, "decision_ns": costs}, indent=1))
    else:
        show(rows, decisions)


if __name__ == "__main__":
    main()

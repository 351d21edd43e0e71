"""Spender: one process of agents that want the same budget, as fast as they can.

python -m tests.simulation.spender URL FIRST AGENTS ASKS SEED
Agents FIRST … FIRST + AGENTS - 1, a thread each, ask ASKS times each. Prints a line of JSON: how
often each answer came, and the seconds it took.
"""

import json
import random
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from typing import Final

from commands.kernel.action import ProposeAction
from commands.message import Done, Refused
from commands.pipeline import Pipeline
from domain.core.principal import Actor, Role
from domain.kernel.org_unit import ROOT
from domain.ports import Conflict
from tests.simulation.racer import pipeline_on, recorder_at

CENTS_MAX: Final = 2_000


def spend(pipeline: Pipeline, agent: str, asks: int, seed: str, told: Counter[str]) -> None:
    """Ask for a little money, again and again."""
    dice, actor = random.Random(seed), Actor(agent, Role.AGENT, ROOT)
    for n in range(asks):
        amount = Decimal(dice.randint(1, CENTS_MAX)) / 100
        payload = {"orderId": f"{agent}-{n}", "amount": amount, "currency": "USD"}
        try:
            receipt = pipeline.handle(
                ProposeAction(action_type="process_refund", payload=payload), actor
            )
        except Conflict:
            told["gave up"] += 1
            continue
        told["done" if isinstance(receipt, Done) else "refused"] += 1
        assert isinstance(receipt, Done | Refused), receipt


def main(url: str, first: str, agents: str, asks: str, seed: str) -> None:
    """Spend with a thread for each agent."""
    recorder = recorder_at(url)
    pipeline, told = pipeline_on(recorder), Counter[str]()
    began = time.perf_counter()
    threads = [
        threading.Thread(
            target=spend, args=(pipeline, f"agent-{n}", int(asks), f"{seed}-{n}", told)
        )
        for n in range(int(first), int(first) + int(agents))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({**told, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

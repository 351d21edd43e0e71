"""Appender: one process of threads that count accounts upwards in competition, until it is killed.

python -m tests.simulation.appender KIND ADDRESS NAME SEED JOURNAL [--unguarded]

Each event says how many its account had before; the append fails if the account has moved since.
What was acknowledged goes to the journal, in one write, before anything else is done: a kill -9
loses no line of it. `--unguarded` drops the condition: the control that must be caught.
"""

import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.dcb import IntegrityError, LogEvent, LogRecorder, LogRow, OperationalError
from tests.contracts.recorders import any_of, opened

THREADS: Final = 4
ACCOUNTS: Final = 12
BATCH_MAX: Final = 3
AGAIN_IN: Final = 50  # of so many appends, one is asked for twice


@dataclass(slots=True)
class Appender:
    """One thread, and what it knows of the accounts."""

    log: LogRecorder
    name: str
    journal: int
    dice: random.Random
    guarded: bool
    seen: Counter[str] = field(default_factory=Counter)
    cursors: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        number = 0
        while True:
            number += 1
            self.append(f"{self.name}:{number}")

    def append(self, id: str) -> None:
        """Read some accounts and count them up, unless they move meanwhile."""
        accounts = [
            f"account:{nth}" for nth in self.dice.sample(range(ACCOUNTS), self.dice.choice((1, 2)))
        ]
        head = self._read(accounts)
        batch = self._batch(id, accounts)
        condition = any_of(*accounts, after=head) if self.guarded else None
        while True:
            try:
                last = self.log.append(batch, condition)
                break
            except IntegrityError:
                return
            except OperationalError:
                continue  # unknown: the ids tell
        os.write(self.journal, f"{last} {len(batch)} {id}\n".encode())
        if self.dice.randrange(AGAIN_IN) == 0:
            assert self.log.append(batch, condition) == last, "asking twice was not asking once"

    def _read(self, accounts: Sequence[str]) -> int:
        rows, head = self.log.fetch({each: self.cursors.get(each, 0) for each in accounts})
        for account in accounts:
            known = self.cursors.get(account, 0)
            self.seen[account] += sum(account in row.tags for row in rows if row.position > known)
            self.cursors[account] = head
        return head

    def _batch(self, id: str, accounts: Sequence[str]) -> list[LogEvent]:
        size = self.dice.randint(1, BATCH_MAX)
        return [
            LogEvent(
                type="account.counted",
                data=" ".join(str(self.seen[each] + nth) for each in accounts).encode(),
                tags=list(accounts),
                id=f"{id}:{nth}",
                actor=self.name,
                correlation_id=str(size),
            )
            for nth in range(size)
        ]


def audit(rows: Sequence[LogRow], acknowledged: Mapping[str, tuple[int, int]]) -> list[str]:
    """Read only the log and the journals, and say what should not be so."""
    found = [
        f"{row.id} stands at {row.position}, not {nth}"
        for nth, row in enumerate(rows, 1)
        if row.position != nth
    ]
    counts: Counter[str] = Counter()
    for row in rows:
        for account, said in zip(row.tags, map(int, row.data.split()), strict=True):
            if said != counts[account]:
                found.append(f"{row.id} was decided on {account} as of {said}: {counts[account]}")
            counts[account] += 1
    places: dict[str | None, int] = {}
    batches: Counter[str] = Counter()
    sizes: dict[str, int] = {}
    for row in rows:
        if row.id in places:
            found.append(f"{row.id} is there twice")
        places[row.id] = row.position
        batch = str(row.id).rpartition(":")[0]
        batches[batch] += 1
        sizes[batch] = int(row.correlation_id)
    found += [f"{batch} is torn" for batch, size in sizes.items() if batches[batch] != size]
    for id, (last, size) in acknowledged.items():
        where = [places.get(f"{id}:{nth}") for nth in range(size)]
        if where != [*range(last - size + 1, last + 1)]:
            found.append(f"{id} was acknowledged up to {last}, and is at {where}")
    return found


def main(kind: str, address: str, name: str, seed: str, journal: str, *flags: str) -> None:
    """Append with several threads until killed."""
    options = {"busy_timeout_seconds": 60} if kind == "sqlite" else {}
    log = opened(kind, address, **options)
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    guarded = "--unguarded" not in flags
    for nth in range(THREADS):
        dice = random.Random(f"{seed}-{name}-{nth}")
        appender = Appender(log, f"{name}.{nth}", file, dice, guarded)
        threading.Thread(target=appender.run).start()


if __name__ == "__main__":
    main(*sys.argv[1:])

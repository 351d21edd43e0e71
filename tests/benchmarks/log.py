"""The log beside the raw limit and its peers, on disk, in one interleaved run.

append     16 threads, each with a condition of its own, one commit must reach the disk for each
raw        SQLite: one INSERT a commit, one thread. PostgreSQL: 16 threads that lock nothing
stock      the `eventsourcing` library's own recorder for PostgreSQL (it has none for SQLite)
UmaDB      a DCB store written in Rust, through its Python client; `pip install umadb` brings both
CPU        what this process spends; it hardly depends on the disk and on who else is busy

Ratios are taken within a round, and the median of the rounds is told: disks change their minds.

python -m tests.benchmarks.log [--json] [--appends 3200] [--rounds 3] [--folder DIR]
"""

import argparse
import json
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from importlib.util import find_spec
from itertools import chain, count, repeat
from pathlib import Path
from threading import Thread
from typing import Any, Final

import msgspec
import psycopg
from eventsourcing.dcb.postgres_tt import PostgresDCBRecorderTT
from eventsourcing.postgres import PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from adapters.chain import verify
from adapters.codec import Codec
from adapters.dcb import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    DCBRecorder,
    LogEvent,
    LogRecorder,
)
from adapters.event_store import LogEventStore
from adapters.memory.recorder import MemoryRecorder
from adapters.postgres.recorder import PostgresRecorder
from adapters.postgres.schema import migrate as migrate_postgres
from adapters.sqlite.appending import COLUMNS
from adapters.sqlite.recorder import SqliteRecorder
from adapters.sqlite.schema import migrate as migrate_sqlite
from commands.kernel.effect import CompleteAction, StartAction
from commands.message import Done
from console_api import interpreter
from domain.catalog import EVENTS
from domain.core.principal import Actor, Role
from domain.kernel.action import ACTION
from domain.kernel.org_unit import ROOT
from tests.benchmarks.road import pipeline_on, propose
from tools import realsvc

THREADS: Final = 16
BATCH: Final = 100
PAGE: Final = 1_000
HISTORY: Final = 20_000
DATA: Final = b'{"amount":10,"currency":"USD","orderId":"o1","note":"' + b"x" * 240 + b'"}'
RAW_COLUMNS: Final = (
    "position bigint primary key, id text, type text, schema_version int, occurred_at bigint,"
    " actor text, correlation_id text, causation_id text, tags text, data {0}, hash {0}"
)
RAW_ROW: Final = (
    *("c:1", "thing.happened", 1, 1, "agent:1", "c", "c", '["w:1","run:1","x:1"]'),
    *(DATA, bytes(32)),
)
UMADB_MISSING: Final = (
    "NOT RUN: UmaDB is not installed here. `pip install umadb` brings its client and its server;"
    " it is no dependency of this project."
)
DISPATCHER: Final = Actor("dispatcher", Role.SERVICE)

numbers = count(1)
Appender = Callable[[int, int], None]  # a worker's number, and how often it appends


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    item: str
    ours: float
    peer: float | None
    ratio: float
    target: str
    reached: bool


def at_least(item: str, ours: Sequence[float], peer: Sequence[float], target: float) -> Line:
    """Compare two rates, round by round."""
    ratio = statistics.median(a / b for a, b in zip(ours, peer, strict=True))
    told = f">= {target}"
    return Line(
        item, statistics.median(ours), statistics.median(peer), ratio, told, ratio >= target
    )


def at_most(item: str, ours: float, target: float, peer: float | None = None) -> Line:
    """Compare a cost in microseconds with a bound, or with so many times a peer's."""
    ratio = ours / (peer or target)
    return Line(item, ours, peer, ratio, f"<= {target}", (ratio if peer else ours) <= target)


def rate(append: Appender, appends: int, threads: int = THREADS) -> float:
    """Return how many appends a second some threads make together."""
    workers = [Thread(target=append, args=(nth, appends // threads)) for nth in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return appends / (time.perf_counter() - began)


def condition(tag: str, after: int | None) -> DCBAppendCondition:
    return DCBAppendCondition(
        DCBQuery([DCBQueryItem(tags=[tag]), DCBQueryItem(tags=["law"])]), after=after
    )


def log_event(tag: str) -> LogEvent:
    number = next(numbers)
    return LogEvent(
        type="thing.happened",
        data=DATA,
        tags=[tag, f"run:{number % 50}", f"thing:{number}"],
        id=f"command-{number}:0",
        occurred_at=1_763_805_300_123_456,
        actor="agent:1",
        correlation_id=f"command-{number}",
    )


def ours(log: LogRecorder) -> Appender:
    def append(worker: int, times: int) -> None:
        tag, last = f"worker:{worker}:{next(numbers)}", log.head()
        for _ in range(times):
            last = log.append([log_event(tag)], condition(tag, last))

    return append


def stock(log: DCBRecorder) -> Appender:
    def append(worker: int, times: int) -> None:
        tag, last = f"worker:{worker}:{next(numbers)}", None
        for _ in range(times):
            event = DCBEvent("thing.happened", DATA, [tag, "run:1", f"thing:{next(numbers)}"])
            last = log.append([event], condition(tag, last))

    return append


def raw_sqlite(connection: sqlite3.Connection) -> Appender:
    def append(_worker: int, times: int) -> None:
        insert = f"INSERT INTO raw VALUES ({', '.join('?' * 11)})"
        for _ in range(times):
            connection.execute(insert, (next(numbers), *RAW_ROW))

    return append


def raw_postgres(connections: Sequence[psycopg.Connection[Any]]) -> Appender:
    def append(worker: int, times: int) -> None:
        insert = f"INSERT INTO raw VALUES ({', '.join(['%s'] * 11)})"
        for _ in range(times):
            connections[worker].execute(insert, (next(numbers), *RAW_ROW))

    return append


def umadb(url: str) -> Appender:
    import umadb  # type: ignore[import-not-found]

    clients = [umadb.Client(url) for _ in range(THREADS)]

    def append(worker: int, times: int) -> None:
        tag, last = f"worker:{worker}:{next(numbers)}", None
        guarded = umadb.Query([umadb.QueryItem(tags=[tag]), umadb.QueryItem(tags=["law"])])
        for _ in range(times):
            tags = [tag, "run:1", f"thing:{next(numbers)}"]
            events = [umadb.Event("thing.happened", DATA, tags)]
            last = clients[worker].append(events, umadb.AppendCondition(guarded, last))

    return append


@contextmanager
def umadb_server(folder: Path) -> Iterator[str]:
    """Start the server that comes with the client, and wait until it answers."""
    import umadb

    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    program = "from umadb.umadb_server_cli import main; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "--listen", address, "--db-path", str(folder / "umadb")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 20
        while True:
            try:
                umadb.Client(f"http://{address}").head()
                break
            except Exception:
                if time.monotonic() > until or server.poll() is not None:
                    raise
                time.sleep(0.1)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(10)


def on_sqlite(folder: Path, appends: int, rounds: int) -> list[Line]:
    """Race on one disk: ours, raw, and UmaDB where it is installed."""
    migrate_sqlite(folder / "log.db")
    with ExitStack() as stack:
        log = stack.enter_context(closing(SqliteRecorder(folder / "log.db")))
        raw = stack.enter_context(
            closing(
                sqlite3.connect(folder / "raw.db", isolation_level=None, check_same_thread=False)
            )
        )
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            raw.execute(f"PRAGMA {pragma}")
        raw.execute(f"CREATE TABLE raw ({RAW_COLUMNS.format('blob')})")
        peer = None
        if find_spec("umadb"):
            peer = umadb(stack.enter_context(umadb_server(folder)))
        mine, limits, theirs = list[float](), list[float](), list[float]()
        for _ in range(rounds):
            limits.append(rate(raw_sqlite(raw), appends // 4, threads=1))
            mine.append(rate(ours(log), appends))
            if peer:
                theirs.append(rate(peer, appends // 4))
        lines = [at_least("SQLite appends/s, 16 threads : raw commits/s", mine, limits, 3)]
        if peer:
            lines.append(at_least("SQLite appends/s, 16 threads : UmaDB", mine, theirs, 1.2))
        return [*lines, *costs(log, rounds)]


def costs(log: LogRecorder, rounds: int) -> list[Line]:
    """Return the CPU of this process for each event, appended alone and in batches."""

    def spent(batch: int, times: int) -> float:
        last, tag = log.head(), f"cost:{next(numbers)}"
        began = time.process_time()
        for _ in range(times):
            last = log.append([log_event(tag) for _ in range(batch)], condition(tag, last))
        return (time.process_time() - began) / times / batch * 1e6

    alone = min(spent(1, 300) for _ in range(rounds))
    batched = min(spent(BATCH, 20) for _ in range(rounds))
    return [
        at_most("SQLite CPU µs an append with a condition", alone, 250),
        at_most("SQLite CPU µs an event in batches of 100", batched, 45),
    ]


def on_postgres(folder: Path, appends: int, rounds: int) -> list[Line]:
    """Race on one durable server: ours, raw, and the library's."""
    server = realsvc.Postgres.create(durable=True, parent=str(folder)).start()
    try:
        with ExitStack() as stack:
            url = server.url()
            migrate_postgres(url)
            log = stack.enter_context(closing(PostgresRecorder(url)))
            connections = [
                stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(THREADS)
            ]
            connections[0].execute(f"CREATE TABLE raw ({RAW_COLUMNS.format('bytea')})")
            words = conninfo_to_dict(url)
            names = ("dbname", "host", "port", "user", "password")
            store = PostgresDatastore(*(str(words[name]) for name in names), max_overflow=THREADS)
            stack.callback(store.close)
            library = PostgresDCBRecorderTT(store)
            library.create_table()
            mine, limits, theirs = list[float](), list[float](), list[float]()
            for _ in range(rounds):
                limits.append(rate(raw_postgres(connections), appends))
                mine.append(rate(ours(log), appends))
                theirs.append(rate(stock(library), appends // 8))
            return [
                at_least("PostgreSQL appends/s, 16 threads : raw unlocked", mine, limits, 0.45),
                at_least("PostgreSQL appends/s, 16 threads : stock postgres_tt", mine, theirs, 5),
            ]
    finally:
        server.destroy()


def history() -> list[LogEvent]:
    """Return real facts: what one action after the other leaves in the log."""
    log = MemoryRecorder()
    pipeline = pipeline_on(log)
    for nth in range(100):
        propose(pipeline, nth)
    proposed = [each.tags for each in log.page(0, 10_000) if each.type == "action.authorized"]
    for tags in proposed:
        action_id = next(tag for tag in tags if tag.startswith("action:")).partition(":")[2]
        start = StartAction(action_id=action_id, org_unit_id=ROOT, tool_name="bank", attempt=1)
        assert isinstance(pipeline.handle(start, DISPATCHER), Done)
        end = CompleteAction(action_id=action_id, org_unit_id=ROOT, result={}, latency_ms=9)
        assert isinstance(pipeline.handle(end, DISPATCHER), Done)
    return [row.event() for row in log.page(0, 10_000)]


def best(work: Callable[[], object], events: int, rounds: int) -> float:
    """Return the CPU of this thread for each event, in microseconds, of the best round."""
    spent = []
    for _ in range(rounds):
        began = time.thread_time()
        work()
        spent.append((time.thread_time() - began) / events * 1e6)
    return min(spent)


def reading(folder: Path, rounds: int) -> list[Line]:
    """Read, verify and fold a history of real facts, from SQLite."""
    path = folder / "history.db"
    migrate_sqlite(path)
    facts = history()
    with (
        closing(SqliteRecorder(path)) as log,
        closing(sqlite3.connect(path)) as raw,
    ):
        while log.head() < HISTORY:
            for event in facts:
                event.id = f"fact-{next(numbers)}"
            log.append(facts)
        head = log.head()
        store = LogEventStore(log, Codec(EVENTS))
        decoders: dict[str, Callable[[bytes], Any]] = {
            name: msgspec.json.Decoder(kind, float_hook=Decimal).decode
            for name, kind in EVENTS.items()
        }
        select = f"SELECT {COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?"

        def page_through() -> None:
            for after in range(0, head, PAGE):
                store.page(after=after, limit=PAGE)

        def read_raw() -> None:
            for after in range(0, head, PAGE):
                for row in raw.execute(select, (after, PAGE)):
                    decoders[row[2]](row[9])

        rows = log.page(0, head)
        assert verify(rows) is None
        read = [(best(page_through, head, 1), best(read_raw, head, 1)) for _ in range(rounds)]
        action = next(tag for row in rows for tag in row.tags if tag.startswith("action:"))
        kept: list[Any] = [each.fact for each in store.read({action: 0})[0]]
        life = [fact for fact in kept if isinstance(fact, ACTION.events)]
        lives: list[Any] = list(chain.from_iterable(repeat(life, HISTORY // len(life))))
        mine, peer = (min(spent) for spent in zip(*read, strict=True))
        return [
            at_most("read and decode, CPU µs an event : raw row and msgspec", mine, 1.5, peer),
            at_most("verify the chain, CPU µs an event", best(lambda: verify(rows), head, 3), 6),
            at_most(
                "fold one entity, CPU µs an event",
                best(lambda: ACTION.fold(lives), len(lives), 3),
                3,
            ),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--appends", type=int, default=3_200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the databases are put; on a real disk")
    options = parser.parse_args()
    interpreter.tune()  # as every process that serves does
    with tempfile.TemporaryDirectory(prefix="bos-log-", dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o755)
        lines = [
            *on_sqlite(folder, options.appends, options.rounds),
            *on_postgres(folder, options.appends, options.rounds),
            *reading(folder, options.rounds),
        ]
    missing = [] if find_spec("umadb") else [UMADB_MISSING]
    if options.json:
        sys.stdout.write(
            json.dumps({"lines": [asdict(line) for line in lines], "missing": missing}) + "\n"
        )
        return
    print(f"{'':56}{'ours':>9}{'peer':>9}{'ratio':>8}{'target':>9}  reached")
    for line in lines:
        peer = "" if line.peer is None else f"{line.peer:.1f}"
        print(
            f"{line.item:56}{line.ours:>9.1f}{peer:>9}{line.ratio:>8.2f}{line.target:>9}"
            f"  {'yes' if line.reached else 'NO'}"
        )
    for each in missing:
        print(f"\n*** {each}")


if __name__ == "__main__":
    main()

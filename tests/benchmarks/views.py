"""Read models: every one rebuilt, beside the raw limit and the library's runner, in one run.

raw        rows read and decoded by msgspec alone; rows of the audit log inserted by the driver
ours       rebuild of each read model beside the live one, and of all in one pass
library    eventsourcing's ProjectionRunner, which commits each event (PostgreSQL only)
swap       readers, a writer and rebuilds at once: reads that went back, and the slowest read

python -m tests.benchmarks.views [--json] [--events 20000] [--folder DIR]
CPU beside the clock: on a machine that is busy, events per second of CPU are the robust figure.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from adapters.clock import wall_clock
from adapters.codec import Codec
from adapters.dcb import LogRecorder
from adapters.event_store import LogEventStore
from adapters.views.store import SqlViewStore
from console_api import interpreter
from domain.catalog import EVENTS
from domain.ports import Conflict
from projections.catalog import BY_NAME, VIEWS
from projections.engine.beside import rebuild
from projections.engine.projector import Projector
from projections.view import View
from tests.histories import lived, told, write
from tools import realsvc

LIBRARY_EVENTS = 1_000
SWAPS = 3
RAW_ROWS = 20_000
DASHBOARD_CLASS = "dashboard"


class Figures:
    """Events a second, by the clock and by the CPU of this process."""

    def __init__(self, events: int, what: Callable[[], object]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        what()
        self.wall = round(events / (time.perf_counter() - wall))
        self.cpu = round(events / max(time.process_time() - cpu, 1e-6))

    def told(self) -> dict[str, int]:
        return {"perSecond": self.wall, "perCpuSecond": self.cpu}


class Place:
    """One database: a log, read models, and connections of the bare driver."""

    def __init__(
        self,
        recorder: LogRecorder,
        views: Callable[[], SqlViewStore],
        rows: Callable[[int], list[tuple[str, int, bytes]]],
        insert: Callable[[list[tuple[Any, ...]]], None],
    ) -> None:
        self.recorder, self.rows, self.insert = recorder, rows, insert
        self.log = LogEventStore(recorder, Codec(EVENTS))
        self.open_views = views
        self.views = views()


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Place]:
    from adapters.sqlite.recorder import SqliteRecorder
    from adapters.sqlite.schema import migrate

    migrate(folder / "log.db")
    recorder = SqliteRecorder(folder / "log.db")
    raw = sqlite3.connect(folder / "log.db")
    audit = sqlite3.connect(folder / "raw.db")
    audit.execute("PRAGMA synchronous=OFF")
    audit.execute(f"CREATE TABLE raw ({', '.join(f'c{n}' for n in range(21))})")

    def rows(after: int) -> list[tuple[str, int, bytes]]:
        sql = "SELECT type, schema_version, data FROM events WHERE position > ?"
        return raw.execute(f"{sql} ORDER BY position LIMIT 2000", (after,)).fetchall()

    def insert(batch: list[tuple[Any, ...]]) -> None:
        with audit:
            audit.executemany(f"INSERT INTO raw VALUES ({', '.join('?' * 21)})", batch)

    def views() -> SqlViewStore:
        return prepared(SqlViewStore(create_engine(f"sqlite:///{folder / 'views.db'}")))

    yield Place(recorder, views, rows, insert)
    recorder.close()
    raw.close()
    audit.close()


@contextmanager
def on_postgres(url: str) -> Iterator[Place]:
    from adapters.postgres.recorder import PostgresRecorder
    from adapters.postgres.schema import migrate

    migrate(url)
    recorder = PostgresRecorder(url)
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute(f"CREATE TABLE raw ({', '.join(f'c{n} text' for n in range(21))})")

        def rows(after: int) -> list[tuple[str, int, bytes]]:
            sql = "SELECT type, schema_version, data FROM bos.events WHERE position > %s"
            with raw.cursor(binary=True) as cursor:
                return cursor.execute(f"{sql} ORDER BY position LIMIT 2000", (after,)).fetchall()

        def insert(batch: list[tuple[Any, ...]]) -> None:
            with raw.cursor() as cursor:
                cursor.executemany(f"INSERT INTO raw VALUES ({', '.join(['%s'] * 21)})", batch)

        def views() -> SqlViewStore:
            sql = make_url(url).set(drivername="postgresql+psycopg")
            return prepared(SqlViewStore(create_engine(sql), schema="read_models"))

        yield Place(recorder, views, rows, insert)
    recorder.close()


def prepared(views: SqlViewStore) -> SqlViewStore:
    views.prepare([view.shape for view in VIEWS])
    return views


def raw_read(place: Place) -> None:
    decoders: dict[str, msgspec.json.Decoder[Any]] = {
        name: msgspec.json.Decoder(kind) for name, kind in EVENTS.items()
    }
    after = 0
    while rows := place.rows(after):
        for type_, _version, data in rows:
            decoders[type_].decode(data)
        after += len(rows)


def audit_like(place: Place, count: int) -> list[tuple[Any, ...]]:
    """Return what an audit row amounts to: twelve names, and the event's bytes as text."""
    data = [row[2] for row in place.rows(0)]
    return [
        (*(f"{n}" for _ in range(20)), bytes(data[n % len(data)]).decode()) for n in range(count)
    ]


def rebuilding(place: Place, *pictures: View) -> Callable[[], object]:
    return lambda: rebuild(pictures, log=place.log, views=place.views, clock=wall_clock)


def measure(place: Place, events: int) -> dict[str, Any]:
    story = lived()
    writing = Figures(events, lambda: write(place.recorder, told(story, events)))
    head = place.recorder.head()
    rows = audit_like(place, RAW_ROWS)
    found: dict[str, Any] = {
        "events": head,
        "written": writing.told(),
        "rawReadAndDecode": Figures(head, lambda: raw_read(place)).told(),
        "rawInsert": Figures(RAW_ROWS, lambda: place.insert(rows)).told(),
        "rebuilt": {
            name: Figures(head, rebuilding(place, view)).told() for name, view in BY_NAME.items()
        },
        "allInOnePass": Figures(head, rebuilding(place, *VIEWS)).told(),
    }
    found["swap"] = swapped(place)
    return found


def swapped(place: Place) -> dict[str, Any]:
    """Rebuild while somebody writes, draws and reads; say what readers met."""
    interpreter.tune()
    Projector(VIEWS, place.log, place.views, wall_clock).draw()
    began = place.recorder.head()
    over, positions, slowest = threading.Event(), [0], [0.0]
    steps = (
        writing_on(place, began),
        drawing(place.log, place.open_views()),
        reading(place.open_views(), positions, slowest),
    )

    def repeat(step: Callable[[], float]) -> None:
        pause_seconds = 0.0
        while not over.wait(pause_seconds):
            pause_seconds = step()

    threads = [threading.Thread(target=repeat, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    try:
        for _ in range(SWAPS):
            rebuilding(place, BY_NAME["dashboard"], BY_NAME["orders"])()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    slowest.sort()
    return {
        "swaps": SWAPS,
        "reads": len(positions) - 1,
        "writtenMeanwhile": place.recorder.head() - began,
        "backwardReads": sum(after < before for before, after in pairwise(positions)),
        "slowestReadMilliseconds": round(slowest[-1] * 1e3, 1),
        "p99ReadMilliseconds": round(slowest[int(len(slowest) * 0.99)] * 1e3, 1),
    }


def writing_on(place: Place, began: int) -> Callable[[], float]:
    story = lived()
    coming = told(story, 10**9)
    for _ in range(began):  # names that were told before
        next(coming)

    def step() -> float:
        place.recorder.append([next(coming) for _ in story.cycle])
        return 0.005

    return step


def drawing(log: LogEventStore, views: SqlViewStore) -> Callable[[], float]:
    runner = Projector(VIEWS, log, views, wall_clock)

    def step() -> float:
        with suppress(Conflict):  # as the engine room does: look again
            runner.step()
        return 0.05

    return step


def reading(views: SqlViewStore, positions: list[int], slowest: list[float]) -> Callable[[], float]:
    def step() -> float:
        asked = time.perf_counter()
        positions.append(views.positions()["orders"])
        views.get("dashboard", "business")
        slowest.append(time.perf_counter() - asked)
        return 0.001

    return step


class Sold(Aggregate):
    """The library's way to tell an order."""

    @event("Recorded")
    def __init__(self, amount: int) -> None:
        self.amount = amount


class Totals(PostgresTrackingRecorder):
    """The library's way to keep a dashboard: one row, and the position, for each event."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS totals (id int PRIMARY KEY, amount bigint)").format()
        )

    def add(self, amount: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO totals VALUES (1, %s) ON CONFLICT (id) DO UPDATE"
                " SET amount = totals.amount + excluded.amount",
                (amount,),
            )


class Adding(Projection[Totals]):
    """Adds up what was sold."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.add(domain_event.amount, tracking)


def library(url: str) -> dict[str, int]:
    """Let the library's runner draw a dashboard of one row."""
    address = conninfo_to_dict(url)
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(address["dbname"]),
        "POSTGRES_HOST": str(address["host"]),
        "POSTGRES_PORT": str(address.get("port", 5432)),
        "POSTGRES_USER": str(address["user"]),
        "POSTGRES_PASSWORD": str(address.get("password", "") or "none"),
    }
    app: Application[Any] = Application(env=env)
    last = app.save(*(Sold(amount=n) for n in range(LIBRARY_EVENTS)))[-1].notification.id

    def run() -> None:
        with ProjectionRunner(
            application_class=Application, projection_class=Adding, view_class=Totals, env=env
        ) as runner:
            runner.wait(last, timeout=600)

    return Figures(LIBRARY_EVENTS, run).told()


def report(name: str, found: dict[str, Any]) -> None:
    print(f"{name}, {found['events']} events{'':12}{'events/s':>12}{'per CPU s':>12}")
    lines = {
        "raw read + msgspec": found["rawReadAndDecode"],
        "raw insert of audit-like rows": found["rawInsert"],
        **{f"rebuild {name}": told for name, told in found["rebuilt"].items()},
        f"rebuild all {len(VIEWS)} in one pass": found["allInOnePass"],
    }
    if "library" in found:
        lines["the library's ProjectionRunner"] = found["library"]
    for what, figures in lines.items():
        print(f"  {what:34}{figures['perSecond']:>12,}{figures['perCpuSecond']:>12,}")
    if "timesTheLibrary" in found:
        print(f"  dashboard / library: {found['timesTheLibrary']} (target 40)")
    swap = found["swap"]
    print(
        f"  {swap['swaps']} swaps, {swap['writtenMeanwhile']} events written,"
        f" {swap['reads']} reads: {swap['backwardReads']} went back (target 0), slowest"
        f" {swap['slowestReadMilliseconds']} ms (target 50), p99 {swap['p99ReadMilliseconds']} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where the databases are put; on a real disk")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bos-views-", dir=options.folder) as folder:
        Path(folder).chmod(0o755)
        with on_sqlite(Path(folder)) as place:
            found["sqlite"] = measure(place, options.events)
        server = realsvc.Postgres.create(durable=True, parent=folder).start()
        try:
            with on_postgres(server.url()) as place:
                found["postgres"] = measure(place, options.events)
            found["postgres"]["library"] = library(server.url())
        finally:
            server.destroy()
    slow = found["postgres"]["library"]["perSecond"]
    for each in found.values():
        ours = each["rebuilt"][DASHBOARD_CLASS]["perSecond"]
        each["timesTheLibrary"] = round(ours / slow, 1)
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for name, each in found.items():
        report(name, each)


if __name__ == "__main__":
    main()

"""Where a log is carried to: the same promises for a data folder and for a database."""

import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.archive import Damaged, NotAnArchive, Refused
from adapters.archive.backup import About, BackupSource, back_up, manifest_of
from adapters.archive.carrying import carry
from adapters.archive.databases import database_source, database_target
from adapters.archive.folders import folder_source, folder_target
from adapters.archive.logs import LogTarget
from adapters.archive.sources import LogSource
from adapters.dcb import LogRecorder, LogRow
from adapters.lock import DataLock
from adapters.memory.recorder import MemoryRecorder
from adapters.postgres.recorder import PostgresRecorder
from adapters.postgres.schema import migrate as migrate_postgres
from adapters.sqlite.recorder import SqliteRecorder
from adapters.sqlite.schema import migrate as migrate_sqlite
from domain.ports import StoreUnavailable
from tests.contracts.recorders import DATABASES, event, everything, tamper
from tests.contracts.test_recorders_roles import acting_as
from tests.examples import founded, refund

READ_MODELS = "read_models"
ABOUT = About("The Shop", "test", 0)


class Interrupted(Exception):
    """As if the process had ended here."""


class Place:
    """An empty data folder, or an empty database."""

    def __init__(self, kind: str, address: str) -> None:
        self.kind = kind
        self.address = address

    @property
    def folder(self) -> Path:
        return Path(self.address)

    def target(self, *, empty_only: bool = False) -> AbstractContextManager[LogTarget]:
        if self.kind == "sqlite":
            return folder_target(self.folder, empty_only=empty_only)
        return database_target(self.address, empty_only=empty_only, read_models=READ_MODELS)

    def source(self) -> AbstractContextManager[LogSource]:
        return (
            folder_source(self.folder) if self.kind == "sqlite" else database_source(self.address)
        )

    def migrate(self) -> None:
        if self.kind == "sqlite":
            self.folder.mkdir()
            migrate_sqlite(self.folder / "log.db")
        else:
            migrate_postgres(self.address)

    def opened(self) -> LogRecorder:
        if self.kind == "sqlite":
            return SqliteRecorder(self.folder / "log.db")
        return PostgresRecorder(self.address)

    def rows(self) -> list[LogRow]:
        with closing(self.opened()) as recorder:
            return everything(recorder)

    def receive(self, log: LogRecorder, *, stop_after: int | None = None, **how: bool) -> int:
        """Carry a log here; return how many events were new."""

        def progress(reached: int, _aim: int) -> None:
            if stop_after is not None and reached >= stop_after:
                raise Interrupted

        with self.target(**how) as target:
            carried = carry(LogSource(log, "the source"), target, progress)
        return carried.end.position - carried.begin.position


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    kind = request.param
    if kind == "sqlite":
        return Place(kind, str(tmp_path / "data"))
    return Place(kind, request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="module")
def log() -> Iterator[MemoryRecorder]:
    """What a real business wrote, then what a log may hold beside it."""
    with founded() as shop:
        for n in range(30):
            shop.propose(refund(10 + n, orderId=f"ö-{n}"))
        shop.held(refund(900))
        shop.settle()
        recorder = shop.business.log.recorder
        assert isinstance(recorder, MemoryRecorder)
        recorder.append([event("größe", "größe", "t" * 255, data=b"\xff\0", actor="\U0001f702")])
        recorder.append([event(data=b" [1,\n2.50] ", id="mine", occurred_at=-(2**63))])
        recorder.append([event("a", schema_version=2**31 - 1, occurred_at=2**63 - 1)])
        recorder.append([event(f"n:{n}", id=f"n:{n}") for n in range(1_000)])
        recorder.append([event(f"n:{n}") for n in range(700)])
        yield recorder


def part_of(log: LogRecorder, events: int) -> MemoryRecorder:
    recorder = MemoryRecorder()
    for row in log.page(0, events):
        recorder.append([row.event()])
    return recorder


def test_every_column_of_every_row_arrives(place: Place, log: MemoryRecorder) -> None:
    assert place.receive(log) == log.head()
    assert place.rows() == everything(log)
    assert place.receive(log) == 0


def test_a_migrated_place_without_events_is_empty(place: Place, log: MemoryRecorder) -> None:
    place.migrate()
    place.receive(log, empty_only=True)
    assert place.rows() == everything(log)


def test_it_goes_on_as_an_ordinary_log(place: Place, log: MemoryRecorder) -> None:
    place.receive(log)
    address = place.address
    if place.kind == "postgres":
        place.address = acting_as(address, "bos_app")
    with closing(place.opened()) as recorder:
        assert recorder.append([event("later", id="later")]) == log.head() + 1
        assert recorder.wait(log.head(), 0.1) == log.head() + 1
        assert [row.id for row in recorder.fetch({"later": 0})[0]] == ["later"]
    place.address = address
    place.migrate() if place.kind == "postgres" else None
    with pytest.raises(Refused, match="newer"):
        place.receive(log)


def test_only_what_is_missing_is_added(place: Place, log: MemoryRecorder) -> None:
    place.receive(part_of(log, 50))
    assert place.receive(log) == log.head() - 50
    assert place.rows() == everything(log)


def test_an_interrupted_copy_is_no_log_yet_and_is_gone_on_with(
    place: Place, log: MemoryRecorder
) -> None:
    with pytest.raises(Interrupted):
        place.receive(log, stop_after=1_000)
    with pytest.raises(Exception, match=r"no log|not migrated|schema 0"), place.source():
        pass
    with pytest.raises(Interrupted):
        place.receive(log, stop_after=1_500)
    assert place.receive(log, empty_only=True) < log.head() - 1_000
    assert place.rows() == everything(log)


def test_two_different_logs_are_never_mixed(place: Place, log: MemoryRecorder) -> None:
    other = MemoryRecorder()
    other.append([event("other")])
    place.receive(other)
    with pytest.raises(Refused, match="different logs: their hashes differ at position 1"):
        place.receive(log)
    assert place.rows() == everything(other)


def test_an_unfinished_copy_of_another_log_is_not_gone_on_with(
    place: Place, log: MemoryRecorder
) -> None:
    with pytest.raises(Interrupted):
        place.receive(log, stop_after=100)
    other = MemoryRecorder()
    other.append([event("other", id=f"{n}") for n in range(1_000)])
    other.append([event("other", id=f"{n}") for n in range(1_000, 2_000)])
    with pytest.raises(Refused, match=r"different logs|newer"):
        place.receive(other)
    place.receive(log)
    assert place.rows() == everything(log)


def test_a_restore_does_not_touch_a_log(place: Place, log: MemoryRecorder) -> None:
    place.receive(log)
    with pytest.raises(Refused, match="has a log already"):
        place.receive(log, empty_only=True)
    assert place.rows() == everything(log)


def test_nobody_can_write_in_between(place: Place, log: MemoryRecorder) -> None:
    place.receive(part_of(log, 50))
    with place.target() as target:
        tip = target.tip()
        rows = list(LogSource(log, "the source").after(tip))
        with closing(place.opened()) as other:
            other.append([event("in between")])
        with pytest.raises(Refused, match="somebody else writes"):
            target.add(rows[:10], tip)
    assert len(place.rows()) == 51


def test_what_is_in_use_is_refused(place: Place, log: MemoryRecorder) -> None:
    place.receive(part_of(log, 50))
    if place.kind == "sqlite":
        lock = DataLock(place.folder)
        with pytest.raises(StoreUnavailable, match="in use by another process"):
            place.receive(log)
        lock.release()
    else:
        with closing(place.opened()) as server:
            server.head()
            with pytest.raises(Refused, match="servers are running"):
                place.receive(log)
    with place.target(), pytest.raises((Refused, StoreUnavailable), match="is in use"):
        place.receive(log)
    assert len(place.rows()) == 50


def test_the_read_models_of_another_log_are_dropped(place: Place, log: MemoryRecorder) -> None:
    if place.kind == "sqlite":
        place.folder.mkdir()
        for name in ("views.db", "views.db-wal", "views.db-shm"):
            (place.folder / name).write_bytes(b"old")
    else:
        with psycopg.connect(place.address) as connection:
            connection.execute("CREATE SCHEMA read_models CREATE TABLE old (x int)")
    place.receive(log, empty_only=True)
    if place.kind == "sqlite":
        assert sorted(path.name for path in place.folder.iterdir()) == ["lock", "log.db"]
    else:
        with psycopg.connect(place.address) as connection:
            old = connection.execute("SELECT to_regclass('read_models.old')").fetchone()
            made = connection.execute("SELECT to_regnamespace('read_models')::text").fetchone()
        assert (old, made) == ((None,), ("read_models",))


def test_a_row_that_storage_changed_never_becomes_a_log(place: Place, log: MemoryRecorder) -> None:
    """The last look at a log before it is used is at what the database gives back."""

    class Forgetful:
        def __init__(self, recorder: LogRecorder) -> None:
            self.recorder = recorder

        def __getattr__(self, name: str) -> Any:
            return getattr(self.recorder, name)

        def page(self, after: int, limit: int, upto: int | None = None) -> list[LogRow]:
            return [
                row._replace(actor="somebody") for row in self.recorder.page(after, limit, upto)
            ]

    with place.target() as target:
        target.recorder = Forgetful(target.recorder)  # type: ignore[assignment]
        with pytest.raises(Damaged, match="position 1"):
            carry(LogSource(log, "the source"), target, lambda _reached, _aim: None)
    with pytest.raises(Exception, match=r"no log|schema 0"), place.source():
        pass


def test_an_unfinished_log_that_was_changed_never_becomes_one(
    tmp_path: Path, log: MemoryRecorder
) -> None:
    place = Place("sqlite", str(tmp_path / "data"))
    with pytest.raises(Interrupted):
        place.receive(log, stop_after=100)
    tamper(
        "sqlite",
        str(place.folder / "log.db.unfinished"),
        "UPDATE events SET actor = 'x' WHERE position = 7",
    )
    with pytest.raises(Damaged, match="position 7: the event does not have the hash"):
        place.receive(log)
    with pytest.raises(NotAnArchive, match="no log"), place.source():
        pass


def test_a_schema_of_somebody_else_is_left_alone(postgres_url: str, log: MemoryRecorder) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE SCHEMA bos CREATE TABLE theirs (x int)")
    with pytest.raises(Refused, match="that is no log"):
        Place("postgres", postgres_url).receive(log)


def test_the_application_may_not_make_a_log(postgres_url: str, log: MemoryRecorder) -> None:
    migrate_postgres(postgres_url)
    place = Place("postgres", acting_as(postgres_url, "bos_app"))
    with pytest.raises(StoreUnavailable, match="the role that migrates"):
        place.receive(log)
    assert Place("postgres", postgres_url).rows() == []


@pytest.mark.parametrize("name", ["holiday.jpg", "log.db-wal"])
def test_a_folder_with_other_things_in_it_is_left_alone(
    tmp_path: Path, log: MemoryRecorder, name: str
) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(Refused, match=r"not empty|without log\.db"):
        Place("sqlite", str(tmp_path)).receive(log)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_backup_from_one_engine_is_restored_into_the_other(
    place: Place, log: MemoryRecorder, tmp_path: Path
) -> None:
    folder, keys = tmp_path / "backup", tmp_path / "none"
    for events in (40, 41, log.head()):
        back_up(LogSource(part_of(log, events), "l"), keys, folder, ABOUT, lambda _r, _a: None)
    manifest = manifest_of(folder)
    assert manifest is not None
    assert [part.first for part in manifest.parts] == [1, 41, 42]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    with place.target(empty_only=True) as target:
        carry(BackupSource(folder, manifest), target, lambda _reached, _aim: None)
    assert place.rows() == everything(log)

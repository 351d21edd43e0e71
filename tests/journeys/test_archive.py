"""A log that is backed up every night, restored after the fire, and moved to PostgreSQL."""

import contextlib
import io
import json
import os
import random
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.archive.files import handled, held_folder
from adapters.dcb import LogRow
from adapters.sqlite.recorder import SqliteRecorder
from adapters.sqlite.schema import migrate
from console_api.cli.main import main
from domain.ports import StoreUnavailable
from tests.contracts.recorders import event, tamper
from tests.journeys.terminal import ROOT, Said, Terminal
from tests.journeys.test_up import running

AGENT = '{"agentId": "support", "name": "S", "toolPermissions": ["process_refund"]}'
REFUND = '{"orderId": "o%d", "amount": %d, "currency": "USD"}'
COLUMNS = (
    "position, id, type, schema_version, occurred_at, actor, correlation_id, causation_id,"
    " tags, data, hash"
)
ZERO = "0" * 64
HEADER = {"format": "bos-log", "version": 1, "program": "", "after": 0, "afterHash": ZERO}


def bos(*words: object) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return Said(code, out.getvalue(), " ".join(err.getvalue().split()))


def did(*words: object) -> Any:
    said = bos(*words, "--json")
    assert said.code == 0, said
    return said.json


def started(*words: object, **how: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "console_api", *map(str, words)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how
    )


def stored(data: Path) -> list[tuple[Any, ...]]:
    """The rows of a data folder, with nothing of ours in between."""
    with closing(sqlite3.connect(data / "log.db")) as connection:
        return connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY position").fetchall()


def dashboard(data: Path) -> Any:
    told = Terminal(data).json("ask", "dashboard")
    del told["at"]
    return told


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a business that has paid refunds and holds one; nobody writes to it."""
    terminal = Terminal(tmp_path_factory.mktemp("worked") / "data")
    terminal.json("do", "RegisterAgent", "--payload", AGENT)
    for n, amount in enumerate((10, 20, 900)):
        terminal.bos(
            "propose", "process_refund", "--agent", "support", "--payload", REFUND % (n, amount)
        )
    return terminal.data


@pytest.fixture
def shop(worked: Path, tmp_path: Path) -> Path:
    """A copy of its folder."""
    return Path(shutil.copytree(worked, tmp_path / "shop"))


@pytest.fixture
def backup(shop: Path, tmp_path: Path) -> Path:
    did("backup", tmp_path / "backup", "--data", shop)
    return tmp_path / "backup"


def fill(data: Path, events: int) -> None:
    """Make a large log, in appends of three."""
    data.mkdir()
    migrate(data / "log.db")
    with closing(SqliteRecorder(data / "log.db")) as log:
        while (head := log.head()) < events:
            log.append(three(head))


def three(head: int) -> list[Any]:
    ids = [f"{head}:{n}" for n in range(3)]
    return [
        event(
            f"thing:{head % 97}",
            id=id,
            causation_id="" if id == ids[0] else ids[0],
            data=b'{"n":%d}' % head,
        )
        for id in ids
    ]


def write_without_end(path: str) -> None:
    with closing(SqliteRecorder(path)) as log:
        while True:
            log.append(three(log.head()))


@contextlib.contextmanager
def live_writer(data: Path) -> Iterator[None]:
    process = get_context("spawn").Process(target=write_without_end, args=(str(data / "log.db"),))
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def until_it_grows(data: Path) -> None:
    with closing(SqliteRecorder(data / "log.db")) as log:
        before = log.head()
        assert log.wait(before, 60) > before, "the writer does not write"


# ── the day after the fire ──


def test_a_restored_business_is_the_same_business(shop: Path, backup: Path, tmp_path: Path) -> None:
    told = did("restore", backup, "--data", tmp_path / "new")
    assert (told["ok"], told["business"], told["head"]) == (True, "Sandbox", len(stored(shop)))
    assert stored(tmp_path / "new") == stored(shop)
    assert dashboard(tmp_path / "new") == dashboard(shop)
    restored = Terminal(tmp_path / "new")
    (held,) = restored.json("ask", "approvals", "--status", "pending")["items"]
    assert restored.json("approve", held["id"])["resumed"]["status"] == "done"
    assert restored.json("ask", "dashboard")["totals"]["refundAmount"] == 930
    assert restored.json("audit", "verify")["ok"]
    assert {row["result"] for row in restored.json("rebuild", "--verify")["items"]} == {"equal"}


def test_read_models_that_know_a_later_day_are_dropped(
    shop: Path, backup: Path, tmp_path: Path
) -> None:
    terminal = Terminal(shop)
    for n in range(3, 6):
        terminal.bos(
            "propose", "process_refund", "--agent", "support", "--payload", REFUND % (n, 5)
        )
    assert terminal.json("ask", "dashboard")["totals"]["refunds"] == 5
    for path in shop.glob("log.db*"):
        path.rename(tmp_path / path.name)
    did("restore", backup, "--data", shop)
    assert not list(shop.glob("views.db*"))
    assert terminal.json("ask", "dashboard")["totals"]["refunds"] == 2


@pytest.mark.slow
def test_a_server_runs_while_it_is_backed_up_and_on_what_was_restored(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "data")
    heads = []
    with running(terminal, "--no-sandbox"):
        for name in ("ada", "bob"):
            terminal.json("users", "add", name, "--role", "viewer")
            heads.append(did("backup", tmp_path / "backup", "--data", terminal.data)["head"])
        assert heads[0] < heads[1]
        refused = bos("copy", tmp_path / "backup" / "events-000000000001.jsonl", terminal.data)
        assert refused.code == 3
        assert "in use by another process" in refused.err
    did("restore", tmp_path / "backup", "--data", tmp_path / "new")
    assert stored(tmp_path / "new") == stored(terminal.data)[: heads[1]]
    restored = Terminal(tmp_path / "new")
    with running(restored, "--no-sandbox"):
        told = restored.json("ask", "dashboard")
        assert told["head"] >= heads[1]
        assert max(told["lag"].values()) == 0


# ── every night ──


@pytest.mark.slow
def test_a_backup_under_a_writer_ends_where_an_append_ended(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backup"
    fill(data, 300)
    nights = []
    with live_writer(data):
        for _ in range(4):
            until_it_grows(data)
            nights.append(did("backup", folder, "--data", data))
        did("copy", data, tmp_path / "log.jsonl.gz")
    heads = [night["head"] for night in nights]
    assert heads == sorted(set(heads)), "the writer wrote meanwhile"
    assert [head % 3 for head in heads] == [0] * 4
    assert [night["parts"] for night in nights] == [1, 2, 3, 4]
    did("restore", folder, "--data", tmp_path / "new")
    assert stored(tmp_path / "new") == stored(data)[: heads[-1]]
    did("copy", data, tmp_path / "new")
    did("copy", data, tmp_path / "log.jsonl.gz")
    did("copy", tmp_path / "log.jsonl.gz", tmp_path / "third")
    assert stored(tmp_path / "new") == stored(data) == stored(tmp_path / "third")


def test_nothing_new_adds_nothing(shop: Path, backup: Path) -> None:
    parts = {path.name: path.read_bytes() for path in backup.glob("events-*")}
    told = did("backup", backup, "--data", shop)
    assert (told["newEvents"], told["parts"]) == (0, 1)
    assert {path.name: path.read_bytes() for path in backup.glob("events-*")} == parts


def test_a_backup_is_never_that_of_two_logs(shop: Path, backup: Path, tmp_path: Path) -> None:
    fill(tmp_path / "other", 300)
    for other in (tmp_path / "other", backup.parent / "short"):
        if not other.exists():
            did("copy", shop, tmp_path / "log.jsonl")
            lines = (tmp_path / "log.jsonl").read_text().splitlines()
            cut = [*lines[:4], json.dumps({"end": 3, "hash": json.loads(lines[3])["hash"]})]
            (tmp_path / "short.jsonl").write_text("\n".join(cut) + "\n")
            did("copy", tmp_path / "short.jsonl", other)
        said = bos("backup", backup, "--data", other)
        assert said.code == 1
        assert "different logs" in said.err or "it is the newer one" in said.err
    assert did("restore", backup, "--verify")["ok"]


def test_two_backups_into_one_folder_do_not_meet(shop: Path, backup: Path) -> None:
    with held_folder(backup):
        said = bos("backup", backup, "--data", shop)
    assert said.code == 1
    assert "in use by another backup" in said.err


def test_a_log_that_was_changed_is_not_backed_up_as_if_it_were_sound(
    shop: Path, backup: Path, tmp_path: Path
) -> None:
    tamper("sqlite", str(shop / "log.db"), "UPDATE events SET actor = 'x' WHERE position = 7")
    said = bos("backup", tmp_path / "new", "--data", shop, "--json")
    assert (said.code, said.json["firstBadPosition"]) == (1, 7)
    assert not (tmp_path / "new" / "manifest.json").exists()
    for path in shop.glob("log.db*"):
        path.unlink()
    did("restore", backup, "--data", shop)
    assert did("audit", "verify", "--data", shop)["ok"]


def test_a_backup_goes_into_a_folder_of_its_own(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "letter.txt").write_text("dear")
    said = bos("backup", tmp_path / "busy", "--data", shop)
    assert said.code == 1
    assert "not empty and no backup (it has 'letter.txt')" in said.err
    said = bos("backup", tmp_path / "busy" / "letter.txt", "--data", shop)
    assert said.code == 2
    said = bos("backup", tmp_path / "new", "--data", tmp_path / "busy")
    assert (said.code, (tmp_path / "new").exists()) == (2, False)
    assert "there is no log in" in said.err


# ── keys ──


def test_keys_are_carried_and_stay_private(shop: Path, tmp_path: Path) -> None:
    (shop / "keys").mkdir()
    (shop / "keys" / "signing.key").write_bytes(b"\x00secret")
    (shop / "keys" / "signing.key").chmod(0o644)
    folder = tmp_path / "backup"
    assert did("backup", folder, "--data", shop)["keys"] == ["keys/signing.key"]
    did("restore", folder, "--data", tmp_path / "new")
    for place in (folder, tmp_path / "new"):
        key = place / "keys" / "signing.key"
        assert key.read_bytes() == b"\x00secret"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_a_key_leaves_a_backup_only_when_told_to(shop: Path, tmp_path: Path) -> None:
    folder, keys = tmp_path / "backup", shop / "keys"
    keys.mkdir()
    for name in ("ada", "bob"):
        (keys / name).write_text(name)
    did("backup", folder, "--data", shop)
    (keys / "bob").unlink()
    assert did("backup", folder, "--data", shop)["keys"] == ["keys/ada", "keys/bob"]
    assert did("backup", folder, "--data", shop, "--drop-keys")["keys"] == ["keys/ada"]
    assert not (folder / "keys" / "bob").exists()
    (keys / "ada").write_text("another")
    said = bos("backup", folder, "--data", shop)
    assert (said.code, (folder / "keys" / "ada").read_text()) == (1, "ada")
    (folder / "keys" / "ada").write_text("edited")
    said = bos("restore", folder, "--data", tmp_path / "new")
    assert (said.code, (tmp_path / "new").exists()) == (1, False)


# ── damage ──


EDITS: dict[str, Any] = {
    "position": 8,
    "id": "other",
    "type": "order.recorded",
    "schemaVersion": 9,
    "occurredAt": 1,
    "actor": "user:mallory",
    "correlationId": "other",
    "causationId": "other",
    "tags": ["law:other"],
    "data": {"amount": 1},
    "hash": "f" * 64,
}


@pytest.mark.parametrize("column", EDITS)
def test_an_edit_of_any_column_is_found(backup: Path, tmp_path: Path, column: str) -> None:
    part = backup / "events-000000000001.jsonl"
    lines = part.read_text().splitlines()
    row = json.loads(lines[7])
    assert row["position"] == 7
    assert row[column] != EDITS[column]
    lines[7] = json.dumps({**row, column: EDITS[column]}, separators=(",", ":"))
    part.write_text("\n".join(lines) + "\n")
    said = bos("restore", backup, "--verify", "--json")
    assert (said.code, said.json["firstBadPosition"]) == (1, 7)
    said = bos("restore", backup, "--data", tmp_path / "new")
    assert said.code == 1
    assert "line 8, where position 7 belongs" in said.err
    assert bos("audit", "verify", "--data", tmp_path / "none").code == 0
    assert not (tmp_path / "new" / "log.db").exists()


def without_last_event(folder: Path) -> None:
    part = folder / "events-000000000001.jsonl"
    lines = part.read_text().splitlines()
    last = json.loads(lines[-3])
    end = json.dumps({"end": last["position"], "hash": last["hash"]})
    part.write_text("\n".join([*lines[:-2], end]) + "\n")


def edited(**fields: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    return edit


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (without_last_event, 1, "not the file that the manifest names"),
        (lambda f: (f / "events-000000000001.jsonl").unlink(), 1, "there is no"),
        (lambda f: (f / "events-000000000001.jsonl").write_text(""), 1, "first line"),
        (lambda f: (f / "manifest.json").unlink(), 2, "there is no backup in"),
        (lambda f: (f / "manifest.json").write_text('{"format": "bos-b'), 1, "changed or cut"),
        (lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe{\x00"), 1, "changed or cut"),
        (edited(format="other"), 2, "not the manifest of a backup"),
        (edited(version=2), 2, "newer than the 1"),
        (edited(version=0), 2, "older than the 1"),
        (edited(headHash=ZERO), 1, "another hash than the manifest says"),
        (edited(headHash="zz"), 1, "changed or cut"),
        (edited(parts=[]), 1, "another hash than the manifest says"),
        (edited(parts="many"), 1, "changed or cut"),
        (edited(keys=[{"name": "keys/a", "sha256": ZERO}]), 1, "keys/a is missing"),
        (edited(keys=[{"name": "../../a", "sha256": ZERO}]), 1, "names a key"),
    ],
)
def test_damage_to_a_backup_is_found(
    backup: Path, tmp_path: Path, damage: Callable[[Path], None], code: int, words: str
) -> None:
    damage(backup)
    for how in (("--verify",), ("--data", tmp_path / "new")):
        said = bos("restore", backup, *how)
        assert said.code == code, said
        assert words in said.err
    assert not (tmp_path / "new" / "log.db").exists()


def test_damage_is_noticed_by_the_next_backup(shop: Path, backup: Path) -> None:
    without_last_event(backup)
    said = bos("backup", backup, "--data", shop)
    assert said.code == 1
    assert "take a new backup into an empty folder" in said.err


def lines_with(**fields: Any) -> bytes:
    """A header, and one event with some columns of the wrong kind."""
    right: dict[str, Any] = {
        "position": 1, "id": None, "type": "a", "schemaVersion": 1, "occurredAt": 0, "actor": "",
        "correlationId": "", "causationId": "", "tags": [], "data": {}, "hash": ZERO,
    }  # fmt: skip
    return f"{json.dumps(HEADER)}\n{json.dumps({**right, **fields})}\n".encode()


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", 2, "is not an export of a log"),
        (b"\n", 2, "is not an export of a log"),
        (b"position,id\n1,a\n", 2, "is not an export of a log"),
        (json.dumps(HEADER).encode("utf-16"), 2, "in UTF-8"),
        (json.dumps({**HEADER, "format": "x"}).encode(), 2, "is not an export of a log"),
        (json.dumps({**HEADER, "version": 2}).encode() + b"\n", 2, "newer than the 1"),
        (json.dumps({**HEADER, "version": 0}).encode() + b"\n", 2, "older than the 1"),
        (json.dumps({**HEADER, "after": 5}).encode() + b"\n", 1, "begins after position 5"),
        (json.dumps(HEADER).encode() + b"\n", 1, "without its closing line"),
        (lines_with(), 1, "line 2, where position 1 belongs: the event does not have the hash"),
        (lines_with(position=2), 1, "position 2 stands there instead"),
        (lines_with(position=0), 1, "line 2"),
        (lines_with(position="1"), 1, "Expected `int`, got `str` - at `$.position`"),
        (lines_with(position=10**400), 1, "line 2"),
        (lines_with(occurredAt=2**63), 1, "line 2"),
        (lines_with(occurredAt=1.5), 1, "Expected `int`"),
        (lines_with(schemaVersion=0), 1, "line 2"),
        (lines_with(id=["a"]), 1, "at `$.id`"),
        (lines_with(tags="a"), 1, "at `$.tags`"),
        (lines_with(hash="abc"), 1, "at `$.hash`"),
        (lines_with(dataBase64="AA=="), 1, "data or dataBase64, and not both"),
        (lines_with(more=1), 1, "unknown field `more`"),
        (lines_with(actor="\ud800"), 1, "line 2"),
        (lines_with()[:-20], 1, "the line is cut off"),
        (lines_with() + b"\n", 1, "line 2"),
        (lines_with().replace(b'"a"', b'"\xff"'), 1, "line 2"),
        (lines_with().replace(b'"a"', b'"\x00"'), 1, "line 2"),
        (json.dumps(HEADER).encode() + b"\n" + b"[" * 2_100_000, 1, "more than 2,000,000 bytes"),
        (json.dumps(HEADER).encode() + b"\n" + b"[" * 2_000 + b"\n", 1, "line 2"),
    ],
)
def test_what_is_no_export_is_refused(
    tmp_path: Path, content: bytes, code: int, words: str
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(content)
    said = bos("copy", file, tmp_path / "new")
    assert said.code == code, said
    assert words in said.err
    assert not (tmp_path / "new" / "log.db").exists()


def chained(**fields: Any) -> bytes:
    """An export whose one event has a right hash, and something in it that no log may hold."""
    from adapters.admission import Tip
    from adapters.archive.lines import START, end_line, event_line, header_line
    from adapters.chain import GENESIS, body_digest, link

    whole = {"type": "a", "id": None, "schema_version": 1, "occurred_at": 0, "actor": "", **fields}
    row = LogRow(
        1, whole["id"], whole["type"], whole["schema_version"], whole["occurred_at"],
        whole["actor"], "", "", whole.get("tags", ()), b"{}", b"",
    )  # fmt: skip
    row = row._replace(hash=link(GENESIS, 1, body_digest(row)))
    return header_line(START, "") + event_line(row) + end_line(Tip(1, row.hash))


@pytest.mark.parametrize(
    "fields", [{"actor": "\0"}, {"actor": "a" * 513}, {"type": ""}, {"tags": ("",)}, {"id": ""}]
)
def test_what_no_log_may_hold_does_not_get_in_by_this_door(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    (tmp_path / "log.jsonl").write_bytes(chained(**fields))
    said = bos("copy", tmp_path / "log.jsonl", tmp_path / "new")
    assert said.code == 1
    assert "is none that a log may hold" in said.err
    assert not (tmp_path / "new" / "log.db").exists()


@pytest.mark.parametrize(
    ("from_", "code", "words"),
    [
        ("nowhere", 2, "there is no log in"),
        ("nowhere.jsonl", 2, "there is no"),
        ("folder.jsonl", 2, "not an ordinary file"),
        ("plain.jsonl.gz", 2, "is not gzip"),
        ("data.csv", 2, "is no place for a log"),
        ("mysql://db/bos", 2, "is no place for a log"),
        ("postgresql://nobody@127.0.0.1:1/none", 3, "cannot be used"),
        ("backup", 2, "is a backup: use `bos restore"),
    ],
)
def test_places_that_are_none(
    shop: Path, backup: Path, tmp_path: Path, from_: str, code: int, words: str
) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "plain.jsonl.gz").write_bytes(json.dumps(HEADER).encode())
    (tmp_path / "data.csv").write_text("a,b")
    said = bos("copy", from_ if "://" in from_ else tmp_path / from_, tmp_path / "new.jsonl")
    assert said.code == code, said
    assert words in said.err
    assert not (tmp_path / "new.jsonl").exists()


def test_a_file_that_is_whole_stays_whole_when_another_log_comes(
    shop: Path, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    did("copy", shop, file)
    before = file.read_bytes()
    fill(tmp_path / "other", 300)
    said = bos("copy", tmp_path / "other", file)
    assert (said.code, file.read_bytes()) == (1, before)
    assert "different logs" in said.err


def test_missing_rights_are_a_sentence() -> None:
    with pytest.raises(StoreUnavailable, match="run this as a user who may"), handled("log.jsonl"):
        raise PermissionError(13, "Permission denied")


# ── moving ──


def test_to_postgres_and_back(shop: Path, tmp_path: Path, postgres_url: str) -> None:
    file, back = tmp_path / "log.jsonl", tmp_path / "back"
    assert did("copy", shop, file)["newEvents"] == len(stored(shop))
    assert did("copy", file, postgres_url)["newEvents"] == len(stored(shop))
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(f"SELECT {COLUMNS} FROM bos.events ORDER BY position".encode())
        arrived = [(*row[:8], json.dumps(row[8], separators=(",", ":")), *row[9:]) for row in rows]
    assert arrived == stored(shop)
    did("copy", postgres_url, back)
    assert stored(back) == stored(shop)
    assert did("copy", shop, postgres_url)["newEvents"] == 0


def test_the_rest_follows_when_the_server_has_stopped(
    shop: Path, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    did("copy", shop, postgres_url)
    Terminal(shop).bos(
        "propose", "process_refund", "--agent", "support", "--payload", REFUND % (7, 7)
    )
    assert did("copy", shop, postgres_url)["newEvents"] == 10
    before = dashboard(shop)
    monkeypatch.setenv("BOS_DATABASE_URL", postgres_url)
    moved = Terminal(tmp_path / "elsewhere")
    assert dashboard(moved.data) == before
    told = did("backup", tmp_path / "backup", "--data", moved.data)
    assert (told["business"], told["head"]) == ("Sandbox", before["head"])
    assert bos("restore", tmp_path / "backup", "--data", moved.data).code == 1


@pytest.mark.slow
def test_through_a_pipe(shop: Path, tmp_path: Path) -> None:
    export = started("copy", shop, "-")
    arrive = started("copy", "-", tmp_path / "new", stdin=export.stdout)
    assert arrive.wait(60) == export.wait(60) == 0
    assert stored(tmp_path / "new") == stored(shop)
    arrive.communicate()
    export.communicate()
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "console_api", "copy", str(shop), "-"]
        ended = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 3
    assert b"make room" in ended.stderr


# ── what goes wrong half way ──


def limited() -> None:
    """As if the disk were full, for this process."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))


@pytest.mark.slow
def test_a_full_disk_is_an_error_and_nothing_is_begun_anew(tmp_path: Path) -> None:
    data, folder, new = tmp_path / "data", tmp_path / "backup", tmp_path / "new"
    fill(data, 2_500)
    for words in (("backup", folder, "--data", data), ("restore", folder, "--data", new)):
        full = started(*words, preexec_fn=limited)
        _out, err = full.communicate(timeout=60)
        assert full.returncode == 3, err
        assert b"Traceback" not in err
        assert not (folder / "manifest.json").exists() or not (new / "log.db").exists()
        did(*words)
    assert stored(new) == stored(data)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def killed_somewhere(rng: random.Random, growing: Path, most: int, *words: object) -> None:
    """Kill a command when a file has reached some size, unless it has ended before."""
    size = rng.randrange(most)
    process = started(*words)
    ends = time.monotonic() + 60
    while process.poll() is None and size_of(growing) < size:
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.002)
    process.kill()
    process.communicate()


def kill_and_resume(tmp_path: Path, seed: int, events: int, kills_each: int) -> int:
    """Kill each command at a random moment until it gets through; return how often."""
    rng = random.Random(seed)
    data, folder, new, file = (tmp_path / name for name in ("data", "backup", "new", "log.jsonl"))
    fill(data, events)
    part, kills = folder / "events-000000000001.jsonl.partial", 0
    staged, size = new / "log.db.unfinished-wal", events * 300
    for whole, growing, words in (
        (folder / "manifest.json", part, ("backup", folder, "--data", data)),
        (new / "log.db", staged, ("restore", folder, "--data", new)),
        (file, file.with_name("log.jsonl.partial"), ("copy", data, file)),
        (
            tmp_path / "two" / "log.db",
            tmp_path / "two" / staged.name,
            ("copy", file, tmp_path / "two"),
        ),
    ):
        for _ in range(kills_each):
            killed_somewhere(rng, growing, size, *words)
            if whole.exists():  # it got through: whether it is whole is asked below
                break
            kills += 1
        if not whole.exists():
            did(*words)
    assert did("restore", folder, "--verify")["head"] == events
    assert stored(new) == stored(tmp_path / "two") == stored(data)
    return kills


@pytest.mark.slow
@pytest.mark.faults
def test_kill_9_anywhere_loses_nothing_and_looks_like_nothing(tmp_path: Path) -> None:
    """Once in the suite; `make faults` goes on with other moments for as long as it is told."""
    seed = int(os.environ.get("BOS_FAULTS_SEED", "7"))
    seconds = 60 * float(os.environ.get("BOS_FAULTS_MINUTES", "0"))
    events, kills_each = (9_000, 3) if seconds else (1_500, 1)
    ends, kills, runs = time.monotonic() + seconds, 0, 0
    while runs == 0 or time.monotonic() < ends:
        folder = tmp_path / str(runs)
        folder.mkdir()
        kills += kill_and_resume(folder, seed + runs, events=events, kills_each=kills_each)
        shutil.rmtree(folder)
        runs += 1
    assert kills >= runs

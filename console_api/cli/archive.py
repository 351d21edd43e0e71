"""bos backup, restore, copy: the log carried elsewhere, every event verified on the way.

bos backup DIR       the log and the keys, while servers go on; again: what is new
bos restore DIR      into an empty place; --verify only looks
bos copy FROM TO     a place is a data folder, postgresql://…, a file .jsonl or .jsonl.gz, or -
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import click

from adapters.admission import Tip
from adapters.archive import Damaged, NotAnArchive, Refused
from adapters.archive.backup import About, BackupSource, Manifest, back_up, manifest_of
from adapters.archive.carrying import Progress, Target, carry
from adapters.archive.exports import PipeTarget, file_source, file_target, pipe_source
from adapters.archive.folders import folder_source, folder_target
from adapters.archive.keys import check_keys, write_keys
from adapters.archive.lines import START
from adapters.archive.logs import LogTarget
from adapters.archive.sources import LogSource, Source
from adapters.clock import wall_clock
from adapters.codec import Codec, UnknownEvent
from adapters.event_store import LogEventStore
from console_api import VERSION
from console_api.cli.options import Target as Options
from console_api.cli.output import NO, USAGE, Quit, errors, out, print_facts, print_json, progress
from console_api.settings import Settings
from domain.catalog import EVENTS
from domain.kernel.org_unit import ORG_UNIT, ROOT

Json = dict[str, Any]
PIPE: Final = "-"
ADDRESSES: Final = ("postgresql://", "postgres://")
FILES: Final = (".jsonl", ".jsonl.gz")
_data = click.option("--data", type=click.Path(path_type=Path), help="Folder of the business.")
_json = click.option("--json", "json", is_flag=True, help="Print JSON.")


@click.command("backup")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--drop-keys", is_flag=True, help="Forget keys that were destroyed on purpose.")
@_data
@_json
def backup_(folder: Path, drop_keys: bool, data: Path | None, json: bool) -> None:
    """Save the log and the keys into DIR; again, what is new. Servers go on meanwhile."""
    settings = _settings(data)
    with _explained(json=json), _log(settings) as log, progress("backup", quiet=json) as show:
        about = About(_business(log), VERSION, wall_clock(), drop_keys)
        manifest, new = back_up(log, settings.data, folder, about, show)
    said = f"{folder} holds {_upto(manifest.tip)}; {new} events are new."
    _print(_facts(manifest) | {"newEvents": new}, said, json=json)


@click.command("restore")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Only check the backup, restore nothing.")
@_data
@_json
def restore_(folder: Path, verify: bool, data: Path | None, json: bool) -> None:
    """Bring a backup back, into an empty place only; or --verify it."""
    settings = _settings(data)
    with _explained(json=json), progress("verify" if verify else "restore", quiet=json) as show:
        manifest = manifest_of(folder)
        if manifest is None:
            raise NotAnArchive(f"there is no backup in {folder}: name a folder of `bos backup`")
        keys = check_keys(folder, manifest.keys)
        source = BackupSource(folder, manifest)
        if verify:
            carry(source, Nowhere(), show)
            said = f"The backup is sound: it holds {_upto(manifest.tip)}."
        else:
            _restore(settings, source, keys, show)
            said = (
                f"Restored {_upto(manifest.tip)}. The read models are drawn anew at the next start."
            )
    _print(_facts(manifest) | {"ok": True, "firstBadPosition": None}, said, json=json)


def _restore(settings: Settings, source: Source, keys: dict[str, bytes], show: Progress) -> None:
    with _place(settings, empty_only=True) as target:
        write_keys(settings.data, keys)
        carry(source, target, show)


class Nowhere:
    """Where a backup goes that is only verified."""

    tip = staticmethod(lambda: START)

    def add(self, rows: object, after: object) -> None:
        """Let go of verified rows."""

    def finish(self, tip: object) -> None:
        """Nothing was written."""


@click.command("copy")
@click.argument("from_", metavar="FROM")
@click.argument("to", metavar="TO")
@_json
def copy_(from_: str, to: str, json: bool) -> None:
    """Copy the log between a data folder, postgresql://…, FILE.jsonl, FILE.jsonl.gz, and - (pipe).

    Run it again to go on: only what is missing in TO is added.

    \b
    bos copy data postgresql://bos_migrator@db/bos
    bos copy postgresql://bos_migrator@db/bos log.jsonl.gz
    """
    piped = to == PIPE
    with (
        _explained(json=json and not piped),
        _source(from_) as source,
        _target(to) as target,
        progress("copy", quiet=json or piped) as show,
    ):
        begin, end = carry(source, target, show)
    new = end.position - begin.position
    said = f"{'The copy' if '://' in to or piped else to} holds {_upto(end)}; {new} events are new."
    if piped:
        errors().print(f"bos: {said}", markup=False, soft_wrap=True)
    elif json:
        print_json({"head": end.position, "headHash": end.hash.hex(), "newEvents": new})
    else:
        out().print(said, markup=False)


# ── places ──


def _settings(data: Path | None) -> Settings:
    return Options(data, None, None, "founder", False).settings()


def _log(settings: Settings) -> AbstractContextManager[LogSource]:
    if settings.database_url is None:
        return folder_source(settings.data)
    return _database_source(settings.database_url.get_secret_value())


def _place(settings: Settings, *, empty_only: bool) -> AbstractContextManager[LogTarget]:
    if settings.database_url is None:
        return folder_target(settings.data, empty_only=empty_only)
    return _database_target(settings.database_url.get_secret_value(), empty_only=empty_only)


def _source(place: str) -> AbstractContextManager[Source]:
    if place == PIPE:
        return nullcontext(pipe_source())
    if place.startswith(ADDRESSES):
        return _database_source(place)
    if place.endswith(FILES):
        return nullcontext(file_source(Path(place)))
    return folder_source(_folder(place))


def _target(place: str) -> AbstractContextManager[Target]:
    if place == PIPE:
        return nullcontext(PipeTarget(VERSION))
    if place.startswith(ADDRESSES):
        return _database_target(place, empty_only=False)
    if place.endswith(FILES):
        return file_target(Path(place), VERSION)
    return folder_target(_folder(place), empty_only=False)


def _folder(place: str) -> Path:
    path = Path(place)
    if "://" in place or path.is_file():
        raise NotAnArchive(
            f"{place[:40]} is no place for a log: name a data folder, postgresql://…, a file that"
            f" ends in {' or '.join(FILES)}, or {PIPE}"
        )
    if manifest_of(path) is not None:
        raise NotAnArchive(f"{place} is a backup: use `bos restore {place}`")
    return path


def _database_source(url: str) -> AbstractContextManager[LogSource]:
    from adapters.archive.databases import database_source

    return database_source(url)


def _database_target(url: str, *, empty_only: bool) -> AbstractContextManager[LogTarget]:
    from adapters.archive.databases import database_target
    from console_api.bootstrap import READ_MODELS

    return database_target(url, empty_only=empty_only, read_models=READ_MODELS)


# ── what is said ──


def _business(log: LogSource) -> str:
    """Return the name of a business, as far as this program can read its log."""
    store = LogEventStore(log.recorder, Codec(EVENTS))
    try:
        past, _head = store.read({ORG_UNIT.at(ROOT): 0})
    except UnknownEvent:
        return ""
    return str(ORG_UNIT.fold(recorded.fact for recorded in past).name)


def _upto(tip: Tip) -> str:
    return f"every event up to position {tip.position}, hash {tip.hash.hex()}"


def _facts(manifest: Manifest) -> Json:
    return {
        "business": manifest.business,
        "createdAt": manifest.created_at,
        "head": manifest.head,
        "headHash": manifest.head_hash,
        "events": manifest.events,
        "parts": len(manifest.parts),
        "keys": [key.name for key in manifest.keys],
    }


def _print(facts: Json, said: str, *, json: bool) -> None:
    if json:
        return print_json(facts)
    print_facts({name: fact for name, fact in facts.items() if name != "headHash"})
    return out().print(said, markup=False)


@contextmanager
def _explained(*, json: bool) -> Iterator[None]:
    """End with the exit code that belongs to what went wrong."""
    try:
        yield
    except NotAnArchive as wrong:
        raise Quit(USAGE, str(wrong)) from wrong
    except Refused as no:
        raise Quit(NO, str(no)) from no
    except Damaged as bad:
        if json:
            print_json({"ok": False, "firstBadPosition": bad.position, "reason": str(bad)})
        raise Quit(NO, str(bad)) from bad

"""Backup: the log and the keys in a folder, to which each run adds what is new.

    DIR/manifest.json               what belongs to it, with hashes; a backup is what this says
    DIR/events-000000000001.jsonl   an export of everything up to the first run's head
    DIR/events-000000004711.jsonl   what the next run found
    DIR/keys/…

    check parts ─► same log? ─► export on from the last part ─► read back ─► keys ─► manifest

Until the manifest names it, a part does not count. An interrupted run left `….jsonl.partial`,
which the next one verifies and goes on with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from adapters.admission import Tip
from adapters.archive import Damaged, NotAnArchive, Refused
from adapters.archive.carrying import Progress, carry
from adapters.archive.exports import Export, file_target
from adapters.archive.files import (
    PARTIAL,
    Digested,
    handled,
    held_folder,
    make_private_folder,
    write_whole,
)
from adapters.archive.keys import (
    KEY_FOLDERS,
    Key,
    check_keys,
    described,
    keys_in,
    remove_keys,
    write_keys,
)
from adapters.archive.lines import START, check_format
from adapters.archive.sources import LogSource, behind, differs
from adapters.archive.streams import BLOCK_BYTES
from adapters.dcb import LogRow
from domain.core.instant import Instant, written

FORMAT: Final = "bos-backup"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
MANIFEST_BYTES_MAX: Final = 64 << 20
PART: Final = "events-{:012}.jsonl"


class Part(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """One export in a backup, from the event after the part before to `last`."""

    name: str
    first: int
    last: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, rename="camel", frozen=True):
    """What a backup consists of."""

    format: str
    version: int
    program: str
    business: str
    created_at: str
    head: int
    head_hash: str
    events: int
    parts: tuple[Part, ...]
    keys: tuple[Key, ...]

    @property
    def tip(self) -> Tip:
        """Return where the log in this backup ends."""
        return Tip(self.head, bytes.fromhex(self.head_hash))


class _Kind(msgspec.Struct):
    format: str
    version: int
    program: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What a manifest says beside the log, and whether destroyed keys leave the backup too."""

    business: str
    program: str
    at: Instant
    drop_keys: bool = False


class BackupSource:
    """The log in a backup; every byte of it is verified while it is read."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Read what a manifest says."""
        self.name = str(folder)
        self.head: int | None = manifest.head
        self._folder = folder
        self._manifest = manifest

    def after(self, tip: Tip) -> Iterator[LogRow]:
        """Yield what comes after a place, verified."""
        reached = START
        if tip.position > self._manifest.head:
            raise behind(self.name, self._manifest.head, tip.position)
        for part in self._manifest.parts:
            for row in self._rows(part, reached):
                reached = Tip(row.position, row.hash)
                if row.position > tip.position:
                    yield row
                elif row.position == tip.position and reached != tip:
                    raise differs(self.name, tip.position)
        if reached != self._manifest.tip:
            raise Damaged(
                f"{self.name}: the events end with another hash than the manifest says",
                position=self._manifest.head,
            )

    def _rows(self, part: Part, begin: Tip) -> Iterator[LogRow]:
        first = begin.position + 1
        path = self._folder / part.name
        try:
            with handled(path), path.open("rb") as opened:
                file = Digested(opened)
                export = Export(file, str(path), gzipped=False)
                if export.begin != begin:
                    raise NotAnArchive(f"{path} does not go on where the part before it ends")
                yield from export.rows()
        except NotAnArchive as wrong:
            raise Damaged(str(wrong), position=first) from wrong
        if (export.tip.position, file.bytes, file.sha256()) != (part.last, part.bytes, part.sha256):
            raise _not_as_saved(path, first)


def manifest_of(folder: Path) -> Manifest | None:
    """Return what a folder says that it holds, None if it says nothing.

    Raises `NotAnArchive` for what another program wrote, `Damaged` for what was changed.
    """
    path = folder / MANIFEST
    with handled(path):
        if not path.exists():
            return None
        with path.open("rb") as file:
            text = file.read(MANIFEST_BYTES_MAX)
    try:
        kind = msgspec.json.decode(text, type=_Kind)
        if kind.format != FORMAT:
            raise NotAnArchive(f"{path} is not the manifest of a backup: name another folder")
        check_format(kind.version, VERSION, str(path), kind.program)
        manifest = msgspec.json.decode(text, type=Manifest)
        _ = manifest.tip
    except (msgspec.MsgspecError, ValueError) as error:
        raise Damaged(f"{path} was changed or cut: {error}", position=1) from None
    if any(part.name != PART.format(part.first) for part in manifest.parts):
        raise Damaged(f"{path} names parts that no backup has", position=1)
    return manifest


def back_up(
    log: LogSource, data: Path, folder: Path, about: About, progress: Progress
) -> tuple[Manifest, int]:
    """Bring a backup to the head of a log; return what it consists of, and how much was new."""
    with handled(folder):
        make_private_folder(folder)
    with handled(folder), held_folder(folder):
        before = manifest_of(folder)
        _check_place(folder, before)
        begin, parts = START, tuple[Part, ...]()
        if before is not None:
            _check_parts(folder, before)
            begin, parts = before.tip, before.parts
            if log.tip(begin.position) != begin:
                raise differs(log.name, begin.position)
        keys = _saved_keys(data, folder, before, drop=about.drop_keys)
        if log.head > begin.position:
            parts = (*parts, _new_part(log, folder, begin, about.program, progress))
        manifest = Manifest(
            FORMAT,
            VERSION,
            about.program,
            about.business,
            written(about.at),
            log.head,
            log.tip(log.head).hash.hex(),
            log.head,
            parts,
            keys,
        )
        write_whole(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    return manifest, log.head - begin.position


def _new_part(log: LogSource, folder: Path, begin: Tip, program: str, progress: Progress) -> Part:
    path = folder / PART.format(begin.position + 1)
    with file_target(path, program, begin=begin) as target:
        end = carry(log, target, progress).end
    size, hash = _digest(path)
    return Part(path.name, begin.position + 1, end.position, size, hash)


def _check_place(folder: Path, before: Manifest | None) -> None:
    """Refuse a folder that holds anything but a backup, whole or begun."""
    begun = {PART.format(1), *KEY_FOLDERS}
    ours = begun | {f"{each}{PARTIAL}" for each in (PART.format(1), MANIFEST)}
    others = sorted(path.name for path in folder.iterdir() if path.name not in ours)
    if before is None and others:
        raise Refused(
            f"{folder} is not empty and no backup (it has {others[0]!r}): name another folder"
        )


def _check_parts(folder: Path, manifest: Manifest) -> None:
    """Read what was saved before: damage is to be noticed while the log is still there."""
    for part in manifest.parts:
        path = folder / part.name
        if _digest(path) != (part.bytes, part.sha256):
            raise _not_as_saved(path, part.first)


def _digest(path: Path) -> tuple[int, str]:
    with handled(path), path.open("rb") as opened:
        file = Digested(opened)
        while file.read(BLOCK_BYTES):
            pass
    return file.bytes, file.sha256()


def _not_as_saved(path: Path, first: int) -> Damaged:
    return Damaged(
        f"{path}, which begins at position {first}, is not the file that the manifest names:"
        " take a new backup into an empty folder",
        position=first,
    )


def _saved_keys(
    data: Path, folder: Path, before: Manifest | None, *, drop: bool
) -> tuple[Key, ...]:
    """Add the keys of a data folder to a backup; those that are gone there stay, unless dropped."""
    keys = keys_in(data)
    kept = check_keys(folder, before.keys) if before is not None else {}
    write_keys(folder, keys)
    if drop:
        remove_keys(folder, kept.keys() - keys.keys())
        return described(keys)
    return described({**kept, **keys})

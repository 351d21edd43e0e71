"""Keys: the secrets of a data folder that a log cannot be read or trusted without.

    data/keys/signing.key ──► DIR/keys/signing.key      mode 0600 on both sides, whole or not there

A key that stands in a backup is never replaced by another one, and never dropped in silence.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from adapters.archive import Damaged, Refused
from adapters.archive.files import handled, make_private_folder, sync_folder, write_whole

KEY_FOLDERS: Final = ("keys",)
"""Folders in a data folder whose every file is a key. A new kind of key is a line here."""
KEY_BYTES_MAX: Final = 1_000_000


class Key(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """One file, by its name inside the data folder."""

    name: str
    sha256: str


def keys_in(data: Path) -> dict[str, bytes]:
    """Return every key of a data folder, by name."""
    found: dict[str, bytes] = {}
    for folder in KEY_FOLDERS:
        with handled(data / folder):
            for path in sorted((data / folder).glob("*")):
                if not path.is_file() or path.stat().st_size > KEY_BYTES_MAX:
                    raise Refused(f"{path} is no key: move it out of this folder")
                found[f"{folder}/{path.name}"] = path.read_bytes()
    return found


def described(keys: dict[str, bytes]) -> tuple[Key, ...]:
    """Return what a manifest says about keys."""
    return tuple(Key(name, sha256(content).hexdigest()) for name, content in sorted(keys.items()))


def check_keys(folder: Path, keys: tuple[Key, ...]) -> dict[str, bytes]:
    """Return the keys that a manifest names. Raises `Damaged` if one is not as it was."""
    for key in keys:
        parent, _, name = key.name.partition("/")
        if parent not in KEY_FOLDERS or not name or "/" in name or name in (".", ".."):
            raise Damaged(f"{folder}: the manifest names a key {key.name!r}", position=0)
    there = keys_in(folder)
    for key in keys:
        if sha256(there.get(key.name, b"")).hexdigest() != key.sha256:
            raise Damaged(f"{folder}: {key.name} is missing, or not as it was saved", position=0)
    return {key.name: there[key.name] for key in keys}


def write_keys(data: Path, keys: dict[str, bytes]) -> None:
    """Write keys into a folder; those that are there already stay as they are."""
    for name, content in keys.items():
        path = data / name
        with handled(path):
            make_private_folder(path.parent)
            if not path.exists():
                write_whole(path, content)
            elif path.read_bytes() != content:
                raise Refused(f"{path} is another key than the one to be written: move it away")


def remove_keys(folder: Path, names: set[str]) -> None:
    """Remove keys that were destroyed on purpose."""
    for name in names:
        with handled(folder / name):
            (folder / name).unlink(missing_ok=True)
            sync_folder((folder / name).parent)

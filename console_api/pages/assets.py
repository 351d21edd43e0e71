"""Assets: the files that browsers keep, under a path that changes whenever one of them does.

static/*.css,*.js,*.svg ──► one version (a hash of all) ──► /static/<version>/<name>, immutable
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be sent."""

    type: str
    plain: bytes
    packed: bytes


@dataclass(frozen=True, slots=True)
class Assets:
    """Every static file, and the version that they are together."""

    version: str
    files: Mapping[str, Asset]


def load() -> Assets:
    """Read and pack the static files, once."""
    paths = [path for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES]
    files = {path.name: _packed(path) for path in paths}
    told = b"".join(name.encode() + b"\0" + asset.plain for name, asset in files.items())
    return Assets(hashlib.sha256(told).hexdigest()[:12], files)


def _packed(path: Path) -> Asset:
    plain = path.read_bytes()
    return Asset(TYPES[path.suffix], plain, gzip.compress(plain, mtime=0))

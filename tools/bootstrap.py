"""Make .venv hold exactly one locked set of packages: `python tools/bootstrap.py prod|dev`.

requirements/bootstrap.txt ──pip──► uv ──► .venv        by hash; pip alone where uv cannot
requirements/<set>.txt ──sha256──► .venv/.<set>, the stamp: same hash, nothing to do

Standard library only, and syntax that an old Python can read, so that it can say it is too old.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
SETS = ("prod", "dev")
PYTHON_MIN = (3, 11)

# uv reads none of pip's settings; whoever set pip up for a mirror has set up uv too.
UV_NAMES = {
    "PIP_CERT": "SSL_CERT_FILE",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
}


def say(line: str) -> None:
    """One line for a person; stdout stays free for what was asked for."""
    print(line, file=sys.stderr, flush=True)


def lock_hash(which: str) -> str:
    """The hash of a lock file: what a stamp of an up-to-date environment holds."""
    return hashlib.sha256((REQUIREMENTS / f"{which}.txt").read_bytes()).hexdigest()


def stamp(which: str) -> Path:
    """The file that says which lock was installed last."""
    return VENV / f".{which}"


def is_ready(which: str) -> bool:
    """Whether the environment answers and holds this very lock."""
    stamped = stamp(which).read_text() if stamp(which).exists() else ""
    return stamped == lock_hash(which) and venv_answers()


def venv_answers() -> bool:
    """Whether the environment's Python starts: an upgrade of the system's Python can break it."""
    return PYTHON.exists() and runs([PYTHON, "-c", "import pip"], quiet=True)


def runs(
    command: list[str | Path], environment: dict[str, str] | None = None, *, quiet: bool = False
) -> bool:
    """Run a command; whether it succeeded."""
    try:
        done = subprocess.run(
            command, env=environment, cwd=str(ROOT), capture_output=quiet, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def make_venv() -> bool:
    """Make a new, empty environment."""
    shutil.rmtree(str(VENV), ignore_errors=True)
    if runs([sys.executable, "-m", "venv", VENV]):
        return True
    say("python -m venv failed. On Debian and Ubuntu: apt-get install python3-venv")
    return False


def uv_environment() -> dict[str, str]:
    """This process's environment, with pip's settings under uv's names as well."""
    environment = dict(os.environ)
    for pip_name, uv_name in UV_NAMES.items():
        if environment.get(pip_name):
            environment.setdefault(uv_name, environment[pip_name])
    if environment.get("PIP_FIND_LINKS"):
        environment.setdefault("UV_FIND_LINKS", ",".join(environment["PIP_FIND_LINKS"].split()))
    # Every file is pinned by its hash, so it does not matter which index serves it.
    environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return environment


def install(which: str) -> bool:
    """Install one lock, by hash: with uv, and with pip where uv does not run."""
    pip: list[str | Path] = [
        *(PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input"),
        *("install", "--quiet", "--require-hashes", "--requirement"),
    ]
    lock = REQUIREMENTS / f"{which}.txt"
    sync: list[str | Path] = [
        *(VENV / "bin" / "uv", "pip", "sync", "--quiet", "--python", PYTHON),
        *("--require-hashes", lock),
    ]
    if runs([*pip, REQUIREMENTS / "bootstrap.txt"]) and runs(sync, uv_environment()):
        return True
    say("uv could not install; trying pip, which is slower")
    return runs([*pip, lock])


def write_stamps(which: str) -> None:
    """Remember what is installed; the dev set contains the prod set."""
    for name in SETS if which == "dev" else (which,):
        stamp(name).write_text(lock_hash(name))


def prepare(which: str) -> int:
    """Bring the environment up to one lock; the exit code."""
    if which == "prod" and stamp("dev").exists():
        which = "dev"  # never take the test tools away from someone who has them
    if is_ready(which):
        return 0
    started_at = time.monotonic()
    say(f"installing the {which} set into .venv ...")
    if not venv_answers() and not make_venv():
        return 2
    for name in SETS:
        stamp(name).unlink(missing_ok=True)  # an interrupted install must not look finished
    if not install(which):
        say("installation failed: is the package index reachable? PIP_INDEX_URL sets another one")
        return 1
    write_stamps(which)
    say(f"the {which} set is ready ({time.monotonic() - started_at:.0f} s)")
    return 0


def main(arguments: list[str]) -> int:
    """The command line."""
    if sys.version_info < PYTHON_MIN:
        wanted = ".".join(str(part) for part in PYTHON_MIN)
        say(f"needs Python {wanted} or newer, this is {sys.version.split()[0]}:")
        say("set PYTHON, as in: make run PYTHON=python3.12")
        return 2
    if len(arguments) != 1 or arguments[0] not in SETS:
        say("usage: python tools/bootstrap.py prod|dev")
        return 2
    turn = os.open(str(ROOT), os.O_RDONLY)  # two makes at once take turns
    fcntl.flock(turn, fcntl.LOCK_EX)
    try:
        return prepare(arguments[0])
    finally:
        os.close(turn)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

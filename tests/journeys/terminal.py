"""A terminal for tests: `bos` as a person types it, in this process or in one of its own."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console_api.cli.main import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Terminal:
    """One folder, and the commands that are given in it."""

    data: Path

    def bos(self, *words: str) -> Said:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*words, "--data", str(self.data)])
        return Said(code, out.getvalue(), err.getvalue())

    def json(self, *words: str) -> Any:
        """Run a command that must succeed, and return its JSON."""
        said = self.bos(*words, "--json")
        assert said.code == 0, said
        return said.json

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "console_api", *words, "--data", str(self.data)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

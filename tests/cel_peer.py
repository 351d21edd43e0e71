"""The official implementation of CEL (cel-cpp, by cel-expr-python), in a process of its own.

ask([(text, environments), …]) ─ JSON ─► python -m tests.cel_peer ─► a word for each pair

In a process of its own because it is native code that has been seen to abort Python: after some
5,200 null results on CPython 3.11 if their value is asked for, so only `true` and `false` are.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

ROOT: Final = Path(__file__).parents[1]
TIMEOUT_SECONDS: Final = 300
ROOTS: Final = ("data", "facts", "params", "action", "actor")

Bindings: TypeAlias = Mapping[str, Any]
Question: TypeAlias = tuple[str, Sequence[Bindings]]


def ask(questions: Sequence[Question]) -> list[list[str]]:
    """Return for each environment of each text: true, false, error, or the type of the value.

    `syntax` stands for all environments of a text that is no expression of CEL.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.cel_peer"],
        input="\n".join(map(json.dumps, questions)),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        cwd=ROOT,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"it died after {len(answers)} texts: {done.stderr[-500:]}"
    assert len(answers) == len(questions)
    return answers


def main() -> None:
    from cel_expr_python import cel  # type: ignore[import-untyped]

    environment = cel.NewEnv(variables=dict.fromkeys(ROOTS, cel.Type.DYN))

    def word(expression: Any, bindings: Bindings) -> str:
        result = expression.eval(data=bindings)
        if result.type() == cel.Type.BOOL:
            return "true" if result.value() else "false"
        return str(result.type().name()).lower().partition("<")[0]

    for line in sys.stdin:
        text, many = json.loads(line)
        try:
            # Unchecked, for our payloads have no declared types either.
            expression = environment.compile(text, disable_check=True)
        except RuntimeError:
            answers = ["syntax"] * len(many)
        else:
            answers = [word(expression, each) for each in many]
        sys.stdout.write(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()

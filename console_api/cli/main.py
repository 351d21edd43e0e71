"""`bos`: the business from a terminal.

bos up                      everything in one process
bos do, propose, ask        send commands, ask questions
bos events --follow         the log, as it grows
bos approve, reject, kill   what people decide
bos import orders FILE      real orders
bos backup, restore, copy   the log, carried elsewhere
Modules are imported when their command is used, so that `bos --help` is quick.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from console_api.cli.output import BROKEN, NO, USAGE, Quit, errors

_COMMANDS: Final = {
    "up": "console_api.cli.serve",
    "serve": "console_api.cli.serve",
    "worker": "console_api.cli.serve",
    "project": "console_api.cli.serve",
    "migrate": "console_api.cli.serve",
    "do": "console_api.cli.act",
    "propose": "console_api.cli.act",
    "approve": "console_api.cli.act",
    "reject": "console_api.cli.act",
    "approvals": "console_api.cli.approvals",
    "override": "console_api.cli.act",
    "kill": "console_api.cli.act",
    "release": "console_api.cli.act",
    "ask": "console_api.cli.look",
    "state": "console_api.cli.look",
    "events": "console_api.cli.events",
    "rebuild": "console_api.cli.redraw",
    "doctor": "console_api.cli.doctor",
    "policy": "console_api.cli.policy",
    "audit": "console_api.cli.audit",
    "backup": "console_api.cli.archive",
    "restore": "console_api.cli.archive",
    "copy": "console_api.cli.archive",
    "import": "console_api.cli.imports",
    "users": "console_api.cli.people",
    "tokens": "console_api.cli.people",
    "bench": "console_api.cli.bench",
}


class Bos(click.Group):
    """Finds a command by importing the one module that holds it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of a day's work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        found: Any = getattr(importlib.import_module(module), f"{cmd_name}_")
        assert isinstance(found, click.Command)
        return found


@click.command(cls=Bos, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="business-os", message="bos %(version)s")
def bos() -> None:
    """The AI Business OS: agents propose, the governor answers, people stay in control."""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    try:
        bos.main(args=list(sys.argv[1:] if args is None else args), standalone_mode=False)
    except Quit as end:
        return _said(end.code, str(end))
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as wrong:
        hint = (
            f" (see `{wrong.ctx.command_path} --help`)"
            if isinstance(wrong, click.UsageError) and wrong.ctx
            else ""
        )
        return _said(USAGE, wrong.format_message() + hint)
    except (click.Abort, KeyboardInterrupt):
        return _said(NO, "interrupted: run the same command again to go on")
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        return _unexpected(error)
    return 0


def _said(code: int, message: str) -> int:
    if message:
        errors().print(f"bos: {message}", markup=False)
    return code


def _unexpected(error: Exception) -> int:
    """Translate what the layers below raise; anything else is a bug and shows its traceback."""
    from adapters.imports import UnreadableFile
    from console_api.access import NotAuthenticated
    from console_api.requests import BadRequest
    from domain.ports import BrokenWorld
    from queries.listing import BadQuestion

    if isinstance(error, BadRequest | BadQuestion | UnreadableFile):
        return _said(USAGE, str(error))
    if isinstance(error, NotAuthenticated):
        return _said(NO, str(error))
    if isinstance(error, BrokenWorld):
        return _said(BROKEN, str(error))
    raise error

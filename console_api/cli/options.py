"""Options: what every command of `bos` takes, and the client that they add up to."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from console_api.cli.output import USAGE, Quit
from console_api.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Target:
    """Which business is meant, as whom it is spoken to, and how answers are printed."""

    data: Path | None
    url: str | None
    token: str | None
    as_: str
    json: bool

    def settings(self, **more: Any) -> Settings:
        """Return the settings, with what the command line says on top."""
        given = {"data": self.data} if self.data is not None else {}
        try:
            return Settings(**{**given, **{k: v for k, v in more.items() if v is not None}})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            raise Quit(USAGE, f"setting {name}: {first['msg']}") from None

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Connect, and let go afterwards."""
        from console_api.cli.client import connect

        client = connect(self.settings(), url=self.url, token=self.token, as_=self.as_)
        try:
            yield client
        except BaseException:
            client.close(settle=False)
            raise
        client.close()


def targeted(command: F) -> F:
    """Give a command the options that say which business is meant."""

    @click.option("--data", type=click.Path(path_type=Path), help="Folder of an embedded business.")
    @click.option("--url", help="Address of a running server.")
    @click.option("--token", envvar="BOS_TOKEN", help="API token for --url (or BOS_TOKEN).")
    @click.option("--as", "as_", default="founder", help="Who asks: a user, or agent:ID.")
    @click.option("--json", "json", is_flag=True, help="Print JSON.")
    @functools.wraps(command)
    def wrapped(
        data: Path | None, url: str | None, token: str | None, as_: str, json: bool, **rest: Any
    ) -> Any:
        return command(target=Target(data, url, token, as_, json), **rest)

    return wrapped  # type: ignore[return-value]

"""Snapshots: states of long histories, kept beside the log so that a restart need not fold anew.

fold_snapshots(tag, fold, position, digest, state)      one row a history, the newest
    fold     a hash of the code that folds: another code, no snapshot
    digest   the hash of the newest event in it: another log, no snapshot
A cache: the table may be emptied at any moment, and whatever is odd in it is as good as nothing.
"""

import hashlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Engine,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    select,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from adapters.views.register import PREPARE_LOCK
from domain.core.stream import Stream
from domain.ports import Snapshot, StoreUnavailable

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_ODD: Final = (msgspec.MsgspecError, UnicodeDecodeError, ValueError)


class SqlSnapshots:
    """Snapshots in a table."""

    def __init__(self, engine: Engine, *, schema: str | None = None) -> None:
        """Use a database; until `prepare` has been run there are no snapshots in it."""
        self._engine = engine
        self._table = Table(
            "fold_snapshots",
            MetaData(schema=schema),
            SqlColumn("tag", Text, primary_key=True),
            SqlColumn("fold", Text, nullable=False),
            SqlColumn("position", BigInteger, nullable=False),
            SqlColumn("digest", LargeBinary, nullable=False),
            SqlColumn("state", LargeBinary, nullable=False),
        )
        self._tags: set[str] = set()

    def prepare(self) -> None:
        """Make the table where there is none, and learn which histories have a snapshot.

        Several programs may do so at once. Raises `StoreUnavailable`.
        """
        with self._transaction() as connection:
            if self._table.schema is not None:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({PREPARE_LOCK})")
            connection.execute(CreateTable(self._table, if_not_exists=True))
            self._tags = set(connection.scalars(select(self._table.c.tag)))

    def load(self, stream: Stream[Any, Any], key: str) -> Snapshot | None:
        """Return the snapshot of a history, if there is one that this code has made."""
        tag, table = stream.at(key), self._table.c
        if tag not in self._tags:  # most histories are short: they cost no look
            return None
        wanted = select(table.position, table.digest, table.state).where(
            table.tag == tag, table.fold == fold_of(stream.evolve.__module__)
        )
        with self._transaction() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None:
            return None
        try:
            decoder = msgspec.json.Decoder(type(stream.initial), float_hook=Decimal)
            return Snapshot(row.position, row.digest, decoder.decode(row.state))
        except _ODD:
            return None

    def save(self, stream: Stream[Any, Any], key: str, snapshot: Snapshot) -> None:
        """Keep a snapshot in the place of any older one."""
        if stream.initial is None:
            return  # the type of such a state is not known; its histories have one event
        tag, table = stream.at(key), self._table
        values = {
            "tag": tag,
            "fold": fold_of(stream.evolve.__module__),
            "position": snapshot.position,
            "digest": snapshot.digest,
            "state": _ENCODER.encode(snapshot.state),
        }
        with self._transaction() as connection:
            connection.execute(delete(table).where(table.c.tag == tag))
            connection.execute(insert(table).values(values))
        self._tags.add(tag)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"the snapshots cannot be used: {error}") from error


@cache
def fold_of(name: str) -> str:
    """Return a hash of the code that folds: a module, and those of the domain that it uses."""
    used = {getattr(value, "__module__", "") for value in vars(sys.modules[name]).values()}
    ours = {name} | {each for each in used if str(each).startswith("domain.")}
    sources = "\n".join(inspect.getsource(sys.modules[each]) for each in sorted(ours))
    return hashlib.sha256(sources.encode()).hexdigest()

"""Connections to the log's database, on the library's pool.

every connection   search_path, statement_timeout, no sequential scans, keepalives
every operation    a deadline of its own: a server that went silent is an error, not a wait
Listener           LISTEN on a connection of its own: wakes this process when the log has grown
"""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Composed, Identifier

from adapters.dcb import PostgresDatastore

DEADLINE_GRACE_SECONDS: Final = 5.0  # after statement_timeout, before the client gives up itself
CONNECT_TIMEOUT_SECONDS: Final = 5
IDLE_IN_TRANSACTION_SECONDS: Final = 5
LISTEN_SECONDS: Final = 0.25
RECONNECT_SECONDS: Final = 1.0
KEEPALIVES: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class DeadlineConnection(psycopg.Connection[Any]):
    """A connection that does not wait for ever: psycopg would, on a line that went dead."""

    deadline_seconds = 30.0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Give up after the deadline, and never use a connection again that owes an answer."""
        try:
            return super().wait(
                gen, interval, self.deadline_seconds if timeout is None else timeout
            )
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise


class LogDatastore(PostgresDatastore):
    """The library's datastore, for one log: its schema, its deadlines, its settings."""

    def __init__(
        self, url: str, *, schema: str, connections_max: int, statement_timeout_seconds: float
    ) -> None:
        """Prepare to connect; the pool opens with the first use."""
        words = conninfo_to_dict(url)
        self._statement_timeout_seconds = statement_timeout_seconds
        super().__init__(
            *(str(words.pop(word, "")) for word in ("dbname", "host", "port", "user", "password")),
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            idle_in_transaction_session_timeout=IDLE_IN_TRANSACTION_SECONDS,
            max_overflow=connections_max - 1,
            schema=schema,
        )
        library = self.pool.kwargs
        assert isinstance(library, dict), "the library gives its pool a plain dict"
        given = {word: value for word, value in library.items() if value != ""}
        defaults = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": f"{schema}_log"}
        self.pool.kwargs = {**defaults, **KEEPALIVES, **given, **words}
        self.pool.connection_class = DeadlineConnection

    def after_connect_func(self) -> Callable[[psycopg.Connection[Any]], None]:
        """Return what makes a new connection ready."""
        library = super().after_connect_func()
        deadline = self._statement_timeout_seconds + DEADLINE_GRACE_SECONDS
        settings = _session(self.schema, self._statement_timeout_seconds)

        def ready(connection: psycopg.Connection[Any]) -> None:
            library(connection)
            connection.execute(settings)
            if isinstance(connection, DeadlineConnection):
                connection.deadline_seconds = deadline

        return ready

    def connection_of_its_own(self) -> psycopg.Connection[Any]:
        """Return a connection that is not the pool's."""
        kwargs = self.pool.kwargs
        assert isinstance(kwargs, dict), "set above"
        return DeadlineConnection.connect(**kwargs, autocommit=True)


def _session(schema: str, statement_timeout_seconds: float) -> Composed:
    # Plans are made once and look rows up: the tables may have been empty when they were made.
    return SQL(
        "SELECT set_config('search_path', {}, false), set_config('statement_timeout', {}, false),"
        " set_config('enable_seqscan', 'off', false),"
        " set_config('enable_bitmapscan', 'off', false), set_config('jit', 'off', false),"
        " set_config('plan_cache_mode', 'force_generic_plan', false),"
        " set_config('default_transaction_isolation', 'read committed', false)"
    ).format(
        Identifier(schema).as_string() + ", pg_temp", f"{int(statement_timeout_seconds * 1000)}ms"
    )


class Listener(Thread):
    """Rings when any process has appended; connects again when it has to."""

    def __init__(self, datastore: LogDatastore, channel: str, ring: Callable[[], None]) -> None:
        """Prepare; `start` begins to listen."""
        super().__init__(name="postgres-listener", daemon=True)
        self._datastore = datastore
        self._listen = SQL("LISTEN {}").format(Identifier(channel))
        self._ring = ring
        self._stopped = Event()

    def run(self) -> None:
        """Listen until stopped."""
        while not self._stopped.is_set():
            try:
                with self._datastore.connection_of_its_own() as connection:
                    connection.execute(self._listen)
                    self._ring()  # for what came before
                    self._until_stopped(connection)
            except psycopg.Error:
                self._stopped.wait(RECONNECT_SECONDS)

    def _until_stopped(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stopped.is_set():
            for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                self._ring()

    def stop(self) -> None:
        """Stop listening."""
        self._stopped.set()
        self.join()

"""The schema of the read models on PostgreSQL: made by `bos migrate`, filled by the application.

bos_owner    owns the schema        bos_app   draws in it (its tables come and go)
bos_reader   may look at what is drawn
"""

from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier

from adapters.views.register import PREPARE_LOCK
from domain.ports import StoreUnavailable

CONNECT_TIMEOUT_SECONDS: Final = 10


def migrate(url: str, schema: str) -> None:
    """Make the schema, and let the application draw in it; again is a no-op."""
    name = Identifier(schema)
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            connection.execute(SQL("SELECT pg_advisory_xact_lock({})").format(PREPARE_LOCK))
            connection.execute("SET LOCAL ROLE bos_owner")
            if not connection.execute(
                "SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)
            ).fetchone():
                connection.execute("RESET ROLE")
                make = SQL("CREATE SCHEMA {} AUTHORIZATION bos_owner")
                connection.execute(make.format(name))
                connection.execute("SET LOCAL ROLE bos_owner")
            grants = "GRANT USAGE, CREATE ON SCHEMA {} TO bos_app"
            connection.execute(SQL(grants).format(name))
            connection.execute(SQL("GRANT USAGE ON SCHEMA {} TO bos_reader").format(name))
    except psycopg.Error as error:
        raise StoreUnavailable(f"the read models' schema cannot be made: {error}") from error

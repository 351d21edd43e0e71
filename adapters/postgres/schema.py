"""The shape of the log in PostgreSQL, who may do what to it, and the only place that makes it.

    bos_owner      owns everything, cannot log in
    bos_migrator   may become the owner
    bos_app        SELECT, and EXECUTE of the append function
    bos_reader     SELECT
                   nobody changes rows: triggers refuse it to the owner and to superusers as well

    migrate(url)   creates or upgrades in one transaction, under a lock; again is a no-op

The roles belong to the whole cluster and come without passwords: give them some to log in.
"""

from time import sleep
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Composed, Identifier

from adapters.dcb import DatabaseError, NotSupportedError, OperationalError, check_version
from adapters.postgres.functions import APPEND, APPEND_GROUP, MATCH, REFUSE

ATTEMPTS_MAX: Final = 10
CONNECT_TIMEOUT_SECONDS: Final = 10
LOCK_TIMEOUT_SECONDS: Final = 30
SCHEMA: Final = "bos"

# Roles are shared with other databases, whose migrations may run at the same time.
ROLES: Final = """
DO $$
DECLARE
    role text;
    set_role constant text :=
        CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END;
BEGIN
    FOREACH role IN ARRAY ARRAY['bos_owner', 'bos_migrator', 'bos_app', 'bos_reader'] LOOP
        CONTINUE WHEN to_regrole(role) IS NOT NULL;
        BEGIN
            EXECUTE format(
                'CREATE ROLE %I %s', role,
                CASE role WHEN 'bos_owner' THEN 'NOLOGIN' ELSE 'LOGIN' END
            );
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
    FOREACH role IN ARRAY ARRAY['bos_migrator', current_user::text] LOOP
        CONTINUE WHEN pg_has_role(role, 'bos_owner', set_role);
        BEGIN
            EXECUTE format('GRANT bos_owner TO %I', role);
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END LOOP;
END $$
"""

# Text compares by bytes: faster, and no index depends on the system's collations.
VERSION_1: Final = (
    """
CREATE TABLE events (
    position bigint PRIMARY KEY CHECK (position > 0),
    id text COLLATE "C" UNIQUE,
    type text COLLATE "C" NOT NULL CHECK (type <> ''),
    schema_version int NOT NULL,
    occurred_at bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    causation_id text COLLATE "C" NOT NULL,
    tags text[] COLLATE "C" NOT NULL CHECK (cardinality(tags) <= 16),
    data bytea NOT NULL CHECK (octet_length(data) <= 1000000),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
)
""",
    "CREATE INDEX events_by_type ON events (type, position)",
    """
CREATE TABLE event_tags (
    tag text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tag, position)
)
""",
    REFUSE,
    """
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION bos_refuse_v1()
""",
    """
CREATE TRIGGER event_tags_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_tags
FOR EACH STATEMENT EXECUTE FUNCTION bos_refuse_v1()
""",
    # also where session_replication_role says that triggers should rest
    "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only",
    "ALTER TABLE event_tags ENABLE ALWAYS TRIGGER event_tags_are_append_only",
    MATCH,
    APPEND,
    "REVOKE ALL ON FUNCTION bos_refuse_v1, bos_match_v1, bos_append_v1 FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION bos_match_v1 TO bos_app, bos_reader",
    "GRANT EXECUTE ON FUNCTION bos_append_v1 TO bos_app",
    "GRANT SELECT ON events, event_tags, schema_version TO bos_app, bos_reader",
)
VERSION_2: Final = (
    APPEND_GROUP,
    "REVOKE ALL ON FUNCTION bos_append_group_v1 FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION bos_append_group_v1 TO bos_app",
)
STEPS: Final = (
    VERSION_1,
    VERSION_2,
)  # step n leads to version n; a step that shipped is never edited
VERSION: Final = len(STEPS)


def migrate(url: str, *, schema: str = SCHEMA) -> int:
    """Create or upgrade the log in a database, and return its version; events are not touched."""
    for attempt in range(ATTEMPTS_MAX):
        try:
            with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
                _migrate(connection, schema)
                return VERSION
        except psycopg.InternalError as raced:
            # "tuple concurrently updated": another database's migration touched the same roles
            if attempt + 1 == ATTEMPTS_MAX:
                raise OperationalError(str(raced)) from raced
            sleep(0.05 * (attempt + 1))
        except psycopg.OperationalError as error:
            raise OperationalError(str(error)) from error
        except psycopg.Error as error:
            raise DatabaseError(str(error)) from error
    raise AssertionError("the last attempt returns or raises")


def stored_version(connection: psycopg.Connection[Any], schema: str) -> int:
    """Return the version of a log, 0 where there is none yet."""
    table = SQL("{}.schema_version").format(Identifier(schema))
    (there,) = _row(connection, SQL("SELECT to_regclass({})").format(table.as_string(connection)))
    if there is None:
        return 0
    (version,) = _row(connection, SQL("SELECT coalesce(max(version), 0) FROM {}").format(table))
    return int(version)


def _migrate(connection: psycopg.Connection[Any], schema: str) -> None:
    run = connection.execute
    run(SQL("SET LOCAL statement_timeout = {}").format(LOCK_TIMEOUT_SECONDS * 1000))
    run("SELECT pg_advisory_xact_lock(4346707, 0)")
    (encoding,) = _row(connection, SQL("SHOW server_encoding"))
    if encoding != "UTF8":
        raise NotSupportedError(f"the log needs a database in UTF8, this one is in {encoding}")
    stored = stored_version(connection, schema)
    if stored >= VERSION:
        check_version(stored, VERSION)
        return
    run(ROLES)
    name = Identifier(schema)
    if stored == 0:
        run(SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION bos_owner").format(name))
    run("SET LOCAL ROLE bos_owner")
    run(SQL("SET LOCAL search_path TO {}, pg_temp").format(name))
    if stored == 0:
        run(SQL("GRANT USAGE ON SCHEMA {} TO bos_app, bos_reader, bos_migrator").format(name))
        run(
            "CREATE TABLE schema_version ("
            "version int PRIMARY KEY, migrated_at timestamptz NOT NULL DEFAULT now())"
        )
    for version, step in enumerate(STEPS[stored:], stored + 1):
        for statement in step:
            run(statement)
        run("INSERT INTO schema_version (version) VALUES (%s)", (version,))


def _row(connection: psycopg.Connection[Any], query: Composed | SQL) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.cursor(row_factory=tuple_row).execute(query).fetchone()
    assert row is not None, "this query answers one row"
    return row

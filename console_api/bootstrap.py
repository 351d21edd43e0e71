"""Bootstrap: the one place where the parts are chosen and joined.

Settings ──► SQLite files under data/, behind a lock, or PostgreSQL ──► Business
"""

import logging
from collections.abc import Mapping
from typing import Final

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from adapters.clock import wall_clock
from adapters.codec import Codec
from adapters.dcb import LogRecorder, PersistenceError
from adapters.event_store import LogEventStore
from adapters.ids import random_id
from adapters.lock import DataLock
from adapters.memory.recorder import MemoryRecorder
from adapters.sandbox.bank import SandboxBank
from adapters.views.store import SqlViewStore
from commands.actions import ACTION_TYPES
from commands.catalog import PLANNERS
from commands.founding import FoundBusiness
from commands.message import Done
from commands.pipeline import Pipeline
from console_api.business import Business
from console_api.settings import Settings
from console_api.workers.reactor import REACTOR
from domain.catalog import EVENTS, UPCASTERS
from domain.core.principal import Actor, Role
from domain.ports import Clock, Connector, Ids, StoreUnavailable
from projections.catalog import VIEWS

BOOTSTRAP: Final = Actor("bootstrap", Role.SERVICE)
READ_MODELS: Final = "read_models"
_log = logging.getLogger("business")


def notify_by_log(*, urgency: str, title: str, text: str, link: str) -> None:
    """Tell people in the server's log; other channels come with the connectors."""
    level = logging.WARNING if urgency == "critical" else logging.INFO
    _log.log(level, "%s: %s (%s)", title, text, link)


def migrate(settings: Settings) -> None:
    """Create the log's schema, or bring it up to date. Never touches an event."""
    if settings.database_url is None:
        from adapters.sqlite.schema import migrate as migrate_sqlite

        settings.data.mkdir(parents=True, exist_ok=True)
        migrate_sqlite(settings.data / "log.db")
    else:
        from adapters.postgres.schema import migrate as migrate_postgres
        from adapters.views.schema import migrate as migrate_views

        migrate_postgres(settings.database_url.get_secret_value())
        migrate_views(settings.database_url.get_secret_value(), READ_MODELS)


def open_business(settings: Settings, *, writable: bool = True) -> Business:
    """Open the business that settings name, and found it if it is new.

    Raises `DataInUse` if another process runs on the same folder, `StoreUnavailable` if a
    database cannot be used. Opened to read only, it takes no lock and writes nothing.
    """
    try:
        if settings.database_url is not None:
            return _on_postgres(settings)
        return _on_files(settings, writable=writable)
    except PersistenceError as error:
        raise StoreUnavailable(f"the log cannot be opened: {error}") from error


def _on_files(settings: Settings, *, writable: bool) -> Business:
    from adapters.sqlite.recorder import SqliteRecorder

    lock = DataLock(settings.data) if writable else None
    migrate(settings)
    views = SqlViewStore(create_engine(f"sqlite:///{settings.data / 'views.db'}"))
    bank = SandboxBank(settings.data / "sandbox-bank.db")
    try:
        recorder = SqliteRecorder(settings.data / "log.db")
        business = assemble(recorder, views, connectors=_tools(bank))
    except BaseException:
        if lock is not None:
            lock.release()
        raise
    if lock is not None:
        business.lock = lock
        business.on_close.insert(0, lock.release)
        _found(business, settings)
    return business


def _on_postgres(settings: Settings) -> Business:
    from adapters.postgres.recorder import PostgresRecorder

    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    sql = make_url(url).set(drivername="postgresql+psycopg")
    views = SqlViewStore(create_engine(sql, pool_pre_ping=True), schema=READ_MODELS)
    settings.data.mkdir(parents=True, exist_ok=True)
    bank = SandboxBank(settings.data / "sandbox-bank.db")
    business = assemble(PostgresRecorder(url), views, connectors=_tools(bank))
    _found(business, settings)
    return business


def in_memory(
    *,
    clock: Clock = wall_clock,
    ids: Ids = random_id,
    connectors: Mapping[str, Connector] | None = None,
) -> Business:
    """Return a business that forgets: for tests, demonstrations and simulations."""
    engine = create_engine(  # one connection, which every thread waits for: it is the database
        "sqlite://",
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"check_same_thread": False},
    )
    views = SqlViewStore(engine)
    tools = _tools(SandboxBank(None)) if connectors is None else connectors
    business = assemble(MemoryRecorder(), views, connectors=tools, clock=clock, ids=ids)
    _found(business, Settings())
    return business


def assemble(
    recorder: LogRecorder,
    views: SqlViewStore,
    *,
    connectors: Mapping[str, Connector],
    clock: Clock = wall_clock,
    ids: Ids = random_id,
) -> Business:
    """Join the parts of a business; a log that this code cannot read is left as it is."""
    log = LogEventStore(recorder, Codec(EVENTS, UPCASTERS))
    try:
        log.check_readable()
    except BaseException:
        views.close()
        recorder.close()
        raise
    views.prepare([*(view.shape for view in VIEWS), REACTOR])
    return Business(
        log=log,
        views=views,
        pipeline=Pipeline(log, clock, ids, PLANNERS),
        clock=clock,
        ids=ids,
        connectors=connectors,
        notify=notify_by_log,
        on_close=[views.close, recorder.close],
    )


def _tools(connector: Connector) -> dict[str, Connector]:
    return dict.fromkeys(ACTION_TYPES, connector)


def _found(business: Business, settings: Settings) -> None:
    """Give a new log its law and its founder; a log that has them already keeps them."""
    if business.log.head():
        return
    command = FoundBusiness(
        name=settings.business_name, timezone=settings.timezone, currency=settings.currency
    )
    receipt = business.do(command, BOOTSTRAP, command_id="founding")
    assert isinstance(receipt, Done), f"the business could not be founded: {receipt}"

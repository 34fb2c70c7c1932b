"""PostgreSQL behind `Database`: one committed state for a reader, one lock for who writes, and clean errors.

The lock is PostgreSQL's own, of one transaction, so it holds for the processes of all machines, and ends with whoever
had it. Only then is the newest state read: every statement of a writing transaction sees what was committed before.
"""

import select
from typing import Any, ClassVar, Final

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError

from sealring.errors import SealringError, Unreachable
from sealring_server.prepared import command

CONNECT_SECONDS: Final = 10
SILENT_SECONDS: Final = 30  # after which the other side counts as gone
IDLE_SECONDS: Final = (
    300  # without a word from a transaction that holds the lock, such as of a machine that was unplugged
)
LOCK: Final = 0x5EA1_0001  # the publication lock, by its number; each database has its own
POOL: Final = 20  # connections of one process, at most

READING: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITING: Final = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
    f" SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s';"
    f" SELECT pg_advisory_xact_lock({LOCK})"
)
_SESSION = (
    f"SET tcp_keepalives_idle = {SILENT_SECONDS}; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;"
    " SET client_min_messages = warning;"
    # PB-3: what was acknowledged is on the disk. Who has set more than that (a standby's disk too) keeps it.
    " SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
_FULL = "53100"
# Of a standby, of a lock that was not had in time, of two that wait for each other, and of one that was silent.
_PASSING: Final = frozenset({"25006", "55P03", "40001", "40P01", "25P03", "0A000"})
_PASSING_CLASSES: Final = ("08", "53", "57")


class DatabaseAway(Unreachable):
    """The database can't be reached, or has just gone away; what was under way is whole or was never there."""

    exit_code: ClassVar[int] = 10
    status: ClassVar[int] = 503
    retry_after: ClassVar[int] = 10

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"database {self.where}: {self.reason}"

    def hint(self) -> str:
        return "try again in a minute: the same publication again does no harm; the operator looks after PostgreSQL"


class DatabaseFull(SealringError):
    """The database has no room; nothing of what was offered was kept."""

    exit_code: ClassVar[int] = 12
    status: ClassVar[int] = 507

    def __str__(self) -> str:
        return "the store's database has no room left on its disk"

    def hint(self) -> str:
        return "the operator must make room; nothing was published, and what was published is unharmed"


def postgres_engine(url: URL, lock_seconds: int) -> Engine:
    """Connections that are looked at before each use: a restarted database is no failure.

    A database that ended said so on the line, so most looks need no question; each would double the time of a short
    reading.

    Args:
        lock_seconds: how long a transaction waits for the one before it.
    """
    given: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": SILENT_SECONDS,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": SILENT_SECONDS * 1000,
        "application_name": "sealring-store",
    }
    said = {name: value for name, value in given.items() if name not in url.query}
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=0,
        hide_parameters=True,
        # psycopg's own transactions know nothing of the lock; ours are written out, as for SQLite.
        connect_args={**said, "autocommit": True},
    )

    @event.listens_for(engine, "connect")
    def settle(connection: Any, _record: object) -> None:
        connection.execute(f"{_SESSION}; SET lock_timeout = '{lock_seconds}s'")

    @event.listens_for(engine, "checkout")
    def look(connection: Any, _record: object, _proxy: object) -> None:
        if _has_word(connection.fileno()) and not _answers(connection):
            raise InvalidatePoolError

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        command(connection, connection.get_execution_options().get("sealring_begin", READING))

    return engine


def _has_word(handle: int) -> bool:
    """Whether something has come on this line that nobody asked for: mostly its end."""
    looked = select.poll()
    looked.register(handle, select.POLLIN)
    return bool(looked.poll(0))


def _answers(connection: Any) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def check_whole(connection: Connection) -> None:
    """PostgreSQL answers COMMIT without an error where a statement had failed, and keeps nothing: never let it."""
    status = connection.connection.dbapi_connection.info.transaction_status  # type: ignore[union-attr]
    if status.name != "INTRANS":
        raise AssertionError(f"a transaction to be committed is {status.name}")


def away(url: URL, err: DBAPIError) -> SealringError | None:
    """What to say where an error is the database's, and none of ours; the password is in none of its words."""
    state = getattr(err.orig, "sqlstate", None) or ""
    if state == _FULL:
        return DatabaseFull()
    is_gone = isinstance(err, OperationalError | InterfaceError) or err.connection_invalidated
    if is_gone or state in _PASSING or state[:2] in _PASSING_CLASSES:
        reason = str(err.orig).strip().partition("\n")[0][:300]
        return DatabaseAway(shown(url), reason or "gone")
    return None


def shown(url: URL) -> str:
    """Which database it is, without what it is asked with."""
    hosts = url.query.get("host", url.host or "")
    where = ",".join(hosts) if isinstance(hosts, tuple) else hosts
    return f"{url.database} at {where or 'the default socket'}"

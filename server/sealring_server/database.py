"""The one way to a store's rows: a commit is durable, a read sees one state, one writer works at a time (SPEC PB-3).

SQLite in the store's folder, or PostgreSQL (`postgres.py`) for any number of processes on any number of machines.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary, finalize

from sqlalchemy import URL, Connection, Engine, RootTransaction, create_engine, event, inspect, make_url, select
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from sealring.errors import SealringError
from sealring_server.postgres import WRITING, away, check_whole, postgres_engine, shown
from sealring_server.prepared import command
from sealring_server.schema import FORMAT, store
from sealring_server.settings import Settings
from sealring_server.turn import turn_of

BUSY_SECONDS = 60  # how long a publication waits for the one before it
READERS = 20  # connections kept; more than the server's threads
FILE = "store.db"

_after: WeakKeyDictionary[RootTransaction, list[Callable[[], None]]] = WeakKeyDictionary()


@dataclass(eq=False)
class NotAStore(SealringError):
    """A folder without a store's database, or with one of another edition."""

    folder: Path
    reason: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.folder}: {self.reason}"

    def hint(self) -> str:
        return "`sealring-store init DIR --root ROOT` makes a store"


@dataclass(eq=False)
class OtherFormat(NotAStore):
    """A store whose rows an older or a newer edition has written."""

    found: int

    def hint(self) -> str:
        if self.found > FORMAT:
            return "install the edition of sealring-server that wrote it, or a newer one"
        return f"stop the store, take a backup, then run `sealring-store upgrade {self.folder}`"


class Busy(SealringError):
    """So much is under way that this had not its turn in time; nothing of it was done."""

    exit_code: ClassVar[int] = 13
    status: ClassVar[int] = 503
    retry_after: ClassVar[int] = 10

    def __str__(self) -> str:
        return f"the store is busy: nothing could be begun for {BUSY_SECONDS} seconds"

    def hint(self) -> str:
        return "try again in a minute"


class Database:
    """The one way to the database: `reading` for one committed state, `writing` for one publication at a time.

    Args:
        url: `sqlite:///FILE` or `postgresql://...`, without a password.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self._lock = threading.Lock()
        self._is_sqlite = self.url.get_backend_name() == "sqlite"
        if self._is_sqlite:
            self._begin_writing = "BEGIN IMMEDIATE"
            self._engine = create_engine(self.url, pool_size=READERS, connect_args={"timeout": BUSY_SECONDS})
            event.listen(self._engine, "connect", _settings)
            event.listen(self._engine, "begin", _begin)
        else:
            self._begin_writing = WRITING
            self._engine = postgres_engine(self.url, BUSY_SECONDS)
        finalize(self, _dispose, self._engine, os.getpid()).atexit = False

    @property
    def engine(self) -> Engine:
        """For making the tables."""
        return self._engine

    @property
    def shown(self) -> str:
        """Which database it is, in words that hold no secret."""
        return str(self.url.database) if self._is_sqlite else shown(self.url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One committed state, however many questions are asked of it.

        Raises:
            DatabaseAway, Busy: PostgreSQL is not to be had.
        """
        with self._said(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The publication lock: all of what is written becomes visible at the end, or none of it (SPEC PB-3).

        Raises:
            DatabaseAway, DatabaseFull: PostgreSQL is not to be had. Where it went away during the very commit, all of
                it may be visible, or nothing; who repeats it finds out.
            Busy: it was not had in time.
        """
        # The lock queues this process's threads; the turn its processes, where PostgreSQL's own lock does not.
        with self._said(), self._queued(), self._turn():
            with self._engine.connect().execution_options(sealring_begin=self._begin_writing) as connection:
                with connection.begin() as transaction:
                    yield connection
                    if not self._is_sqlite:
                        check_whole(connection)
                for done in _after.pop(transaction, ()):
                    done()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    @contextmanager
    def _queued(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise Busy
        try:
            yield
        finally:
            self._lock.release()

    def _turn(self) -> AbstractContextManager[None]:
        """Processes on one machine in turn; SQLite's BEGIN IMMEDIATE keeps everybody else out."""
        return turn_of(Path(str(self.url.database)).parent, BUSY_SECONDS) if self._is_sqlite else nullcontext()

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What a database far away does to a transaction, in this product's own words."""
        try:
            yield
        except NoConnection:
            raise Busy from None
        except DBAPIError as err:
            said = None if self._is_sqlite else away(self.url, err)
            if said is None:
                raise
            raise said from err


def sqlite_url(file: Path) -> URL:
    """The URL of a database in this file."""
    return URL.create("sqlite", database=str(file))


def database_url(folder: Path, settings: Settings) -> URL:
    """Where the rows of the store in this folder are."""
    return make_url(settings.database.url) if settings.database.url else sqlite_url(folder / FILE)


def is_made(folder: Path, settings: Settings) -> bool:
    """Whether there is a store: its database's file, or any of its tables in PostgreSQL.

    Raises:
        DatabaseAway.
    """
    if not settings.database.url:
        return (folder / FILE).exists()
    database = Database(settings.database.url)
    try:
        with database.reading() as connection:
            return inspect(connection).has_table(store.name)
    finally:
        database.close()


def open_database(folder: Path, settings: Settings) -> Database:
    """The database of the store in this folder.

    Raises:
        NotAStore: when there is none, or one of another format.
        DatabaseAway: PostgreSQL can't be reached.
    """
    if not settings.database.url and not (folder / FILE).is_file():
        raise NotAStore(folder, "no store here")
    database = Database(database_url(folder, settings))
    try:
        with database.reading() as connection:
            check_format(folder, connection)
    except DatabaseError:
        database.close()
        what = f"database {database.shown}" if settings.database.url else FILE
        raise NotAStore(folder, f"{what} is not a store's database") from None
    except SealringError:
        database.close()
        raise
    return database


def check_format(folder: Path, connection: Connection) -> None:
    """Raise `OtherFormat` where these rows are of another edition."""
    found = connection.scalar(select(store.c.format))
    if found != FORMAT:
        raise OtherFormat(folder, f"database format {found}, this edition knows {FORMAT}", found or 0)


def after_commit(connection: Connection, done: Callable[[], None]) -> None:
    """Let this be called once the transaction has been committed, by `Database.writing`; never if it is rolled back.

    Within a savepoint nothing is promised: it may be undone alone.
    """
    transaction = connection.get_transaction()
    if transaction is not None and not connection.in_nested_transaction():
        _after.setdefault(transaction, []).append(done)


def _dispose(engine: Engine, process: int) -> None:
    """Close what nobody can use any more; never in a child, where it would end the connections of its parent."""
    if os.getpid() == process:
        engine.dispose()


def _settings(connection: Any, _record: object) -> None:
    # The driver's own transactions begin too late and with too weak a lock; ours are written out in `_begin`.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    command(connection, connection.get_execution_options().get("sealring_begin", "BEGIN"))

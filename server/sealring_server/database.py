"""SQLite, set so that a commit is durable, a read sees one state, and one writer works at a time (SPEC PB-3)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event, select
from sqlalchemy.exc import DatabaseError

from sealring.errors import SealringError
from sealring_server.prepared import command
from sealring_server.schema import FORMAT, store
from sealring_server.turn import turn_of

BUSY_SECONDS = 60  # how long a publication waits for the one before it
READERS = 20  # connections kept; more than the server's threads

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


class Database:
    """The one way to the database: `reading` for one committed state, `writing` for one publication at a time."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._engine = create_engine(f"sqlite:///{file}", pool_size=READERS, connect_args={"timeout": BUSY_SECONDS})
        event.listen(self._engine, "connect", _settings)
        event.listen(self._engine, "begin", _begin)

    @property
    def engine(self) -> Engine:
        """For making the tables."""
        return self._engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One committed state, however many questions are asked of it."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The publication lock: all of what is written becomes visible at the end, or none of it (SPEC PB-3)."""
        # The lock queues this process's threads, the turn its processes; BEGIN IMMEDIATE keeps everybody else out.
        turn = turn_of(self.file.parent, BUSY_SECONDS)
        with self._lock, turn, self._engine.connect().execution_options(sealring_begin="BEGIN IMMEDIATE") as connection:
            with connection.begin() as transaction:
                yield connection
            for done in _after.pop(transaction, ()):
                done()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()


def open_database(file: Path) -> Database:
    """The database in this file.

    Raises:
        NotAStore: when there is none, or one of another format.
    """
    if not file.is_file():
        raise NotAStore(file.parent, "no store here")
    database = Database(file)
    try:
        with database.reading() as connection:
            found = connection.scalar(select(store.c.format))
    except DatabaseError:
        raise NotAStore(file.parent, "store.db is not a store's database") from None
    if found != FORMAT:
        raise NotAStore(file.parent, f"database format {found}, this edition knows {FORMAT}")
    return database


def after_commit(connection: Connection, done: Callable[[], None]) -> None:
    """Let this be called once the transaction has been committed, by `Database.writing`; never if it is rolled back.

    Within a savepoint nothing is promised: it may be undone alone.
    """
    transaction = connection.get_transaction()
    if transaction is not None and not connection.in_nested_transaction():
        _after.setdefault(transaction, []).append(done)


def _settings(connection: Any, _record: object) -> None:
    # The driver's own transactions begin too late and with too weak a lock; ours are written out in `_begin`.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    command(connection, connection.get_execution_options().get("sealring_begin", "BEGIN"))

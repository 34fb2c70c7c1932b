"""A catalogue without a store around it: its tables, and entries that a test appends at instants of its own."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import Head
from sealring_server.catalogue import append_entry, prove
from sealring_server.database import Database, sqlite_url
from sealring_server.schema import entries, leaves, log, metadata, superseded, tiles
from sealring_server.tiles.cache import Tiles

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
ROOT = bytes(32)
MEMORY = Path("/dev/shm")
TABLES = [entries, leaves, tiles, superseded, log]


class Broken(Exception):
    """A transaction that a test breaks off."""


@dataclass
class Process:
    """What one process of a store has: connections of its own, and a memory of its own."""

    file: Path
    known: Tiles = field(default_factory=Tiles)

    def __post_init__(self) -> None:
        self.database = Database(sqlite_url(self.file))

    def append(self, updates: Mapping[bytes, Head], *, days: int = 0) -> CatalogueEntry:
        """One entry with these changes, so many days after the beginning."""
        with self.database.writing() as connection:
            return self.append_in(connection, updates, days=days)

    def append_in(self, connection: Connection, updates: Mapping[bytes, Head], *, days: int = 0) -> CatalogueEntry:
        """The same, in a transaction that the test has."""
        return append_entry(connection, self.known, updates, root=ROOT, at=BEGAN + timedelta(days=days))

    def prove(self, root: bytes, keys: set[bytes] | list[bytes]) -> bytes:
        """A proof, as a reader gets it."""
        with self.database.reading() as connection:
            return self.prove_in(connection, root, keys)

    def prove_in(self, connection: Connection, root: bytes, keys: set[bytes] | list[bytes]) -> bytes:
        """The same, in a transaction that the test has."""
        return prove(connection, self.known, root, keys)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self.database.reading() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


@contextmanager
def broken_off(process: Process) -> Iterator[Connection]:
    """A transaction for writing, of which nothing stays."""
    with suppress(Broken), process.database.writing() as connection:
        yield connection
        raise Broken


@contextmanager
def catalogue(processes: int = 1, **bounds: int) -> Iterator[list[Process]]:
    """An empty catalogue, as so many processes see it.

    Args:
        bounds: of each one's memory; see `Tiles`.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        all = [Process(Path(folder) / "store.db", Tiles(**bounds)) for _ in range(processes)]
        with all[0].database.writing() as connection:
            metadata.create_all(connection, tables=TABLES)
        try:
            yield all
        finally:
            for one in all:
                one.database.close()

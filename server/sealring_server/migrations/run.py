"""Migrations in the caller's transaction: all of a store's tables move, or none.

Whatever a migration may lose is found by looking, before and after: what vanished, and how many rows were in it.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select, table
from sqlalchemy.exc import DatabaseError

from sealring.errors import SealringError
from sealring_server.database import Database, NotAStore, OtherFormat, database_url, is_made
from sealring_server.queue_schema import PREFIX
from sealring_server.schema import FORMAT, store
from sealring_server.settings import load_settings

REVISIONS: Final = {2: "0001", 3: "0002"}
"""The last migration of each database format."""
VERSIONS: Final = "alembic_version"


@dataclass(eq=False)
class NoSuchRevision(SealringError):
    """A revision that this edition does not know."""

    revision: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"revision {self.revision[:80]!a}: not known"

    def hint(self) -> str:
        return f"this edition knows {', '.join(REVISIONS.values())}"


@dataclass(frozen=True)
class Migrated:
    """What was done: from which revision to which, and what the older schema has no place for."""

    before: str
    after: str
    lost: Mapping[str, int]
    """Tables and columns that are gone, with the number of their rows."""


def make_tables(connection: Connection, revision: str = REVISIONS[FORMAT]) -> None:
    """Every table of this edition, or of an older one, in an empty database."""
    command.upgrade(_config(connection), revision)


def migrate(connection: Connection, folder: Path, to: str = REVISIONS[FORMAT]) -> Migrated:
    """Bring the tables of a store to this revision, up or down.

    Args:
        folder: of the store, for the words of an error.

    Raises:
        NotAStore, OtherFormat: there is none, or one of a newer edition.
        NoSuchRevision.
    """
    before, order = _revision(connection, folder), list(REVISIONS.values())
    if to not in order:
        raise NoSuchRevision(to)
    config, places = _config(connection), _places(connection)
    if not inspect(connection).has_table(VERSIONS):
        command.stamp(config, before)  # the first release kept no record of its own
    if order.index(to) >= order.index(before):
        command.upgrade(config, to)
    else:
        command.downgrade(config, to)
    return Migrated(before, to, _lost(places, _places(connection)))


def upgrade_store(folder: Path, to: str, *, dry_run: bool) -> Migrated:
    """Migrate the store in this folder; in one transaction, so that a crash leaves the one schema or the other.

    Args:
        dry_run: do it, and roll it back.

    Raises:
        NotAStore, OtherFormat, NoSuchRevision, BadSettings, DatabaseAway.
    """
    settings = load_settings(folder)
    if not is_made(folder, settings):
        raise NotAStore(folder, "no store here")
    database = Database(database_url(folder, settings))
    try:
        with suppress(_Undone), database.writing() as connection:
            done = migrate(connection, folder, to)
            if dry_run:
                raise _Undone
    finally:
        database.close()
    return done


class _Undone(Exception):
    """Rolls a dry run back."""


def revisions() -> list[str]:
    """Every migration that there is, oldest first; the last one makes this edition's schema."""
    script = ScriptDirectory(str(Path(__file__).parent))
    return [each.revision for each in reversed(list(script.walk_revisions()))]


def _revision(connection: Connection, folder: Path) -> str:
    """At which revision the store's tables are."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found in REVISIONS.values():
        return str(found)
    try:
        format = connection.scalar(select(store.c.format)) if found is None else FORMAT + 1
    except DatabaseError:
        format = None
    if format is None:
        raise NotAStore(folder, "no store's tables in its database")
    if format not in REVISIONS:
        raise OtherFormat(folder, f"database format {format}, this edition knows {FORMAT}", format)
    return REVISIONS[format]


def _places(connection: Connection) -> dict[str, int]:
    """Each table, and each of its columns, with the number of the table's rows."""
    asked, found = inspect(connection), dict[str, int]()
    for name in asked.get_table_names():
        if name == VERSIONS or name.startswith(PREFIX):  # the queue's own: what waits there is due again by itself
            continue
        rows = connection.scalar(select(func.count()).select_from(table(name))) or 0
        found[name] = rows
        found |= {f"{name}.{column['name']}": rows for column in asked.get_columns(name)}
    return found


def _lost(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    gone = {name: rows for name, rows in before.items() if name not in after and rows}
    # Of a table that goes as a whole its columns say no more.
    return {name: rows for name, rows in gone.items() if "." not in name or name.partition(".")[0] not in gone}


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

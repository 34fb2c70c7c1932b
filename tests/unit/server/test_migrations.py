"""One schema by steps: what migrations make is what schema.py says, on both databases."""

import json
import sqlite3
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from sealring_server.database import FILE, Database, NotAStore, OtherFormat, database_url, sqlite_url
from sealring_server.fsck.run import check_folder
from sealring_server.here import open_store
from sealring_server.migrations.run import (
    REVISIONS,
    VERSIONS,
    NoSuchRevision,
    make_tables,
    revisions,
    upgrade_store,
)
from sealring_server.publication import commit_publication
from sealring_server.queue_schema import PREFIX
from sealring_server.schema import FORMAT, metadata
from sealring_server.settings import Database as SettingsDatabase
from sealring_server.settings import Images, documented, load_settings
from sealring_server.uploading import upload_state
from tests.rigs.postgres import PostgresServer
from tests.stores import next_software
from tests.unit.server.conftest import Shop
from tests.world import World

# What a reflected schema does not tell, in the database's own words.
_DETAILS = {
    "sqlite": 'SELECT l.name, l.wr, x.name, x.type, x."notnull", x.dflt_value, x.pk FROM pragma_table_list AS l'
    " JOIN pragma_table_xinfo(l.name) AS x WHERE l.schema = 'main' AND l.name NOT LIKE 'sqlite%' ORDER BY 1, 3",
    "postgresql": "SELECT table_name, column_name, data_type, character_maximum_length, collation_name, is_nullable,"
    " column_default FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
}


INPUT = Path(__file__).parent / "released" / "format-2.tar.xz"
RELEASED = {
    "store": ("one", "format", "root_id"),
    "entries": ("sequence", "raw", "digest", "map", "tile"),
    "statements": ("envelope", "id", "type", "format", "subject", "sequence", "entry", "raw"),
    "heads": ("type", "subject", "format", "sequence", "id", "envelope"),
    "tallies": ("authority", "subjects"),
    "leaves": ("entry", "key", "value"),
    "tiles": ("number", "raw"),
    "superseded": ("entry", "numbers"),
    "log": ("node", "hash"),
    "views": ("digest", "model", "entry", "until"),
    "view_rows": ("model", "type", "format", "subject", "since", "value"),
    "view_past": ("model", "until", "type", "format", "subject", "since", "value"),
    "view_wants": ("type", "subject", "model"),
    "view_models": ("model", "architecture", "stack"),
    "tuf": ("role", "version", "raw"),
    "tuf_packages": ("one", "key", "made"),
    "blobs": ("sha256", "size"),
    "publications": ("token", "bundle", "digest", "expires"),
    "speakers": ("token", "authority"),
    "uploads": ("token", "sha256", "size", "received"),
}
"""The tables of format 2 with their columns, those that others refer to first."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """Two empty databases of one kind."""
    if request.param == "sqlite":
        found = tuple(Database(sqlite_url(tmp_path / name)) for name in ("a.db", "b.db"))
        yield found[0], found[1]
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        found = tuple(Database(server.database()) for _ in range(2))
        yield found[0], found[1]
    for each in found:
        each.close()


def details(connection: Connection) -> list[tuple[object, ...]]:
    """Every column of every table but Alembic's own, and those of the queue."""
    rows = connection.execute(text(_DETAILS[connection.dialect.name]))
    return [tuple(row) for row in rows if row[0] != VERSIONS and not row[0].startswith(PREFIX)]


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """The queue's tables are another project's, made by its own statements."""
    return kind != "table" or not (name or "").startswith(PREFIX)


def test_migrations_make_the_schema_that_the_code_uses(empty: tuple[Database, Database]) -> None:
    """A column that only one of the two has would be found by the first store that was upgraded."""
    by_steps, at_once = empty
    with by_steps.writing() as connection:
        make_tables(connection)
    with by_steps.reading() as connection:
        options: dict[str, Any] = {"compare_type": True, "compare_server_default": True, "include_name": is_ours}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        assert "\n".join(map(repr, differences)) == ""
        found = details(connection)
    with at_once.writing() as connection:
        metadata.create_all(connection)
    with at_once.reading() as connection:
        assert details(connection) == found


def test_each_format_has_its_last_migration() -> None:
    """Whoever adds a migration after a release also says which format it makes."""
    assert list(REVISIONS.values()) == revisions()
    assert max(REVISIONS) == FORMAT


# --- stores of released editions


@dataclass(frozen=True)
class Released:
    """A store with real data, as an edition that was released has left it."""

    folder: Path
    pin: tuple[int, str]
    at: datetime
    token: str
    """Of a publication that was open, and whose image had come."""

    def fsck(self) -> dict[str, object]:
        """What `sealring-store fsck` says."""
        report, entry = check_folder(self.folder, self.at, quick=False)
        return report.as_object("store", entry)

    def rows(self, tables: Iterable[str]) -> dict[str, list[tuple[object, ...]]]:
        """All that is in these tables, in the columns of format 2."""
        database = Database(database_url(self.folder, load_settings(self.folder)))
        with database.reading() as connection:
            found = {
                name: sorted(
                    (tuple(row) for row in connection.execute(text(f"SELECT {', '.join(RELEASED[name])} FROM {name}"))),
                    key=repr,
                )
                for name in tables
            }
        database.close()
        return found


@pytest.fixture(params=["sqlite", "postgresql"])
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Released:
    """The store of format 2 that commit 4f80ca5 made: two releases, two brands, an open publication."""
    with tarfile.open(INPUT) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / "store"
    facts = json.loads((folder / "facts.json").read_text())
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        _into_postgres(folder, server.database())
    return Released(folder, tuple(facts["pin"]), datetime.fromisoformat(facts["at"]), facts["token"])


def _into_postgres(folder: Path, url: str) -> None:
    """The same rows under the first migration; no edition of format 2 knew this database."""
    database = Database(url)
    with closing(sqlite3.connect(folder / FILE)) as old, database.writing() as connection:
        make_tables(connection, "0001")
        for name, columns in RELEASED.items():
            places = ", ".join(f":{column}" for column in columns)
            insertion = text(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})")
            for row in old.execute(f"SELECT {', '.join(columns)} FROM {name}"):
                connection.execute(insertion, dict(zip(columns, row, strict=True)))
    database.close()
    (folder / FILE).unlink()
    (folder / "store.toml").write_text(documented(SettingsDatabase(url), Images()))


def test_a_released_store_goes_up_down_and_up_again(released: Released) -> None:
    """PB-3: every row of the older edition is there after each step, and the store is one true story at the top."""
    before = released.rows(RELEASED)
    assert {name for name, rows in before.items() if not rows} == {"tuf_packages"}
    with pytest.raises(OtherFormat) as refused:
        open_store(released.folder, lambda: released.at)
    assert "upgrade" in refused.value.hint()
    before["uploads"] = [(*row[:3], 0) for row in before["uploads"]]  # they are looked for anew
    for _ in range(2):
        done = upgrade_store(released.folder, "0002", dry_run=False)
        assert (done.before, done.after, done.lost) == ("0001", "0002", {})
        assert released.rows(RELEASED.keys() - {"store"}) == {k: v for k, v in before.items() if k != "store"}
        said = released.fsck()
        assert (said["wrong"], said["exit"]) == ([], 0)
        assert upgrade_store(released.folder, "0002", dry_run=False).before == "0002"
        done = upgrade_store(released.folder, "0001", dry_run=False)
        assert done.lost == {"publications.opened": 1, "released": 2}
        assert released.rows(RELEASED) == before


def test_a_released_store_goes_on_after_its_upgrade(released: Released) -> None:
    """PB-7, PB-11: also what was half published when the old edition was stopped; its image need not be sent again."""
    upgrade_store(released.folder, "0002", dry_run=False)
    world = World()
    shop = Shop(world, released.folder, released.pin, released.at)
    image = sha256(b"image 3").hexdigest()
    assert upload_state(shop.here, released.token, image).offset == len(b"image 3")
    commit_publication(shop.here, released.token)
    shop.publish(next_software(world, b"image 4", 4), [b"image 4"])
    said = released.fsck()
    assert (said["wrong"], said["entry"]) == ([], 7)
    shop.here.database.close()


def test_a_dry_run_says_what_would_be_and_leaves_it_as_it_is(released: Released) -> None:
    """A downgrade that loses something is seen before it does."""
    upgrade_store(released.folder, "0002", dry_run=False)
    before = released.rows(RELEASED)
    done = upgrade_store(released.folder, "0001", dry_run=True)
    assert (done.after, done.lost) == ("0001", {"publications.opened": 1, "released": 2})
    assert released.rows(RELEASED) == before
    assert released.fsck()["exit"] == 0


def test_a_newer_store_an_unknown_revision_and_no_store_are_refused(released: Released, tmp_path: Path) -> None:
    """An older edition would read rows that mean something else by now."""
    with pytest.raises(NoSuchRevision):
        upgrade_store(released.folder, "head", dry_run=False)
    with pytest.raises(NotAStore):
        upgrade_store(tmp_path, "0002", dry_run=False)
    database = Database(database_url(released.folder, load_settings(released.folder)))
    with database.writing() as connection:
        connection.execute(text("UPDATE store SET format = 9"))
    if database.engine.dialect.name == "sqlite":  # the released one has no record of its migrations
        with pytest.raises(OtherFormat, match="format 9"):
            upgrade_store(released.folder, "0002", dry_run=False)
    with pytest.raises(OtherFormat, match="format 9") as refused:
        open_store(released.folder, lambda: released.at)
    assert "newer" in refused.value.hint()
    database.close()

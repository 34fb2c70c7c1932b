"""A backup is of no database and no place for images: it goes from any to any (SPEC BK-1, BK-2)."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sealring_server.backup.form import read_manifest
from sealring_server.settings import Database, documented
from tests.rigs.postgres import PostgresServer
from tests.rigs.s3 import s3_server
from tests.unit.server.backup.test_backup import call
from tests.unit.server.conftest import Shop


def test_from_sqlite_and_a_folder_to_postgresql_and_a_bucket_and_back(
    shop: Shop, postgres: PostgresServer, tmp_path: Path
) -> None:
    """SPEC BK-1, BK-2: all three are the same store, to the byte of each part."""
    shop.first(b"image 1")
    shop.publish([shop.world.signed(one) for one in (shop.world.revision(2, b"2"), shop.world.release(2))], [b"2"])
    root, keys = tmp_path / "root.json", shop.folder / "keys"
    root.write_bytes(shop.world.root.raw)
    assert call(shop, "backup", shop.folder, tmp_path / "b1") == 0
    there, back = tmp_path / "there", tmp_path / "back"
    with s3_server(tmp_path / "s3") as s3:
        there.mkdir()
        (there / "store.toml").write_text(documented(Database(postgres.database()), s3.settings("shop")))
        assert call(shop, "restore", tmp_path / "b1", there, "--root", root, "--keys", keys) == 0
        assert call(shop, "fsck", there) == 0
        assert call(shop, "restore", tmp_path / "b1", there, "--root", root) == 1  # the database has a store already
        assert call(shop, "backup", there, tmp_path / "b2") == 0
        assert read_manifest(tmp_path / "b2").tables == read_manifest(tmp_path / "b1").tables
        assert call(shop, "restore", tmp_path / "b2", back, "--root", root, "--keys", keys) == 0
        assert call(shop, "resume", there, "--nothing-newer") == 0
        assert call(shop, "fsck", there) == 0
    assert call(shop, "fsck", back) == 0
    with closing(sqlite3.connect(back / "store.db")) as db:
        assert db.execute("SELECT why FROM stopped").fetchall() == [("restored",)]

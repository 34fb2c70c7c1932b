"""A backup becomes a store again, on whatever machine, database and place for images (SPEC BK-2).

    verify all of it .. images durably .. rows, and that it is stopped, in one transaction .. rename(store.db)

Until the last step there is no store in the folder; a restore that broke off is run again.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, select

from sealring.durable import PRIVATE, write_durably
from sealring_server.backup.errors import NotABackup
from sealring_server.backup.form import IMAGES, Manifest
from sealring_server.backup.load import load_rows
from sealring_server.backup.stopped import stop
from sealring_server.backup.streams import Pieces
from sealring_server.backup.verify import Found, verify_backup
from sealring_server.database import FILE, Database, sqlite_url
from sealring_server.disk import sync_folder
from sealring_server.here import Clock
from sealring_server.images import Images
from sealring_server.images.folder import ImageFolder
from sealring_server.key_folder import MAX_LIST, KeyFolder
from sealring_server.making import AlreadyAStore
from sealring_server.migrations.run import make_tables
from sealring_server.schema import blobs, store
from sealring_server.settings import FILE as SETTINGS
from sealring_server.settings import Settings, documented
from sealring_server.tuf_repo import metadata_bytes

MAX_KEY_FILE = 64 * 1024  # bytes


@dataclass(frozen=True)
class Restored:
    """The store that there is now."""

    found: Found
    keys: int
    """Files of the online keys that were brought along."""


def restore(
    backup: Path, folder: Path, settings: Settings, images: Images, anchor: bytes, clock: Clock, keys: Path | None
) -> Restored:
    """After it returns the folder is a store at the backup's entry, which signs nothing until `resume`.

    Args:
        settings: with the database and the place for images of the new store.
        images: that place.
        anchor: the root assertion that the operator trusts.
        keys: the folder `keys` of the store that was, where it still is; private keys are in no backup.

    Raises:
        AlreadyAStore: there is one in the folder, or in the database.
        StoreDamaged: the backup is not one true story; nothing was made.
        NotABackup, BackupDamaged, TrustError, OSError.
    """
    if (folder / FILE).exists():
        raise AlreadyAStore(folder)
    found = verify_backup(backup, anchor, clock())
    error = found.report.error(str(backup))
    if error is not None:
        raise error
    folder.mkdir(parents=True, exist_ok=True)
    if (settings.database.url or settings.images.url) and not (folder / SETTINGS).exists():
        write_durably(folder / SETTINGS, documented(settings.database, settings.images).encode())
    brought = _bring_keys(keys, folder)
    images.create()
    if settings.database.url:
        _fill(Database(settings.database.url), backup, found.manifest, images, folder)
    else:
        draft = folder / f"{FILE}.new"
        for leftover in folder.glob(f"{FILE}.new*"):
            leftover.unlink()
        _fill(Database(sqlite_url(draft)), backup, found.manifest, images, folder)
        draft.rename(folder / FILE)
    sync_folder(folder)
    return Restored(found, brought)


def _fill(database: Database, backup: Path, manifest: Manifest, images: Images, folder: Path) -> None:
    """One transaction: a crash leaves no store, and never one that may sign."""
    place = ImageFolder(backup / IMAGES)
    with database.writing() as connection:
        if inspect(connection).has_table(store.name):
            raise AlreadyAStore(f"database {database.shown}")
        make_tables(connection)
        # The parts are those that were verified: the manifest names each by its digest, and it is checked again.
        load_rows(backup, manifest, connection)
        stop(connection, "restored", manifest.entry)
        for row in connection.execute(select(blobs.c.sha256, blobs.c.size)).all():
            _bring_image(place, images, row)
        _write_roots(connection, folder)
    database.close()  # of SQLite the last connection folds the write-ahead log into the file


def _bring_image(place: ImageFolder, images: Images, row: Any) -> None:
    if place.size(row.sha256) is not None and images.size(row.sha256) != row.size:
        images.put(row.sha256, row.size, Pieces(place.part(row.sha256, 0, row.size)))


def _write_roots(connection: Connection, folder: Path) -> None:
    raw = metadata_bytes(connection, "root", 1)
    if raw is not None:
        write_durably(folder / "1.root.json", raw)


def _bring_keys(keys: Path | None, folder: Path) -> int:
    """The key list and the files that lie beside it, for their owner only; an empty list without them."""
    place = KeyFolder(folder)
    place.create()
    if keys is None:
        if not place.list.exists():
            place.add([])
        return 0
    if not (keys / "keys.json").is_file():
        raise NotABackup(keys, "no keys.json: not the folder `keys` of a store")
    count = 0
    for file in sorted(keys.iterdir()):
        if not file.is_file() or file.is_symlink():
            continue
        with file.open("rb") as source:
            raw = source.read(MAX_KEY_FILE + MAX_LIST)
        write_durably(place.folder / file.name, raw, mode=PRIVATE)
        count += file.name.endswith(".key")
    os.chmod(place.folder, 0o700)
    return count

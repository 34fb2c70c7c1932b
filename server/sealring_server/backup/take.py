"""Takes a backup while the store works: one committed state, then the images that it names (SPEC BK-1).

rows/<digest> durably..  images/<digest> durably..  manifest.json durably  remove what it does not name

A crash leaves the backup before it, whole.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Table, select

from sealring.durable import write_durably
from sealring.strict import encode
from sealring_server.backup.errors import BackupBusy
from sealring_server.backup.form import (
    IMAGES,
    MANIFEST,
    PART_BYTES,
    ROWS,
    Manifest,
    Part,
    TableRows,
    pack,
    part_path,
    read_manifest,
)
from sealring_server.backup.streams import Pieces
from sealring_server.backup.tables import column_names, encode_row, kept_tables, rows_of
from sealring_server.catalogue import last_entry
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.images.folder import ImageFolder
from sealring_server.schema import FORMAT, blobs


@dataclass
class Taken:
    """What a backup has, and how much of it was new."""

    manifest: Manifest
    new_parts: int = 0
    new_images: int = 0
    new_bytes: int = 0


@dataclass
class _Writer:
    """Writes parts that are not there yet."""

    folder: Path
    parts: int = 0
    size: int = 0
    named: set[str] = field(default_factory=set)

    def table(self, connection: Connection, table: Table) -> TableRows:
        """All rows of a table."""
        found: list[Part] = []
        lines: list[bytes] = []
        size = rows = 0
        for row in rows_of(connection, table):
            line = encode_row(row) + b"\n"
            lines.append(line)
            size += len(line)
            rows += 1
            if size >= PART_BYTES:
                found.append(self._part(lines))
                lines, size = [], 0
        if lines:
            found.append(self._part(lines))
        return TableRows(str(table.name), column_names(table), rows, found)

    def _part(self, lines: list[bytes]) -> Part:
        whole = b"".join(lines)
        raw = pack(whole)
        part = Part(sha256(raw).hexdigest(), len(raw), len(whole))
        place = part_path(self.folder, part.sha256)
        self.named.add(place.name)
        if not (place.is_file() and place.read_bytes() == raw):
            write_durably(place, raw, beside=".part.new")
            self.parts += 1
            self.size += len(raw)
        return part


def back_up(here: StoreHere, to: Path) -> Taken:
    """After it returns the folder holds one consistent state of the store, durably; the store may work meanwhile.

    Raises:
        BackupBusy, NotABackup, OSError: the backup that was there counts as before.
        SealringError: an image that the store names can't be read.
    """
    for folder in (to, to / ROWS):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(to):
        if (to / MANIFEST).exists():
            read_manifest(to)  # whatever else is called so is not written over
        writer, place = _Writer(to), ImageFolder(to / IMAGES)
        place.create()
        with here.database.reading() as connection:
            entry, root = last_entry(connection).sequence, Held(connection).root_id
            tables = [writer.table(connection, table) for table in kept_tables()]
            found = _copy_images(here, connection, place)
        manifest = Manifest(
            1,
            FORMAT,
            root,
            entry,
            here.clock().replace(microsecond=0),
            found.number,
            found.bytes,
            found.lacking,
            tables,
        )
        write_durably(to / MANIFEST, encode(manifest), beside=".manifest.new")
        for file in (to / ROWS).iterdir():
            if file.name not in writer.named:
                file.unlink()
        return Taken(manifest, writer.parts, found.new, writer.size + found.new_bytes)


@dataclass
class _Copied:
    number: int = 0
    bytes: int = 0
    lacking: int = 0
    new: int = 0
    new_bytes: int = 0


def _copy_images(here: StoreHere, connection: Connection, place: ImageFolder) -> _Copied:
    """Every image that a row names and that is not there by its digest and size."""
    found = _Copied()
    asked = select(blobs.c.sha256, blobs.c.size).order_by(blobs.c.sha256).execution_options(yield_per=500)
    for row in connection.execute(asked):
        if here.settings.mirror is not None and here.images.size(row.sha256) is None:
            found.lacking += 1  # MI-2: a mirror may hold fewer
            continue
        found.number += 1
        found.bytes += row.size
        if place.size(row.sha256) != row.size:
            # An image never changes and is in no hurry to go, so it may be read long after its row.
            place.put(row.sha256, row.size, Pieces(here.images.part(row.sha256, 0, row.size)))
            found.new += 1
            found.new_bytes += row.size
    return found


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupBusy(folder) from None
    finally:
        os.close(handle)

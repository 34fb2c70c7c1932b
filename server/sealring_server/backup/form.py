"""The form of a backup: a folder in which the manifest, written last, names all else by its digest (SPEC BK-1).

    TO/manifest.json         the one file that is replaced; what it does not name is garbage, and never a lie
    TO/rows/<sha256>.gz      some thousand rows of one table, packed
    TO/images/xx/<sha256>    images, by their digest

Each part is bounded, packed and unpacked, before it is read.
"""

import zlib
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from sealring.errors import TrustError
from sealring.names import Count, Instant, Sequence, Sha256Hex
from sealring.strict import decode_strict
from sealring_server.backup.errors import BackupDamaged, NotABackup

MANIFEST: Final = "manifest.json"
ROWS, IMAGES = "rows", "images"
MAX_MANIFEST: Final = 64 * 1024 * 1024  # bytes: 400,000 parts
PART_BYTES: Final = 4 * 1024 * 1024  # of rows, after which the next part begins
MAX_ROW: Final = 16 * 1024 * 1024  # bytes of one row as a line
MAX_PART: Final = PART_BYTES + MAX_ROW
_GZIP: Final = 31  # zlib's word for a gzip head and checksum

TableName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,63}\Z")]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of rows; sizes in bytes as it lies there, and unpacked."""

    sha256: Sha256Hex
    size: Annotated[int, Meta(ge=1, le=2 * MAX_PART)]
    unpacked: Annotated[int, Meta(ge=1, le=MAX_PART)]


class TableRows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table: its columns in the order of a row, how many rows, and where they are."""

    name: TableName
    columns: list[TableName]
    rows: Count
    parts: list[Part]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one backup is.

    Args:
        edition: the format of the database.
        root: id of version 1 of the root.
        entry: the newest catalogue entry.
        lacking: images that a mirror has not got either (MI-2).
    """

    format: Literal[1]
    edition: Annotated[int, Meta(ge=1, le=10**6)]
    root: Sha256Hex
    entry: Sequence
    taken: Instant
    images: Count
    image_bytes: Count
    lacking: Count
    tables: list[TableRows]


_decoder = msgspec.json.Decoder(Manifest)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the backup in this folder.

    Raises:
        NotABackup, BackupDamaged, OSError.
    """
    place = folder / MANIFEST
    if not place.is_file():
        raise NotABackup(folder, "no backup here")
    with place.open("rb") as file:
        raw = file.read(MAX_MANIFEST + 1)
    try:
        return decode_strict(raw, _decoder, limit=MAX_MANIFEST, what="the manifest")
    except TrustError as err:
        raise BackupDamaged(place, str(err)) from None


def pack(lines: bytes) -> bytes:
    """A part's bytes: the same for the same rows."""
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    return packer.compress(lines) + packer.flush()


def part_path(folder: Path, digest: str) -> Path:
    """Where a part lies."""
    return folder / ROWS / f"{digest}.gz"


def read_part(folder: Path, part: Part) -> list[bytes]:
    """The lines of a part, with exactly the digest and sizes that the manifest names.

    Raises:
        BackupDamaged, OSError.
    """
    place = part_path(folder, part.sha256)
    try:
        with place.open("rb") as file:
            raw = file.read(part.size + 1)
    except FileNotFoundError:
        raise BackupDamaged(place, "missing") from None
    if len(raw) != part.size or sha256(raw).hexdigest() != part.sha256:
        raise BackupDamaged(place, f"{len(raw)} bytes that are not those of its name")
    unpacker: Any = zlib.decompressobj(_GZIP)
    try:
        lines = unpacker.decompress(raw, part.unpacked + 1)
    except zlib.error as err:
        raise BackupDamaged(place, str(err)) from None
    if len(lines) != part.unpacked or not unpacker.eof or unpacker.unused_data or not lines.endswith(b"\n"):
        raise BackupDamaged(place, f"{part.unpacked} bytes of whole rows needed")
    return list(lines[:-1].split(b"\n"))

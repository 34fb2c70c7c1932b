"""The images: each row's file has its size and digest; files without a row are told (SPEC PB-2, PB-3)."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, bindparam, select

from sealring.bundle import StatementEntry, read_bundle
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.statement import RevisionStatement, parse_statement
from sealring_server.fsck.report import IMAGE, Report
from sealring_server.images.driver import CHUNK
from sealring_server.images.folder import ImageFolder
from sealring_server.prepared import Prepared
from sealring_server.schema import blobs, publications, uploads

PAGE = 500  # rows in memory

_ROW = Prepared(select(blobs.c.size).where(blobs.c.sha256 == bindparam("digest")))


def check_images(connection: Connection, folder: Path, report: Report, *, quick: bool) -> None:
    """Every image that a row names.

    Args:
        quick: look at sizes only, and at no byte of an image.
    """
    place = ImageFolder(folder)
    for row in connection.execute(select(blobs.c.sha256, blobs.c.size).execution_options(yield_per=PAGE)):
        report.checked["images"] += 1
        path = place.path(row.sha256)
        if not path.is_file():
            report.bad("images", f"image {row.sha256}: its file is missing, {row.size} bytes needed", IMAGE)
            continue
        size = path.stat().st_size
        if size != row.size:
            report.bad("images", f"image {row.sha256}: {size} bytes in its file, {row.size} needed", IMAGE)
        elif not quick and (found := _digest(path)) != row.sha256:
            report.bad("images", f"image {row.sha256}: its file has digest {found}", IMAGE)
    strangers = sum(not _ROW.rows(connection, {"digest": path.name}) for path in _files(folder))
    if strangers:
        report.tell(f"{strangers} files in {folder} that no row names: they are never served, and may be deleted")


def check_publications(connection: Connection, report: Report) -> None:
    """What open publications hold is what was sent, and waits for the images that it names (SPEC PB-2, PB-7)."""
    for row in connection.execute(select(publications).execution_options(yield_per=1)):
        report.checked["open publications"] += 1
        name = f"publication {row.token[:16]}"
        if sha256(row.bundle).hexdigest() != row.digest:
            report.bad("publications", f"{name}: its bundle has another digest than its row says")
            continue
        wanted = dict(_wanted(row.bundle))
        asked = select(uploads.c.sha256, uploads.c.size).where(uploads.c.token == row.token)
        for upload in connection.execute(asked):
            if wanted.get(upload.sha256) != upload.size:
                report.bad("publications", f"{name}: waits for {upload.sha256}, which its statements don't name")


def _wanted(bundle: bytes) -> Iterator[tuple[str, int]]:
    for entry in read_bundle(bundle):
        if isinstance(entry, StatementEntry):
            try:
                said = parse_statement(parse_envelope(entry.envelope).payload)
            except TrustError:
                continue
            if isinstance(said, RevisionStatement):
                yield said.image.sha256, said.image.size


def _digest(path: Path) -> str:
    hasher = sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for number in range(256):
        if (folder / f"{number:02x}").is_dir():
            yield from (folder / f"{number:02x}").iterdir()

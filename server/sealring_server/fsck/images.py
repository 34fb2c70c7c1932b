"""The images: each row's file has its size and digest; files without a row are told (SPEC PB-2, PB-3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, bindparam, select

from sealring.bundle import StatementEntry, read_bundle
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.statement import RevisionStatement, parse_statement
from sealring_server.fsck.report import IMAGE, Report
from sealring_server.images import Images
from sealring_server.images.errors import ImageGone
from sealring_server.prepared import Prepared
from sealring_server.schema import blobs, publications, uploads

PAGE = 500  # rows in memory

_WAITS = Prepared(select(uploads.c.token).where(uploads.c.sha256 == bindparam("digest")))
_ROW = Prepared(select(blobs.c.size).where(blobs.c.sha256 == bindparam("digest")))


@dataclass(frozen=True)
class Place:
    """Where the images of the rows lie.

    Args:
        may_lack: whether some may be missing, as in a mirror (SPEC MI-2).
    """

    images: Images
    may_lack: bool = False


def check_images(connection: Connection, place: Place, report: Report, *, quick: bool) -> None:
    """Every image that a row names.

    Args:
        quick: look at sizes only, and at no byte of an image.
    """
    lacking = 0
    for row in connection.execute(select(blobs.c.sha256, blobs.c.size).execution_options(yield_per=PAGE)):
        report.checked["images"] += 1
        size = place.images.size(row.sha256)
        if size is None and place.may_lack:
            lacking += 1
        elif size is None:
            report.bad("images", f"image {row.sha256}: its bytes are missing, {row.size} needed", IMAGE)
        elif size != row.size:
            report.bad("images", f"image {row.sha256}: {size} bytes of it, {row.size} needed", IMAGE)
        elif not quick and (found := _digest(place.images, row.sha256, size)) != row.sha256:
            report.bad("images", f"image {row.sha256}: its bytes have digest {found}", IMAGE)
    if lacking:
        report.tell(f"{lacking} images that this mirror has not got: they are not there for whoever asks it")
    _tell_of_others(connection, place, report)


def _tell_of_others(connection: Connection, place: Place, report: Report) -> None:
    """What lies there beside the images of the rows: a publisher may have sent it, and not have committed yet."""
    others = [digest for digest in place.images.digests() if not _ROW.rows(connection, {"digest": digest})]
    waiting = sum(bool(_WAITS.rows(connection, {"digest": digest})) for digest in others)
    if waiting:
        report.tell(f"{waiting} images that open publications have sent: leave them, they wait for their commit")
    if len(others) > waiting:
        rest = len(others) - waiting
        report.tell(f"{rest} images that no row names: they are never served; the store collects them after a day")


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


def _digest(images: Images, digest: str, size: int) -> str:
    hasher = sha256()
    try:
        for piece in images.part(digest, 0, size):
            hasher.update(piece)
    except ImageGone as err:
        return str(err)
    return hasher.hexdigest()

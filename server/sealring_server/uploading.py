"""Bytes of an image that an open publication needs, part by part (SPEC PB-2, PB-11)."""

from dataclasses import dataclass
from io import BytesIO

from sqlalchemy import Connection, select, update

from sealring_server.here import StoreHere
from sealring_server.images.driver import Source
from sealring_server.images.errors import OtherBlob, OtherOffset
from sealring_server.schema import uploads
from sealring_server.uploads import Uploads, owner_of


@dataclass(frozen=True)
class Upload:
    """How far an upload is: `offset` of `size` bytes are here, durably."""

    offset: int
    size: int


def upload_state(here: StoreHere, token: str, digest: str) -> Upload:
    """How much of an image is here; all of it only when it is known to have the right digest (SPEC PB-11).

    Raises:
        Gone, OtherBlob: also where all bytes had come, before a crash, and are not the right ones.
    """
    size, is_whole = _wanted(here, token, digest)
    if is_whole:
        return Upload(size, size)
    offset = here.images.received(owner_of(token), digest)
    if offset == size:
        offset = add_to_upload(here, token, digest, offset, BytesIO())
    return Upload(offset, size)


def add_to_upload(here: StoreHere, token: str, digest: str, offset: int, source: Source) -> int:
    """Add to an upload what the source gives; how much is here then, durably (SPEC PB-2, PB-11).

    Args:
        offset: how much is here.

    Raises:
        Gone, OtherOffset, UploadBusy: nothing was read.
        OtherBlob: none of it is kept.
        DiskFull, ImagesUnreachable: what was stored is kept.
    """
    size, is_whole = _wanted(here, token, digest)
    if is_whole:
        if offset != size:
            raise OtherOffset(digest, offset, size)
        return size
    there = here.images.append(owner_of(token), digest, offset, source, size)
    if there == size:
        _note_whole(here, token, digest)
    return there


def _wanted(here: StoreHere, token: str, digest: str) -> tuple[int, bool]:
    """The signed size of an image that this publication may send, and whether it has sent it."""
    with here.database.reading() as connection:
        _check_open(here, connection, token)
        mine = (uploads.c.token == owner_of(token), uploads.c.sha256 == digest)
        row = connection.execute(select(uploads.c.size, uploads.c.received).where(*mine)).one_or_none()
    if row is None:
        raise OtherBlob(digest, "no statement of this publication needs it")
    return int(row.size), bool(row.received)


def _note_whole(here: StoreHere, token: str, digest: str) -> None:
    with here.database.writing() as connection:
        # A publication that ended meanwhile takes its uploads with it.
        _check_open(here, connection, token)
        mine = (uploads.c.token == owner_of(token), uploads.c.sha256 == digest)
        connection.execute(update(uploads).where(*mine).values(received=1))


def _check_open(here: StoreHere, connection: Connection, token: str) -> None:
    Uploads(owner_of(token)).check_open(here, connection)

"""Bytes of an image that an open publication needs, part by part (SPEC PB-2, PB-11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, bindparam, select, update

from sealring_server.group import Ticket
from sealring_server.here import StoreHere
from sealring_server.images.driver import Source
from sealring_server.images.errors import OtherBlob, OtherOffset
from sealring_server.prepared import Prepared
from sealring_server.schema import publications, uploads
from sealring_server.uploads import Gone, Uploads, owner_of

_EXPIRES = Prepared(select(publications.c.expires).where(publications.c.token == bindparam("owner")))
_WANTED = Prepared(
    select(uploads.c.size, uploads.c.received, publications.c.expires)
    .join(publications, publications.c.token == uploads.c.token)
    .where(uploads.c.token == bindparam("owner"), uploads.c.sha256 == bindparam("digest"))
)
_NOTE = Prepared(
    update(uploads)
    .where(uploads.c.token == bindparam("owner"), uploads.c.sha256 == bindparam("digest"))
    .values(received=1)
)


class _Whole(NamedTuple):
    """An image that lies in its final place, for this publication."""

    owner: str
    digest: str


_Waiting: TypeAlias = Ticket[_Whole, None]


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


def signed_size(here: StoreHere, token: str, digest: str) -> int:
    """How long an image is that this publication may send.

    Raises:
        Gone, OtherBlob.
    """
    return _wanted(here, token, digest)[0]


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
    owner = owner_of(token)
    with here.database.reading() as connection:
        rows = _WANTED.rows(connection, {"owner": owner, "digest": digest})
        if not rows:
            Uploads(owner).check_open(here, connection)
            raise OtherBlob(digest, "no statement of this publication needs it")
    ((size, received, expires),) = rows
    if expires <= here.clock().timestamp():
        raise Gone
    return int(size), bool(received)


def _note_whole(here: StoreHere, token: str, digest: str) -> None:
    """That it is here, durably; what becomes whole meanwhile is noted with it, in one transaction."""
    here.notes.share(_Whole(owner_of(token), digest), 1, partial(_note_all, here))


def _note_all(here: StoreHere, tickets: Sequence[_Waiting]) -> None:
    with here.database.writing() as connection:
        now = here.clock().timestamp()
        is_open = {owner: _is_open(connection, owner, now) for owner in {ticket.job.owner for ticket in tickets}}
        _NOTE.run(connection, [ticket.job._asdict() for ticket in tickets if is_open[ticket.job.owner]])
    for ticket in tickets:
        # A publication that ended meanwhile takes its uploads with it.
        if is_open[ticket.job.owner]:
            ticket.answer(None)
        else:
            ticket.fail(Gone())


def _is_open(connection: Connection, owner: str, now: float) -> bool:
    rows = _EXPIRES.rows(connection, {"owner": owner})
    return bool(rows) and rows[0][0] > now

"""A publication: open, upload what is missing, commit; visible all at once or not at all (SPEC PB-1 to PB-7).

Admission is judged twice: when it is opened, so that a stranger can reserve nothing, and again in the one
transaction that makes it visible, because the store may have moved on meanwhile.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from sqlalchemy import Connection, delete, insert, select, update

from sealring.bundle import StatementEntry, read_bundle
from sealring.errors import TrustError
from sealring.moment import Moment
from sealring.statement import RevisionStatement
from sealring_server.admission import NO_TERMS, admit
from sealring_server.blobs import OtherBlob, Source
from sealring_server.commit import make_visible, receipt
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.quota import accounts, check_subjects, make_room
from sealring_server.schema import blobs, publications, speakers, uploads
from sealring_server.terms import Terms
from sealring_server.work import Admitted

MAX_BUNDLE = 4 * 1024 * 1024  # bytes
TOKEN_BYTES = 32


@dataclass(eq=False)
class OnlyStatements(TrustError):
    """A publication begins with statements; images follow one by one (SPEC PB-2)."""

    found: str
    rule: ClassVar[str] = "PB-2"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"publication: {self.found}, one or more statements and nothing else needed"

    def hint(self) -> str:
        return "send a bundle of statements only, then each image that the answer lists"


@dataclass(eq=False)
class Gone(TrustError):
    """No open publication has this token: never opened, committed, or expired (SPEC PB-7)."""

    rule: ClassVar[str] = "PB-7"
    exit_code: ClassVar[int] = 23
    status: ClassVar[int] = 410

    def __str__(self) -> str:
        return "publication: not open under this token"

    def hint(self) -> str:
        return "open it again; what was committed stays published"


@dataclass(eq=False)
class BlobMissing(TrustError):
    """A commit before every image is there (SPEC PB-6)."""

    sha256: str
    size: int
    rule: ClassVar[str] = "PB-6"
    exit_code: ClassVar[int] = 26
    status: ClassVar[int] = 409

    def __str__(self) -> str:
        return f"publication: image {self.sha256[:16]} of {self.size} bytes was not uploaded"

    def hint(self) -> str:
        return "upload it, then commit again"


@dataclass(frozen=True)
class Opened:
    """An open publication: who knows the token may complete it. `missing` is (sha256, size), ascending."""

    token: str
    missing: tuple[tuple[str, int], ...]


def open_publication(here: StoreHere, bundle: bytes, terms: Terms = NO_TERMS) -> Opened:
    """Begin a publication of these statements (SPEC PB-1, PB-2, PB-7).

    Args:
        bundle: statements only, at most 4 MiB.
        terms: what the publisher says beside them; the commit must say the same.

    Raises:
        TrustError, DiskFull: and nothing was opened.
    """
    raws, at = _statements(bundle), here.clock()
    with here.database.writing() as connection:
        _expire(here, connection, int(at.timestamp()))
        admitted = admit(held := Held(connection), raws, Moment(at), terms)
        check_subjects(here.limits, held, admitted)
        missing = _missing(connection, admitted)
        token, digest = secrets.token_hex(TOKEN_BYTES), sha256(bundle).hexdigest()
        charged = accounts(admitted)
        make_room(here.limits, connection, charged, digest, sum(missing.values()))
        here.blobs.check_space(sum(missing.values()))
        expires, owner = int(at.timestamp()) + here.limits.seconds, _owner(token)
        connection.execute(insert(publications).values(token=owner, bundle=bundle, digest=digest, expires=expires))
        _insert(connection, speakers, [{"token": owner, "authority": name} for name in charged])
        rows = [{"token": owner, "sha256": name, "size": size, "received": 0} for name, size in missing.items()]
        _insert(connection, uploads, rows)
    return Opened(token, tuple(sorted(missing.items())))


def expected_size(here: StoreHere, token: str, digest: str) -> int:
    """The signed size of an image that this publication still may send (SPEC PB-2).

    Raises:
        Gone, OtherBlob.
    """
    with here.database.reading() as connection:
        _check_open(here, connection, token)
        return _wanted_size(connection, token, digest)


def put_blob(here: StoreHere, token: str, digest: str, source: Source) -> None:
    """After it returns the image is durable and belongs to this publication (SPEC PB-2).

    Raises:
        Gone, OtherBlob, DiskFull: and nothing of it is kept.
    """
    here.blobs.receive(_owner(token), digest, expected_size(here, token, digest), source)
    with here.database.writing() as connection:
        _check_open(here, connection, token)
        connection.execute(
            update(uploads).where(uploads.c.token == _owner(token), uploads.c.sha256 == digest).values(received=1)
        )


def commit_publication(here: StoreHere, token: str, terms: Terms = NO_TERMS) -> bytes:
    """All of it becomes visible as one new catalogue entry; the receipt is a bundle (SPEC PB-3).

    Raises:
        TrustError: and nothing of it is visible; it stays open.
    """
    owner = _owner(token)
    with here.database.writing() as connection:
        bundle = _check_open(here, connection, token)
        admitted = admit(held := Held(connection), _statements(bundle), Moment(here.clock()), terms)
        check_subjects(here.limits, held, admitted)
        _take_blobs(here, connection, owner, admitted)
        entry = make_visible(here, connection, admitted, here.clock())
        connection.execute(delete(publications).where(publications.c.token == owner))
        answer = receipt(here, connection, entry, admitted)
        owners = _owners(connection)
    here.blobs.collect(owners)
    return answer


def expire(here: StoreHere) -> None:
    """End publications whose time is over, and remove what they had uploaded (SPEC PB-7)."""
    with here.database.writing() as connection:
        _expire(here, connection, int(here.clock().timestamp()))


def _statements(bundle: bytes) -> list[bytes]:
    found = read_bundle(bundle)
    raws = [entry.envelope for entry in found if isinstance(entry, StatementEntry)]
    if not raws or len(raws) != len(found):
        raise OnlyStatements(f"{len(raws)} statements among {len(found)} entries")
    return raws


def _images(admitted: Iterable[Admitted]) -> dict[str, int]:
    """The images that this publication's statements name: digest and signed size."""
    found: dict[str, int] = {}
    for one in admitted:
        if isinstance(one.statement, RevisionStatement):
            image = one.statement.image
            # PB-2: a digest has one size; of two that differ, one is a lie that could never be uploaded.
            if found.setdefault(image.sha256, image.size) != image.size:
                raise OtherBlob(image.sha256, f"named with {image.size} and with {found[image.sha256]} bytes")
    return found


def _missing(connection: Connection, admitted: Iterable[Admitted]) -> dict[str, int]:
    missing = {}
    for digest, size in _images(admitted).items():
        known = connection.scalar(select(blobs.c.size).where(blobs.c.sha256 == digest))
        if known is None:
            missing[digest] = size
        elif known != size:
            raise OtherBlob(digest, f"has {known} bytes, {size} signed")
    return missing


def _take_blobs(here: StoreHere, connection: Connection, owner: str, admitted: list[Admitted]) -> None:
    """PB-3, PB-6: each image lies durably in its final place before the transaction that names it commits."""
    for digest, size in _missing(connection, admitted).items():
        received = connection.scalar(
            select(uploads.c.received).where(uploads.c.token == owner, uploads.c.sha256 == digest)
        )
        if not received:
            raise BlobMissing(digest, size)
        here.blobs.keep(owner, digest)
        connection.execute(insert(blobs).values(sha256=digest, size=size))


def _expire(here: StoreHere, connection: Connection, now: int) -> None:
    connection.execute(delete(publications).where(publications.c.expires <= now))
    here.blobs.collect(_owners(connection))
    here.blobs.collect_temporary(now - here.limits.seconds)


def _check_open(here: StoreHere, connection: Connection, token: str) -> bytes:
    """The bundle of the open publication with this token."""
    row = connection.execute(
        select(publications.c.bundle, publications.c.expires).where(publications.c.token == _owner(token))
    ).one_or_none()
    if row is None or row.expires <= here.clock().timestamp():
        raise Gone
    return bytes(row.bundle)


def _wanted_size(connection: Connection, token: str, digest: str) -> int:
    size = connection.scalar(select(uploads.c.size).where(uploads.c.token == _owner(token), uploads.c.sha256 == digest))
    if size is None:
        raise OtherBlob(digest, "no statement of this publication needs it")
    return int(size)


def _owners(connection: Connection) -> set[str]:
    return set(connection.scalars(select(publications.c.token)))


def _owner(token: str) -> str:
    """The database holds only a token's digest: who reads a copy of it can't complete another's publication."""
    return sha256(token.encode("ascii", "replace")).hexdigest()


def _insert(connection: Connection, table: object, rows: list[dict[str, object]]) -> None:
    if rows:
        connection.execute(insert(table), rows)  # type: ignore[arg-type]

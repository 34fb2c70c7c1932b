"""The images of a publication: which are missing, and their way into place when it is committed (SPEC PB-2, PB-6)."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select

from sealring.errors import TrustError
from sealring.statement import Common, RevisionStatement
from sealring_server.held import AT_ONCE, batched
from sealring_server.here import StoreHere
from sealring_server.images.errors import OtherBlob
from sealring_server.prepared import Prepared, insert_or_ignore
from sealring_server.schema import blobs, image_owners, publications, released, uploads

QUESTIONS_AT_ONCE = 16

# Of each image a row for each authority that uploaded it, one where none did.
_KNOWN = (
    select(blobs.c.sha256, blobs.c.size, released.c.sha256.is_not(None).label("is_released"), image_owners.c.authority)
    .outerjoin(released, released.c.sha256 == blobs.c.sha256)
    .outerjoin(image_owners, image_owners.c.sha256 == blobs.c.sha256)
    .where(blobs.c.sha256.in_(bindparam("digests", expanding=True)))
)
_ADD_IMAGE = Prepared(insert_or_ignore(blobs))
_ADD_OWNER = Prepared(insert_or_ignore(image_owners))


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
class Uploads:
    """What an open publication has uploaded; `owner` is the digest of its token."""

    owner: str

    def check_open(self, here: StoreHere, connection: Connection) -> None:
        """Raise `Gone` unless the publication is open."""
        expires = connection.scalar(select(publications.c.expires).where(publications.c.token == self.owner))
        if expires is None or expires <= here.clock().timestamp():
            raise Gone

    def check_there(self, here: StoreHere) -> None:
        """PB-3: what was received lies in its final place.

        Asked before the lock for which all publishers wait: a bucket's answer takes its time. Until the publication
        ends nothing of it is collected, so that only a hand in the store's own place for images could take it away.

        Raises:
            OtherBlob: it lies there no more.
        """
        with here.database.reading() as connection:
            received = connection.execute(select(uploads.c.sha256, uploads.c.size).where(*self._received())).all()
        if not received:
            return
        # A bucket a few milliseconds away is asked about 10,000 images before a publisher's patience ends.
        with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as several:
            for (digest, size), found in zip(
                received, several.map(here.images.size, [one.sha256 for one in received]), strict=True
            ):
                if found != size:
                    raise OtherBlob(digest, "the upload is gone")

    def take(self, connection: Connection, statements: Iterable[Common], missing: dict[str, int]) -> None:
        """PB-3, PB-6: each image lies durably in its final place before a transaction names it.

        Raises:
            BlobMissing.
        """
        if not missing:
            return
        # A row that says received was written when the image lay in its final place.
        found = set(connection.scalars(select(uploads.c.sha256).where(*self._received())))
        for digest, size in missing.items():
            if digest not in found:
                raise BlobMissing(digest, size)
        _ADD_IMAGE.run(connection, [{"sha256": digest, "size": size} for digest, size in missing.items()])
        owners = sorted((d, name) for d, named in _images(statements).items() for name in named.by if d in missing)
        _ADD_OWNER.run(connection, [{"sha256": digest, "authority": name} for digest, name in owners])

    def _received(self) -> tuple[ColumnElement[bool], ...]:
        return uploads.c.token == self.owner, uploads.c.received == 1

    def close(self, connection: Connection) -> list[str]:
        """The publication is open no more; the images for which it may have left an upload (`drop`)."""
        names = list(connection.scalars(select(uploads.c.sha256).where(uploads.c.token == self.owner)))
        connection.execute(delete(publications).where(publications.c.token == self.owner))
        return names


def owner_of(token: str) -> str:
    """The database holds only a token's digest: who reads a copy of it can't complete another's publication."""
    return sha256(token.encode("ascii", "replace")).hexdigest()


def missing_images(connection: Connection, statements: Iterable[Common]) -> dict[str, int]:
    """Digest and signed size of each image that these name and the store lacks.

    RD-1: it also lacks what is not released and was uploaded for others only. Digests are public before that, and
    whoever names one in a release of his own would be served the image.

    Raises:
        OtherBlob: of an image that the store has, another size was signed.
    """
    images = _images(statements)
    lacking = {digest: set(one.by) for digest, one in images.items()}
    for some in batched(sorted(images), AT_ONCE):
        for digest, size, is_released, owner in connection.execute(_KNOWN, {"digests": some}):
            if images[digest].size != size:
                raise OtherBlob(digest, f"has {size} bytes, {images[digest].size} signed")
            lacking[digest] = set() if is_released else lacking[digest] - {owner}
    return {digest: images[digest].size for digest in images if lacking[digest]}


@dataclass
class _Named:
    """An image as statements name it, and the authorities of these statements."""

    size: int
    by: set[str] = field(default_factory=set)


def _images(statements: Iterable[Common]) -> dict[str, _Named]:
    found: dict[str, _Named] = {}
    for one in statements:
        if isinstance(one, RevisionStatement):
            image = found.setdefault(one.image.sha256, _Named(one.image.size))
            image.by.add(one.authority)
            # PB-2: a digest has one size; of two that differ, one is a lie that could never be uploaded.
            if image.size != one.image.size:
                raise OtherBlob(one.image.sha256, f"named with {one.image.size} and with {image.size} bytes")
    return found

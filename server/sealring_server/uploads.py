"""The images of a publication: which are missing, and their way into place when it is committed (SPEC PB-2, PB-6)."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from sqlalchemy import Connection, bindparam, delete, insert, select

from sealring.errors import TrustError
from sealring.statement import Common, RevisionStatement
from sealring_server.held import AT_ONCE, batched
from sealring_server.here import StoreHere
from sealring_server.images.errors import OtherBlob
from sealring_server.schema import blobs, publications, uploads

_KNOWN = select(blobs.c.sha256, blobs.c.size).where(blobs.c.sha256.in_(bindparam("digests", expanding=True)))


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

    def take(self, here: StoreHere, connection: Connection, missing: dict[str, int]) -> None:
        """PB-3, PB-6: each image lies durably in its final place before a transaction names it.

        Raises:
            BlobMissing, OtherBlob.
        """
        received = select(uploads.c.sha256).where(uploads.c.token == self.owner, uploads.c.received == 1)
        found = set(connection.scalars(received)) if missing else set()
        for digest, size in missing.items():
            if digest not in found:
                raise BlobMissing(digest, size)
            if here.images.size(digest) != size:
                raise OtherBlob(digest, "the upload is gone")
            connection.execute(insert(blobs).values(sha256=digest, size=size))

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

    Raises:
        OtherBlob: of an image that the store has, another size was signed.
    """
    images, known = _images(statements), {}
    for some in batched(sorted(images), AT_ONCE):
        known.update({row.sha256: row.size for row in connection.execute(_KNOWN, {"digests": some})})
    for digest, size in known.items():
        if images[digest] != size:
            raise OtherBlob(digest, f"has {size} bytes, {images[digest]} signed")
    return {digest: size for digest, size in images.items() if digest not in known}


def _images(statements: Iterable[Common]) -> dict[str, int]:
    found: dict[str, int] = {}
    for image in (one.image for one in statements if isinstance(one, RevisionStatement)):
        # PB-2: a digest has one size; of two that differ, one is a lie that could never be uploaded.
        if found.setdefault(image.sha256, image.size) != image.size:
            raise OtherBlob(image.sha256, f"named with {image.size} and with {found[image.sha256]} bytes")
    return found

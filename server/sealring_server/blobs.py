"""Images as files named by their digest, each whole and durable before anything names it (SPEC PB-2, PB-3).

    blobs/incoming/<token's digest>-<sha256>     uploaded, belongs to one open publication
    blobs/<first two digits>/<sha256>            final; served once a row of the database says so

A crash leaves files that no row names: garbage, which `collect` removes, and never a lie.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Protocol

from sealring.errors import SealringError, TrustError

CHUNK = 1024 * 1024  # bytes held at a time
RESERVE = 64 * 1024 * 1024  # bytes left free, so that the database can always commit


class Source(Protocol):
    """Where the bytes of an upload come from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none means the end."""


@dataclass(eq=False)
class OtherBlob(TrustError):
    """Bytes that are not the image that a statement names (SPEC PB-2)."""

    sha256: str
    reason: str
    rule: ClassVar[str] = "PB-2"
    exit_code: ClassVar[int] = 26

    def __str__(self) -> str:
        return f"image {self.sha256[:16]}: {self.reason}"

    def hint(self) -> str:
        return "upload exactly the file whose digest and size the revision states"


@dataclass(eq=False)
class DiskFull(SealringError):
    """No room for what was offered; nothing of it was kept."""

    needed: int
    free: int
    exit_code: ClassVar[int] = 12

    def __str__(self) -> str:
        return f"{self.needed} bytes needed on the store's disk, {self.free} to be had"

    def hint(self) -> str:
        return "the operator must make room; nothing was published, and what was published is unharmed"


class BlobFolder:
    """The folder of a store's images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.incoming = folder / "incoming"

    def create(self) -> None:
        """The empty folder with all of its subfolders, durably: no name has to be made durable later."""
        self.incoming.mkdir(parents=True, exist_ok=True)
        for number in range(256):
            (self.folder / f"{number:02x}").mkdir(exist_ok=True)
        sync_folder(self.folder)

    def path(self, digest: str) -> Path:
        """Where the image with this digest (64 hex digits) lies once it is final."""
        return self.folder / digest[:2] / digest

    def check_space(self, needed: int) -> None:
        """Raise `DiskFull` unless that many bytes fit."""
        free = shutil.disk_usage(self.folder).free
        if needed > free - RESERVE:
            raise DiskFull(needed, max(0, free - RESERVE))

    def receive(self, owner: str, digest: str, size: int, source: Source) -> None:
        """After it returns the upload of `owner` is whole, durable, and has this digest and size (SPEC PB-2).

        open(tmp)  write..  fsync(tmp)  rename(tmp, incoming/owner-digest)  fsync(incoming)

        Raises:
            OtherBlob, DiskFull: and nothing of it is kept.
        """
        with _full_disk_is_said(size), self._temporary() as (handle, name):
            self._copy(handle, digest, size, source)
            os.fsync(handle)
            name.rename(self._incoming(owner, digest))
            sync_folder(self.incoming)

    def keep(self, owner: str, digest: str) -> None:
        """After it returns the upload lies durably in its final place; a file that was there is the same image.

        rename(incoming/owner-digest, xx/digest)  fsync(xx)

        Raises:
            OtherBlob: when the upload is gone.
        """
        final = self.path(digest)
        try:
            self._incoming(owner, digest).rename(final)
        except FileNotFoundError:
            # A crash between this rename and the database's commit: the bytes were hashed before they got here.
            if not final.is_file():
                raise OtherBlob(digest, "the upload is gone") from None
        sync_folder(final.parent)

    def drop(self, owner: str, digests: Iterable[str]) -> None:
        """Remove what is left of the uploads of these images by `owner`."""
        for digest in digests:
            self._incoming(owner, digest).unlink(missing_ok=True)

    def collect(self, owners: Collection[str]) -> int:
        """Remove uploads that belong to none of these open publications; the number removed."""
        gone = 0
        for file in self.incoming.iterdir():
            owner, _, digest = file.name.partition("-")
            if digest and owner not in owners:
                file.unlink(missing_ok=True)
                gone += 1
        return gone

    def collect_temporary(self, before: float) -> None:
        """Remove uploads that broke off: nobody has written to them since the instant `before` (POSIX seconds)."""
        for file in self.incoming.glob("tmp*"):
            with suppress(FileNotFoundError):  # another worker may have ended it just now
                if file.stat().st_mtime < before:
                    file.unlink()

    def _incoming(self, owner: str, digest: str) -> Path:
        return self.incoming / f"{owner}-{digest}"

    @contextmanager
    def _temporary(self) -> Iterator[tuple[int, Path]]:
        handle, name = tempfile.mkstemp(dir=self.incoming, prefix="tmp")
        try:
            os.fchmod(handle, 0o644)
            yield handle, Path(name)
        finally:
            os.close(handle)
            Path(name).unlink(missing_ok=True)

    def _copy(self, handle: int, digest: str, size: int, source: Source) -> None:
        hasher, left = sha256(), size
        while left:
            chunk = source.read(min(CHUNK, left))
            if not chunk:
                raise OtherBlob(digest, f"{size - left} bytes came, {size} signed")
            hasher.update(chunk)
            left -= len(chunk)
            _write_all(handle, chunk)
        if hasher.hexdigest() != digest:
            raise OtherBlob(digest, f"the bytes that came have digest {hasher.hexdigest()[:16]}")


def sync_folder(folder: Path) -> None:
    """After it returns the names in this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


@contextmanager
def _full_disk_is_said(size: int) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        if err.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(size, 0) from None

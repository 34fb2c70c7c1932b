"""Images as files named by their digest, each whole and durable before anything names it (SPEC PB-2, PB-3, PB-11).

    blobs/incoming/<token's digest>-<sha256>     uploaded so far, belongs to one open publication
    blobs/<first two digits>/<sha256>            final; served once rows of the database say so

An upload is locked by whoever writes to it (flock, which ends with its process). One that is whole and has the
right digest gets its final name as a second link, and keeps the first until its publication ends.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sealring_server.disk import DiskFull, full_disk_is_said, sync_folder, write_all
from sealring_server.images.driver import CHUNK, Source
from sealring_server.images.errors import ImageGone, ImagesUnreachable, OtherBlob, OtherOffset, UploadBusy

if TYPE_CHECKING:
    from hashlib import _Hash

RESERVE = 64 * 1024 * 1024  # bytes left free, so that the database can always commit


class ImageFolder:
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

    def check(self) -> None:
        """See `Images`."""
        if not os.access(self.incoming, os.R_OK | os.W_OK | os.X_OK):
            raise ImagesUnreachable(str(self.folder), "not there, or not for this user to write")

    def path(self, digest: str) -> Path:
        """Where the image with this digest (64 hex digits) lies once it is final."""
        return self.folder / digest[:2] / digest

    def check_space(self, needed: int) -> None:
        """See `Images`."""
        free = shutil.disk_usage(self.folder).free
        if needed > free - RESERVE:
            raise DiskFull(needed, max(0, free - RESERVE))

    def received(self, owner: str, digest: str) -> int:
        """See `Images`: what a writer that was killed had written is made durable, with its name, before it counts."""
        try:
            handle = os.open(self._incoming(owner, digest), os.O_RDONLY)
        except FileNotFoundError:
            return 0
        try:
            size = os.fstat(handle).st_size
            os.fsync(handle)
            sync_folder(self.incoming)
            return size
        finally:
            os.close(handle)

    def append(self, owner: str, digest: str, offset: int, source: Source, size: int) -> int:
        """See `Images`.

        open(incoming/owner-digest)  flock  write..  fsync  link(xx/digest)  fsync(xx)

        Only a part needs its name there after a power cut, and `fsync(incoming)`: the whole has its final one.
        """
        name = self._incoming(owner, digest)
        with full_disk_is_said(size - offset), self._locked(name, digest) as handle:
            there = os.lseek(handle, 0, os.SEEK_END)
            if offset != there:
                raise OtherOffset(digest, offset, there)
            hasher = sha256() if offset == 0 else None
            try:
                there = _copy(handle, there, size, source, hasher)
            finally:
                os.fsync(handle)
                if offset == 0 and there < size:
                    sync_folder(self.incoming)
            if there == size:
                self._settle(name, digest, (hasher or _read_back(handle)).hexdigest())
        return there

    def drop(self, owner: str, digests: Iterable[str]) -> None:
        """See `Images`."""
        for digest in digests:
            self._incoming(owner, digest).unlink(missing_ok=True)

    def collect(self, owners: Callable[[], Collection[str]], before: float) -> int:
        """See `Images`."""
        files = [file for file in self.incoming.iterdir() if "-" in file.name]
        known = owners() if files else ()
        gone = [file for file in files if file.name.partition("-")[0] not in known]
        for file in gone:
            file.unlink(missing_ok=True)
        for file in self.incoming.glob("tmp*"):
            with suppress(FileNotFoundError):  # another process may have ended it just now
                if file.stat().st_mtime < before:
                    file.unlink()
        return len(gone)

    def size(self, digest: str) -> int | None:
        """See `Images`."""
        path = self.path(digest)
        return path.stat().st_size if path.is_file() else None

    def part(self, digest: str, start: int, end: int) -> Iterator[bytes]:
        """See `Images`."""
        path = self.path(digest)
        if not path.is_file():
            raise ImageGone(digest)
        return _pieces(path, start, end)

    def digests(self, before: float | None = None) -> Iterator[str]:
        """See `Images`."""
        for number in range(256):
            with suppress(FileNotFoundError):
                for file in (self.folder / f"{number:02x}").iterdir():
                    if before is None or file.stat().st_mtime < before:
                        yield file.name

    def put(self, digest: str, size: int, source: Source) -> None:
        """See `Images`.

        open(tmp)  write..  fsync(tmp)  rename(tmp, xx/digest)  fsync(xx)
        """
        final, hasher = self.path(digest), sha256()
        with full_disk_is_said(size), self._temporary() as (handle, name):
            there = _copy(handle, 0, size, source, hasher)
            if there < size:
                raise OtherBlob(digest, f"{there} bytes came, {size} signed")
            _check_digest(digest, hasher.hexdigest())
            os.fsync(handle)
            name.rename(final)
            sync_folder(final.parent)

    def remove(self, digest: str) -> None:
        """See `Images`."""
        self.path(digest).unlink(missing_ok=True)

    def _incoming(self, owner: str, digest: str) -> Path:
        return self.incoming / f"{owner}-{digest}"

    @contextmanager
    def _locked(self, name: Path, digest: str) -> Iterator[int]:
        """The file of an upload, opened by nobody else for as long."""
        while True:
            handle = os.open(name, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _lock(handle, digest)
                # Whoever held the lock before may have removed the file that this name meant.
                if os.fstat(handle).st_nlink:
                    yield handle
                    return
            finally:
                os.close(handle)

    def _settle(self, name: Path, digest: str, found: str) -> None:
        try:
            _check_digest(digest, found)
        except OtherBlob:
            name.unlink(missing_ok=True)
            raise
        final = self.path(digest)
        with suppress(FileExistsError):  # another publication's upload of the same bytes
            os.link(name, final)
        sync_folder(final.parent)

    @contextmanager
    def _temporary(self) -> Iterator[tuple[int, Path]]:
        handle, name = tempfile.mkstemp(dir=self.incoming, prefix="tmp")
        try:
            os.fchmod(handle, 0o644)
            yield handle, Path(name)
        finally:
            os.close(handle)
            Path(name).unlink(missing_ok=True)


def _lock(handle: int, digest: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UploadBusy(digest, os.fstat(handle).st_size) from None


def _copy(handle: int, there: int, size: int, source: Source, hasher: "_Hash | None") -> int:
    while there < size and (chunk := source.read(min(CHUNK, size - there))):
        write_all(handle, chunk)
        there += len(chunk)
        if hasher is not None:
            hasher.update(chunk)
    return there


def _read_back(handle: int) -> "_Hash":
    hasher = sha256()
    os.lseek(handle, 0, os.SEEK_SET)
    while chunk := os.read(handle, CHUNK):
        hasher.update(chunk)
    return hasher


def _check_digest(digest: str, found: str) -> None:
    if found != digest:
        raise OtherBlob(digest, f"the bytes that came have digest {found[:16]}")


def _pieces(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while start < end and (piece := file.read(min(CHUNK, end - start))):
            start += len(piece)
            yield piece

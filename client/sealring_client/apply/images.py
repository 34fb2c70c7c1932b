"""The applier: untrusted bytes become an image only under the digest and size that a brand signed.

The only module that opens image paths for writing. An image is `images/<sha256>`; what has arrived of one
so far is `images/<sha256>.part`, which has no standing: all of it is hashed, whichever process wrote it.

open(part)  fallocate(part, size)  write...  fsync(part)  rename(part, <sha256>)  fsync(images)
"""

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.errors import TrustError
from sealring_client.apply.following_hash import FollowingHash
from sealring_client.disk import (
    NoSpace,
    check_space,
    disk_errors,
    free_bytes,
    make_folder_durably,
    remove_durably,
    rename_durably,
)

_BUFFER = 1024 * 1024  # bytes; one buffer however large the image is
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE: reserves blocks while the file's length still tells what has arrived


@dataclass(eq=False)
class TooLong(TrustError):
    """More bytes came than the brand signed; writing them would let a store fill the disk (SPEC IM-1)."""

    digest: str
    size: int
    exit_code: ClassVar[int] = 26
    rule: ClassVar[str] = "IM-1"

    def __str__(self) -> str:
        return f"image {self.digest}: more than the signed {self.size} bytes were sent"

    def hint(self) -> str:
        return "the store sends another file under this name; the other stores are asked, tell this store's operator"


@dataclass(eq=False)
class WrongDigest(TrustError):
    """The bytes are not the ones that the brand signed (SPEC IM-2)."""

    expected: str
    found: str
    size: int
    found_size: int
    exit_code: ClassVar[int] = 26
    rule: ClassVar[str] = "IM-2"

    def __str__(self) -> str:
        return (
            f"image: sha256 {self.found} in {self.found_size} bytes, "
            f"signed are sha256 {self.expected} in {self.size} bytes"
        )

    def hint(self) -> str:
        return "what was downloaded is deleted and nothing has changed; try again or from another store"


@dataclass(eq=False)
class ChangedOnDisk(TrustError):
    """An image that was right when it was stored is not so any more; it is not mounted (SPEC IM-3)."""

    path: Path
    expected: str
    found: str
    exit_code: ClassVar[int] = 26
    rule: ClassVar[str] = "IM-3"

    def __str__(self) -> str:
        return f"{self.path}: sha256 {self.found} on the disk, {self.expected} needed"

    def hint(self) -> str:
        return "delete the file and run `sealring-device refresh`; if it happens again, the disk is failing"


class Incoming:
    """One image on its way in. Only `finish` gives it its name; leaving the `with` block keeps the part."""

    def __init__(self, folder: Path, digest: str, size: int) -> None:
        self.digest, self.size = digest, size
        self._part, self._final = folder / f"{digest}.part", folder / digest
        with disk_errors(self._part):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self._part, flags, 0o600)
        try:
            self._held = self._take_up()
        except BaseException:
            os.close(self._file)
            raise
        # IM-2: what an earlier process left is hashed like everything else, from the file's first byte.
        self._hash = FollowingHash(self._file, self._held)

    @property
    def held(self) -> int:
        """Bytes in the part file; whether they are the right ones is known at `finish`."""
        return self._held

    def restart(self) -> None:
        """Forget what is held: the server answered from byte 0 on."""
        self._hash.end()
        with disk_errors(self._part):
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            _reserve(self._part, self._file, self.size)
        self._hash, self._held = FollowingHash(self._file), 0

    def write(self, chunk: bytes | memoryview) -> None:
        """Write the next bytes; their hashing follows in a thread of its own.

        Raises:
            TooLong: they go beyond the signed size; none of this chunk was written.
        """
        rest = memoryview(chunk)
        # IM-1: asked before the write, so that an endless answer never takes a byte more than was signed.
        if self._held + len(rest) > self.size:
            raise TooLong(self.digest, self.size)
        with disk_errors(self._part):
            while rest:
                count = os.write(self._file, rest)
                self._held += count
                rest = rest[count:]
        self._hash.grew(self._held)

    def finish(self) -> Path:
        """Give the image its name, durably, if size and digest are the signed ones.

        Raises:
            WrongDigest: they are not, and the part is deleted: none of it can be trusted to resume from.
        """
        with disk_errors(self._part):
            found = self._hash.hexdigest()
        # IM-2: the name is the digest, so it is given only to these bytes.
        if self._held != self.size or found != self.digest:
            self.abandon()
            remove_durably(self._part)
            raise WrongDigest(self.digest, found, self.size, self._held)
        with disk_errors(self._part):
            os.fchmod(self._file, 0o444)
            os.fsync(self._file)
        self.abandon()
        rename_durably(self._part, self._final)
        return self._final

    def abandon(self) -> None:
        """Close, and keep the part for a later resume. Calling it twice is fine."""
        self._hash.end()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def _take_up(self) -> int:
        with disk_errors(self._part):
            if os.fstat(self._file).st_size > self.size:
                os.ftruncate(self._file, 0)
            _reserve(self._part, self._file, self.size)
            return os.lseek(self._file, 0, os.SEEK_END)


class ImageStore:
    """The folder of images, each named by its SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where the image is, or would be.

        Raises:
            ValueError: not 64 lower-case hexadecimal digits, and so perhaps a path out of the folder.
        """
        if not _DIGEST.fullmatch(digest):
            raise ValueError("an image is named by 64 lower-case hexadecimal digits")
        return self.folder / digest

    def have(self, digest: str, size: int) -> bool:
        """Tell whether the file is there with the right length. The digest is judged at mount (SPEC IM-3)."""
        try:
            found = self.path(digest).lstat()
        except OSError:
            return False
        return found.st_mode & 0o170000 == 0o100000 and found.st_size == size

    def begin(self, digest: str, size: int) -> Incoming:
        """Reserve the room for an image and open its part.

        Args:
            digest: SHA-256 from a verified revision, lower-case hex.
            size: bytes, from the same revision.

        Raises:
            NoSpace: it does not fit with 8 MiB to spare; nothing was downloaded.
        """
        final = self.path(digest)
        make_folder_durably(self.folder)
        return Incoming(final.parent, digest, size)

    def verify_whole(self, digest: str) -> None:
        """Hash the stored file again.

        Raises:
            ChangedOnDisk: its bytes are not the ones that its name says.
            DiskError: it can't be read.
        """
        path = self.path(digest)
        with disk_errors(path):
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            check_open_image(file, digest, path)
        finally:
            os.close(file)

    def remove(self, digest: str) -> None:
        """Delete an image and its part; that they are not there is fine."""
        path = self.path(digest)
        remove_durably(path)
        remove_durably(path.with_name(f"{digest}.part"))

    def digests(self) -> Iterator[str]:
        """Digests of which an image or a part is stored, each once."""
        with suppress(FileNotFoundError):
            names = {name.removesuffix(".part") for name in os.listdir(self.folder)}
            yield from sorted(name for name in names if _DIGEST.fullmatch(name))


def check_open_image(file: int, digest: str, path: Path) -> None:
    """Hash all of an open file and raise `ChangedOnDisk` unless it is `digest` (SPEC IM-3).

    Args:
        file: a descriptor; the caller goes on to use this one and no path, so that nobody can swap the
            file between the check and the use.
        path: for the message only.
    """
    with disk_errors(path):
        os.lseek(file, 0, os.SEEK_SET)
        found = _hash_from(file).hexdigest()
    if found != digest:
        raise ChangedOnDisk(path, digest, found)


def _hash_from(file: int) -> "hashlib._Hash":
    """Hash from the file's position to its end, and leave the position there."""
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_BUFFER))
    with open(file, "rb", buffering=0, closefd=False) as source:
        while count := source.readinto(buffer):
            digest.update(buffer[:count])
    return digest


def _reserve(path: Path, file: int, size: int) -> None:
    """Take the blocks for `size` bytes now, so that a full disk is found before the first byte."""
    check_space(path.parent, size - os.fstat(file).st_blocks * 512)
    if size == 0:
        return
    # Imported here: only a download needs it. The standard library's posix_fallocate would change the
    # file's length, and writes zeros where the file system cannot reserve.
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate64(file, _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size)) == 0:
        return
    failed = ctypes.get_errno()
    if failed in (errno.ENOSPC, errno.EDQUOT):
        raise NoSpace(path.parent, size, free_bytes(path.parent))
    if failed not in (errno.EOPNOTSUPP, errno.ENOSYS):  # such file systems have the check above alone
        raise OSError(failed, os.strerror(failed))

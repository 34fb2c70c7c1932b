"""Writes a bundle: durable, whole or not at all, with at most 1 MiB of an image in memory (SPEC BN-1, DK-1)."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sealring.bundle import Entry, ImageEntry, bundle_chunks, in_order
from sealring.durable import open_folder
from sealring_server.bundle.gather import Gathered, small_entries
from sealring_server.bundle.source import Source
from sealring_server.bundle.told import OtherImage


class _Checked:
    """The bytes of an image while they are written: in the end they have exactly this digest and size (IM-2)."""

    def __init__(self, digest: str, size: int, pieces: Iterator[bytes]) -> None:
        self._digest, self._left, self._pieces = digest, size, pieces
        self._hasher, self._held = sha256(), b""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; the last ones only when all of them are right."""
        if not self._held:
            self._held = next(self._pieces, b"")
            if not self._held:
                raise OtherImage(self._digest, f"ends {self._left} bytes too soon")
            self._hasher.update(self._held)
            self._left -= len(self._held)
            if self._left <= 0 and (self._left or self._hasher.hexdigest() != self._digest):
                raise OtherImage(self._digest, f"other bytes, with digest {self._hasher.hexdigest()}")
        found, self._held = self._held[:size], self._held[size:]
        return found


def entries_of(found: Gathered, sources: dict[str, Source]) -> Iterator[Entry]:
    """Every entry of the bundle in its order.

    Args:
        sources: where each image comes from, by its digest; none for a bundle without images.
    """
    yield from in_order(small_entries(found))
    for digest in sorted(sources):
        size = found.images[digest]
        image = _Checked(digest, size, sources[digest].image(digest, size))
        yield ImageEntry(bytes.fromhex(digest), size, image)


def write_file(path: Path, entries: Iterator[Entry]) -> tuple[int, str]:
    """After it returns the file is there, whole and durable; its size and digest. What stood there before stays else.

    open(dir)  open(tmp)  write..  fsync(tmp)  rename(tmp, path)  fsync(dir)

    Raises:
        TrustError, Unreachable, OSError: and nothing is left.
    """
    hasher, size, tmp = sha256(), 0, f".{path.name}.{os.urandom(8).hex()}.tmp"
    with open_folder(path.parent) as folder:
        handle = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in bundle_chunks(entries):
                    file.write(chunk)
                    hasher.update(chunk)
                    size += len(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.rename(tmp, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(tmp, dir_fd=folder)
            raise
        os.fsync(folder)
    return size, hasher.hexdigest()

"""What a place for images does, whether it is a folder or a bucket (SPEC PB-2, PB-3, PB-11).

Incoming bytes belong to one open publication (`owner`, the digest of its token) and one image. They are durable as
soon as `append` returned or failed, and with the last one they are hashed as a whole. Only then do they get their
final place, which is named by the digest; it is served once rows of the database say so. A crash leaves bytes that
no row names: garbage, which is collected, and never a lie.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

CHUNK = 1024 * 1024  # bytes held at a time


class Source(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none means the end."""


class Images(Protocol):
    """Where the images of a store lie. Digests are 64 hex digits; all of it works from any process at any time."""

    def create(self) -> None:
        """Make the empty place, durably."""

    def check(self) -> None:
        """Raise `ImagesUnreachable` unless it can be reached and read."""

    def check_space(self, needed: int) -> None:
        """Raise `DiskFull` unless that many bytes fit."""

    def received(self, owner: str, digest: str) -> int:
        """How many bytes of this upload are here, durably."""

    def append(self, owner: str, digest: str, offset: int, source: Source, size: int) -> int:
        """Add to an upload what `source` gives; how much of it is here then, durably.

        With the last byte all of it is hashed, and the image lies durably in its final place. What came before the
        source ended, or raised, is kept. Of two that add to one upload at a time, the bytes are never mixed.

        Args:
            offset: how much is here; the bytes go behind that.
            size: of the whole; no byte beyond it is asked for.

        Raises:
            OtherOffset, UploadBusy: nothing was read.
            OtherBlob: these are not the bytes of this image, and none of them is kept.
            DiskFull, ImagesUnreachable: what was stored before is kept.
        """

    def drop(self, owner: str, digests: Iterable[str]) -> None:
        """Remove the incoming bytes of these uploads; what has its final place stays."""

    def collect(self, owners: Callable[[], Collection[str]], before: float) -> int:
        """Remove incoming bytes that belong to no open publication; the number of uploads removed.

        Args:
            owners: says which are open; asked after what came in was listed, so that none is too new to be known.
            before: what nobody has written to since this instant (POSIX seconds) may be a broken-off `put`.
        """

    def size(self, digest: str) -> int | None:
        """How long the image in its final place is, or None."""

    def part(self, digest: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to `end` in pieces of a few MiB at most.

        Raises:
            ImageGone, ImagesUnreachable: at once where that is known; the later pieces can be missing too.
        """

    def digests(self, before: float | None = None) -> Iterator[str]:
        """Whatever lies in a final place, whether a row names it or not.

        Args:
            before: only what was there before this instant (POSIX seconds).
        """

    def put(self, digest: str, size: int, source: Source) -> None:
        """Take a whole image that is no upload, as a mirror or a restored backup does; durable when it returns.

        Raises:
            OtherBlob, DiskFull, ImagesUnreachable: and nothing of it is kept.
        """

    def remove(self, digest: str) -> None:
        """Remove an image from its final place, if it is there."""

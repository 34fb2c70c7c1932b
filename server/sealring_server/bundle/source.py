"""Where a bundle's parts come from: a store, by its folder or its address. Nothing of it is trusted (SPEC BN-3)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, select

from sealring_server.catalogue import NoSuchThing, prove
from sealring_server.held import Held
from sealring_server.here import StoreHere, open_store
from sealring_server.schema import blobs, entries, halts
from sealring_server.tuf_repo import metadata_bytes
from sealring_server.views import view_bytes

PAGE = 500  # rows in memory


class Source(Protocol):
    """One store's public answers, each whole; None where it has no such thing."""

    name: str
    """For people: the folder or the address."""

    def root(self, version: int) -> bytes | None:
        """One version of the root."""

    def brand(self, brand: str, sequence: int) -> bytes | None:
        """One version of a brand."""

    def head(self, kind: str, subject: str) -> bytes | None:
        """The current statement of a subject, in the highest format that this edition knows."""

    def governing(self, authority: str) -> Sequence[bytes]:
        """What an authority delegates and revokes now."""

    def statement(self, digest: str) -> bytes | None:
        """An envelope by its digest."""

    def view(self, digest: str) -> bytes | None:
        """A view by its digest."""

    def halt(self, digest: str) -> bytes | None:
        """A halt by its digest."""

    def proof(self, root: bytes, keys: Sequence[bytes]) -> bytes | None:
        """The joint proof for these keys, ascending, under the map with this root."""

    def tuf(self, name: str) -> bytes | None:
        """A TUF file by its name below `/tuf/`."""

    def entries(self, until: int) -> Iterator[bytes]:
        """The catalogue's entries from the first to this number."""

    def image_size(self, digest: str) -> int | None:
        """The size of an image that can be had here."""

    def image(self, digest: str, size: int) -> Iterator[bytes]:
        """The bytes of an image, piece by piece; at most `size` of them."""


class FolderSource:
    """A store or mirror by its folder, in one committed state."""

    def __init__(self, here: StoreHere, connection: Connection) -> None:
        self.name = str(here.folder)
        self._here, self._connection, self._held = here, connection, Held(connection)

    def root(self, version: int) -> bytes | None:
        """One version of the root."""
        return self._held.version("root", str(version), version)

    def brand(self, brand: str, sequence: int) -> bytes | None:
        """One version of a brand."""
        return self._held.version("brand", brand, sequence)

    def head(self, kind: str, subject: str) -> bytes | None:
        """The current statement of a subject."""
        return self._held.current(kind, subject)

    def governing(self, authority: str) -> Sequence[bytes]:
        """What an authority delegates and revokes now."""
        return self._held.governing(authority)

    def statement(self, digest: str) -> bytes | None:
        """An envelope by its digest."""
        return self._held.envelope(digest)

    def view(self, digest: str) -> bytes | None:
        """A view by its digest."""
        return view_bytes(self._connection, digest)

    def halt(self, digest: str) -> bytes | None:
        """A halt by its digest."""
        return self._connection.scalar(select(halts.c.raw).where(halts.c.digest == digest))

    def proof(self, root: bytes, keys: Sequence[bytes]) -> bytes | None:
        """A joint proof."""
        try:
            return prove(self._connection, self._here.tiles, root, keys)
        except NoSuchThing:
            return None

    def tuf(self, name: str) -> bytes | None:
        """A TUF file by its name."""
        if name == "timestamp.json":
            return metadata_bytes(self._connection, "timestamp")
        if name.startswith("targets/"):
            digest = name.removeprefix("targets/").partition(".")[0]
            return self._connection.scalar(select(entries.c.raw).where(entries.c.digest == digest))
        version, _, role = name.removesuffix(".json").partition(".")
        return metadata_bytes(self._connection, role, int(version))

    def entries(self, until: int) -> Iterator[bytes]:
        """The entries up to this number."""
        asked = select(entries.c.raw).where(entries.c.sequence <= until).order_by(entries.c.sequence)
        yield from self._connection.scalars(asked.execution_options(yield_per=PAGE))

    def image_size(self, digest: str) -> int | None:
        """The size of an image that is here: its row may be there without its file, in a mirror."""
        size = self._connection.scalar(select(blobs.c.size).where(blobs.c.sha256 == digest))
        return size if size is not None and self._here.images.size(digest) == size else None

    def image(self, digest: str, size: int) -> Iterator[bytes]:
        """The bytes of an image."""
        return self._here.images.part(digest, 0, size)


@contextmanager
def folder_source(folder: Path, clock: Callable[..., object]) -> Iterator[FolderSource]:
    """The store in this folder, as it is now; it may be served and published to meanwhile.

    Raises:
        NotAStore.
    """
    here = open_store(folder, clock)  # type: ignore[arg-type]
    try:
        with here.database.reading() as connection:
            yield FolderSource(here, connection)
    finally:
        here.database.close()

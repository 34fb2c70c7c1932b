"""Bundles that a person hands to the device, read as stores are, with no network at all (SPEC BN-6, BN-7).

What is small is read once, and refused as a whole where the file is not a whole bundle; images stay in the file and
are read from there while they are hashed. Nothing in a bundle is trusted for having been brought by hand (BN-3).
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from sealring.bundle import Entry, ImageEntry, open_entries
from sealring.errors import SealringError
from sealring_client.decide.answer import AnswerSource
from sealring_client.disk import DiskError, disk_errors
from sealring_client.fetch.errors import NoAnswer, NotThere, PartOnly
from sealring_client.fetch.fetcher import Answer, Stream
from sealring_client.fetch.link import StoreLink
from sealring_client.outside import Fetches

MAX_IMAGE = 2**40  # bytes: the longest that a revision can sign
_PIECE = 256 * 1024  # bytes of an image in memory
_NOTHING = bytes(1024 * 1024)


@dataclass(eq=False)
class NothingForThis(SealringError):
    """No bundle that was handed over has what a store of this device's model shows (SPEC BN-6)."""

    model: str
    files: tuple[str, ...]
    rule: ClassVar[str] = "BN-6"
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{', '.join(self.files)}: nothing for {self.model} that a store of its model shows"

    def hint(self) -> str:
        return f"ask for a bundle that was made for {self.model}; the stores' lines say what is missing"


class StickFile:
    """One bundle on a disk: its entries without images, and where the images begin; open until `close`."""

    def __init__(self, path: Path) -> None:
        """Read all of it but the images.

        Raises:
            TrustError: it is no whole bundle, and none of it counts.
            DiskError: it can't be read, or is no plain file.
        """
        self.path = path
        self.entries: list[Entry] = []
        self.images: dict[str, tuple[int, int]] = {}
        with disk_errors(path):
            # Without O_NONBLOCK a named pipe would keep the device waiting for whoever may write to it.
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(self._file)
            if not stat.S_ISREG(found.st_mode):
                raise DiskError(path, "not a plain file")
            with disk_errors(path):
                self._index(_Skipping(self._file, found.st_size))
        except BaseException:
            self.close()
            raise

    def pieces(self, at: int, size: int, digest: str) -> Iterator[memoryview]:
        """`size` bytes from this place on, one buffer's worth at a time.

        Raises:
            NoAnswer, PartOnly: the stick was pulled out, or the file has changed meanwhile.
        """
        buffer, done = memoryview(bytearray(min(_PIECE, max(size, 1)))), 0
        while done < size:
            try:
                count = os.preadv(self._file, [buffer[: min(_PIECE, size - done)]], at + done)
            except OSError as err:
                raise NoAnswer(str(self.path), digest, (err.strerror or str(err)).lower()) from err
            if not count:
                raise PartOnly(str(self.path), digest, done, size)
            done += count
            yield buffer[:count]

    def close(self) -> None:
        """Let go of the file. Calling it twice is fine."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _index(self, stream: "_Skipping") -> None:
        for entry in open_entries(stream, image_limit=MAX_IMAGE):
            if isinstance(entry, ImageEntry):
                self.images[entry.digest.hex()] = (stream.at, entry.size)
                stream.skip(entry.size)
            else:
                self.entries.append(entry)


@dataclass
class Sticks:
    """All bundles of one command. They are not mixed: what one store shows comes from one file, or from another."""

    files: Sequence[StickFile]
    _sources: dict[str, list[AnswerSource]] = field(default_factory=dict)

    @classmethod
    def open(cls, paths: Sequence[Path]) -> "Sticks":
        """Open and read them all.

        Raises:
            TrustError, DiskError: of the first that is of no use; nothing has been done by any.
        """
        files: list[StickFile] = []
        try:
            for path in paths:
                files.append(StickFile(path))
        except BaseException:
            for one in files:
                one.close()
            raise
        return cls(files)

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names, for people."""
        return tuple(str(one.path) for one in self.files)

    def sources(self, store: str) -> list[AnswerSource]:
        """What each file has of this store; the one that claims the newest timestamp first."""
        if store not in self._sources:
            found = [AnswerSource.of_stick(store, one.entries) for one in self.files]
            self._sources[store] = sorted(found, key=lambda one: -_claimed(one))
        return self._sources[store]

    def close(self) -> None:
        """Let go of the files. Calling it twice is fine."""
        for one in self.files:
            one.close()


class StickLink(StoreLink):
    """One store by the bundles at hand. It has no address, asks nobody, and costs no request."""

    def __init__(self, name: str, urls: list[str], sticks: Sticks) -> None:
        super().__init__(name, urls, _nobody)
        self._sticks = sticks

    @property
    def sources(self) -> list[AnswerSource]:
        """The store's files, of each bundle by itself."""
        return self._sticks.sources(self.name)

    @property
    def answering(self) -> str | None:
        """None: a bundle is no address at which a store has proved itself (SR-4)."""
        return None

    @property
    def address(self) -> str | None:
        """None, as above."""
        return None

    def pass_over(self) -> bool:
        """False: each bundle is looked at anyway."""
        return False

    def elsewhere(self) -> Iterator[StoreLink]:
        """Nowhere."""
        return iter(())

    def fetch(self, path: str, *, limit: int) -> bytes:
        """One file from the first bundle that has it."""
        for source in self.sources:
            try:
                return source.fetch(path, limit=limit)
            except NotThere:
                continue
        raise NotThere(", ".join(self._sticks.names), path, 404)

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> Answer:
        """As `fetch`: a file has no tag."""
        del etag
        return Answer(self.fetch(path, limit=limit), None)

    def fetch_answer(self, path: str, *, limit: int) -> bytes:
        """NotThere: a bundle answers no question."""
        del limit
        raise NotThere(", ".join(self._sticks.names), path, 404)

    def stream(self, path: str, *, offset: int, size: int, rate: int | None = None) -> Stream:
        """An image as the file has it, however long that is: its signed size and digest are judged where it is kept."""
        del size, rate
        digest = path.removeprefix("v1/blobs/")
        for one in self._sticks.files:
            if digest in one.images:
                at, found = one.images[digest]
                start = offset if offset <= found else 0
                return Stream(start, one.pieces(at + start, found - start, digest))
        raise NotThere(", ".join(self._sticks.names), path, 404)


class _Skipping:
    """Reads a file from its beginning; what is to be skipped counts as there, and only its place is looked at."""

    def __init__(self, file: int, size: int) -> None:
        self._file, self._size = file, size
        self._hole = 0
        self.at = 0

    def skip(self, size: int) -> None:
        """The next `size` bytes are not looked at; where the file ends before them they are not there."""
        self._hole = size

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        if self._hole:
            count = min(size, self._hole, self._size - self.at, len(_NOTHING))
            self._hole -= count
            self.at += count
            return _NOTHING if count == len(_NOTHING) else _NOTHING[:count]
        found = os.pread(self._file, min(size, len(_NOTHING)), self.at)
        self.at += len(found)
        return found


def _claimed(source: AnswerSource) -> int:
    """The version that its timestamp claims, unverified: it decides only which file is tried first."""
    from tuf.api.metadata import Timestamp

    from sealring_client.decide.answer.question import version_of

    return version_of(source.files.get("tuf/timestamp.json"), Timestamp)


def _nobody(url: str) -> Fetches:
    raise NoAnswer(url, "", "no store is asked while a bundle is read")

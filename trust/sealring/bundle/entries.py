"""What a bundle holds, as types; all of it is unverified (SPEC BN-3)."""

from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from sealring.bundle.form import NotABundle

CHUNK: Final = 1024 * 1024  # bytes of an image held at a time


class Reader(Protocol):
    """Where the bytes come from: an open file, a socket's file, a BytesIO."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; fewer are allowed, none means the end."""


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One envelope, unverified; `in_parts` only says in which of two forms it travels (SPEC BN-4)."""

    envelope: bytes
    in_parts: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class TufEntry:
    """One file of a store's TUF repository, unverified, such as acme/main/3.root.json."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ViewEntry:
    """One view document, unverified; it says itself for which model it is."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ProofEntry:
    """One proof, unverified, with the question that it answers: map root and keys, ascending."""

    root: bytes
    keys: tuple[bytes, ...]
    proof: bytes


@dataclass(frozen=True, slots=True)
class PathEntry:
    """One audit path, unverified: entry `sequence` of a catalogue stands in the log that entry `under` names."""

    under: int
    sequence: int
    path: bytes


@dataclass(frozen=True, slots=True)
class ViewDifferenceEntry:
    """What leads from the view with one digest to that with another, unverified (SPEC BN-5)."""

    base: bytes
    to: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """The envelope of one device's report, unverified (SPEC RP-1)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class HaltEntry:
    """One halt document, unverified; a proof of its leaf says whether the store means it (SPEC HL-1)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image, still in the stream: read `data` before asking for the next entry, or it is skipped.

    The caller must still check that the bytes hash to `digest`, and that a verified revision names it.
    """

    digest: bytes
    size: int
    data: Reader = field(repr=False, compare=False)


Entry: TypeAlias = (
    StatementEntry
    | TufEntry
    | ViewEntry
    | ProofEntry
    | PathEntry
    | ViewDifferenceEntry
    | ReportEntry
    | HaltEntry
    | ImageEntry
)


class Part:
    """The next `size` bytes of a stream, and not one more; a stream that ends early raises NotABundle."""

    def __init__(self, stream: Reader, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, 1 or more; none only once all have been read."""
        wanted = min(size, self._left)
        if wanted <= 0:
            return b""
        data = self._stream.read(wanted)
        if not data:
            raise NotABundle(f"ends {self._left} bytes too soon")
        self._left -= len(data)
        return data

    def read_all(self) -> bytes:
        """All the bytes that are left."""
        parts = []
        while self._left:
            parts.append(self.read(self._left))
        return b"".join(parts)

    def skip(self) -> None:
        """Read what is left without keeping it."""
        while self._left:
            self.read(CHUNK)

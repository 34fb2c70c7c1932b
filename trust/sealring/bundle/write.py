"""Writing a bundle; a reader takes whatever this writes (SPEC BN-1, BN-2, BN-4)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sealring.bundle.entries import (
    CHUNK,
    Entry,
    HaltEntry,
    ImageEntry,
    Part,
    PathEntry,
    ProofEntry,
    ReportEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
)
from sealring.bundle.form import MAGIC, HeaderChecks, Kind
from sealring.bundle.parts import parts_of_envelope


@dataclass(frozen=True, slots=True)
class _Piece:
    """An entry as it is written: kind, name, length of the data, and the data but for an image's."""

    kind: Kind
    name: str
    size: int
    data: bytes = b""
    image: ImageEntry | None = None


def bundle_chunks(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The bundle of these entries, piece by piece, with at most 1 MiB of an image in memory.

    Args:
        entries: in a bundle's order (BN-1); `in_order` sorts them.

    Raises:
        TrustError: when a reader would refuse the bundle, before the bytes that it would refuse.
    """
    yield MAGIC
    checks = HeaderChecks(image_limit=2**63)
    for entry in entries:
        piece = _piece(entry)
        checks.check(piece.kind, piece.name.encode("ascii", "replace"), piece.size)
        yield _pack(piece.kind, piece.name, piece.size)
        yield from _data(piece)
    yield _pack(Kind.END, "", 0)


def write_bundle(entries: Iterable[Entry], *, parts: bool = False) -> bytes:
    """The bundle of these entries, in any order, in one piece; for bundles that fit in memory.

    Args:
        parts: every statement in parts, which compress to about half (BN-4); else each as it says itself.

    Raises:
        TrustError: when a reader would refuse the bundle; in parts also for what is no envelope, or a draft.
    """
    given = [_in_parts(entry) for entry in entries] if parts else entries
    return b"".join(bundle_chunks(in_order(given)))


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The entries in a bundle's order; those without a name keep theirs among themselves."""
    return sorted(entries, key=_place)


def _in_parts(entry: Entry) -> Entry:
    return replace(entry, in_parts=True) if isinstance(entry, StatementEntry) else entry


def _place(entry: Entry) -> tuple[Kind, str]:
    """Kind and name of an entry."""
    match entry:
        case StatementEntry(_, in_parts):
            return (Kind.PARTS if in_parts else Kind.STATEMENT), ""
        case TufEntry(name, _):
            return Kind.TUF, name
        case ViewEntry(_):
            return Kind.VIEW, ""
        case ProofEntry(root, keys, _):
            return Kind.PROOF, root.hex() + "/" + ",".join(key.hex() for key in sorted(set(keys)))
        case PathEntry(under, sequence, _):
            return Kind.PATH, f"{under}/{sequence}"
        case ViewDifferenceEntry(base, to, _):
            return Kind.DIFFERENCE, f"{base.hex()}/{to.hex()}"
        case ReportEntry(_):
            return Kind.REPORT, ""
        case HaltEntry(_):
            return Kind.HALT, ""
        case ImageEntry(digest, _):
            return Kind.IMAGE, digest.hex()


def _piece(entry: Entry) -> _Piece:
    kind, name = _place(entry)
    if isinstance(entry, ImageEntry):
        return _Piece(kind, name, entry.size, image=entry)
    if isinstance(entry, StatementEntry):
        data = parts_of_envelope(entry.envelope) if entry.in_parts else entry.envelope
    else:
        data = (
            entry.proof if isinstance(entry, ProofEntry) else entry.path if isinstance(entry, PathEntry) else entry.data
        )
    return _Piece(kind, name, len(data), data)


def _data(piece: _Piece) -> Iterator[bytes]:
    if piece.image is None:
        yield piece.data
        return
    image = Part(piece.image.data, piece.size)
    while chunk := image.read(CHUNK):
        yield chunk


def _pack(kind: Kind, name: str, size: int) -> bytes:
    return bytes((kind,)) + len(name).to_bytes(2, "big") + size.to_bytes(8, "big") + name.encode("ascii")

"""Writing a bundle; a reader takes whatever this writes (SPEC BN-1, BN-2)."""

from collections.abc import Iterable, Iterator

from sealring.bundle.entries import (
    CHUNK,
    Entry,
    ImageEntry,
    Part,
    PathEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewEntry,
)
from sealring.bundle.form import MAGIC, HeaderChecks, Kind


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
        kind, name, size = _header(entry)
        checks.check(kind, name.encode("ascii", "replace"), size)
        yield _pack(kind, name, size)
        yield from _data(entry)
    yield _pack(Kind.END, "", 0)


def write_bundle(entries: Iterable[Entry]) -> bytes:
    """The bundle of these entries, in any order, in one piece; for bundles that fit in memory."""
    return b"".join(bundle_chunks(in_order(entries)))


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The entries in a bundle's order; those without a name keep theirs among themselves."""
    return sorted(entries, key=lambda entry: _header(entry)[:2])


def _header(entry: Entry) -> tuple[Kind, str, int]:
    """Kind, name and data length of an entry."""
    match entry:
        case StatementEntry(envelope):
            return Kind.STATEMENT, "", len(envelope)
        case TufEntry(name, data):
            return Kind.TUF, name, len(data)
        case ViewEntry(data):
            return Kind.VIEW, "", len(data)
        case ProofEntry(root, keys, proof):
            return Kind.PROOF, root.hex() + "/" + ",".join(key.hex() for key in sorted(set(keys))), len(proof)
        case PathEntry(under, sequence, path):
            return Kind.PATH, f"{under}/{sequence}", len(path)
        case ImageEntry(digest, size):
            return Kind.IMAGE, digest.hex(), size


def _data(entry: Entry) -> Iterator[bytes]:
    match entry:
        case (
            StatementEntry(data) | TufEntry(_, data) | ViewEntry(data) | ProofEntry(_, _, data) | PathEntry(_, _, data)
        ):
            yield data
        case ImageEntry(_, size, stream):
            image = Part(stream, size)
            while chunk := image.read(CHUNK):
                yield chunk


def _pack(kind: Kind, name: str, size: int) -> bytes:
    return bytes((kind,)) + len(name).to_bytes(2, "big") + size.to_bytes(8, "big") + name.encode("ascii")

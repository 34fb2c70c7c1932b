"""Reading a bundle (SPEC BN-1 to BN-4)."""

from collections.abc import Iterator
from io import BytesIO

from sealring.bundle.entries import (
    Entry,
    HaltEntry,
    ImageEntry,
    Part,
    PathEntry,
    ProofEntry,
    Reader,
    ReportEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
)
from sealring.bundle.form import (
    HEADER_BYTES,
    MAGIC,
    MAX_NAME,
    BadBundleEntry,
    BundleTooLarge,
    HeaderChecks,
    Kind,
    NotABundle,
)
from sealring.bundle.parts import envelope_of_parts


def open_entries(stream: Reader, *, image_limit: int) -> Iterator[Entry]:
    """Every entry of a bundle in its order, one at a time, with images left in the stream.

    What came before a refusal is only as good as its own verification: a bundle may be cut off anywhere.

    Args:
        stream: positioned at the bundle's first byte; whatever it raises passes through.
        image_limit: the largest image, in bytes, that the caller takes; 0 for none.

    Raises:
        TrustError: and, apart from the stream's own errors, nothing else, whatever the bytes.
    """
    if _first_bytes(stream) != MAGIC:
        raise NotABundle("its first line is not that of a bundle")
    checks = HeaderChecks(image_limit)
    while True:
        header = Part(stream, HEADER_BYTES).read_all()
        name_bytes, size = int.from_bytes(header[1:3], "big"), int.from_bytes(header[3:], "big")
        if name_bytes > MAX_NAME:
            raise BundleTooLarge("a name, in bytes,", name_bytes, MAX_NAME)
        kind, name = checks.check(header[0], Part(stream, name_bytes).read_all(), size)
        if kind is Kind.END:
            break
        data = Part(stream, size)
        yield _entry(kind, name, size, data, checks.count)
        data.skip()
    if stream.read(1):
        raise NotABundle("bytes after the end")


def _first_bytes(stream: Reader) -> bytes:
    """As many bytes as the first line has, or fewer: a file that is too short for it is simply something else."""
    first = b""
    while len(first) < len(MAGIC) and (more := stream.read(len(MAGIC) - len(first))):
        first += more
    return first


def read_bundle(raw: bytes) -> tuple[Entry, ...]:
    """All entries of a bundle without images, if the whole of it is well formed.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    return tuple(open_entries(BytesIO(raw), image_limit=0))


def _entry(kind: Kind, name: str, size: int, data: Part, number: int) -> Entry:
    """The typed entry; only an image's bytes stay in the stream."""
    if kind is Kind.STATEMENT:
        return StatementEntry(data.read_all())
    if kind is Kind.PARTS:
        return StatementEntry(envelope_of_parts(data.read_all()), in_parts=True)
    if kind is Kind.TUF:
        return TufEntry(name, data.read_all())
    if kind is Kind.VIEW:
        return ViewEntry(data.read_all())
    if kind is Kind.REPORT:
        return ReportEntry(data.read_all())
    if kind is Kind.HALT:
        return HaltEntry(data.read_all())
    if kind is Kind.IMAGE:
        return ImageEntry(bytes.fromhex(name), size, data)
    first, _, listed = name.partition("/")
    if kind is Kind.PATH:
        return PathEntry(int(first), int(listed), data.read_all())
    if kind is Kind.DIFFERENCE:
        return ViewDifferenceEntry(bytes.fromhex(first), bytes.fromhex(listed), data.read_all())
    keys = tuple(bytes.fromhex(key) for key in listed.split(","))
    # One set of keys has one spelling, so a cache can't hold two answers to the same question.
    if list(keys) != sorted(set(keys)):
        raise BadBundleEntry(number, kind, "keys are not strictly ascending")
    return ProofEntry(bytes.fromhex(first), keys, data.read_all())

"""Judges for bundles: read piece by piece, as a publication by a store, as a receipt by a publisher (SPEC BN, PB)."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from sealring.bundle import (
    Entry,
    HaltEntry,
    ImageEntry,
    PathEntry,
    ProofEntry,
    ReportEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
    bundle_chunks,
    open_entries,
    read_bundle,
    write_bundle,
)
from sealring.chain import Claim, read_claim
from sealring.command.receipt import verify_receipt
from sealring.envelope import Envelope
from sealring_server.here import Limits, StoreHere, open_store
from sealring_server.publication import commit_publication, open_publication
from sealring_server.uploading import add_to_upload
from tests.fuzz.harness import Judge
from tests.stores import make_folder
from tests.world import World

WORLD = World(salt="fuzz")  # no vector's statement is signed by its keys
IMAGE = b"hsqs and so on"


class Pieces:
    """Bytes that come as a socket gives them: a few at a time."""

    def __init__(self, raw: bytes, most: int) -> None:
        self._rest = BytesIO(raw)
        self._most = most
        self.largest = 0

    def read(self, size: int, /) -> bytes:
        self.largest = max(self.largest, size)
        return self._rest.read(min(size, self._most))


def bundle(data: bytes) -> bool:
    """BN-1, BN-2, BN-4: an input is two bytes, how many bytes come at a time and the largest image, and a bundle."""
    if len(data) < 2:
        return False
    limit, raw = data[1] * 16, data[2:]
    stream = Pieces(raw, 1 + data[0] * data[0])
    found = [_held(entry, limit) for entry in open_entries(stream, image_limit=limit)]
    assert b"".join(bundle_chunks(found)) == raw
    _check_order(found)
    assert stream.largest <= 1024 * 1024, "asked for more than one entry may have"
    if not any(isinstance(entry, ImageEntry) for entry in found):
        assert list(read_bundle(raw)) == found
        assert write_bundle(found) == raw
    return True


def _held(entry: Entry, limit: int) -> Entry:
    """The entry with an image's bytes in memory, of which there are as many as it says."""
    if not isinstance(entry, ImageEntry):
        return entry
    assert entry.size <= limit
    parts = []
    while part := entry.data.read(1000):
        parts.append(part)
    image = b"".join(parts)
    assert len(image) == entry.size
    return replace(entry, data=BytesIO(image))


def _check_order(entries: Sequence[Entry]) -> None:
    """BN-1: kinds never descend, and names ascend; said here again, since writer and reader share their check."""
    for before, after in pairwise(entries):
        kinds = _kind(before), _kind(after)
        assert kinds[0] <= kinds[1]
        if kinds[0] == kinds[1] and _name(after):
            assert _name(before) < _name(after)


def _kind(entry: Entry) -> int:
    if isinstance(entry, StatementEntry) and entry.in_parts:
        return 6
    order = {StatementEntry: 1, TufEntry: 2, ViewEntry: 3, ProofEntry: 4, PathEntry: 5}
    order |= {ViewDifferenceEntry: 7, ReportEntry: 8, HaltEntry: 9}
    return order.get(type(entry), 16)


def _name(entry: Entry) -> str:
    match entry:
        case TufEntry(name, _):
            return name
        case ProofEntry(root, keys, _):
            return f"{root.hex()}/{','.join(key.hex() for key in keys)}"
        case PathEntry(under, sequence, _):
            return f"{under}/{sequence}"
        case ViewDifferenceEntry(base, to, _):
            return f"{base.hex()}/{to.hex()}"
        case ImageEntry(digest, _, _):
            return digest.hex()
    return ""


def publication(folder: Path) -> Judge:
    """PB-1: the judge of what a stranger posts to a real store; nothing that a brand did not sign is taken."""
    here = _store(folder, Limits(seconds=0))  # what was opened has expired when the next comes
    genuine = {claim.envelope.payload for claim in _claims()}

    def judge(raw: bytes) -> bool:
        open_publication(here, raw)
        assert {read_claim(envelope).envelope.payload for envelope in _statements(raw)} <= genuine
        return True

    return judge


def receipt(raw: bytes) -> bool:
    """PB-8: what a store answers to a publisher who checks no TUF signature."""
    found = verify_receipt(raw, _claims(), None, WORLD.at)
    assert not found.signed
    assert found.entry.raw in raw
    assert write_bundle(read_bundle(raw)) == raw
    return True


@cache
def real_publication() -> tuple[bytes, bytes]:
    """What a publisher posts, and the receipt of it by a real store."""
    with tempfile.TemporaryDirectory(prefix="sealring-fuzz-") as folder:
        here = _store(Path(folder))
        posted = write_bundle([StatementEntry(envelope.raw) for envelope in _software()])
        opened = open_publication(here, posted)
        for digest, _ in opened.missing:
            add_to_upload(here, opened.token, digest, 0, BytesIO(IMAGE))
        answered = commit_publication(here, opened.token)
        here.database.close()
        return posted, answered


@cache
def _claims() -> tuple[Claim, ...]:
    """What a real publication claims."""
    return tuple(read_claim(raw) for raw in _statements(real_publication()[0]))


def _statements(raw: bytes) -> list[bytes]:
    return [entry.envelope for entry in read_bundle(raw) if isinstance(entry, StatementEntry)]


def _store(folder: Path, limits: Limits | None = None) -> StoreHere:
    """A new store for this world."""
    make_folder(WORLD, folder)
    return open_store(folder, lambda: WORLD.at, limits)


def _software() -> list[Envelope]:
    """All that a device needs to install the image; the same in every process, whatever keys its store has drawn."""
    brand, model, store = WORLD.brand(), WORLD.model(), WORLD.store(tuf=(1, "ab" * 32))
    return [WORLD.signed(each) for each in (brand, model, store, WORLD.revision(1, IMAGE), WORLD.release())]

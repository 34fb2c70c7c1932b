"""Bundles for sticks and shelves (SPEC BN-6), made of stores in memory by code of its own."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from sealring.bundle import (
    Entry,
    HaltEntry,
    ImageEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewEntry,
    bundle_chunks,
    in_order,
)
from sealring.catalogue.view import parse_view, view_key
from sealring.halt import halt_key
from tests.simulated import SimulatedStore


def of_store(name: str, store: SimulatedStore, models: Iterable[str], piece: int = 16_384) -> list[Entry]:
    """What one store shows to devices of these models.

    Args:
        name: its full name.
        piece: leaf hashes of its log in one entry.
    """
    entries: list[Entry] = [TufEntry(f"{name}/{file}", raw) for file, raw in _tuf(store).items()]
    for model in models:
        key = view_key(store.root, model)
        leaf = store.map.get(key)
        assert leaf is not None
        view = parse_view(store.files[f"v1/views/{leaf.id.hex()}"])
        entries += [ViewEntry(view.raw), ProofEntry(store.map.root, (key,), store.map.prove([key]))]
        for about in view.heads:
            if about[0] == "release":
                halt = halt_key(store.root, about[2])
                entries.append(ProofEntry(store.map.root, (halt,), store.map.prove([halt])))
    entries += [StatementEntry(raw) for path, raw in store.files.items() if path.startswith("v1/statements/")]
    entries += [HaltEntry(raw) for path, raw in store.files.items() if path.startswith("v1/halts/")]
    leaves = [entry.leaf for entry in store.entries]
    for first in range(0, len(leaves), piece):
        entries.append(TufEntry(f"{name}/log/{first}", b"".join(leaves[first : first + piece])))
    return entries


def images_of(*stores: SimulatedStore) -> list[bytes]:
    """Every image that they have."""
    return [raw for store in stores for path, raw in store.files.items() if path.startswith("v1/blobs/")]


class _Bytes:
    """An image's bytes as a bundle's writer asks for them."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def read(self, size: int, /) -> bytes:
        found = self._raw[self._at : self._at + size]
        self._at += len(found)
        return found


def image_entry(raw: bytes, digest: str = "") -> ImageEntry:
    """An image under its digest, or under another one."""
    return ImageEntry(bytes.fromhex(digest or sha256(raw).hexdigest()), len(raw), _Bytes(raw))


def write_stick(path: Path, entries: Iterable[Entry], images: Iterable[ImageEntry | bytes] = ()) -> Path:
    """The file; of what stands there twice, one."""
    small = list({repr(one): one for one in entries}.values())
    large = {
        one.digest: one for one in (each if isinstance(each, ImageEntry) else image_entry(each) for each in images)
    }
    with path.open("wb") as file:
        for chunk in bundle_chunks([*in_order(small), *in_order(large.values())]):
            file.write(chunk)
    return path


def stick_of(path: Path, stores: Mapping[str, SimulatedStore], models: Iterable[str] = ("acme/door-1",)) -> Path:
    """A whole stick of these stores, by full name."""
    entries = [entry for name, store in stores.items() for entry in of_store(name, store, models)]
    return write_stick(path, entries, images_of(*stores.values()))


def _tuf(store: SimulatedStore) -> dict[str, bytes]:
    """The roots from the first on, and the newest of everything else."""
    tuf = store.tuf
    digest = tuf.targets.targets["catalogue.json"].hashes["sha256"]
    names = [f"{n}.root.json" for n in range(1, tuf.root.version + 1)]
    names += ["timestamp.json", f"{tuf.snapshot.version}.snapshot.json", f"{tuf.targets.version}.targets.json"]
    return {name: tuf.files[name] for name in [*names, f"targets/{digest}.catalogue.json"]}

"""The answer of a store in memory (SPEC AN-2), by code of its own: what a device asks for, and a test may spoil."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sealring.bundle import (
    Entry,
    PathEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
)
from sealring.catalogue.log import inclusion_path
from sealring.catalogue.view import View, parse_view, view_key
from sealring.catalogue.view_difference import difference_between, difference_bytes
from tests.tuf_repository import TufRepository

if TYPE_CHECKING:
    from tests.simulated import SimulatedStore

MEMBERS = ("root", "brands", "tuf", "entry", "view")


def members_of(query: str) -> dict[str, str]:
    """The question's members, which have to be in their one order (AN-1)."""
    found = dict(one.split("=", 1) for one in query.split("&")) if query else {}
    assert list(found) == [name for name in MEMBERS if name in found], query
    return found


def answer_of(store: "SimulatedStore", model: str, query: str) -> list[Entry]:
    """Everything that a device lacks which says that it has this."""
    said = members_of(query)
    view = parse_view(store.files[f"v1/views/{_leaf(store, model).hex()}"])
    held = store.files.get(f"v1/views/{said.get('view', '')}")
    base = parse_view(held) if held is not None else None
    key = view_key(store.root, model)
    entries: list[Entry] = [StatementEntry(raw) for raw in _statements(store, said, view, base)]
    entries += _tuf(store.tuf, [int(number) for number in said.get("tuf", "0.0.0.0").split(".")])
    if base is not None and base.digest != view.digest:
        difference = difference_bytes(difference_between(base, view))
        entries.append(ViewDifferenceEntry(base.digest, view.digest, difference))
    elif base is None:
        entries.append(ViewEntry(view.raw))
    entries.append(ProofEntry(store.map.root, (key,), store.map.prove([key])))
    now, seen = len(store.entries), int(said.get("entry", 0))
    if 0 < seen < now - 1:
        path = inclusion_path([entry.leaf for entry in store.entries[: now - 1]], seen - 1)
        entries.append(PathEntry(now, seen, path))
    return entries


def _leaf(store: "SimulatedStore", model: str) -> bytes:
    return store.map.get(view_key(store.root, model)).id  # type: ignore[union-attr]


def _statements(store: "SimulatedStore", said: dict[str, str], view: View, base: View | None) -> Iterator[bytes]:
    wanted = [head.envelope.hex() for about, head in view.heads.items() if not base or base.heads.get(about) != head]
    found = [store.files[f"v1/statements/{digest}"] for digest in wanted if f"v1/statements/{digest}" in store.files]
    brands = dict(one.rsplit(".", 1) for one in said["brands"].split(",")) if "brands" in said else {}
    for path, raw in store.files.items():
        root, brand = re.fullmatch(r"v1/roots/([0-9]+)", path), re.fullmatch(r"v1/brands/([^/]+)/([0-9]+)", path)
        if root and int(root[1]) > int(said.get("root", 0)):
            found.append(raw)
        if brand and brand[1] in brands and int(brand[2]) > int(brands[brand[1]]):
            found.append(raw)
    yield from dict.fromkeys(found)


def _tuf(tuf: TufRepository, held: list[int]) -> list[Entry]:
    root, timestamp, snapshot, targets = held
    newer = {f"{n}.root.json" for n in range(root + 1, tuf.root.version + 1)}
    if tuf.timestamp.version > timestamp:
        newer.add("timestamp.json")
    if tuf.snapshot.version > snapshot:
        newer.add(f"{tuf.snapshot.version}.snapshot.json")
    if tuf.targets.version > targets:
        digest = tuf.targets.targets["catalogue.json"].hashes["sha256"]
        newer |= {f"{tuf.targets.version}.targets.json", f"targets/{digest}.catalogue.json"}
    return [TufEntry(name, tuf.files[name]) for name in newer if name in tuf.files]

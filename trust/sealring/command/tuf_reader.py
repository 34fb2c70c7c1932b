"""A store's TUF files, verified from the root that its `store` assertion pins, and told as dates and roles (SPEC TF).

Nothing here rests on them: what has expired is verified all the same, so that its end can be told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.command.output import clean
from sealring.command.tuf_files import BadTufFile, S, parse_tuf
from sealring.doctor.tuf_files import ONLINE, StoreTuf, TufDeadline, TufRole
from sealring.errors import SealringError
from sealring.statement import Store
from sealring.tuf_keys import public_of

CATALOGUE = "catalogue.json"
MAX_STEPS = 256  # versions of the root, as on a device (SPEC TF-3)

Get = Callable[[str], bytes | None]
"""A file of the repository by its name, such as `1.root.json`; None where it is not there."""


@dataclass
class TufFound:
    """What was read: for the doctor, and the catalogue entry that leads to views."""

    roles: list[TufRole] = field(default_factory=list)
    deadlines: list[TufDeadline] = field(default_factory=list)
    entry: CatalogueEntry | None = None
    refused: str = ""

    def told(self, name: str, source: str, *, pinned: bool) -> StoreTuf:
        """As a value for the doctor."""
        return StoreTuf(name, source, tuple(self.roles), tuple(self.deadlines), pinned, self.refused)


def read_tuf(get: Get, store: Store | None, first: int = 1, *, whole: bool = True) -> TufFound:
    """The repository behind `get`; what does not verify is said in `refused`.

    Args:
        store: the statement that pins its root; without it, version `first` is believed.
        whole: whether more than roots must be there, as behind a store's address.
    """
    found = TufFound()
    try:
        _read(get, store, first, found, whole)
    except SealringError as err:
        found.refused = str(err)
    return found


def _read(get: Get, store: Store | None, first: int, found: TufFound, whole: bool) -> None:
    root = _root(get, store, first)
    found.roles += [_role(root, name) for name in ("root", *ONLINE) if name in root.roles]
    found.deadlines.append(TufDeadline("root", root.version, root.expires, online=False))
    if not whole and get("timestamp.json") is None:
        return
    timestamp = _signed(get, root, "timestamp.json", Timestamp, found)
    snapshot = _signed(get, root, f"{timestamp.snapshot_meta.version}.snapshot.json", Snapshot, found)
    meta = snapshot.meta.get("targets.json")
    if meta is None:
        raise BadTufFile("snapshot", "it names no targets")
    targets = _signed(get, root, f"{meta.version}.targets.json", Targets, found)
    target = targets.targets.get(CATALOGUE)
    digest = target.hashes.get("sha256", "") if target else ""
    name = f"{digest}.{CATALOGUE}"
    raw = _file(get, name)
    if sha256(raw).hexdigest() != digest:
        raise BadTufFile(name, "other bytes than the targets name")
    found.entry = parse_entry(raw)
    if store is not None:
        # TF-6: so that a stolen timestamp key freezes no longer than the brand allows.
        ends = found.entry.time + timedelta(seconds=store.max_age)
        found.deadlines.append(TufDeadline("catalogue", found.entry.sequence, ends, online=True))


def _root(get: Get, store: Store | None, first: int) -> Root:
    """The newest root, each version signed by the one before (SPEC TF-3, TF-8)."""
    version = store.tuf.version if store is not None else first
    raw = _file(get, f"{version}.root.json")
    if store is not None and sha256(raw).hexdigest() != store.tuf.sha256:
        raise BadTufFile(f"{version}.root.json", f"not the TUF root that {store.title} pins")
    root = _step(None, raw, f"{version}.root.json")
    for _ in range(MAX_STEPS):
        name = f"{root.version + 1}.root.json"
        newer = get(name)
        if newer is None:
            break
        root = _step(root, newer, name)
    return root


def _step(before: Root | None, raw: bytes, name: str) -> Root:
    metadata = parse_tuf(raw, Root, name)
    for judge in (metadata.signed, before or metadata.signed):
        _check(judge, "root", metadata, name)
    if before is not None and metadata.signed.version != before.version + 1:
        raise BadTufFile(name, f"version {metadata.signed.version} found, {before.version + 1} needed")
    return metadata.signed


def _signed(get: Get, root: Root, name: str, kind: type[S], found: TufFound) -> S:
    metadata = parse_tuf(_file(get, name), kind, name)
    _check(root, kind.type, metadata, name)
    signed = metadata.signed
    found.deadlines.append(TufDeadline(signed.type, signed.version, signed.expires, online=True))
    return signed


def _check(root: Root, role: str, metadata: Metadata[Any], name: str) -> None:
    try:
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError) as err:
        raise BadTufFile(name, f"not signed by the role {role}: {clean(err, 100)}") from None


def _file(get: Get, name: str) -> bytes:
    raw = get(name)
    if raw is None:
        raise BadTufFile(name, "not there")
    return raw


def _role(root: Root, name: str) -> TufRole:
    role = root.roles[name]
    keys = [public_of(root.keys[keyid]) for keyid in role.keyids if keyid in root.keys]
    return TufRole(name, role.threshold, tuple(key for key in keys if key is not None))

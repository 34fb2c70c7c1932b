"""A store's TUF files, verified from the root that its `store` assertion pins, and told as dates and roles (SPEC TF).

Nothing here rests on them: what has expired is verified all the same, so that its end can be told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring.catalogue.entry import CatalogueEntry
from sealring.doctor.tuf_files import ONLINE, StoreTuf, TufDeadline, TufRole
from sealring.errors import SealringError
from sealring.statement import Store
from sealring.tuf_form import NotVouched
from sealring.tuf_keys import public_of
from sealring.tuf_set import (
    CATALOGUE,
    MAX_ROOTS,
    catalogue_of,
    check_catalogue,
    check_snapshot,
    check_targets,
    check_timestamp,
    next_root,
    targets_of,
)

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
    timestamp = check_timestamp(root, _file(get, "timestamp.json"))
    _tell(found, timestamp)
    snapshot = check_snapshot(root, timestamp, _file(get, f"{timestamp.snapshot_meta.version}.snapshot.json"))
    _tell(found, snapshot)
    targets = check_targets(root, snapshot, _file(get, f"{targets_of(snapshot).version}.targets.json"))
    _tell(found, targets)
    name = f"{catalogue_of(targets).hashes['sha256']}.{CATALOGUE}"
    found.entry = check_catalogue(targets, _file(get, name))
    if store is not None:
        # TF-6: so that a stolen timestamp key freezes no longer than the brand allows.
        ends = found.entry.time + timedelta(seconds=store.max_age)
        found.deadlines.append(TufDeadline("catalogue", found.entry.sequence, ends, online=True))


def _root(get: Get, store: Store | None, first: int) -> Root:
    """The newest root, each version signed by the one before (SPEC TF-3, TF-8)."""
    version = store.tuf.version if store is not None else first
    name = f"{version}.root.json"
    raw = _file(get, name)
    if store is not None and sha256(raw).hexdigest() != store.tuf.sha256:
        raise NotVouched(name, f"not the TUF root that {store.title} pins", "TF-8")
    root = next_root(None, raw)
    if root.version != version:
        raise NotVouched(name, f"it says version {root.version}", "TF-3")
    for _ in range(1, MAX_ROOTS):
        newer = get(f"{root.version + 1}.root.json")
        if newer is None:
            break
        root = next_root(root, newer)
    return root


def _tell(found: TufFound, signed: Timestamp | Snapshot | Targets) -> None:
    found.deadlines.append(TufDeadline(signed.type, signed.version, signed.expires, online=True))


def _file(get: Get, name: str) -> bytes:
    raw = get(name)
    if raw is None:
        raise NotVouched(name, "not there", "TF-2")
    return raw


def _role(root: Root, name: str) -> TufRole:
    role = root.roles[name]
    keys = [public_of(root.keys[keyid]) for keyid in role.keyids if keyid in root.keys]
    return TufRole(name, role.threshold, tuple(key for key in keys if key is not None))

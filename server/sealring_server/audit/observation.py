"""What somebody saw of a store: an entry, and the TUF files that vouched for it (SPEC CT-5).

```
N.root.json ...  timestamp.json  snapshot.json  targets.json  catalogue.json
```

The same names as in a device's folder `stores/BRAND/NAME`, which can be given in the place of such a file; a device
keeps its newest root alone, as `root.json`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sealring.bundle import NotABundle, TufEntry, read_bundle, write_bundle
from sealring_server.audit.errors import ProvesNothing
from sealring_server.audit.tuf_files import (
    MAX_ROOTS,
    MAX_TUF_FILE,
    RootMark,
    Vouched,
    check_catalogue,
    check_snapshot,
    check_targets,
    check_timestamp,
    verify_roots,
)

ONLINE = ("timestamp.json", "snapshot.json", "targets.json", "catalogue.json")
MAX_FILE = 64 * 1024 * 1024  # bytes of a bundle that is read
_ROOT = re.compile(r"([1-9][0-9]{0,8})\.root\.json")


@dataclass(frozen=True)
class Observation:
    """The files, unverified until `verify`.

    Args:
        roots: ascending by version.
    """

    roots: tuple[bytes, ...]
    timestamp: bytes
    snapshot: bytes
    targets: bytes
    catalogue: bytes

    def verify(self) -> Vouched:
        """The entry, if the last of these roots vouches for it.

        Raises:
            TrustError: and nothing else, whatever the bytes.
        """
        root = verify_roots(self.roots)
        timestamp = check_timestamp(root, self.timestamp)
        snapshot = check_snapshot(root, timestamp, self.snapshot)
        targets = check_targets(root, snapshot, self.targets)
        entry = check_catalogue(targets, self.catalogue)
        first = root.version - len(self.roots) + 1
        marks = (RootMark(number, sha256(raw).hexdigest()) for number, raw in enumerate(self.roots, first))
        ends = min(one.expires for one in (root, timestamp, snapshot, targets))
        return Vouched(entry, tuple(marks), timestamp.version, snapshot.version, ends)

    def files(self, prefix: str = "") -> dict[str, bytes]:
        """As they stand in a bundle, below `prefix`."""
        last = verify_roots(self.roots).version
        roots = enumerate(self.roots, last - len(self.roots) + 1)
        found = {f"{prefix}{number}.root.json": raw for number, raw in roots}
        rest = (self.timestamp, self.snapshot, self.targets, self.catalogue)
        return found | {prefix + name: raw for name, raw in zip(ONLINE, rest, strict=True)}

    def to_bytes(self) -> bytes:
        """The bundle of these files."""
        return write_bundle(TufEntry(name, data) for name, data in self.files().items())

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], prefix: str = "") -> "Observation":
        """Those below `prefix`.

        Raises:
            ProvesNothing: when one is missing.
        """
        here = {name[len(prefix) :]: data for name, data in files.items() if name.startswith(prefix)}
        roots = sorted((int(found[1]), data) for name, data in here.items() if (found := _ROOT.fullmatch(name)))
        missing = [name for name in ONLINE if name not in here]
        if missing or not roots:
            raise ProvesNothing(f"{prefix}{missing[0] if missing else 'root.json'} is missing")
        if len(roots) > MAX_ROOTS:
            raise ProvesNothing(f"{len(roots)} roots, at most {MAX_ROOTS} are read")
        return cls(tuple(raw for _, raw in roots), *(here[name] for name in ONLINE))


def read_files(raw: bytes) -> dict[str, bytes]:
    """The TUF files of a bundle by name.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    if len(raw) > MAX_FILE:
        raise NotABundle(f"more than {MAX_FILE} bytes")
    return {entry.name: entry.data for entry in read_bundle(raw) if isinstance(entry, TufEntry)}


def load_observation(path: Path) -> Observation:
    """From a bundle, or from the folder in which a device keeps what it saw of a store.

    Raises:
        TrustError, OSError.
    """
    if not path.is_dir():
        return Observation.from_files(read_files(read_bounded(path, MAX_FILE)))
    missing = [name for name in ("root.json", *ONLINE) if not (path / name).is_file()]
    if missing:
        raise ProvesNothing(f"{path} has no {missing[0]}: no folder of what a device saw of a store")
    files = {name: read_bounded(path / name, MAX_TUF_FILE) for name in ("root.json", *ONLINE)}
    return Observation((files["root.json"],), *(files[name] for name in ONLINE))


def read_bounded(path: Path, limit: int) -> bytes:
    """A file's bytes; one byte more than `limit` where it is longer, so that its reader refuses it."""
    if path.exists() and not path.is_file():
        raise ProvesNothing(f"{path} is no plain file")
    with path.open("rb") as file:
        return file.read(limit + 1)


def in_common(one: Iterable[RootMark], other: Iterable[RootMark]) -> RootMark | None:
    """The newest TUF root that is in both chains: what makes two observations ones of the same store."""
    both = set(one) & set(other)
    return max(both, key=lambda mark: mark.version, default=None)

"""What somebody saw of a store: an entry, and the TUF files that vouched for it (SPEC CT-5).

```
N.root.json ...  timestamp.json  snapshot.json  targets.json  catalogue.json
```

The same names as in a device's folder `stores/BRAND/NAME`, which can be given in the place of such a file; a device
keeps its newest root alone, as `root.json`.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sealring.bundle import NotABundle, TufEntry, read_bundle, write_bundle
from sealring.tuf_form import MAX_TUF_FILE
from sealring.tuf_set import MAX_ROOTS, RootMark, TufSet, verify_roots
from sealring_server.audit.errors import ProvesNothing

ONLINE = ("timestamp.json", "snapshot.json", "targets.json", "catalogue.json")
MAX_FILE = 64 * 1024 * 1024  # bytes of a bundle that is read
_ROOT = re.compile(r"([1-9][0-9]{0,8})\.root\.json")


class Observation(TufSet):
    """The files, unverified until `verify`; with the forms in which somebody keeps them."""

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

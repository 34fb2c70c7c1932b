"""The peer of the catalogue: a TUF repository in succinct hash bins as PEP 458 sizes them, read by python-tuf's client.

One target a package and one signature a role, so that it is no larger than it must be. A file is made when it is asked
for: a million targets would not fit, and a client sees only the bins of what it has installed.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from math import log2
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import Signer
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer
from tuf.ngclient import FetcherInterface, Updater

A_BIN = 61  # targets: a million in 16,384 bins
COMPACT = JSONSerializer(compact=True)
HOST = "https://bins.example/"
T = TypeVar("T", Root, Timestamp, Snapshot, Targets)


@dataclass
class Cost:
    """What one refresh took from the network: bodies as they were sent, and what gzip would have made of them."""

    requests: int = 0
    bytes: int = 0
    packed: int = 0


def bits_for(packages: int) -> int:
    """How many bits of the hash choose the bin."""
    return max(1, round(log2(packages / A_BIN)))


@dataclass
class HashBins:
    """The repository. `changed` holds the packages that have a second revision; `publish` makes them visible."""

    packages: int
    signer: Signer
    expires: datetime
    changed: set[int] = field(default_factory=set)
    versions: dict[str, int] = field(default_factory=dict)
    number: int = 1

    def __post_init__(self) -> None:
        """Sort all names into their bins; PEP 458 does so by the name's hash."""
        self.roles = SuccinctRoles([], 1, bits_for(self.packages), "bin")
        self.bins: dict[str, list[int]] = {name: [] for name in self.roles.get_roles()}
        for number in range(self.packages):
            self.bins[self.roles.get_role_for_target(name_of(number))].append(number)

    def publish(self, packages: set[int]) -> None:
        """A new revision of each of these packages, as one new snapshot."""
        self.changed ^= packages
        self.number += 1
        for name in {self.roles.get_role_for_target(name_of(number)) for number in packages}:
            self.versions[name] = self.number

    def file(self, name: str) -> bytes:
        """The bytes of one file of the repository."""
        version, _, rest = name.rpartition("/")[2].partition(".")
        if name == "timestamp.json":
            return self._signed(
                Timestamp(version=self.number, expires=self.expires, snapshot_meta=MetaFile(self.number))
            )
        if rest == "root.json" and version == "1":
            return self.root()
        if rest == "snapshot.json":
            meta = {f"{one}.json": MetaFile(self.versions.get(one, 1)) for one in self.bins}
            return self._signed(
                Snapshot(version=self.number, expires=self.expires, meta={"targets.json": MetaFile(1), **meta})
            )
        if rest == "targets.json":
            return self._signed(self._top())
        if rest.removesuffix(".json") in self.bins:
            return self._signed(self._bin(rest.removesuffix(".json")))
        raise DownloadHTTPError("not there", 404)

    def root(self) -> bytes:
        """Version 1 of the root, by which a client begins."""
        root = Root(version=1, expires=self.expires, consistent_snapshot=True)
        for role in ("root", "timestamp", "snapshot", "targets"):
            root.add_key(self.signer.public_key, role)
        return self._signed(root)

    def _top(self) -> Targets:
        key: Key = self.signer.public_key
        roles = SuccinctRoles([key.keyid], 1, self.roles.bit_length, self.roles.name_prefix)
        delegations = Delegations({key.keyid: key}, dict[str, DelegatedRole]() or None, roles)
        return Targets(version=1, expires=self.expires, delegations=delegations)

    def _bin(self, name: str) -> Targets:
        targets = {}
        for number in self.bins[name]:
            digest = sha256(f"{number} {number in self.changed}".encode()).hexdigest()
            targets[name_of(number)] = TargetFile(1_000_000 + number, {"sha256": digest}, name_of(number))
        return Targets(version=self.versions.get(name, 1), expires=self.expires, targets=targets)

    def _signed(self, signed: T) -> bytes:
        metadata = Metadata(signed)
        metadata.sign(self.signer)
        return metadata.to_bytes(COMPACT)


class Client(FetcherInterface):
    """python-tuf's client of such a repository, with its metadata in a folder."""

    def __init__(self, bins: HashBins, folder: Path) -> None:
        self.bins, self.folder, self.cost = bins, folder, Cost()

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.cost.requests += 1  # one that is answered by 404 is a request too
        raw = self.bins.file(url.removeprefix(HOST))
        self.cost.bytes += len(raw)
        self.cost.packed += len(gzip.compress(raw, 6))
        yield raw

    def refresh(self, installed: list[int]) -> Cost:
        """What a client with these packages takes to know that it is up to date with all of them."""
        self.cost = Cost()
        updater = Updater(str(self.folder), HOST, fetcher=self, bootstrap=self.bins.root())
        updater.config.max_delegations = 1 << 20
        updater.config.snapshot_max_length = updater.config.targets_max_length = 1 << 30
        updater.refresh()
        for number in installed:
            assert updater.get_targetinfo(name_of(number)) is not None
        return self.cost


def name_of(number: int) -> str:
    """A package's file, of an ordinary length."""
    return f"package-{number:07}-1.0-amd64.img"

"""A TUF repository written by python-tuf, in memory, with the means to spoil any part of it."""

from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

ROLES = ("root", "timestamp", "snapshot", "targets")
LIVES = {"root": 365, "timestamp": 7, "snapshot": 30, "targets": 30}  # days


def signer(name: str) -> CryptoSigner:
    """A throw-away Ed25519 key that is the same in every run."""
    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(sha256(f"throw-away TUF key {name}".encode()).digest()))


class TufRepository:
    """Files by path, as a store serves them below `/tuf/`; each change of a role is signed and written anew."""

    def __init__(self, at: datetime, name: str = "store") -> None:
        self.at = at.replace(microsecond=0)
        self.name = name
        self.files: dict[str, bytes] = {}
        self.signers: dict[str, list[CryptoSigner]] = {
            "root": [signer(f"{name} root {n}") for n in "ab"],
            **{role: [signer(f"{name} {role}")] for role in ROLES[1:]},
        }
        self.root = Root(version=0 + 1, expires=self.expiry("root"), consistent_snapshot=True)
        self.timestamp = Timestamp(version=1, expires=self.expiry("timestamp"))
        self.snapshot = Snapshot(version=1, expires=self.expiry("snapshot"))
        self.targets = Targets(version=1, expires=self.expiry("targets"))
        self.timestamp.snapshot_meta = MetaFile(1)
        for role in ROLES:
            for one in self.signers[role]:
                self.root.add_key(one.public_key, role)
        self.root.roles["root"].threshold = 2
        self.previous_root: list[CryptoSigner] = []
        self.write_root()

    def expiry(self, role: str) -> datetime:
        return self.at + timedelta(days=LIVES[role])

    def pin(self) -> tuple[int, str]:
        """(version, sha256) of the newest root."""
        version = self.root.version
        return version, sha256(self.files[f"{version}.root.json"]).hexdigest()

    def sign(self, signed: Any, signers: Iterable[CryptoSigner]) -> bytes:
        metadata = Metadata(deepcopy(signed))
        for one in signers:
            metadata.sign(one, append=True)
        return metadata.to_bytes()

    def write_root(self) -> None:
        """Sign the root in hand by its own and the previous root's keys."""
        keys = {one.public_key.keyid: one for one in (*self.previous_root, *self.signers["root"])}
        self.files[f"{self.root.version}.root.json"] = self.sign(self.root, keys.values())
        self.previous_root = list(self.signers["root"])

    def next_root(self, **rotate: list[CryptoSigner]) -> None:
        """Publish the next version of the root; `rotate` gives roles new keys (their thresholds stay)."""
        self.root.version += 1
        self.root.expires = self.expiry("root")
        for role, new in rotate.items():
            for old in list(self.root.roles[role].keyids):
                self.root.revoke_key(old, role)
            for one in new:
                self.root.add_key(one.public_key, role)
            self.signers[role] = new
        self.write_root()

    def publish(self, target: bytes, name: str = "catalogue.json") -> None:
        """Make `target` the current one: new targets, snapshot and timestamp."""
        digest = sha256(target).hexdigest()
        self.files[f"targets/{digest}.{name}"] = target
        self.targets.targets = {name: TargetFile.from_data(name, target, ["sha256"])}
        if "timestamp.json" in self.files:
            self.targets.version += 1
        self.write_targets()

    def write_targets(self) -> None:
        """Sign the targets in hand, and what stands above them."""
        self.targets.expires = self.expiry("targets")
        self.files[f"{self.targets.version}.targets.json"] = self.sign(self.targets, self.signers["targets"])
        if "timestamp.json" in self.files:
            self.snapshot.version += 1
        self.snapshot.meta["targets.json"] = MetaFile(self.targets.version)
        self.write_snapshot()

    def write_snapshot(self) -> None:
        """Sign the snapshot in hand, and the timestamp above it."""
        self.snapshot.expires = self.expiry("snapshot")
        self.files[f"{self.snapshot.version}.snapshot.json"] = self.sign(self.snapshot, self.signers["snapshot"])
        if "timestamp.json" in self.files:
            self.timestamp.version += 1
        self.timestamp.snapshot_meta = MetaFile(self.snapshot.version)
        self.write_timestamp()

    def write_timestamp(self) -> None:
        """Sign the timestamp in hand."""
        self.timestamp.expires = self.expiry("timestamp")
        self.put("timestamp", self.timestamp)

    def put(self, role: str, signed: Any, signers: Iterable[CryptoSigner] | None = None) -> None:
        """Write one role's metadata as it is, signed by these keys or by its own."""
        path = "timestamp.json" if role == "timestamp" else f"{signed.version}.{role}.json"
        self.files[path] = self.sign(signed, self.signers[role] if signers is None else signers)

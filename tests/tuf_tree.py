"""A TUF repository of any shape: delegation trees, bins, both ways of naming files; each change is signed anew."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from hashlib import new as new_hash
from typing import Any
from urllib.parse import quote

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)

from tests.tuf_repository import signer

TOP = ("root", "timestamp", "snapshot", "targets")


class TufTree:
    """`metadata` and `targets` are the files by their paths below the two addresses, as a server has them.

    Args:
        consistent: files are named after their versions and digests.
        named: snapshot and timestamp name lengths and digests beside the versions.
    """

    def __init__(self, at: datetime, *, consistent: bool = True, named: bool = False, key: str = "tree") -> None:
        self.at, self.named, self.key = at.replace(microsecond=0), named, key
        self.metadata: dict[str, bytes] = {}
        self.targets: dict[str, bytes] = {}
        self.signers = {role: [signer(f"{key} {role}")] for role in TOP}
        self.root = Root(expires=self.in_days(365), consistent_snapshot=consistent)
        self.timestamp = Timestamp(expires=self.in_days(7))
        self.snapshot = Snapshot(expires=self.in_days(30))
        self.roles: dict[str, Targets] = {"targets": Targets(expires=self.in_days(30))}
        self.snapshot.meta.clear()
        for role in TOP:
            self.root.add_key(self.signers[role][0].public_key, role)
        self.good_roots: dict[str, bytes] = {}
        self.contents: dict[tuple[str, str], tuple[bytes, Sequence[str]]] = {}
        self._root_before: list[CryptoSigner] = []
        self._out: set[str] = set()
        self.put_root()
        self.publish("targets")

    def in_days(self, days: float) -> datetime:
        """An expiry, from the repository's now on."""
        return self.at + timedelta(days=days)

    # --- what it says

    def delegate(
        self,
        above: str,
        role: str,
        paths: Sequence[str] | None = ("*",),
        *,
        prefixes: Sequence[str] | None = None,
        terminating: bool = False,
        threshold: int = 1,
    ) -> None:
        """Let `above` name `role`, with `threshold` keys; both are published by the caller."""
        delegations = self.roles[above].delegations or Delegations({}, {})
        self.roles[above].delegations = delegations
        assert delegations.roles is not None
        own = None if prefixes is not None else list(paths or ())
        found = DelegatedRole(role, [], threshold, terminating, own, list(prefixes) if prefixes is not None else None)
        delegations.roles[role] = found
        self.signers.setdefault(role, [signer(f"{self.key} {role} {n}") for n in range(threshold)])
        for one in self.signers[role]:
            self.roles[above].add_key(one.public_key, role)
        self.roles.setdefault(role, Targets(expires=self.in_days(30)))

    def delegate_bins(self, above: str, bits: int, prefix: str) -> SuccinctRoles:
        """Let `above` hand every target to one of its bins."""
        bins = SuccinctRoles([], 1, bits, prefix)
        self.roles[above].delegations = Delegations({}, None, bins)
        one = signer(f"{self.key} {prefix}")
        self.roles[above].add_key(one.public_key)
        for name in bins.get_roles():
            self.signers[name] = [one]
            self.roles[name] = Targets(expires=self.in_days(30))
        return bins

    def add(self, role: str, name: str, data: bytes, algorithms: Sequence[str] = ("sha256",)) -> None:
        """A target of a role, and its file."""
        hashes = {algorithm: new_hash(algorithm, data).hexdigest() for algorithm in algorithms}
        self.roles[role].targets[name] = TargetFile(len(data), hashes, name)
        self.contents[role, name] = (data, algorithms)
        self.serve(name, data, hashes.values())

    def serve(self, name: str, data: bytes, digests: Iterable[str]) -> None:
        """The file of a target below its addresses."""
        folders, slash, last = name.rpartition("/")
        for digest in digests if self.root.consistent_snapshot else [""]:
            self.targets[quote(f"{folders}{slash}{digest}{'.' if digest else ''}{last}", safe="/~@:+,=")] = data

    # --- signing

    def sign(self, signed: Any, signers: Iterable[CryptoSigner]) -> bytes:
        """A file of metadata."""
        metadata = Metadata(deepcopy(signed))
        for one in signers:
            metadata.sign(one, append=True)
        return metadata.to_bytes()

    def put(self, role: str, raw: bytes, version: int) -> None:
        """Serve a file of a role."""
        plain = role == "timestamp" or (role != "root" and not self.root.consistent_snapshot)
        self.metadata[f"{'' if plain else f'{version}.'}{quote(role, safe='')}.json"] = raw

    def raw(self, role: str) -> bytes:
        """The file of a role that was published last."""
        plain = role == "timestamp" or (role != "root" and not self.root.consistent_snapshot)
        return self.metadata[f"{'' if plain else f'{self._signed(role).version}.'}{quote(role, safe='')}.json"]

    def publish(self, *roles: str, snapshot: bool = True, timestamp: bool = True) -> None:
        """The next version of these targets roles, of the snapshot and of the timestamp."""
        for role in roles:
            raw = self._next(role, self.roles[role])
            self.snapshot.meta[f"{role}.json"] = self._meta(self.roles[role].version, raw)
        if snapshot:
            self.timestamp.snapshot_meta = self._meta(self.snapshot.version + 1, b"")
            raw = self._next("snapshot", self.snapshot)
            self.timestamp.snapshot_meta = self._meta(self.snapshot.version, raw)
        if timestamp:
            self._next("timestamp", self.timestamp)

    def publish_all(self) -> None:
        """The next version of everything but the root."""
        self.publish(*self.roles)

    def put_root(self, *, bump: bool = False) -> None:
        """Sign the root in hand by its own keys and those before it."""
        self.root.version += bump
        keys = {one.public_key.keyid: one for one in (*self._root_before, *self.signers["root"])}
        self.put("root", self.sign(self.root, keys.values()), self.root.version)
        self.good_roots[f"{self.root.version}.root.json"] = self.raw("root")
        self._root_before = list(self.signers["root"])

    def rotate(self, role: str, *names: str, threshold: int | None = None) -> None:
        """Give a top role other keys in the next root."""
        for old in list(self.root.roles[role].keyids):
            self.root.revoke_key(old, role)
        self.signers[role] = [signer(f"{self.key} {name}") for name in names]
        for one in self.signers[role]:
            self.root.add_key(one.public_key, role)
        self.root.roles[role].threshold = threshold or len(names)
        self.put_root(bump=True)

    def heal(self) -> None:
        """Put everything in order again, from the roots on: whole files, met thresholds, higher versions."""
        self.metadata.update(self.good_roots)
        self.root.expires = self.in_days(365)
        for role in ("timestamp", "snapshot", "targets"):
            self.root.roles[role].threshold = len(self.root.roles[role].keyids)
        self.put_root(bump=True)
        for above in self.roles.values():
            above.expires = self.in_days(30)
            for each in ((above.delegations.roles or {}) if above.delegations is not None else {}).values():
                each.threshold = len(each.keyids)
        for part in (self.timestamp, self.snapshot):
            part.expires = self.in_days(7)
        for (role, name), (data, algorithms) in list(self.contents.items()):
            if name in self.roles[role].targets:
                self.add(role, name, data, algorithms)
        highest = [self.timestamp.snapshot_meta.version, *(meta.version for meta in self.snapshot.meta.values())]
        for any_part in (self.timestamp, self.snapshot, *self.roles.values()):
            any_part.version = max(any_part.version, *highest) + 9
        self.publish_all()

    def _next(self, role: str, signed: Any) -> bytes:
        signed.version += role in self._out
        self._out.add(role)
        raw = self.sign(signed, self.signers[role])
        self.put(role, raw, signed.version)
        return raw

    def _meta(self, version: int, raw: bytes) -> MetaFile:
        if not self.named:
            return MetaFile(version)
        return MetaFile(version, len(raw), {"sha256": new_hash("sha256", raw).hexdigest()})

    def _signed(self, role: str) -> Any:
        if role in TOP[:3]:
            return getattr(self, role)
        return self.roles[role]

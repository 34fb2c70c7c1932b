"""The steps of TUF's client workflow (5.3 to 5.5), each a function of bytes and an instant (SPEC TF-3 to TF-8).

Nothing here reads a disk, a clock or a network. Each step takes what the step before has made trusted, so
that the types keep the order: root, timestamp, snapshot, targets, target.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

from tuf.api.metadata import Root, Signed, Snapshot, Timestamp

from sealring_client.decide.tuf.errors import (
    NotTheNamed,
    NotThePin,
    TufExpired,
    TufRollback,
    WrongRootVersion,
)
from sealring_client.decide.tuf.metadata import Unverified, check_signed, parse_metadata
from sealring_client.decide.tuf.named_bytes import check_bytes
from sealring_client.decide.tuf.names import shown

R = TypeVar("R", Timestamp, Snapshot)


@dataclass(frozen=True)
class Limits:
    """Bytes of each file, how many new roots one refresh takes, and how many delegated roles one search asks."""

    root: int = 512 * 1024
    timestamp: int = 16 * 1024
    snapshot: int = 512 * 1024
    targets: int = 512 * 1024
    target: int = 1024
    new_roots: int = 256
    roles: int = 32


# A repository that is no store of ours lists more; these are the figures that python-tuf begins with.
ANY_REPOSITORY = Limits(snapshot=2_000_000, targets=5_000_000, target=2**40)


@dataclass(frozen=True)
class RootMark:
    """One root, exactly: its version and the SHA-256 of its file, hex."""

    version: int
    sha256: str


@dataclass(frozen=True)
class TrustedRoot:
    """A root that a pin, or the root before it, vouches for; maybe expired."""

    raw: bytes
    content: Root

    @property
    def mark(self) -> RootMark:
        """Its version and digest."""
        return RootMark(self.content.version, sha256(self.raw).hexdigest())


@dataclass(frozen=True)
class TrustedTimestamp:
    """A timestamp by today's keys; current unless it is only held as a floor."""

    raw: bytes
    content: Timestamp


@dataclass(frozen=True)
class TrustedSnapshot:
    """A snapshot by today's keys; current unless it is only held as a floor."""

    raw: bytes
    content: Snapshot


def begin_with_root(raw: bytes, mark: RootMark, limits: Limits) -> TrustedRoot:
    """The root that the brand pinned, or that was seen last (TF-8).

    Raises:
        NotThePin, BadMetadata, NotSigned.
    """
    file, found = f"{mark.version}.root.json", sha256(raw).hexdigest()
    # TF-8 comes first: nothing of a file is read that the brand did not name by its digest.
    if found != mark.sha256:
        raise NotThePin(file, f"sha256 {found}", f"sha256 {mark.sha256}")
    root = parse_metadata(raw, Root, limit=limits.root, file=file)
    if root.content.version != mark.version:
        raise WrongRootVersion(file, root.content.version, mark.version)
    check_signed(root, root.content, Root.type, file)
    return TrustedRoot(raw, root.content)


def begin_with_trusted_root(raw: bytes, limits: Limits) -> TrustedRoot:
    """The root that a person gave this device, or the last one that it led to (5.3.1); maybe expired."""
    root = parse_metadata(raw, Root, limit=limits.root, file="root.json")
    check_signed(root, root.content, Root.type, "root.json")
    return TrustedRoot(raw, root.content)


def next_root(before: TrustedRoot, raw: bytes, limits: Limits) -> TrustedRoot:
    """The root after `before`, expired or not (TF-3)."""
    needed = before.content.version + 1
    file = f"{needed}.root.json"
    root = parse_metadata(raw, Root, limit=limits.root, file=file)
    # TF-3: the keys of n say who follows them, and those of n + 1 show that they exist.
    check_signed(root, before.content, Root.type, file)
    if root.content.version != needed:
        raise WrongRootVersion(file, root.content.version, needed)
    check_signed(root, root.content, Root.type, file)
    return TrustedRoot(raw, root.content)


def check_current(content: Signed, at: datetime, file: str | None = None) -> None:
    """Raise unless this metadata is current at the given instant (TF-6); equality is refused."""
    if at >= content.expires:
        raise TufExpired(file or f"{content.type}.json", content.expires, at)


def held_timestamp(root: TrustedRoot, raw: bytes, limits: Limits) -> TrustedTimestamp:
    """A timestamp from this device's disk, if today's keys still vouch for it; a floor, maybe expired."""
    found = _signed(root, raw, Timestamp, limits.timestamp)
    return TrustedTimestamp(found.raw, found.content)


def check_timestamp(
    root: TrustedRoot, raw: bytes, held: TrustedTimestamp | None, *, at: datetime, limits: Limits
) -> TrustedTimestamp:
    """The store's timestamp, or `held` where the store shows no newer one (TF-4, TF-6).

    Raises:
        TufError.
    """
    # TF-6: the last root must be current before anything below it counts.
    check_current(root.content, at)
    new = _signed(root, raw, Timestamp, limits.timestamp)
    if held is not None:
        before = held.content
        if new.content.version < before.version:
            raise TufRollback("timestamp.json", "timestamp", new.content.version, before.version)
        if new.content.version == before.version:
            # The specification discards it: one version has one meaning, the one seen first.
            check_current(before, at)
            return held
        # TF-4: or a store could pair a new timestamp with an old state.
        if new.content.snapshot_meta.version < before.snapshot_meta.version:
            raise TufRollback(
                "timestamp.json", "snapshot", new.content.snapshot_meta.version, before.snapshot_meta.version
            )
    check_current(new.content, at)
    return TrustedTimestamp(raw, new.content)


def held_snapshot(root: TrustedRoot, raw: bytes, limits: Limits) -> TrustedSnapshot:
    """A snapshot from this device's disk, if today's keys still vouch for it; a floor, maybe expired."""
    found = _signed(root, raw, Snapshot, limits.snapshot)
    return TrustedSnapshot(found.raw, found.content)


def is_final(snapshot: TrustedSnapshot, timestamp: TrustedTimestamp, at: datetime) -> bool:
    """Whether a held snapshot is the one that the timestamp names, so that none need be fetched."""
    named = timestamp.content.snapshot_meta.version
    return snapshot.content.version == named and at < snapshot.content.expires


def check_snapshot(
    root: TrustedRoot,
    timestamp: TrustedTimestamp,
    raw: bytes,
    held: TrustedSnapshot | None,
    *,
    at: datetime,
    limits: Limits,
) -> TrustedSnapshot:
    """The snapshot that the timestamp names (TF-4 to TF-6)."""
    named = timestamp.content.snapshot_meta
    check_bytes(raw, named, "snapshot.json")
    new = _signed(root, raw, Snapshot, limits.snapshot)
    for name, before in held.content.meta.items() if held is not None else ():
        after = new.content.meta.get(name)
        # TF-4: a file once listed stays listed, and its version never falls.
        if after is None:
            raise NotTheNamed("snapshot.json", f"no {shown(name)}", f"{shown(name)} version {before.version} or later")
        if after.version < before.version:
            raise TufRollback("snapshot.json", shown(name), after.version, before.version)
    if new.content.version != named.version:
        raise NotTheNamed("snapshot.json", f"version {new.content.version}", f"version {named.version}")
    check_current(new.content, at)
    return TrustedSnapshot(raw, new.content)


def _signed(root: TrustedRoot, raw: bytes, kind: type[R], limit: int) -> Unverified[R]:
    file = f"{kind.type}.json"
    found = parse_metadata(raw, kind, limit=limit, file=file)
    check_signed(found, root.content, kind.type, file)
    return found

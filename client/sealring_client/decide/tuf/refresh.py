"""One refresh of one store's TUF repository: what to ask, what to keep, in the specification's order (SPEC TF).

Each file is kept as soon as it is verified, so that a kill at any point leaves a state from which the
next refresh goes on.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from tuf.api.metadata import Root

from sealring.errors import TrustError
from sealring_client.decide.tuf.errors import BadMetadata, NotSigned, NotThePin, TufError
from sealring_client.decide.tuf.metadata import parse_metadata
from sealring_client.decide.tuf.workflow import (
    Limits,
    RootMark,
    TrustedRoot,
    TrustedSnapshot,
    TrustedTargets,
    TrustedTimestamp,
    begin_with_root,
    check_current,
    check_snapshot,
    check_target,
    check_targets,
    check_timestamp,
    held_snapshot,
    held_timestamp,
    is_final,
    named_target,
    named_targets,
    next_root,
)
from sealring_client.fetch.errors import NotThere


class Source(Protocol):
    """Brings one file of the repository. Nothing it returns is trusted."""

    def fetch(self, path: str, *, limit: int) -> bytes:
        """At most `limit` bytes, or NotThere / Unreachable; it never returns a part."""


class Storage(Protocol):
    """Keeps the five files of one store between refreshes."""

    def load(self, name: str) -> bytes | None:
        """The file as it was kept last, if there is one."""

    def save(self, name: str, data: bytes) -> None:
        """Keep it, durably, before this returns."""


@dataclass(frozen=True)
class Start:
    """Where a chain of roots begins and what it must pass through.

    Args:
        pin: what the brand's current `store` statement names.
        held_pin: what it named when this store was refreshed last; None at first.
        seen: the highest root seen of this store; None at first.
    """

    pin: RootMark
    held_pin: RootMark | None = None
    seen: RootMark | None = None


@dataclass(frozen=True)
class Refreshed:
    """A store's repository, current and complete at the instant of the refresh.

    `rekeyed`: the brand has replaced the store's root, so whatever was remembered of this store is void.
    """

    root: TrustedRoot
    timestamp: TrustedTimestamp
    snapshot: TrustedSnapshot
    targets: TrustedTargets
    target: bytes
    rekeyed: bool

    @property
    def expires(self) -> datetime:
        """The earliest expiry of all four roles."""
        parts = (self.root, self.timestamp, self.snapshot, self.targets)
        return min(part.content.expires for part in parts)


def refresh_tuf(
    source: Source, storage: Storage, start: Start, *, at: datetime, target: str, limits: Limits | None = None
) -> Refreshed:
    """The store's repository as it is now, or why it does not count.

    Args:
        at: the instant of this check, UTC.
        target: the one target that is wanted.

    Raises:
        TrustError: a rule said no. What was verified before is kept.
        Unreachable: a file could not be had.
    """
    limits = limits or Limits()
    root, rekeyed = find_root(source, storage, start, limits)
    check_current(root.content, at)
    timestamp, floor = _timestamp(source, storage, root, rekeyed, at, limits)
    snapshot = _snapshot(source, storage, root, timestamp, floor, at, limits)
    targets = _targets(source, storage, root, snapshot, at, limits)
    return Refreshed(
        root, timestamp, snapshot, targets, _target(source, storage, root, targets, target, limits), rekeyed
    )


def find_root(source: Source, storage: Storage, start: Start, limits: Limits) -> tuple[TrustedRoot, bool]:
    """The newest root that the store shows, and whether the brand has re-keyed the store (TF-3, TF-8)."""
    seen = start.seen
    if seen is None or start.held_pin == start.pin:
        first = _held_root(storage, seen, limits, newer=True) or _pinned(source, start.pin, limits)
        return _walk(source, storage, first, (start.pin, seen), limits), False
    # The brand names another root than last time. If one chain leads through both, nothing was replaced.
    with suppress(TufError):
        ahead = start.pin.version > seen.version
        first = (_held_root(storage, seen, limits, newer=False) if ahead else None) or _pinned(
            source, start.pin, limits
        )
        return _walk(source, storage, first, (start.pin, seen), limits), False
    # TF-8: a newer statement of the brand replaces the store's root; its old chain no longer counts.
    return _walk(source, storage, _pinned(source, start.pin, limits), (start.pin,), limits), True


def _held_root(storage: Storage, seen: RootMark | None, limits: Limits, *, newer: bool) -> TrustedRoot | None:
    """The kept root, if it is the one that was seen; or, with `newer`, one that was walked to since."""
    raw = storage.load("root.json") if seen is not None else None
    if raw is None or seen is None:
        return None
    try:
        version = parse_metadata(raw, Root, limit=limits.root, file="root.json").content.version
        # A root is verified before it is kept, so one that is ahead of the trust state was walked to before a kill.
        mark = RootMark(version, sha256(raw).hexdigest()) if newer and version > seen.version else seen
        return begin_with_root(raw, mark, limits)
    except TrustError:
        return None  # damaged: begin at the pin again


def _pinned(source: Source, pin: RootMark, limits: Limits) -> TrustedRoot:
    return begin_with_root(source.fetch(f"{pin.version}.root.json", limit=limits.root), pin, limits)


def _walk(
    source: Source, storage: Storage, root: TrustedRoot, marks: tuple[RootMark | None, ...], limits: Limits
) -> TrustedRoot:
    """Every root after `root` that the store has; each is kept before the next is asked for."""
    first, wanted = root.content.version, [mark for mark in marks if mark is not None]
    _check_marks(root, wanted)
    for _ in range(limits.new_roots):
        try:
            raw = source.fetch(f"{root.content.version + 1}.root.json", limit=limits.root)
        except NotThere:
            break
        root = next_root(root, raw, limits)
        _check_marks(root, wanted)
        storage.save("root.json", root.raw)
    # TF-8: a store that hides the roots after an old one would bring retired keys back to life.
    highest = max(wanted, key=lambda mark: mark.version)
    if root.content.version < highest.version:
        raise NotThePin(
            f"{highest.version}.root.json", f"a chain that ends at {root.content.version}", str(highest.version)
        )
    if root.content.version == first and storage.load("root.json") != root.raw:
        storage.save("root.json", root.raw)
    return root


def _check_marks(root: TrustedRoot, wanted: list[RootMark]) -> None:
    for mark in wanted:
        # TF-8: two chains of one store can't both be right; the one that the brand or this device knows is.
        if mark.version == root.content.version and mark != root.mark:
            file = f"{mark.version}.root.json"
            raise NotThePin(file, f"sha256 {root.mark.sha256}", f"sha256 {mark.sha256}")


def _timestamp(
    source: Source, storage: Storage, root: TrustedRoot, rekeyed: bool, at: datetime, limits: Limits
) -> tuple[TrustedTimestamp, TrustedSnapshot | None]:
    """The current timestamp, and the held snapshot where it still is a floor."""
    held, floor = None, None
    if not rekeyed:
        held, floor = _held(storage, root, limits)
    raw = source.fetch("timestamp.json", limit=limits.timestamp)
    timestamp = check_timestamp(root, raw, held, at=at, limits=limits)
    if timestamp is not held:
        storage.save("timestamp.json", timestamp.raw)
    return timestamp, floor


def _held(
    storage: Storage, root: TrustedRoot, limits: Limits
) -> tuple[TrustedTimestamp | None, TrustedSnapshot | None]:
    """What the disk has of both roles under today's keys.

    TF-4: once the root has taken the key of either role away, both floors go: a thief's fast-forward ends
    with the keys that made it (specification 5.3.11).
    """
    timestamp, snapshot = None, None
    try:
        if (raw := storage.load("timestamp.json")) is not None:
            with suppress(BadMetadata):  # damaged on this device's own disk: it is fetched again
                timestamp = held_timestamp(root, raw, limits)
        if (raw := storage.load("snapshot.json")) is not None:
            with suppress(BadMetadata):
                snapshot = held_snapshot(root, raw, limits)
    except NotSigned:
        return None, None
    return timestamp, snapshot


def _snapshot(
    source: Source,
    storage: Storage,
    root: TrustedRoot,
    timestamp: TrustedTimestamp,
    held: TrustedSnapshot | None,
    at: datetime,
    limits: Limits,
) -> TrustedSnapshot:
    if held is not None and is_final(held, timestamp, at):
        return held
    named = timestamp.content.snapshot_meta
    path = _path(root, named.version, "snapshot.json")
    raw = source.fetch(path, limit=min(named.length or limits.snapshot, limits.snapshot))
    snapshot = check_snapshot(root, timestamp, raw, held, at=at, limits=limits)
    storage.save("snapshot.json", snapshot.raw)
    return snapshot


def _targets(
    source: Source, storage: Storage, root: TrustedRoot, snapshot: TrustedSnapshot, at: datetime, limits: Limits
) -> TrustedTargets:
    kept = storage.load("targets.json")
    if kept is not None:
        with suppress(TrustError):
            return check_targets(root, snapshot, kept, at=at, limits=limits)
    named = named_targets(snapshot)
    path = _path(root, named.version, "targets.json")
    raw = source.fetch(path, limit=min(named.length or limits.targets, limits.targets))
    targets = check_targets(root, snapshot, raw, at=at, limits=limits)
    storage.save("targets.json", targets.raw)
    return targets


def _target(
    source: Source, storage: Storage, root: TrustedRoot, targets: TrustedTargets, name: str, limits: Limits
) -> bytes:
    """The target's bytes. They are not kept here: the caller judges them first."""
    named = named_target(targets, name, limits)
    kept = storage.load(name)
    if kept is not None:
        with suppress(TrustError):
            return check_target(kept, named)
    prefix = f"{named.hashes['sha256']}." if root.content.consistent_snapshot else ""
    return check_target(source.fetch(f"targets/{prefix}{name}", limit=named.length), named)


def _path(root: TrustedRoot, version: int, name: str) -> str:
    return f"{version}.{name}" if root.content.consistent_snapshot else name

"""One refresh of a TUF repository: what to ask, what to keep, in the specification's order (SPEC TF-3 to TF-8, TF-12).

Each file is kept as soon as it is verified, so that a kill at any point leaves a state from which the
next refresh goes on: root, timestamp, snapshot, targets, then the delegated roles in the order of a search.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sealring.errors import TrustError
from sealring_client.decide.tuf.errors import BadMetadata, NotSigned
from sealring_client.decide.tuf.metadata import Delegator
from sealring_client.decide.tuf.names import role_file
from sealring_client.decide.tuf.roots import Start, find_root, walk_roots
from sealring_client.decide.tuf.targets import (
    TOP,
    Found,
    TrustedTargets,
    check_target,
    check_targets,
    find_target,
    named_target,
    named_targets,
)
from sealring_client.decide.tuf.workflow import (
    ANY_REPOSITORY,
    Limits,
    TrustedRoot,
    TrustedSnapshot,
    TrustedTimestamp,
    begin_with_trusted_root,
    check_current,
    check_snapshot,
    check_timestamp,
    held_snapshot,
    held_timestamp,
    is_final,
)
from sealring_client.decide.tuf.world import Source, Storage


@dataclass(frozen=True)
class Repository:
    """The four top roles, current and complete at the instant of the refresh."""

    root: TrustedRoot
    timestamp: TrustedTimestamp
    snapshot: TrustedSnapshot
    targets: TrustedTargets

    @property
    def expires(self) -> datetime:
        """The earliest expiry of all four roles."""
        parts = (self.root, self.timestamp, self.snapshot, self.targets)
        return min(part.content.expires for part in parts)


@dataclass(frozen=True)
class Refreshed(Repository):
    """A store's repository, and its one target.

    `rekeyed`: the brand has replaced the store's root, so whatever was remembered of this store is void.
    """

    target: bytes
    rekeyed: bool


@dataclass(frozen=True)
class _World:
    """What every step needs: whom to ask, where to keep, the instant of this update (5.1), the limits."""

    source: Source
    storage: Storage
    at: datetime
    limits: Limits

    def fetch(self, root: TrustedRoot, version: int, name: str, length: int | None, limit: int) -> bytes:
        """A file below the timestamp, never more of it than is named."""
        path = f"{version}.{name}" if root.content.consistent_snapshot else name
        return self.source.fetch(path, limit=min(length or limit, limit))


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
    world = _World(source, storage, at, limits or Limits())
    root, rekeyed = find_root(source, storage, start, world.limits)
    found = _below(world, root, rekeyed)
    return Refreshed(
        root, found.timestamp, found.snapshot, found.targets, _target(world, root, found.targets, target), rekeyed
    )


def refresh_repository(
    source: Source, storage: Storage, *, at: datetime, limits: Limits = ANY_REPOSITORY
) -> Repository:
    """Any repository as it is now, from the root that the storage holds (`init` put the first one there).

    Args:
        at: the instant of this update, UTC.

    Raises:
        TrustError: a rule said no. What was verified before is kept.
        Unreachable: a file could not be had.
    """
    raw = storage.load("root.json")
    if raw is None:
        raise BadMetadata("root.json", "there is none: nothing is trusted yet")
    # TF-8 has no say here: nobody but the person who gave the first root pins anything.
    root = walk_roots(source, storage, begin_with_trusted_root(raw, limits), (), limits)
    return _below(_World(source, storage, at, limits), root, forget=False)


def search_target(
    source: Source,
    storage: Storage,
    found: Repository,
    name: str,
    *,
    at: datetime,
    limits: Limits = ANY_REPOSITORY,
) -> Found:
    """What the repository says of one target, asked of its roles in pre-order (TF-12; 5.6.7).

    Raises:
        NoSuchTarget: no role names it that may.
        TrustError, Unreachable: of a role that is asked on the way.
    """
    world = _World(source, storage, at, limits)

    def load(role: str, above: Delegator) -> TrustedTargets:
        return _targets(world, found.root, found.snapshot, above, role)

    return find_target(found.targets, name, load, roles=limits.roles)


def _below(world: _World, root: TrustedRoot, forget: bool) -> Repository:
    # TF-6, 5.3.10: all of the chain was walked; its end must be current.
    check_current(root.content, world.at)
    timestamp, floor = _timestamp(world, root, forget)
    snapshot = _snapshot(world, root, timestamp, floor)
    return Repository(root, timestamp, snapshot, _targets(world, root, snapshot, root.content, TOP))


def _timestamp(world: _World, root: TrustedRoot, forget: bool) -> tuple[TrustedTimestamp, TrustedSnapshot | None]:
    """The current timestamp, and the held snapshot where it still is a floor."""
    held, floor = None, None
    if not forget:
        held, floor = _held(world, root)
    raw = world.source.fetch("timestamp.json", limit=world.limits.timestamp)
    timestamp = check_timestamp(root, raw, held, at=world.at, limits=world.limits)
    if timestamp is not held:
        world.storage.save("timestamp.json", timestamp.raw)
    return timestamp, floor


def _held(world: _World, root: TrustedRoot) -> tuple[TrustedTimestamp | None, TrustedSnapshot | None]:
    """What the disk has of both roles under today's keys.

    TF-4: once the root has taken the key of either role away, both floors go: a thief's fast-forward ends
    with the keys that made it (specification 5.3.11).
    """
    timestamp, snapshot = None, None
    try:
        if (raw := world.storage.load("timestamp.json")) is not None:
            with suppress(BadMetadata):  # damaged on this device's own disk: it is fetched again
                timestamp = held_timestamp(root, raw, world.limits)
        if (raw := world.storage.load("snapshot.json")) is not None:
            with suppress(BadMetadata):
                snapshot = held_snapshot(root, raw, world.limits)
    except NotSigned:
        return None, None
    return timestamp, snapshot


def _snapshot(
    world: _World, root: TrustedRoot, timestamp: TrustedTimestamp, held: TrustedSnapshot | None
) -> TrustedSnapshot:
    if held is not None and is_final(held, timestamp, world.at):
        return held
    named = timestamp.content.snapshot_meta
    raw = world.fetch(root, named.version, "snapshot.json", named.length, world.limits.snapshot)
    snapshot = check_snapshot(root, timestamp, raw, held, at=world.at, limits=world.limits)
    world.storage.save("snapshot.json", snapshot.raw)
    return snapshot


def _targets(
    world: _World, root: TrustedRoot, snapshot: TrustedSnapshot, above: Delegator, role: str
) -> TrustedTargets:
    """A targets role, from the disk where what is there is the one that the snapshot names."""
    file, at, limits = role_file(role, above.type), world.at, world.limits
    kept = world.storage.load(file)
    if kept is not None:
        with suppress(TrustError):
            return check_targets(above, snapshot, kept, at=at, limits=limits, role=role)
    named = named_targets(snapshot, role)
    raw = world.fetch(root, named.version, file, named.length, limits.targets)
    targets = check_targets(above, snapshot, raw, at=at, limits=limits, role=role)
    world.storage.save(file, targets.raw)
    return targets


def _target(world: _World, root: TrustedRoot, targets: TrustedTargets, name: str) -> bytes:
    """The target's bytes. They are not kept here: the caller judges them first."""
    named = named_target(targets, name, world.limits)
    kept = world.storage.load(name)
    if kept is not None:
        with suppress(TrustError):
            return check_target(kept, named)
    prefix = f"{named.hashes['sha256']}." if root.content.consistent_snapshot else ""
    return check_target(world.source.fetch(f"targets/{prefix}{name}", limit=named.length), named)

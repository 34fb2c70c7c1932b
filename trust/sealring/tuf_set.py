"""A store's TUF files, verified from bytes to the catalogue entry that they vouch for (SPEC TF-3 to TF-6).

No step judges expiry: evidence stays evidence, and a file's end can be told, when it has expired. `check_current`
judges it where it counts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar

from tuf.api.metadata import MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from sealring.catalogue.entry import MAX_ENTRY, CatalogueEntry, parse_entry
from sealring.errors import SealringError
from sealring.names import spell
from sealring.tuf_form import FOREIGN, MAX_TIMESTAMP, MAX_TUF_FILE, NotVouched, T, TufForm, parse_tuf

MAX_ROOTS = 257  # the first and 256 steps (SPEC TF-3)
CATALOGUE = "catalogue.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(eq=False)
class NotCurrent(SealringError):
    """What the store shows has expired: it, or the way to it, stands still (SPEC TF-6)."""

    expires: datetime
    at: datetime
    rule: ClassVar[str] = "TF-6"
    exit_code: ClassVar[int] = 22

    def __str__(self) -> str:
        return f"the store's TUF files expired at {spell(self.expires)}, it is {spell(self.at)}"

    def hint(self) -> str:
        return "check this machine's clock; else the store has stopped signing, or somebody shows an old copy of it"


@dataclass(frozen=True)
class RootMark:
    """One TUF root, exactly."""

    version: int
    sha256: str


@dataclass(frozen=True)
class Vouched:
    """A catalogue entry for which a store's keys vouch, and by which versions of its files.

    Args:
        roots: the chain of roots, ascending; the last one's keys signed the rest.
        expires: the earliest expiry of all files.
    """

    entry: CatalogueEntry
    roots: tuple[RootMark, ...]
    timestamp: int
    snapshot: int
    expires: datetime


@dataclass(frozen=True)
class TufSet:
    """The bytes of one set, unverified until `verify`.

    Args:
        roots: a chain, ascending by version.
    """

    roots: tuple[bytes, ...]
    timestamp: bytes
    snapshot: bytes
    targets: bytes
    catalogue: bytes

    def verify(self) -> Vouched:
        """The entry, if the last of these roots vouches for it; whether its files have expired is not asked.

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


def check_current(shown: Vouched, at: datetime, max_age: int | None = None) -> None:
    """Return only if the set is current at this instant (TF-6).

    Args:
        at: aware, UTC; the last good instant is the one before the earliest expiry.
        max_age: seconds, of the `store` statement, where it is known.

    Raises:
        NotCurrent.
    """
    expires = shown.expires
    if max_age is not None:
        # So that a stolen timestamp key freezes no longer than the brand allows.
        expires = min(expires, shown.entry.time + timedelta(seconds=max_age))
    if at >= expires:
        raise NotCurrent(expires, at)


def verify_roots(raws: Sequence[bytes]) -> Root:
    """The last of a chain of roots, each signed by its own threshold and that of the one before (TF-3).

    Raises:
        NotVouched: and nothing else, whatever the bytes.
    """
    if not 1 <= len(raws) <= MAX_ROOTS:
        raise NotVouched("root.json", f"a chain of {len(raws)} roots, 1 to {MAX_ROOTS} needed", "TF-3")
    root = next_root(None, raws[0])
    for raw in raws[1:]:
        root = next_root(root, raw)
    return root


def next_root(before: Root | None, raw: bytes) -> Root:
    """The root that follows this one; without one, a root that its own threshold signed (TF-3).

    Raises:
        NotVouched: and nothing else, whatever the bytes.
    """
    found = parse_tuf(raw, Root)
    name = f"{found.signed.version}.root.json"
    if before is not None and found.signed.version != before.version + 1:
        raise NotVouched(name, f"{before.version + 1}.root.json needed", "TF-3")
    for judge in (before or found.signed, found.signed):
        check_signed(judge, found, name)
    return found.signed


def mark_of(raw: bytes) -> RootMark:
    """The version and digest of a root."""
    return RootMark(parse_tuf(raw, Root).signed.version, sha256(raw).hexdigest())


def check_timestamp(root: Root, raw: bytes) -> Timestamp:
    """The timestamp that the root's keys signed."""
    return _signed(root, raw, Timestamp, MAX_TIMESTAMP)


def check_snapshot(root: Root, timestamp: Timestamp, raw: bytes) -> Snapshot:
    """The snapshot that the timestamp names (TF-4, TF-5)."""
    return _named(_signed(root, raw, Snapshot), raw, timestamp.snapshot_meta)


def targets_of(snapshot: Snapshot) -> MetaFile:
    """What the snapshot says of the top-level targets."""
    meta = snapshot.meta.get("targets.json")
    if meta is None:
        raise NotVouched("snapshot.json", "it names no targets")
    return meta


def check_targets(root: Root, snapshot: Snapshot, raw: bytes) -> Targets:
    """The targets that the snapshot names (TF-4, TF-5)."""
    return _named(_signed(root, raw, Targets), raw, targets_of(snapshot))


def catalogue_of(targets: Targets) -> TargetFile:
    """What the targets say of the catalogue: its digest is also its address (TF-5)."""
    target = targets.targets.get(CATALOGUE)
    digest = target.hashes.get("sha256") if target is not None else None
    if target is None or not _DIGEST.fullmatch(str(digest)) or not 0 < target.length <= MAX_ENTRY:
        raise NotVouched("targets.json", f"no {CATALOGUE} by length and sha256", "TF-5")
    return target


def check_catalogue(targets: Targets, raw: bytes) -> CatalogueEntry:
    """The entry that the targets name.

    Raises:
        NotVouched, BadEntry, BadFirstEntry.
    """
    target = catalogue_of(targets)
    if (len(raw), sha256(raw).hexdigest()) != (target.length, target.hashes["sha256"]):
        raise NotVouched(CATALOGUE, "other bytes than the targets name", "TF-5")
    return parse_entry(raw)


def check_signed(root: Root, found: TufForm[T], name: str) -> None:
    """Return only if the threshold of this file's role in `root` signed it.

    Raises:
        NotVouched: and nothing else, whatever the file.
    """
    try:
        root.verify_delegate(found.signed.type, found.signed_bytes, dict(found.signatures))
    except FOREIGN as err:
        raise NotVouched(name, f"not signed by root {root.version} ({type(err).__name__})") from None


def _signed(root: Root, raw: bytes, kind: type[T], limit: int = MAX_TUF_FILE) -> T:
    found = parse_tuf(raw, kind, limit=limit)
    check_signed(root, found, f"{kind.type}.json")
    return found.signed


def _named(found: T, raw: bytes, named: MetaFile) -> T:
    name = f"{found.type}.json"
    try:
        named.verify_length_and_hashes(raw)
    except FOREIGN:
        raise NotVouched(name, "other bytes than the file above it names", "TF-5") from None
    if found.version != named.version:
        raise NotVouched(name, f"version {found.version}, {named.version} is named")
    return found

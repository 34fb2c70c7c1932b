"""A store's TUF files, verified without a network or a clock: what its keys vouch for (SPEC TF-3 to TF-5, TF-7).

Expiry is told, not judged: evidence stays evidence when its files have expired.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from sealring.catalogue.entry import MAX_ENTRY, CatalogueEntry, parse_entry
from sealring_server.audit.errors import NotVouched

MAX_TUF_FILE = 512 * 1024  # bytes
MAX_TIMESTAMP = 16 * 1024  # bytes
MAX_ROOTS = 257  # the first and 256 steps (SPEC TF-3)
MAX_DEPTH = 16
CATALOGUE = "catalogue.json"
KEY_TYPES = ("ed25519", "ecdsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "rsa")
T = TypeVar("T", Root, Timestamp, Snapshot, Targets)

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_DIGEST = re.compile(r"[0-9a-f]{64}")


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


def verify_roots(raws: Sequence[bytes]) -> Root:
    """The last of a chain of roots, each signed by its own threshold and that of the one before (TF-3).

    Raises:
        NotVouched: and nothing else, whatever the bytes.
    """
    if not 1 <= len(raws) <= MAX_ROOTS:
        raise NotVouched("root.json", f"a chain of {len(raws)} roots, 1 to {MAX_ROOTS} needed", "TF-3")
    before: Root | None = None
    for raw in raws:
        metadata = parse_tuf(raw, Root)
        name = f"{metadata.signed.version}.root.json"
        if before is not None and metadata.signed.version != before.version + 1:
            raise NotVouched(name, f"{before.version + 1}.root.json needed", "TF-3")
        for judge in (before or metadata.signed, metadata.signed):
            check_signed(judge, metadata, name)
        before = metadata.signed
    assert before is not None
    return before


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


def parse_tuf(raw: bytes, kind: type[T], limit: int = MAX_TUF_FILE) -> Metadata[T]:
    """The metadata in these bytes; nothing yet says who signed it (TF-7).

    Raises:
        NotVouched: and nothing else, whatever the bytes.
    """
    name = f"{kind.type}.json"
    if len(raw) > limit:
        raise NotVouched(name, f"{len(raw)} bytes, at most {limit} are read", "TF-7")
    try:
        document = _read_json(raw)
        if kind is Root:
            _check_distinct_keys(document["signed"])
        found: Metadata[Any] = Metadata.from_dict(document)
    except (RepositoryError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as err:
        raise NotVouched(name, f"no TUF metadata ({type(err).__name__})", "TF-7") from None
    if not isinstance(found.signed, kind):
        raise NotVouched(name, f"metadata of the role {found.signed.type}")
    return found


def check_signed(root: Root, metadata: Metadata[Any], name: str) -> None:
    """Return only if the threshold of this file's role in `root` signed it."""
    # TF-7: other types of keys are skipped; some of them would ask servers or other programs.
    good = {keyid: one for keyid, one in metadata.signatures.items() if _is_known(root, keyid)}
    try:
        root.verify_delegate(metadata.signed.type, metadata.signed_bytes, good)
    except (RepositoryError, ValueError, TypeError, LookupError, AttributeError) as err:
        raise NotVouched(name, f"not signed by root {root.version} ({type(err).__name__})") from None


def _is_known(root: Root, keyid: str) -> bool:
    return keyid in root.keys and root.keys[keyid].keytype in KEY_TYPES


def _signed(root: Root, raw: bytes, kind: type[T], limit: int = MAX_TUF_FILE) -> T:
    metadata = parse_tuf(raw, kind, limit)
    check_signed(root, metadata, f"{kind.type}.json")
    return metadata.signed


def _named(found: T, raw: bytes, named: MetaFile) -> T:
    name = f"{found.type}.json"
    try:
        named.verify_length_and_hashes(raw)
    except (RepositoryError, ValueError):
        raise NotVouched(name, "other bytes than the file above it names", "TF-5") from None
    if found.version != named.version:
        raise NotVouched(name, f"version {found.version}, {named.version} is named")
    return found


def _read_json(raw: bytes) -> dict[str, Any]:
    """TF-7: one meaning only, and no deeper than any real file."""
    depth = 0
    for byte in _STRING.sub(b"", raw):
        depth += (byte in b"{[") - (byte in b"}]")
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) != len(found):
            raise ValueError("a member stands twice")
        return dict(found)

    found = json.loads(raw, object_pairs_hook=pairs)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _check_distinct_keys(signed: dict[str, Any]) -> None:
    # TF-7: under two ids one key would count twice in a threshold.
    for role in signed["roles"].values():
        publics = [str(signed["keys"][keyid]["keyval"]["public"]).strip().lower() for keyid in role["keyids"]]
        if len(set(publics)) != len(publics):
            raise ValueError("one public key under two ids")

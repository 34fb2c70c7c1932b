"""The store's TUF repository: python-tuf's metadata as rows of the publication's transaction (SPEC TF-1, TF-2).

One target, `catalogue.json`, so that the metadata has the same size whatever the store holds. The root is
signed offline when the store is made; timestamp, snapshot and targets share one online key, whose theft is
bounded by expiry and by the catalogue's own history.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from securesystemslib.signer import Signer
from sqlalchemy import Connection, delete, func, insert, select
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from sealring_server.schema import tuf

CATALOGUE = "catalogue.json"
TIMESTAMP_LIFE = timedelta(days=7)
LIFE = timedelta(days=30)  # of snapshot and targets
ROOT_LIFE = timedelta(days=365)
ONLINE_ROLES = ("timestamp", "snapshot", "targets")

_Role = TypeVar("_Role", Root, Timestamp, Snapshot, Targets)

_compact = JSONSerializer(compact=True)


@dataclass(frozen=True)
class TufFile:
    """One file of the repository as clients ask for it."""

    name: str
    data: bytes


def make_root(root_signer: Signer, online: Signer, at: datetime) -> bytes:
    """Version 1 of the store's TUF root: one offline key for the root, one online key for the rest (SPEC TF-1)."""
    root = Root(version=1, expires=_whole(at + ROOT_LIFE), consistent_snapshot=True)
    root.add_key(root_signer.public_key, "root")
    for role in ONLINE_ROLES:
        root.add_key(online.public_key, role)
    return _signed(root, root_signer)


def keep_root(connection: Connection, raw: bytes) -> None:
    """Write a root's row."""
    version = Metadata[Root].from_bytes(raw).signed.version
    connection.execute(insert(tuf).values(role="root", version=version, raw=raw))


def publish_catalogue(connection: Connection, online: Signer, catalogue: bytes, at: datetime) -> list[TufFile]:
    """Write targets, snapshot and timestamp over this catalogue, each one version higher (SPEC TF-2).

    Returns:
        What a client would fetch to see the new state, with the catalogue itself.
    """
    digest = sha256(catalogue).hexdigest()
    target = TargetFile(len(catalogue), {"sha256": digest}, CATALOGUE)
    versions = {role: last_version(connection, role) + 1 for role in ("targets", "snapshot")}
    targets = Targets(version=versions["targets"], expires=_whole(at + LIFE), targets={CATALOGUE: target})
    meta = {"targets.json": MetaFile(versions["targets"])}
    snapshot = Snapshot(version=versions["snapshot"], expires=_whole(at + LIFE), meta=meta)
    files = [
        TufFile(f"{versions['targets']}.targets.json", _keep(connection, "targets", targets, online)),
        TufFile(f"{versions['snapshot']}.snapshot.json", _keep(connection, "snapshot", snapshot, online)),
        TufFile(f"{digest}.{CATALOGUE}", catalogue),
    ]
    # TF-2: the timestamp comes last: whoever sees it finds all that it names.
    return [*files, sign_timestamp(connection, online, at)]


def sign_timestamp(connection: Connection, online: Signer, at: datetime) -> TufFile:
    """Write a timestamp over the newest snapshot, one version higher (SPEC TF-2)."""
    version = last_version(connection, "timestamp") + 1
    over = MetaFile(last_version(connection, "snapshot"))
    timestamp = Timestamp(version=version, expires=_whole(at + TIMESTAMP_LIFE), snapshot_meta=over)
    raw = _keep(connection, "timestamp", timestamp, online)
    connection.execute(delete(tuf).where(tuf.c.role == "timestamp", tuf.c.version < version))
    return TufFile("timestamp.json", raw)


def last_version(connection: Connection, role: str) -> int:
    """The newest version of a role; 0 before the first."""
    return connection.scalar(select(func.max(tuf.c.version)).where(tuf.c.role == role)) or 0


def metadata_bytes(connection: Connection, role: str, version: int | None = None) -> bytes | None:
    """One role's metadata, of this version or the newest."""
    wanted = last_version(connection, role) if version is None else version
    return connection.scalar(select(tuf.c.raw).where(tuf.c.role == role, tuf.c.version == wanted))


def expiries(connection: Connection) -> Mapping[str, datetime]:
    """When the newest metadata of each role expires."""
    found = {}
    for role in ("root", *ONLINE_ROLES):
        raw = metadata_bytes(connection, role)
        if raw is not None:
            found[role] = _parsed(raw).signed.expires
    return found


def _keep(connection: Connection, role: str, signed: _Role, signer: Signer) -> bytes:
    raw = _signed(signed, signer)
    connection.execute(insert(tuf).values(role=role, version=signed.version, raw=raw))
    return raw


def _signed(signed: _Role, signer: Signer) -> bytes:
    metadata = Metadata(signed)
    metadata.sign(signer)
    return metadata.to_bytes(_compact)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _parsed(raw: bytes) -> Metadata[Any]:
    """Metadata of whatever role, from this store's own rows."""
    return Metadata.from_bytes(raw)

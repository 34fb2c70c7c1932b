"""The store's TUF repository: metadata as rows of the publication's transaction (SPEC TF-1, TF-2).

One target, `catalogue.json`, so that the metadata has the same size whatever the store holds; for clients that know
TUF only, targets may delegate to the role `packages` (SPEC TF-11). Each role is signed by the keys that the newest
root in this very transaction names.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from securesystemslib.formats import encode_canonical
from sqlalchemy import Connection, bindparam, delete, func, insert, select, text
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Key,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from sealring_server.backup.stopped import check_not_stopped
from sealring_server.key_folder import ONLINE_ROLES, PACKAGES
from sealring_server.online_keys import OnlineKeys
from sealring_server.prepared import Prepared
from sealring_server.schema import stopped, tuf, tuf_packages

CATALOGUE = "catalogue.json"
TIMESTAMP_LIFE = timedelta(days=7)
LIFE = timedelta(days=30)  # of snapshot, targets and packages
LIVES = {"timestamp": TIMESTAMP_LIFE, "snapshot": LIFE, "targets": LIFE, PACKAGES: LIFE}
ROOT_LIFE = timedelta(days=365)

KEPT_PACKAGES = 3  # lists of the role `packages` that are served

_Signed = Timestamp | Snapshot | Targets

_ROLES = ("root", *ONLINE_ROLES, PACKAGES)
# One question instead of six: it is asked with every publication.
_newest = Prepared(
    select(
        *[select(func.max(tuf.c.version)).where(tuf.c.role == role).scalar_subquery() for role in _ROLES],
        select(tuf_packages.c.key).scalar_subquery(),
        select(stopped.c.one).scalar_subquery(),
    )
)
_add = Prepared(insert(tuf))
_drop_packages = Prepared(delete(tuf).where(tuf.c.role == PACKAGES, tuf.c.version <= bindparam("kept")))
_drop_timestamps = Prepared(delete(tuf).where(tuf.c.role == "timestamp", tuf.c.version < bindparam("newest")))


_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True)
class TufFile:
    """One file of the repository as clients ask for it."""

    name: str
    data: bytes


class Writing:
    """New metadata in one transaction: each role one version higher, the timestamp last (SPEC TF-2)."""

    def __init__(self, connection: Connection, online: OnlineKeys, at: datetime) -> None:
        self.connection = connection
        self.online = online
        self.at = _whole(at)
        ((*versions, packages, is_stopped),) = _newest.rows(connection, {})
        if is_stopped:
            check_not_stopped(connection)  # BK-2: whatever is to be signed, it is not
        self.versions = {role: version or 0 for role, version in zip(_ROLES, versions, strict=True)}
        self.root = online.root(self.versions["root"], self._root_bytes)
        self.packages = _key(packages)
        self._rows: list[dict[str, Any]] = []

    def targets(self, catalogue: bytes) -> TufFile:
        """Targets over this catalogue, with the delegation to `packages` where the store has it."""
        target = TargetFile(len(catalogue), {"sha256": sha256(catalogue).hexdigest()}, CATALOGUE)
        signed = Targets(targets={CATALOGUE: target}, delegations=self._delegations(), **self._common("targets"))
        return self._sign("targets", signed, self.root.roles["targets"])

    def package_targets(self, found: Mapping[str, TargetFile]) -> TufFile:
        """The role `packages`, with these targets by name."""
        assert self.packages is not None  # asked only where the store has that role
        role = Role([self.packages.keyid], 1)
        return self._sign(PACKAGES, Targets(targets=dict(found), **self._common(PACKAGES)), role)

    def snapshot(self) -> TufFile:
        """The snapshot over the newest targets, and the newest packages."""
        meta = {"targets.json": MetaFile(self.versions["targets"])}
        # Once it stands here it stays, whether the role is on: a file that vanishes is a rollback to every TUF client.
        if self.versions[PACKAGES]:
            meta["packages.json"] = MetaFile(self.versions[PACKAGES])
        return self._sign("snapshot", Snapshot(meta=meta, **self._common("snapshot")), self.root.roles["snapshot"])

    def timestamp(self) -> TufFile:
        """The timestamp over the newest snapshot; all that was made here is written with it, and it comes last."""
        over = MetaFile(self.versions["snapshot"])
        signed = Timestamp(snapshot_meta=over, **self._common("timestamp"))
        found = self._sign("timestamp", signed, self.root.roles["timestamp"])
        _add.run(self.connection, self._rows)
        _drop_timestamps.run(self.connection, [{"newest": self.versions["timestamp"]}])
        if any(row["role"] == PACKAGES for row in self._rows):
            # Each may have megabytes; who holds an older snapshot than these finds the newer one when asking again.
            _drop_packages.run(self.connection, [{"kept": self.versions[PACKAGES] - KEPT_PACKAGES}])
        return TufFile("timestamp.json", found.data)

    def _sign(self, name: str, signed: _Signed, role: Role) -> TufFile:
        said = signed.to_dict()
        text = _json(said)
        found = self.online.sign(name, role, _canonical(said, text))
        signatures = _json([{"keyid": one.keyid, "sig": one.signature} for one in found])
        raw = f'{{"signatures":{signatures},"signed":{text}}}'.encode()
        self._rows.append({"role": name, "version": signed.version, "raw": raw})
        return TufFile(f"{signed.version}.{name}.json", raw)

    def _common(self, name: str) -> dict[str, Any]:
        self.versions[name] += 1
        return {"version": self.versions[name], "expires": self.at + LIVES[name]}

    def _delegations(self) -> Delegations | None:
        if self.packages is None:
            return None
        # TF-11: one pattern, which has no slash to be matched; terminating, since nothing follows it.
        role = DelegatedRole(PACKAGES, [self.packages.keyid], 1, terminating=True, paths=["*"])
        return Delegations({self.packages.keyid: self.packages}, {PACKAGES: role})

    def _root_bytes(self) -> bytes:
        return metadata_bytes(self.connection, "root", self.versions["root"]) or b""


def publish_catalogue(connection: Connection, online: OnlineKeys, catalogue: bytes, at: datetime) -> list[TufFile]:
    """Write targets, snapshot and timestamp over this catalogue, each one version higher (SPEC TF-2).

    Returns:
        What a client would fetch to see the new state, with the catalogue itself.

    Raises:
        SealringError: a key that the newest root names is not here, or does not sign.
    """
    new = Writing(connection, online, at)
    over = TufFile(f"{sha256(catalogue).hexdigest()}.{CATALOGUE}", catalogue)
    # TF-2: the timestamp comes last: whoever sees it finds all that it names.
    return [new.targets(catalogue), new.snapshot(), over, new.timestamp()]


def sign_timestamp(connection: Connection, online: OnlineKeys, at: datetime) -> TufFile:
    """Write a timestamp over the newest snapshot, one version higher (SPEC TF-2)."""
    return Writing(connection, online, at).timestamp()


def keep_root(connection: Connection, raw: bytes) -> None:
    """Write a root's row."""
    version = Metadata[Root].from_bytes(raw).signed.version
    _add.run(connection, [{"role": "root", "version": version, "raw": raw}])


def last_version(connection: Connection, role: str) -> int:
    """The newest version of a role; 0 before the first."""
    newest = select(tuf.c.version).where(tuf.c.role == role).order_by(tuf.c.version.desc()).limit(1)
    return connection.scalar(newest) or 0


def metadata_bytes(connection: Connection, role: str, version: int | None = None) -> bytes | None:
    """One role's metadata, of this version or the newest."""
    wanted = last_version(connection, role) if version is None else version
    return connection.scalar(select(tuf.c.raw).where(tuf.c.role == role, tuf.c.version == wanted))


def newest_root(connection: Connection) -> bytes:
    """The newest TUF root; there always is one."""
    found = metadata_bytes(connection, "root")
    assert found is not None
    return found


def expiries(connection: Connection) -> Mapping[str, datetime]:
    """When the newest metadata of each role expires."""
    found = {}
    roles = ["root", *ONLINE_ROLES] + [PACKAGES] * has_packages(connection)
    for role in roles:
        raw = metadata_bytes(connection, role)
        if raw is not None:
            found[role] = expiry(raw)
    return found


def expiry(raw: bytes) -> datetime:
    """When metadata of this store's own making expires."""
    return datetime.fromisoformat(json.loads(raw)["signed"]["expires"])


def has_packages(connection: Connection) -> bool:
    """Whether the store has the role `packages` (SPEC TF-11)."""
    return bool(connection.scalar(text("SELECT count(*) FROM tuf_packages")))


def packages_key(connection: Connection) -> Key | None:
    """The key of the role `packages`, where the store has it."""
    return _key(connection.scalar(text("SELECT key FROM tuf_packages")))


def _key(raw: str | None) -> Key | None:
    if raw is None:
        return None
    said = json.loads(raw)
    return Key.from_dict(said.pop("keyid"), said)


def _canonical(said: dict[str, Any], text: str) -> bytes:
    """What a TUF signature is over.

    Args:
        text: the same as compact JSON, members sorted: that is canonical too, unless something had to be escaped. It is
            written in a twentieth of the time.
    """
    found = text if "\\" not in text else encode_canonical(said)
    assert found is not None  # it gives None where it is told to write elsewhere
    return found.encode()


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)

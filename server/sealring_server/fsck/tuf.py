"""The TUF metadata as a client reads it: roots by each other, the rest by the newest, to the catalogue (SPEC TF)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from sealring.catalogue.entry import CatalogueEntry
from sealring.names import spell
from sealring_server.fsck.report import Report
from sealring_server.schema import tuf
from sealring_server.tuf_repo import CATALOGUE, metadata_bytes

PAGE = 100  # rows in memory
ROLES: Mapping[str, type[Any]] = {"timestamp": Timestamp, "snapshot": Snapshot, "targets": Targets}


def check_tuf(connection: Connection, folder: Path, newest: CatalogueEntry, at: datetime, report: Report) -> None:
    """The newest set verifies and names the newest entry; what has expired is told."""
    roots = dict(_roots(connection, report))
    if not roots:
        report.bad("tuf", "no root is there")
        return
    if not (folder / "1.root.json").is_file():
        report.tell(f"{folder / '1.root.json'} is missing; it is also what `GET /tuf/1.root.json` gives")
    elif (folder / "1.root.json").read_bytes() != metadata_bytes(connection, "root", 1):
        report.bad("tuf", "1.root.json in the folder is not the root that the store serves")
    root = roots[max(roots)]
    found = {name: _signed(connection, root, name, report) for name in ROLES}
    for name, signed in {"root": root, **found}.items():
        if signed is not None and signed.expires <= at:
            report.tell(
                f"TUF {name} {signed.version} expired at {spell(signed.expires)}; `sealring-store status` says more"
            )
    for what in _wrong(found, newest):
        report.bad("tuf", what)


def check_old_tuf(connection: Connection, report: Report) -> None:
    """Every older file is the version that its row says, signed by the threshold of a root that there was."""
    roots = dict(_roots(connection, Report()))
    asked = select(tuf.c.role, tuf.c.version, tuf.c.raw).where(tuf.c.role != "root")
    for row in connection.execute(asked.execution_options(yield_per=PAGE)):
        report.checked["tuf files"] += 1
        name = f"{row.version}.{row.role}.json"
        try:
            metadata = Metadata[Any].from_bytes(row.raw)
        except (RepositoryError, ValueError) as err:
            report.bad("tuf", f"{name}: {err}")
            continue
        if metadata.signed.version != row.version or metadata.signed.type != row.role.replace("packages", "targets"):
            report.bad("tuf", f"{name}: is {metadata.signed.type} {metadata.signed.version}")
        elif row.role in ROLES and not any(_vouches(root, row.role, metadata) for root in roots.values()):
            report.bad("tuf", f"{name}: not signed by the threshold of any root")


def _roots(connection: Connection, report: Report) -> Iterator[tuple[int, Root]]:
    """TF-3: from the first on, each signed by its own threshold and that of the one before."""
    before: Metadata[Root] | None = None
    asked = select(tuf.c.version, tuf.c.raw).where(tuf.c.role == "root").order_by(tuf.c.version)
    for number, row in enumerate(connection.execute(asked), 1):
        report.checked["tuf roots"] += 1
        try:
            found = Metadata[Root].from_bytes(row.raw)
            found.verify_delegate("root", found)
            if before is not None:
                before.verify_delegate("root", found)
        except (RepositoryError, ValueError) as err:
            report.bad("tuf", f"{row.version}.root.json: {err}")
            return
        if not found.signed.version == row.version == number:
            report.bad("tuf", f"{row.version}.root.json: is version {found.signed.version}, {number} needed")
        before = found
        yield found.signed.version, found.signed


def _signed(connection: Connection, root: Root, name: str, report: Report) -> Any:
    raw = metadata_bytes(connection, name)
    if raw is None:
        report.bad("tuf", f"no {name} is there")
        return None
    try:
        metadata = Metadata[Any].from_bytes(raw)
        root.verify_delegate(name, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError) as err:
        report.bad("tuf", f"the newest {name}: {err}")
        return None
    if not isinstance(metadata.signed, ROLES[name]):
        report.bad("tuf", f"the newest {name}: is {metadata.signed.type}")
        return None
    return metadata.signed


def _vouches(root: Root, name: str, metadata: Metadata[Any]) -> bool:
    try:
        root.verify_delegate(name, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError):
        return False
    return True


def _wrong(found: Mapping[str, Any], newest: CatalogueEntry) -> Iterator[str]:
    """TF-4, TF-5: each names the version of the next one, and the targets the newest entry."""
    timestamp, snapshot, targets = (found[name] for name in ROLES)
    if timestamp is not None and snapshot is not None and timestamp.snapshot_meta.version != snapshot.version:
        yield f"the timestamp names snapshot {timestamp.snapshot_meta.version}, the newest is {snapshot.version}"
    if snapshot is not None and targets is not None:
        meta = snapshot.meta.get("targets.json")
        if meta is None or meta.version != targets.version:
            yield f"the snapshot names targets {meta and meta.version}, the newest is {targets.version}"
    if targets is not None:
        named = targets.targets.get(CATALOGUE)
        wanted = (len(newest.raw), sha256(newest.raw).hexdigest())
        if named is None or (named.length, named.hashes.get("sha256")) != wanted:
            yield f"the targets don't name entry {newest.sequence}, which is the newest"

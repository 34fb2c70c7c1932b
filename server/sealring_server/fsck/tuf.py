"""The TUF metadata as a client reads it: roots by each other, the rest by the newest, to the catalogue (SPEC TF)."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring.catalogue.entry import CatalogueEntry
from sealring.errors import TrustError
from sealring.names import spell
from sealring.tuf_form import FOREIGN, MAX_TUF_FILE, NotVouched, parse_tuf
from sealring.tuf_set import check_catalogue, check_signed, check_snapshot, check_targets, check_timestamp, next_root
from sealring_server.fsck.report import Report
from sealring_server.key_folder import PACKAGES
from sealring_server.schema import tuf
from sealring_server.tuf_repo import metadata_bytes

PAGE = 100  # rows in memory
ONLINE: dict[str, type[Any]] = {"timestamp": Timestamp, "snapshot": Snapshot, "targets": Targets}
MAX_PACKAGES = 16 * 1024 * 1024  # bytes: 10,000 targets (SPEC TF-11)


def check_tuf(
    connection: Connection, folder: Path | None, newest: CatalogueEntry, at: datetime, report: Report
) -> None:
    """The newest set verifies and names the newest entry; what has expired is told."""
    roots = list(_roots(connection, report))
    if not roots:
        report.bad("tuf", "no root is there")
        return
    if folder is not None:
        _check_file(connection, folder / "1.root.json", report)
    for signed in _set(connection, roots[-1], newest, report):
        if signed.expires <= at:
            report.tell(
                f"TUF {signed.type} {signed.version} expired at {spell(signed.expires)};"
                " `sealring-store status` says more"
            )


def check_old_tuf(connection: Connection, report: Report) -> None:
    """Every older file is the version that its row says, signed by the threshold of a root that there was."""
    roots, delegators = list(_roots(connection, Report())), list(_delegators(connection))
    asked = select(tuf.c.role, tuf.c.version, tuf.c.raw).where(tuf.c.role != "root")
    for row in connection.execute(asked.execution_options(yield_per=PAGE)):
        report.checked["tuf files"] += 1
        name = f"{row.version}.{row.role}.json"
        is_packages = row.role == PACKAGES
        try:
            limit = MAX_PACKAGES if is_packages else MAX_TUF_FILE
            found = parse_tuf(row.raw, Targets if is_packages else ONLINE[row.role], name=name, limit=limit)
            if found.signed.version != row.version:
                raise NotVouched(name, f"is {found.signed.type} {found.signed.version}")
            if is_packages and not any(_delegates(targets, found) for targets in delegators):
                raise NotVouched(name, "not signed by a key to which any targets delegate", "TF-11")
            if not is_packages and not any(_vouches(root, found, name) for root in roots):
                raise NotVouched(name, "not signed by the threshold of any root")
        except TrustError as err:
            report.bad("tuf", str(err))


def _check_file(connection: Connection, file: Path, report: Report) -> None:
    if not file.is_file():
        report.tell(f"{file} is missing; it is also what `GET /tuf/1.root.json` gives")
    elif file.read_bytes() != metadata_bytes(connection, "root", 1):
        report.bad("tuf", "1.root.json in the folder is not the root that the store serves")


def _delegators(connection: Connection) -> Iterator[Targets]:
    """TF-11: of the targets that ever delegated, one for each key to which they did; there are few keys."""
    known: set[str] = set()
    asked = select(tuf.c.raw).where(tuf.c.role == "targets").order_by(tuf.c.version.desc())
    for raw in connection.scalars(asked.execution_options(yield_per=PAGE)):
        if b'"delegations"' not in raw:
            continue
        with suppress(TrustError):  # told where its own row is checked
            found = parse_tuf(raw, Targets).signed
            role = (found.delegations.roles or {}).get(PACKAGES) if found.delegations else None
            if role is not None and not known.issuperset(role.keyids):
                known.update(role.keyids)
                yield found


def _roots(connection: Connection, report: Report) -> Iterator[Root]:
    """TF-3: from the first on, each signed by its own threshold and that of the one before."""
    before: Root | None = None
    asked = select(tuf.c.version, tuf.c.raw).where(tuf.c.role == "root").order_by(tuf.c.version)
    for number, row in enumerate(connection.execute(asked), 1):
        report.checked["tuf roots"] += 1
        try:
            before = next_root(before, row.raw)
        except TrustError as err:
            report.bad("tuf", f"{row.version}.root.json: {err}")
            return
        if not before.version == row.version == number:
            report.bad("tuf", f"{row.version}.root.json: is version {before.version}, {number} needed")
        yield before


def _set(connection: Connection, root: Root, newest: CatalogueEntry, report: Report) -> Iterator[Any]:
    """TF-4, TF-5: each that the one above it names, and the entry that the targets name, which is the newest."""
    yield root
    try:
        timestamp = check_timestamp(root, _newest(connection, "timestamp"))
        yield timestamp
        snapshot = check_snapshot(root, timestamp, _newest(connection, "snapshot"))
        yield snapshot
        targets = check_targets(root, snapshot, _newest(connection, "targets"))
        yield targets
        check_catalogue(targets, newest.raw)
    except TrustError as err:
        report.bad("tuf", f"the newest {err}")


def _newest(connection: Connection, role: str) -> bytes:
    raw = metadata_bytes(connection, role)
    if raw is None:
        raise NotVouched(f"{role}.json", "is not there", "TF-2")
    return raw


def _vouches(root: Root, found: Any, name: str) -> bool:
    try:
        check_signed(root, found, name)
    except NotVouched:
        return False
    return True


def _delegates(targets: Targets, found: Any) -> bool:
    try:
        targets.verify_delegate(PACKAGES, found.signed_bytes, dict(found.signatures))
    except FOREIGN:
        return False
    return True

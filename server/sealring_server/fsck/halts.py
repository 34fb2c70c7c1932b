"""Every halt says what its row says, and the map has its leaf (SPEC HL-1)."""

from typing import Any

from sqlalchemy import Connection, bindparam, select

from sealring.catalogue.leaf import Head
from sealring.errors import TrustError
from sealring.halt import halt_head, halt_key, parse_halt
from sealring_server.fsck.report import Report
from sealring_server.fsck.scratch import Scratch
from sealring_server.prepared import Prepared
from sealring_server.schema import halts, leaves, statements

_LEAF = Prepared(select(leaves.c.value).where(leaves.c.entry == bindparam("entry"), leaves.c.key == bindparam("key")))
_HALT = Prepared(select(halts.c.entry).where(halts.c.digest == bindparam("digest")))
_RELEASE = Prepared(
    select(statements.c.id).where(
        statements.c.type == "release",
        statements.c.subject == bindparam("subject"),
        statements.c.id == bindparam("named"),
    )
)


def check_halts(connection: Connection, root: bytes, scratch: Scratch, report: Report) -> None:
    """Each halt, oldest first, so that `scratch` has of each release the one that its newest leaf must name."""
    for row in connection.execute(select(halts).order_by(halts.c.entry, halts.c.release)):
        report.checked["halts"] += 1
        name = f"halt of {row.release} ({row.digest})"
        for what in _wrong(connection, root, row):
            report.bad("halts", f"{name}: {what}")
        try:
            key = halt_key(root, row.release)
        except TrustError as err:
            report.bad("halts", f"{name}: {err}")
            continue
        head = halt_head(bytes(row.raw), row.entry)
        scratch.head(key, head.to_bytes(), f"halt {row.release}")
        if _LEAF.rows(connection, {"entry": row.entry, "key": key}) != [(head.to_bytes(),)]:
            report.bad("halts", f"{name}: the changes of entry {row.entry} don't have it")


def is_halt(connection: Connection, entry: int, head: Head) -> bool:
    """Whether a leaf of this entry is that of a halt which is kept."""
    return head.sequence == entry and _HALT.rows(connection, {"digest": head.id.hex()}) == [(entry,)]


def _wrong(connection: Connection, root: bytes, row: Any) -> list[str]:
    try:
        halt = parse_halt(bytes(row.raw))
    except TrustError as err:
        return [str(err)]
    found = []
    if halt_head(bytes(row.raw), row.entry).id.hex() != row.digest:
        found.append("its bytes have another digest")
    if (halt.root, halt.release, halt.id) != (root.hex(), row.release, row.id):
        found.append(f"its bytes are of {halt.release}, release {halt.id} under root {halt.root}")
    if not _RELEASE.rows(connection, {"subject": row.release, "named": row.id}):
        found.append(f"no release of this subject has id {row.id}")
    return found

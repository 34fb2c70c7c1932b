"""The leaves: each says what a statement, view or halt of its entry says; all of them make the map (SPEC MP, CT-4)."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, func, select

from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.catalogue.leaf import EMPTY_ROOT, Head, map_leaf_hash, map_node_hash
from sealring.catalogue.nodes import first_difference
from sealring.errors import TrustError
from sealring_server.fsck.halts import is_halt
from sealring_server.fsck.report import Report
from sealring_server.fsck.scratch import Scratch
from sealring_server.prepared import Prepared
from sealring_server.schema import entries, leaves, statements, superseded, views

PAGE = 500  # rows in memory

_STATEMENT = Prepared(
    select(statements.c.id, statements.c.sequence, statements.c.entry).where(
        statements.c.envelope == bindparam("envelope")
    )
)
_VIEW = Prepared(select(views.c.entry).where(views.c.digest == bindparam("digest")))
_ENTRY = Prepared(select(entries.c.raw).where(entries.c.sequence == bindparam("sequence")))


def check_leaves(connection: Connection, newest: CatalogueEntry, scratch: Scratch, report: Report) -> None:
    """Replay every change; sequences never fall, sizes are those of the entries, and the root is the newest map's."""
    asked = select(leaves.c.entry, leaves.c.key, leaves.c.value).order_by(leaves.c.entry, leaves.c.key)
    entry, size = 0, 0
    kept = (connection.scalar(select(func.min(superseded.c.entry))) or newest.sequence + 1) - 1
    for row in connection.execute(asked.execution_options(yield_per=PAGE)):
        report.checked["leaves"] += 1
        if row.entry != entry:
            _check_size(connection, entry, size, row.entry, report)
            entry = row.entry
        before = scratch.leaf(row.key, row.value, row.entry)
        name = f"leaf {row.key.hex()} of entry {row.entry}"
        if before is None:
            report.bad("leaves", f"{name}: no statement and no model has this key")
            continue
        size += not before
        try:
            head = Head.from_bytes(row.value)
        except TrustError as err:
            report.bad("leaves", f"{name}: {err}")
            continue
        if head.to_bytes()[:8] < before[:8]:
            report.bad("leaves", f"{name}: sequence {head.sequence}, {int.from_bytes(before[:8], 'big')} was before it")
        if not _is_statement(connection, row.entry, head, name, report) and not is_halt(connection, row.entry, head):
            _check_view(connection, row.entry, head, name, kept, report)
    _check_size(connection, entry, size, newest.sequence + 1, report)
    _check_newest(newest, scratch, report)


def map_root(leaves: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The root of the map with these keys and values, ascending by key; it holds at most 256 hashes (SPEC MP-3)."""
    open_forks: list[tuple[int, bytes]] = []
    before, hash = b"", EMPTY_ROOT
    for key, value in leaves:
        if before:
            index = first_difference(before, key)
            hash = _closed(open_forks, hash, index)
            open_forks.append((index, hash))
        before, hash = key, map_leaf_hash(key, value)
    return _closed(open_forks, hash, -1)


def _closed(open_forks: list[tuple[int, bytes]], hash: bytes, above: int) -> bytes:
    """The subtree that ends here: forks deeper than this index get their right side."""
    while open_forks and open_forks[-1][0] > above:
        index, left = open_forks.pop()
        hash = map_node_hash(index, left, hash)
    return hash


def _check_size(connection: Connection, first: int, size: int, until: int, report: Report) -> None:
    """CT-4: the entries from `first` up to `until` have so many leaves; those between changed none."""
    for number in {first, until - 1} - {0}:
        rows = _ENTRY.rows(connection, {"sequence": number})
        found = parse_entry(rows[0][0]).size if rows else None
        if found != size:
            report.bad("leaves", f"entry {number} has size {found}, its changes and those before give {size}")


def _is_statement(connection: Connection, entry: int, head: Head, name: str, report: Report) -> bool:
    rows = _STATEMENT.rows(connection, {"envelope": head.envelope.hex()})
    if rows and rows[0] != (head.id.hex(), head.sequence, entry):
        report.bad("leaves", f"{name}: its statement has another id, sequence or entry")
    return bool(rows)


def _check_view(connection: Connection, entry: int, head: Head, name: str, kept: int, report: Report) -> None:
    """VW-3: a view's leaf has the document's digest twice, and the entry's number; MP-6: kept as long as its map."""
    if head.id != head.envelope or head.sequence != entry:
        report.bad("leaves", f"{name}: no statement has the envelope {head.envelope.hex()}")
    elif entry >= kept and not _VIEW.rows(connection, {"digest": head.id.hex()}):
        report.bad("views", f"view {head.id.hex()} of entry {entry} is missing, and its map is kept")


def _check_newest(newest: CatalogueEntry, scratch: Scratch, report: Report) -> None:
    for one in scratch.all():
        if not one.newest:
            report.bad("leaves", f"{one.name}: no leaf has it")
        elif one.head is not None and one.head != one.newest:
            report.bad("leaves", f"{one.name}: its newest leaf is not its head")
    found = map_root((one.key, one.newest) for one in scratch.all() if one.newest)
    if found != newest.map:
        report.bad("leaves", f"they make the map {found.hex()}, entry {newest.sequence} has {newest.map.hex()}")

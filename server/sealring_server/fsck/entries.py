"""The entries follow each other from the first one on, and the log is theirs (SPEC CT-1, CT-3, LG-1)."""

from sqlalchemy import Connection, func, select

from sealring.catalogue.entry import NO_PREVIOUS, CatalogueEntry, parse_entry
from sealring.catalogue.log import EMPTY_LOG, log_node_hash
from sealring.errors import TrustError
from sealring_server.entry_log import node
from sealring_server.fsck.report import Report
from sealring_server.prepared import NumberedRows
from sealring_server.schema import entries, log

PAGE = 500  # rows in memory

_nodes = NumberedRows(log.c.node, log.c.hash)


def check_entries(connection: Connection, root: bytes, report: Report) -> CatalogueEntry | None:
    """Every entry names the one before it and the log before it; the newest one, None where that can't be read."""
    asked = select(entries.c.sequence, entries.c.raw, entries.c.digest, entries.c.map).order_by(entries.c.sequence)
    before: CatalogueEntry | None = None
    peaks = _Log()
    for number, row in enumerate(connection.execute(asked.execution_options(yield_per=PAGE)), 1):
        report.checked["entries"] += 1
        try:
            entry = parse_entry(row.raw)
        except TrustError as err:
            report.bad("entries", f"entry {row.sequence}: {err}")
            return None
        for what in _wrong(entry, before, root, peaks.root):
            report.bad("entries", f"entry {row.sequence}: {what}")
        if (row.sequence, entry.sequence) != (number, number):
            report.bad("entries", f"entry {entry.sequence} in the row {row.sequence}, {number} needed")
        if (row.digest, row.map) != (entry.digest.hex(), entry.map):
            report.bad("entries", f"entry {row.sequence}: its row has another digest or map than its bytes")
        _check_log(connection, peaks.append(entry.leaf), report)
        before = entry
    rows = connection.scalar(select(func.count()).select_from(log))
    if rows != peaks.rows:
        report.bad("log", f"{rows} rows, {peaks.rows} needed for {peaks.size} entries")
    if before is None:
        report.bad("entries", "there is none, and a store always has one")
    return before


def _wrong(entry: CatalogueEntry, before: CatalogueEntry | None, root: bytes, log_root: bytes) -> list[str]:
    found = []
    previous = NO_PREVIOUS if before is None else before.digest
    if entry.previous != previous:
        found.append(f"names {entry.previous.hex()} as the one before, which has digest {previous.hex()}")
    if entry.log != log_root:
        found.append(f"names the log {entry.log.hex()}, the entries before it make {log_root.hex()}")
    if entry.root != root:
        found.append(f"is under root {entry.root.hex()}, the store's is {root.hex()}")
    if before is not None and (entry.time < before.time or entry.size < before.size):
        found.append("is older or smaller than the one before")
    return found


class _Log:
    """RFC 6962's tree while it grows: the whole subtrees from left to right, as (level, hash)."""

    def __init__(self) -> None:
        self.size = self.rows = 0
        self._peaks: list[tuple[int, bytes]] = []

    @property
    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_LOG
        *earlier, (_, found) = self._peaks
        for _, peak in reversed(earlier):
            found = log_node_hash(peak, found)
        return found

    def append(self, leaf: bytes) -> dict[int, bytes]:
        """The rows that one more entry adds."""
        level, hash, added = 0, leaf, {node(0, self.size): leaf}
        while self._peaks and self._peaks[-1][0] == level:
            hash = log_node_hash(self._peaks.pop()[1], hash)
            level += 1
            added[node(level, self.size >> level)] = hash
        self._peaks.append((level, hash))
        self.size += 1
        self.rows += len(added)
        return added


def _check_log(connection: Connection, wanted: dict[int, bytes], report: Report) -> None:
    found = dict(_nodes.read(connection, list(wanted)))
    for number, hash in wanted.items():
        if found.get(number) != hash:
            report.bad("log", f"row {number}: {'another hash' if number in found else 'missing'}, {hash.hex()} needed")

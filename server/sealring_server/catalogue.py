"""The catalogue in the database: append-only leaves, entries, and the map that they make (SPEC MP, CT, LG).

The map of any entry can be rebuilt by replaying the leaves up to it. A process keeps the maps of recent
entries in memory; they share all nodes that did not change, so one more costs what its publication changed.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Connection, func, insert, select

from sealring.catalogue.entry import CatalogueEntry, first_entry, next_entry, parse_entry
from sealring.catalogue.leaf import Head
from sealring.catalogue.log import Frontier, inclusion_path
from sealring.catalogue.sparse import SparseMap
from sealring.errors import SealringError
from sealring_server.schema import entries, leaves

KEPT_MAPS = 64  # recent entries whose map stays in memory


@dataclass(eq=False)
class NoSuchThing(SealringError):
    """The store has nothing of this name."""

    what: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.what}: not here"

    def hint(self) -> str:
        return "check the name; what was never published can't be had"


class Maps:
    """This process's maps by entry sequence, brought up to date from the rows that it has not seen yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._maps: OrderedDict[int, SparseMap] = OrderedDict()

    def at(self, connection: Connection, sequence: int, *, keep: bool = True) -> SparseMap:
        """The map of this entry, as this transaction sees it; sequence 0 is the empty map.

        Args:
            keep: false for an entry that is not committed yet: it may never be, and must not be remembered.
        """
        # One at a time: a rebuild from far back is work, and two for one answer would be twice the work.
        with self._lock:
            base = max((known for known in self._maps if known <= sequence), default=0)
            found = self._maps.get(base, SparseMap.empty())
            if base < sequence:
                found = found.with_updates(_changes(connection, base, sequence))
            if keep:
                self._keep(sequence, found)
            return found

    def _keep(self, sequence: int, found: SparseMap) -> None:
        self._maps[sequence] = found
        self._maps.move_to_end(sequence)
        while len(self._maps) > KEPT_MAPS:
            self._maps.popitem(last=False)


def last_entry(connection: Connection) -> CatalogueEntry:
    """The newest entry; a store always has one."""
    raw = connection.scalar(select(entries.c.raw).order_by(entries.c.sequence.desc()).limit(1))
    assert isinstance(raw, bytes)
    return parse_entry(raw)


def append_entry(
    connection: Connection, maps: Maps, updates: Mapping[bytes, Head], *, root: bytes, at: datetime
) -> CatalogueEntry:
    """Write one more entry with these changes of the map; the caller's transaction makes it visible.

    Args:
        root: id of version 1 of the root.

    Raises:
        TrustError: when a sequence would fall (SPEC MP-5).
    """
    row = connection.execute(
        select(entries.c.raw, entries.c.frontier).order_by(entries.c.sequence.desc()).limit(1)
    ).one_or_none()
    if row is None:
        found = SparseMap.empty().with_updates(updates)
        entry, frontier = first_entry(root=root, map=found.root, size=len(found), time=at), Frontier()
    else:
        before, frontier = parse_entry(row.raw), Frontier.from_bytes(row.frontier)
        found = maps.at(connection, before.sequence).with_updates(updates)
        # A clock that went back must not make the catalogue look older than what was shown.
        time = max(at, before.time)
        entry = next_entry(before, map=found.root, size=len(found), time=time, log=frontier.root)
    connection.execute(
        insert(entries).values(
            sequence=entry.sequence,
            raw=entry.raw,
            digest=entry.digest.hex(),
            map=entry.map,
            leaf=entry.leaf,
            frontier=frontier.append(entry.leaf).to_bytes(),
        )
    )
    if updates:
        rows = [{"entry": entry.sequence, "key": key, "value": head.to_bytes()} for key, head in updates.items()]
        connection.execute(insert(leaves), rows)
    return entry


def map_with_root(connection: Connection, maps: Maps, root: bytes) -> SparseMap:
    """The map that had this root, at whatever entry.

    Raises:
        NoSuchThing: no entry ever had it.
    """
    sequence = connection.scalar(select(func.max(entries.c.sequence)).where(entries.c.map == root))
    if sequence is None:
        raise NoSuchThing(f"map {root.hex()}")
    return maps.at(connection, sequence)


def log_path(connection: Connection, size: int, index: int) -> bytes:
    """The audit path of entry `index` (from 0) in the log of the first `size` entries (SPEC LG-2).

    Raises:
        NoSuchThing: the log is not that long.
        NotInLog: it has no such index.
    """
    hashes = list(
        connection.scalars(select(entries.c.leaf).where(entries.c.sequence <= size).order_by(entries.c.sequence))
    )
    if len(hashes) != size:
        raise NoSuchThing(f"log of {size} entries")
    return inclusion_path(hashes, index)


def _changes(connection: Connection, after: int, until: int) -> dict[bytes, Head]:
    rows = connection.execute(
        select(leaves.c.key, leaves.c.value)
        .where(leaves.c.entry > after, leaves.c.entry <= until)
        .order_by(leaves.c.entry)
    )
    return {row.key: Head.from_bytes(row.value) for row in rows}

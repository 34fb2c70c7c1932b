"""The catalogue in the database: entries, the log of them, and the map of each (SPEC MP, CT, LG)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import ClassVar

from sqlalchemy import Connection, bindparam, insert, select

from sealring.catalogue.entry import CatalogueEntry, first_entry, next_entry, parse_entry
from sealring.catalogue.leaf import EMPTY_ROOT, Head
from sealring.catalogue.log import Frontier
from sealring.catalogue.proof import asked_keys
from sealring.catalogue.prove import EMPTY_PROOF
from sealring.errors import SealringError
from sealring_server.database import after_commit
from sealring_server.entry_log import append_leaf, frontier, inclusion_path
from sealring_server.prepared import Prepared
from sealring_server.schema import entries, tiles
from sealring_server.tiles.cache import Tiles
from sealring_server.tiles.change import change
from sealring_server.tiles.collect import collect_tiles
from sealring_server.tiles.proof import prove_from
from sealring_server.tiles.tile import Slot
from sealring_server.tiles.ways import landed, walk

_last = Prepared(select(entries.c.raw, entries.c.map, entries.c.tile).order_by(entries.c.sequence.desc()).limit(1))
_map = Prepared(
    select(entries.c.tile, tiles.c.number)
    .outerjoin(tiles, tiles.c.number == entries.c.tile)
    .where(entries.c.map == bindparam("root"))
    .order_by(entries.c.sequence.desc())
    .limit(1)
)
_numbered = Prepared(select(entries.c.raw).where(entries.c.sequence == bindparam("sequence")))
_add_entry = Prepared(insert(entries))
_parsed = lru_cache(maxsize=16)(parse_entry)  # a publication asks for the newest several times


@dataclass(eq=False)
class NoSuchThing(SealringError):
    """The store has nothing of this name."""

    what: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.what}: not here"

    def hint(self) -> str:
        return "check the name; what was never published can't be had, nor a map that another followed 30 days ago"


def last_entry(connection: Connection) -> CatalogueEntry:
    """The newest entry; a store always has one."""
    ((raw, _, _),) = _last.rows(connection, {})
    return _parsed(raw)


def append_entry(
    connection: Connection, known: Tiles, updates: Mapping[bytes, Head], *, root: bytes, at: datetime
) -> CatalogueEntry:
    """Write one more entry with these changes of the map; the caller's transaction makes it visible.

    Args:
        root: id of version 1 of the root.

    Raises:
        SequenceFell: when a sequence would fall (SPEC MP-5).
        DamagedStore: the database is not what it should be.
    """
    return append_items(
        connection, known, sorted((k, head.to_bytes()) for k, head in updates.items()), root=root, at=at
    )


def append_items(
    connection: Connection, known: Tiles, items: Sequence[tuple[bytes, bytes]], *, root: bytes, at: datetime
) -> CatalogueEntry:
    """As `append_entry`, of millions of leaves if need be: keys and 72-byte values, ascending by key, each once."""
    found = _last.rows(connection, {})
    if not found:
        end, after = Frontier(), change(connection, known, None, items, 1)
        entry = first_entry(root=root, map=_hash(after.top), size=after.added, time=at)
    else:
        raw, held, number = found[0]
        before = _parsed(raw)
        end = known.log if known.log.size == before.sequence else frontier(connection, before.sequence)
        after = change(connection, known, _top(held, number), items, before.sequence + 1)
        # A clock that went back must not make the catalogue look older than what was shown.
        time, size = max(at, before.time), before.size + after.added
        entry = next_entry(before, map=_hash(after.top), size=size, time=time, log=end.root)
    number = 0 if after.top is None else after.top.number
    values = {"sequence": entry.sequence, "raw": entry.raw, "digest": entry.digest.hex()}
    _add_entry.run(connection, [values | {"map": entry.map, "tile": number}])
    append_leaf(connection, end, entry.leaf)
    after_commit(connection, lambda: known.keep_log(end.append(entry.leaf)))
    return entry


def prove(connection: Connection, known: Tiles, map_root: bytes, keys: Collection[bytes]) -> bytes:
    """The one proof for these 1 to 64 keys under the map with this root, of whatever entry (SPEC MP-4, MP-6).

    Raises:
        NoSuchThing: no entry ever had it, or it was collected.
        BadQuestion: no proof answers these keys.
        DamagedStore: the database is not what it should be.
    """
    asked = asked_keys(keys)
    found = _map.rows(connection, {"root": map_root})
    if not found or (found[0][0] or None) != found[0][1]:
        raise NoSuchThing(f"map {map_root.hex()}")
    top = _top(map_root, found[0][0])
    if top is None:
        return EMPTY_PROOF
    ways = walk(connection, known, top, asked, landed)
    return prove_from(top.hash, ways.tiles.values(), ways.leaves, asked)


def collect(connection: Connection, before: datetime) -> int:
    """Delete what only maps have that another entry followed before that instant; how many tiles (SPEC MP-6).

    It does a part at a time, so that no publication waits long: until it gives 0. What a process remembers of them may
    stay: it is asked only after a row of the database has led there.
    """
    return collect_tiles(connection, entries_before(connection, before))


def entries_before(connection: Connection, instant: datetime) -> int:
    """How many entries are older than that instant: the number of the last one; their times never fall (SPEC CT-1)."""
    low, high = 0, last_entry(connection).sequence
    while low < high:
        middle = (low + high + 1) // 2
        ((raw,),) = _numbered.rows(connection, {"sequence": middle})
        low, high = (middle, high) if parse_entry(raw).time < instant else (low, middle - 1)
    return low


def log_path(connection: Connection, size: int, index: int) -> bytes:
    """The audit path of entry `index` (from 0) in the log of the first `size` entries (SPEC LG-2).

    Raises:
        NoSuchThing: the log is not that long.
        NotInLog: it has no such index.
    """
    if size and not _numbered.rows(connection, {"sequence": size}):
        raise NoSuchThing(f"log of {size} entries")
    return inclusion_path(connection, size, index)


def _top(map_root: bytes, number: int) -> Slot | None:
    return Slot(map_root, number, True) if number else None


def _hash(top: Slot | None) -> bytes:
    return EMPTY_ROOT if top is None else top.hash

"""The tiles: those of the newest map lead to its leaves, and each older map that is kept differs by its own changes.

Every tile is compared with the hash that the one above commits to, up to the root in the entry (SPEC MP-3, MP-6).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import HASH_BYTES, KEY_BITS, map_leaf_hash
from sealring_server.fsck.report import Report
from sealring_server.fsck.scratch import Scratch
from sealring_server.prepared import Prepared
from sealring_server.schema import entries, leaves, superseded, tiles
from sealring_server.tiles.tile import DEPTHS, SLOTS, NotATile, Slot, Tile, parse_tile

NUMBER_BYTES = 8

_TILE = Prepared(select(tiles.c.raw).where(tiles.c.number == bindparam("number")))
_CHANGES = Prepared(select(leaves.c.key, leaves.c.value).where(leaves.c.entry == bindparam("entry")))
_SUPERSEDED = Prepared(select(superseded.c.numbers).where(superseded.c.entry == bindparam("entry")))
_KEY = Prepared(
    select(leaves.c.key).where(
        leaves.c.entry == bindparam("entry"), leaves.c.key.between(bindparam("first"), bindparam("last"))
    )
)


class BrokenTile(ValueError):
    """A tile that is missing, or is not what the one above commits to."""


@dataclass
class Maps:
    """The check of one store's tiles."""

    connection: Connection
    report: Report
    seen: int = 0

    def check_newest(self, newest: CatalogueEntry, number: int, scratch: Scratch) -> None:
        """Its tiles lead to exactly the newest leaves, in the order of their keys."""
        found = self._leaves(Slot(newest.map, number, True), 0, 0) if number else iter(())
        for slot, one in zip_longest(found, (one for one in scratch.all() if one.newest)):
            if slot is None or one is None:
                raise BrokenTile(f"the newest map has {'fewer' if slot is None else 'more'} leaves than there are")
            path, depth, leaf = slot
            if int.from_bytes(one.key, "big") >> (KEY_BITS - 4 * depth) != path:
                raise BrokenTile(f"the newest map lacks {one.name}, or has what there is not")
            if leaf.hash != map_leaf_hash(one.key, one.newest) or leaf.number != one.entry:
                self.report.bad("tiles", f"{one.name}: the newest map has another leaf of it, of entry {leaf.number}")

    def check_kept(self) -> None:
        """From the newest map backwards: each differs from the one before by its entry's changes and no others."""
        first = self.connection.scalar(select(func.min(superseded.c.entry)))
        asked = select(entries.c.sequence, entries.c.map, entries.c.tile).order_by(entries.c.sequence.desc())
        after, count = None, 0
        with self.connection.execute(asked.execution_options(yield_per=500)) as rows:
            for row in rows:
                if first is None or row.sequence < first - 1:
                    break
                if after is not None:
                    self.report.checked["older maps"] += 1
                    count += self._check_step(_top(row), _top(after), after.sequence)
                after = row
        self._check_count(count)

    def _check_count(self, older: int) -> None:
        there = self.connection.scalar(select(func.count()).select_from(tiles)) or 0
        if there > self.seen + older:
            self.report.tell(f"{there - self.seen - older} tiles that no kept map has: they take room, and do no harm")

    def _check_step(self, before: Slot | None, after: Slot | None, entry: int) -> int:
        old, new = _Part(), _Part()
        self._differ(before, after, 0, 0, old, new)
        changes = {key: map_leaf_hash(key, value) for key, value in _CHANGES.rows(self.connection, {"entry": entry})}
        kept = {key: hash for key, hash in old.leaves.items() if key not in changes}
        if kept | changes != new.leaves:
            self.report.bad("tiles", f"the map of entry {entry} differs from the one before by more than its changes")
        rows = _SUPERSEDED.rows(self.connection, {"entry": entry})
        said = _numbers(rows[0][0]) if rows else []
        if said != sorted(old.tiles):
            what = f"entry {entry} supersedes {len(old.tiles)} tiles, its row names {len(said)}, or others"
            self.report.bad("tiles", what)
        return len(said)

    def _differ(self, old: Slot | None, new: Slot | None, path: int, depth: int, was: "_Part", now: "_Part") -> None:
        """Gather what two slots at one place have that the other has not; equal ones share all that is below."""
        if old == new:
            return
        for slot, part in ((old, was), (new, now)):
            if slot is not None and not slot.is_link:
                part.leaves[self._key(slot, path, depth)] = slot.hash
        links = [slot if slot is not None and slot.is_link else None for slot in (old, new)]
        opened = [None if slot is None else self._open(slot, depth) for slot in links]
        for slot, part in zip(links, (was, now), strict=True):
            if slot is not None:
                part.tiles.add(slot.number)
        if any(tile is not None for tile in opened):
            for at in range(SLOTS):
                below = [None if tile is None else tile.slot(at) for tile in opened]
                self._differ(below[0], below[1], path << 4 | at, depth + 1, was, now)

    def _key(self, slot: Slot, path: int, depth: int) -> bytes:
        rest = KEY_BITS - 4 * depth
        first, last = ((path + more << rest) - more for more in (0, 1))
        span = {name: number.to_bytes(HASH_BYTES, "big") for name, number in (("first", first), ("last", last))}
        rows = _KEY.rows(self.connection, {"entry": slot.number, **span})
        if len(rows) != 1:
            raise BrokenTile(f"entry {slot.number} has {len(rows)} leaves where a tile has one")
        return bytes(rows[0][0])

    def _leaves(self, link: Slot, path: int, depth: int) -> Iterator[tuple[int, int, Slot]]:
        """Path, its length in half-bytes, and slot of every leaf below a link, ascending by key."""
        tile = self._open(link, depth)
        self.seen += 1
        self.report.checked["tiles"] += 1
        for at in range(SLOTS):
            slot = tile.slot(at)
            if slot is not None and slot.is_link:
                yield from self._leaves(slot, path << 4 | at, depth + 1)
            elif slot is not None:
                yield path << 4 | at, depth + 1, slot

    def _open(self, link: Slot, depth: int) -> Tile:
        rows = _TILE.rows(self.connection, {"number": link.number})
        if not rows or depth >= DEPTHS:
            raise BrokenTile(f"tile {link.number} is missing")
        try:
            tile = parse_tile(rows[0][0], depth)
        except NotATile as err:
            raise BrokenTile(f"tile {link.number}: {err}") from None
        if tile.hash != link.hash:
            raise BrokenTile(f"tile {link.number} has hash {tile.hash.hex()}, {link.hash.hex()} needed")
        return tile


@dataclass
class _Part:
    """What only one of two maps has."""

    leaves: dict[bytes, bytes] = field(default_factory=dict)
    tiles: set[int] = field(default_factory=set)


def _top(row: Any) -> Slot | None:
    return Slot(row.map, row.tile, True) if row.tile else None


def _numbers(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[at : at + NUMBER_BYTES], "big") for at in range(0, len(raw), NUMBER_BYTES)]

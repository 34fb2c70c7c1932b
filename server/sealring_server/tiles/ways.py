"""Tiles and leaves on the ways of some keys, read from the database level by level (SPEC MP-3).

What is read is checked against the hash of what led there, so that a damaged row is an error and never an answer.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, bindparam, select

from sealring.catalogue.leaf import HASH_BYTES, KEY_BITS, VALUE_BYTES
from sealring.catalogue.nodes import Leaf
from sealring_server.damaged import DamagedStore
from sealring_server.prepared import NumberedRows, Prepared
from sealring_server.schema import leaves, tiles
from sealring_server.tiles.cache import Tiles
from sealring_server.tiles.tile import NotATile, Slot, Tile, half_byte, parse_tile

Landing: TypeAlias = Callable[[Tile, int], int | None]
"""Which slot of a tile a key with this half-byte goes on to."""

_tiles = NumberedRows(tiles.c.number, tiles.c.raw)
_leaf = Prepared(
    select(leaves.c.key, leaves.c.value).where(
        leaves.c.entry == bindparam("entry"), leaves.c.key.between(bindparam("first"), bindparam("last"))
    )
)


@dataclass(frozen=True, slots=True)
class Ways:
    """What lies on the ways of some keys."""

    tiles: dict[int, Tile] = field(default_factory=dict)
    """By number, those above before those below."""
    leaves: dict[bytes, Leaf] = field(default_factory=dict)
    """By hash."""


class _Part(NamedTuple):
    """A slot to go on to: the half-bytes that lead there as one number, and the keys whose way it is."""

    slot: Slot
    path: int
    keys: list[bytes]


def own_slot(tile: Tile, at: int) -> int | None:
    """The way of a key that is to be put in: as far as its own half-bytes have slots."""
    return at if tile.has(at) else None


def walk(connection: Connection, known: Tiles, top: Slot, keys: Collection[bytes], landing: Landing) -> Ways:
    """All tiles and leaves on the ways of these keys: one query for each level, and one for each leaf.

    Raises:
        DamagedStore: rows are missing, or are not what the rows above commit to.
    """
    ways, found = Ways(), list[tuple[_Part, int]]()
    level, depth = [_Part(top, 0, list(keys))], 0
    while level:
        opened = _open(connection, known, level, depth)
        ways.tiles.update(opened)
        below = [part for one in level for part in _parts(opened[one.slot.number], one, landing)]
        level = [part for part in below if part.slot.is_link]
        depth += 1
        found += [(part, depth) for part in below if not part.slot.is_link]
    ways.leaves.update(_leaves(connection, known, found))
    return ways


def landed(tile: Tile, at: int) -> int:
    """The way that a proof shows: to the one leaf that a key can have."""
    return tile.landing(at)


def _parts(tile: Tile, here: _Part, landing: Landing) -> Iterator[_Part]:
    if len(here.keys) == 1:
        at = landing(tile, half_byte(here.keys[0], tile.depth))
        ways = {} if at is None else {at: here.keys}
    else:
        ways = _by_landing(tile, here.keys, landing)
    for at, keys in ways.items():
        slot = tile.slot(at)
        assert slot is not None  # a landing is a slot that is there
        yield _Part(slot, here.path << 4 | at, keys)


def _by_landing(tile: Tile, all: Iterable[bytes], landing: Landing) -> dict[int, list[bytes]]:
    ways: dict[int, list[bytes]] = {}
    for key in all:
        at = landing(tile, half_byte(key, tile.depth))
        if at is not None:
            ways.setdefault(at, []).append(key)
    return ways


def _open(connection: Connection, known: Tiles, level: Iterable[_Part], depth: int) -> dict[int, Tile]:
    """The tiles of one level, each with the hash that its link says."""
    wanted = {part.slot.number: part.slot.hash for part in level}
    found = {n: tile for n, tile in known.tiles.get(wanted).items() if tile.hash == wanted[n] and tile.depth == depth}
    if len(found) == len(wanted):
        return found
    new: dict[int, Tile] = {}
    for number, raw in _tiles.read(connection, [number for number in wanted if number not in found]):
        new[number] = _checked(number, raw, depth, wanted[number])
    found.update(new)
    missing = [number for number in wanted if number not in found]
    if missing:
        raise DamagedStore(f"tile {missing[0]} is missing")
    known.keep_tiles(connection, new)
    return found


def _checked(number: int, raw: bytes, depth: int, wanted: bytes) -> Tile:
    try:
        tile = parse_tile(raw, depth)
    except NotATile as err:
        raise DamagedStore(f"tile {number}: {err}") from None
    if tile.hash != wanted:
        raise DamagedStore(f"tile {number} has hash {tile.hash.hex()}, {wanted.hex()} needed")
    return tile


def _leaves(connection: Connection, known: Tiles, parts: Collection[tuple[_Part, int]]) -> Mapping[bytes, Leaf]:
    found = known.leaves.get([part.slot.hash for part, _ in parts])
    new: dict[bytes, Leaf] = {}
    for part, depth in parts:
        if part.slot.hash not in found:
            new[part.slot.hash] = _leaf_at(connection, part.slot, part.path, depth)
    known.leaves.keep(new)
    return found | new


def _leaf_at(connection: Connection, slot: Slot, path: int, depth: int) -> Leaf:
    """The one leaf that this entry set below this path; an entry's map never has two where a tile has one."""
    rest = KEY_BITS - 4 * depth
    first = (path << rest).to_bytes(HASH_BYTES, "big")
    last = ((path + 1 << rest) - 1).to_bytes(HASH_BYTES, "big")
    rows = _leaf.rows(connection, {"entry": slot.number, "first": first, "last": last})
    if [tuple(map(len, row)) for row in rows] != [(HASH_BYTES, VALUE_BYTES)]:
        raise DamagedStore(f"entry {slot.number} has no one leaf {slot.hash.hex()}")
    leaf = Leaf(*rows[0])
    if leaf.hash != slot.hash:
        raise DamagedStore(f"a leaf of entry {slot.number} has hash {leaf.hash.hex()}, {slot.hash.hex()} needed")
    return leaf

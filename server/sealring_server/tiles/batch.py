"""Many changes of the map as one step: the new tiles, and the numbers of those in whose place they come (SPEC MP-5)."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sealring_server.tiles.tile import Slot, Tile, half_byte


class Set(NamedTuple):
    """A leaf as a batch carries it: its key, its hash, and the number of the entry that set it."""

    key: bytes
    hash: bytes
    entry: int


class Batch:
    """One change of the map.

    Every tile on the way of a changed key is written anew, those below first, so that the number of the top one is
    the highest that was ever given. It goes as deep as two keys agree, which is at most the 64 half-bytes of a key.

    Args:
        opened: the tiles on the ways of all keys, by number; none for a map from nothing.
        held: the keys of the leaves on these ways, by the leaf's hash.
        number: of the first new tile.
        write: takes each new tile with its number.
    """

    def __init__(
        self, opened: Mapping[int, Tile], held: Mapping[bytes, bytes], number: int, write: Callable[[int, Tile], None]
    ) -> None:
        self._opened = opened
        self._held = held
        self._write = write
        self.number = number
        self.superseded: list[int] = []

    def put(self, top: Slot | None, sets: Sequence[Set], depth: int = 0) -> Slot:
        """The link to the map, or the part of it at this depth, with these leaves (one or more, sorted, distinct)."""
        below = _by_slot(sets, depth)
        if top is None:
            tile = Tile.of(depth, {at: self._slot(None, some, depth) for at, some in below.items()})
        else:
            old = self._opened[top.number]
            tile = old.with_slots({at: self._slot(old.slot(at), some, depth) for at, some in below.items()})
            self.superseded.append(top.number)
        number = self.number
        self.number += 1
        self._write(number, tile)
        return Slot(tile.hash, number, True)

    def _slot(self, held: Slot | None, sets: list[Set], depth: int) -> Slot:
        if held is not None and held.is_link:
            return self.put(held, sets, depth + 1)
        if held is not None:
            sets = _beside(Set(self._held[held.hash], held.hash, held.number), sets)
        if len(sets) > 1:
            return self.put(None, sets, depth + 1)
        return Slot(sets[0].hash, sets[0].entry, False)


def _by_slot(sets: Sequence[Set], depth: int) -> dict[int, list[Set]]:
    found: dict[int, list[Set]] = {}
    for one in sets:
        at = half_byte(one.key, depth)
        if at in found:
            found[at].append(one)
        else:
            found[at] = [one]
    return found


def _beside(leaf: Set, sets: list[Set]) -> list[Set]:
    """The new leaves with the one that was there, unless one of them replaces it."""
    place = bisect_left(sets, leaf.key, key=lambda one: one.key)
    if place < len(sets) and sets[place].key == leaf.key:
        return sets
    return [*sets[:place], leaf, *sets[place:]]

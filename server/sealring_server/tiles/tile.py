"""One tile of the map: four bits of every key's way, as the tree of SPEC MP-3 and as bytes.

A tile at depth d stands for all keys that share their first d half-bytes. Each of its 16 slots is empty, one leaf, or
the tile below. The forks between the slots are computed from the slots; where only one side of a fork has any, its
hash is passed up, since the map has no nodes with one side.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sealring.catalogue.leaf import HASH_BYTES, MAX_SEQUENCE, map_node_hash

SLOTS: Final = 16
DEPTHS: Final = 64  # half-bytes of a key
HEAD_BYTES: Final = 5
_BITS: Final = tuple(1 << at for at in range(SLOTS))
FEW: Final = 3  # changed slots, up to which it is less work to hash the way of each
MAX_TILE: Final = HEAD_BYTES + SLOTS * (7 + HASH_BYTES)  # bytes


class Slot(NamedTuple):
    """What hangs below a tile at one half-byte.

    Args:
        hash: as MP-3 makes it, of the leaf or of the whole tree below.
        number: of the tile below; or of the entry that set the leaf, under which its key and value are found.
        is_link: whether it is a tile.
    """

    hash: bytes
    number: int
    is_link: bool


class NotATile(ValueError):
    """Bytes that no tile has; only the database's own damage makes them."""


class Tile:
    """An immutable tile.

    `nodes` is its tree as a heap: 1 is the top, 2n and 2n + 1 lie below n, 16 to 31 are the slots; None where
    nothing is.
    """

    __slots__ = ("_links", "_numbers", "depth", "nodes")

    def __init__(self, depth: int, nodes: list[bytes | None], numbers: list[int], links: int) -> None:
        self.depth = depth
        self.nodes = nodes
        self._numbers = numbers
        self._links = links

    @classmethod
    def of(cls, depth: int, slots: Mapping[int, Slot]) -> "Tile":
        """The tile with these slots, at least one, by half-byte."""
        return cls(depth, [None] * (2 * SLOTS), [0] * SLOTS, 0).with_slots(slots)

    @property
    def hash(self) -> bytes:
        """Of the whole tree below (SPEC MP-3)."""
        top = self.nodes[1]
        assert top is not None  # a tile has a slot
        return top

    def has(self, at: int) -> bool:
        """Whether something hangs at this half-byte."""
        return self.nodes[SLOTS + at] is not None

    def slot(self, at: int) -> Slot | None:
        """The slot of this half-byte, 0 to 15."""
        found = self.nodes[SLOTS + at]
        return None if found is None else Slot(found, self._numbers[at], bool(self._links >> at & 1))

    def landing(self, at: int) -> int:
        """Where the way of a key with this half-byte leads: its own slot, or else the one that the forks decide on."""
        nodes, here = self.nodes, 1
        for shift in (3, 2, 1, 0):
            here = 2 * here + (at >> shift & 1)
            # A node with one side is none: whatever the key's bit, the way goes on there.
            if nodes[here] is None:
                here ^= 1
        return here - SLOTS

    def with_slots(self, slots: Mapping[int, Slot]) -> "Tile":
        """This tile with these slots in the place of those that it had."""
        nodes, numbers, links = self.nodes.copy(), self._numbers.copy(), self._links
        for at, (found, number, is_link) in slots.items():
            nodes[SLOTS + at] = found
            numbers[at] = number
            links = links | 1 << at if is_link else links & ~(1 << at)
        if len(slots) > FEW:
            _hash_all(nodes, self.depth)
        else:
            for at in slots:
                _hash_way(nodes, self.depth, at)
        return Tile(self.depth, nodes, numbers, links)

    def to_bytes(self) -> bytes:
        """Its one spelling: which slots are there, which are links, the width of a number, numbers, hashes.

        A hash is never left out for being computable from below: a reader checks each tile against the one above.
        """
        width = (max(self._numbers).bit_length() + 7) // 8
        occupied = sum([bit for bit, number in zip(_BITS, self._numbers, strict=True) if number])
        head = (occupied << 24 | self._links << 8 | width).to_bytes(HEAD_BYTES, "big")
        numbers = [number.to_bytes(width, "big") for number in self._numbers if number]
        return b"".join([head, *numbers, *filter(None, self.nodes[SLOTS:])])


def parse_tile(raw: bytes, depth: int) -> Tile:
    """The tile that these bytes spell, at this depth (0 to 63).

    Raises:
        NotATile: and nothing else, whatever the bytes.
    """
    occupied, links, width = int.from_bytes(raw[:2], "big"), int.from_bytes(raw[2:4], "big"), sum(raw[4:5])
    places = [at for at in range(SLOTS) if occupied >> at & 1]
    split = HEAD_BYTES + len(places) * width
    if not occupied or len(raw) != split + len(places) * HASH_BYTES:
        raise NotATile(f"{len(raw)} bytes do not fit its slots")
    found = [int.from_bytes(raw[at : at + width], "big") for at in range(HEAD_BYTES, split, width)] if width else []
    if not found or not 1 <= min(found) <= max(found) <= MAX_SEQUENCE or max(found) >> 8 * (width - 1) == 0:
        raise NotATile("numbers out of range, or wider than they need")
    # One leaf alone is a tile only where nothing is above; the way of a key ends at its last half-byte.
    if links & ~occupied or (depth == DEPTHS - 1 and links) or (depth and len(places) == 1 and not links):
        raise NotATile("slots that no map has")
    nodes: list[bytes | None] = [None] * (2 * SLOTS)
    numbers = [0] * SLOTS
    for at, number, start in zip(places, found, range(split, len(raw), HASH_BYTES), strict=True):
        numbers[at] = number
        nodes[SLOTS + at] = raw[start : start + HASH_BYTES]
    _hash_all(nodes, depth)
    return Tile(depth, nodes, numbers, links)


def half_byte(key: bytes, depth: int) -> int:
    """Which slot is a key's own at this depth."""
    byte = key[depth >> 1]
    return byte & 15 if depth & 1 else byte >> 4


def _hash_way(nodes: list[bytes | None], depth: int, changed: int) -> None:
    """Compute every node above this one slot again."""
    at = SLOTS + changed
    for index in range(4 * depth + 3, 4 * depth - 1, -1):
        left, right = nodes[at & ~1], nodes[at | 1]
        at >>= 1
        if left is None:
            nodes[at] = right
        else:
            nodes[at] = left if right is None else map_node_hash(index, left, right)


def _hash_all(nodes: list[bytes | None], depth: int) -> None:
    """Compute every node above the slots."""
    for at in range(SLOTS - 1, 0, -1):
        left, right = nodes[2 * at], nodes[2 * at + 1]
        if left is None:
            nodes[at] = right
        elif right is None:
            nodes[at] = left
        else:
            nodes[at] = map_node_hash(4 * depth + at.bit_length() - 1, left, right)

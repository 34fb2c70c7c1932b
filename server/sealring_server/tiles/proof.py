"""Proofs out of tiles: forks that are opened as far as an asked key leads (SPEC MP-4)."""

from collections.abc import Iterable, Mapping

from sealring.catalogue.nodes import Leaf
from sealring.catalogue.prove import write_proof
from sealring_server.tiles.tile import SLOTS, Tile


class Part:
    """What hangs at a node of a tile's heap; where no asked key leads there, its hash is all that is asked for."""

    __slots__ = ("at", "tile")

    def __init__(self, tile: Tile, at: int) -> None:
        self.tile = tile
        self.at = at

    @property
    def hash(self) -> bytes:
        """As MP-3 makes it."""
        found = self.tile.nodes[self.at]
        assert found is not None  # asked only where something is
        return found


class Branch:
    """A fork inside a tile: the node at this place of its heap, both of whose sides have something."""

    __slots__ = ("_at", "_tile")

    def __init__(self, tile: Tile, at: int) -> None:
        self._tile = tile
        self._at = at

    @property
    def index(self) -> int:
        """The bit that it is about."""
        return 4 * self._tile.depth + self._at.bit_length() - 1

    @property
    def left(self) -> Part:
        """Where that bit is 0."""
        return Part(self._tile, 2 * self._at)

    @property
    def right(self) -> Part:
        """Where that bit is 1."""
        return Part(self._tile, 2 * self._at + 1)


def prove_from(top: bytes, tiles: Iterable[Tile], leaves: Mapping[bytes, Leaf], asked: tuple[bytes, ...]) -> bytes:
    """The joint proof for `asked`, which are sorted and distinct, 1 to 64 of them.

    Args:
        top: the map's root.
        tiles: all to which an asked key leads, those above before those below.
        leaves: all to which an asked key leads, by their hash.
    """
    # A tile with one slot has the hash of what hangs there; the one below comes later, and takes the place.
    below = {tile.hash: tile for tile in tiles}

    def opened(part: Part) -> Leaf | Branch:
        tile, at = part.tile, _down(part.tile, part.at)
        while at >= SLOTS:
            held = Part(tile, at).hash
            leaf = leaves.get(held)
            if leaf is not None:
                return leaf
            assert below[held] is not tile  # a tile with one slot has a tile with more below it, or a leaf
            tile = below[held]
            at = _down(tile, 1)
        return Branch(tile, at)

    return write_proof(Part(below[top], 1), asked, opened)


def _down(tile: Tile, at: int) -> int:
    """The first fork at a node of the tile's heap or below it, or the one slot there."""
    nodes = tile.nodes
    while at < SLOTS:
        left, right = nodes[2 * at], nodes[2 * at + 1]
        if left is not None and right is not None:
            return at
        at = 2 * at if right is None else 2 * at + 1
    return at

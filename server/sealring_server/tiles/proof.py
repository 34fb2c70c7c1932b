"""Proofs out of tiles: forks that are opened as far as an asked key leads (SPEC MP-4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sealring.catalogue.nodes import Leaf
from sealring.catalogue.prove import write_proof
from sealring_server.tiles.tile import SLOTS, Tile


@dataclass(frozen=True, slots=True)
class Closed:
    """A slot of a tile: what is below it is known by its hash."""

    hash: bytes


class Branch:
    """A fork inside a tile."""

    __slots__ = ("_at", "_tile")

    def __init__(self, tile: Tile, at: int) -> None:
        self._tile = tile
        self._at = at

    @property
    def hash(self) -> bytes:
        """As MP-3 makes it."""
        found = self._tile.nodes[self._at]
        assert found is not None  # a fork has two sides
        return found

    @property
    def index(self) -> int:
        """The bit that it is about."""
        return 4 * self._tile.depth + self._at.bit_length() - 1

    @property
    def left(self) -> "Subtree":
        """Where that bit is 0."""
        return _subtree(self._tile, 2 * self._at)

    @property
    def right(self) -> "Subtree":
        """Where that bit is 1."""
        return _subtree(self._tile, 2 * self._at + 1)


Subtree: TypeAlias = Closed | Branch


def prove_from(top: bytes, tiles: Iterable[Tile], leaves: Mapping[bytes, Leaf], asked: tuple[bytes, ...]) -> bytes:
    """The joint proof for `asked`, which are sorted and distinct, 1 to 64 of them.

    Args:
        top: the map's root.
        tiles: all to which an asked key leads, those above before those below.
        leaves: all to which an asked key leads, by their hash.
    """
    # A tile with one slot has the hash of what hangs there; the one below comes later, and takes the place.
    below: dict[bytes, Subtree] = {tile.hash: _subtree(tile, 1) for tile in tiles}

    start: Subtree = Closed(top)

    def opened(part: Subtree) -> Leaf | Branch:
        if isinstance(part, Branch):
            return part
        leaf = leaves.get(part.hash)
        if leaf is not None:
            return leaf
        found = below[part.hash]
        assert isinstance(found, Branch)  # a tile with one slot has a tile with more below it, or a leaf
        return found

    return write_proof(start, asked, opened)


def _subtree(tile: Tile, at: int) -> Subtree:
    """What is at a node of the tile's heap: the first fork there or below, or a slot."""
    nodes = tile.nodes
    while at < SLOTS:
        left, right = nodes[2 * at], nodes[2 * at + 1]
        if left is not None and right is not None:
            return Branch(tile, at)
        at = 2 * at if right is None else 2 * at + 1
    found = nodes[at]
    assert found is not None  # asked only where something is
    return Closed(found)

"""The map of the entry that was judged last, node by node in the state's database (SPEC MP-3).

A node is found by its hash, so that a run loads only what its entries touch, whatever the store's size. Each node has
one place in one tree: those that a change replaces are deleted with it.
"""

import sqlite3
from collections.abc import Callable, Iterable

from sealring.catalogue.leaf import HASH_BYTES, bit_of
from sealring.catalogue.nodes import Inner, Leaf, Node, first_difference

TABLE = "CREATE TABLE IF NOT EXISTS nodes (hash BLOB PRIMARY KEY, raw BLOB NOT NULL) WITHOUT ROWID;"
_FORK_BYTES = 1 + 3 * HASH_BYTES


class KeptFork(Inner):
    """A fork whose sides are fetched when they are asked for, each once."""

    __slots__ = ("_left", "_load", "_right")
    _left: bytes | Node
    _right: bytes | Node

    def __init__(self, hash: bytes, raw: bytes, load: Callable[[bytes], Node]) -> None:
        self.index, self.hash, self._load = raw[0], hash, load
        self._left, self._right, self.key = raw[1:33], raw[33:65], raw[65:97]

    @property
    def left(self) -> Node:  # type: ignore[override]
        """The side with bit 0."""
        if isinstance(self._left, bytes):
            self._left = self._load(self._left)
        return self._left

    @property
    def right(self) -> Node:  # type: ignore[override]
        """The side with bit 1."""
        if isinstance(self._right, bytes):
            self._right = self._load(self._right)
        return self._right


class KeptMap:
    """The nodes of one map."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def node(self, hash: bytes) -> Node:
        """One node."""
        row = self._database.execute("SELECT raw FROM nodes WHERE hash = ?", (hash,)).fetchone()
        if row is None:
            raise sqlite3.DatabaseError(f"node {hash.hex()} of the map is missing")
        raw = bytes(row[0])
        return KeptFork(hash, raw, self.node) if len(raw) == _FORK_BYTES else Leaf(raw[:HASH_BYTES], raw[HASH_BYTES:])

    def replace(self, before: Node | None, after: Node | None, keys: Iterable[bytes]) -> None:
        """Keep the tree `after`, which changes at these keys made of `before`."""
        gone = {(hash,) for key in keys for hash in _way(before, key)}
        self._database.executemany("DELETE FROM nodes WHERE hash = ?", gone)
        todo = [after] if after is not None else []
        rows = []
        while todo:
            node = todo.pop()
            if isinstance(node, Leaf):
                rows.append((node.hash, node.key + node.value))
            elif not isinstance(node, KeptFork):
                left, right = node.left, node.right
                rows.append((node.hash, bytes((node.index,)) + left.hash + right.hash + node.key))
                todo += (left, right)
        self._database.executemany("INSERT OR IGNORE INTO nodes VALUES (?, ?)", rows)


def _way(node: Node | None, key: bytes) -> Iterable[bytes]:
    """The hashes of all that a change at this key replaces."""
    # Where the key strays from what all keys below have in common, the new fork comes above, and this one stays.
    while isinstance(node, Inner) and first_difference(node.key, key) >= node.index:
        yield node.hash
        node = node.right if bit_of(key, node.index) else node.left
    if isinstance(node, Leaf) and node.key == key:
        yield node.hash

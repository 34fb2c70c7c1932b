"""The map's tree in memory: immutable nodes, so that an update shares all that it does not change (SPEC MP-3).

Recursion goes no deeper than the 256 bits of a key, and these functions run only where the keys are
the holder's own; the verifier of a stranger's proof does not recurse (proof.py).
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import TypeAlias

from sealring.catalogue.leaf import KEY_BITS, Head, bit_of, map_leaf_hash, map_node_hash

Item: TypeAlias = tuple[bytes, Head]


class Leaf:
    """One key and its value. The value stays packed: a million heads as objects would need twice the memory."""

    __slots__ = ("hash", "key", "value")

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key = key
        self.value = value
        self.hash = map_leaf_hash(key, value)


class Inner:
    """A fork: `index` is the first bit at which the keys below differ; `key` is one of them."""

    __slots__ = ("hash", "index", "key", "left", "right")

    def __init__(self, index: int, left: "Node", right: "Node") -> None:
        self.index = index
        self.left = left
        self.right = right
        self.key: bytes = left.key
        self.hash: bytes = map_node_hash(index, left.hash, right.hash)


Node: TypeAlias = Leaf | Inner


def find(node: Node | None, key: bytes) -> Leaf | None:
    """The leaf of `key`, or None. The committed indices alone decide the way."""
    while isinstance(node, Inner):
        node = node.right if bit_of(key, node.index) else node.left
    return node if node is not None and node.key == key else None


def build(items: Sequence[Item]) -> Node:
    """The tree of one or more items, which are sorted by key and distinct."""
    if len(items) == 1:
        key, head = items[0]
        return Leaf(key, head.to_bytes())
    index = first_difference(items[0][0], items[-1][0])
    middle = _split(items, index)
    return Inner(index, build(items[:middle]), build(items[middle:]))


def merge(node: Node, items: Sequence[Item]) -> Node:
    """The tree `node` with `items` (sorted, distinct) put in; every node on the way is hashed once for all of them."""
    if not items:
        return node
    if isinstance(node, Leaf):
        return _merge_leaf(node, items)
    # Sorted items stray furthest from the tree's common prefix at one of the two ends.
    index = min(first_difference(node.key, items[0][0]), first_difference(node.key, items[-1][0]))
    if index >= node.index:
        middle = _split(items, node.index)
        return Inner(node.index, merge(node.left, items[:middle]), merge(node.right, items[middle:]))
    middle = _split(items, index)
    if bit_of(node.key, index):
        return Inner(index, build(items[:middle]), merge(node, items[middle:]))
    return Inner(index, merge(node, items[:middle]), build(items[middle:]))


def _merge_leaf(leaf: Leaf, items: Sequence[Item]) -> Node:
    """The items with the leaf among them, unless one of them replaces it."""
    place = bisect_left(items, leaf.key, key=_key)
    if place < len(items) and items[place][0] == leaf.key:
        return build(items)
    return build([*items[:place], (leaf.key, Head.from_bytes(leaf.value)), *items[place:]])


def first_difference(a: bytes, b: bytes) -> int:
    """The first bit at which two keys differ; 256 if they are the same."""
    return KEY_BITS - (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_length()


def _split(items: Sequence[Item], index: int) -> int:
    """Where the items with a 1 at bit `index` begin; they are sorted and agree on every earlier bit."""
    return bisect_left(items, 1, key=lambda item: bit_of(item[0], index))


def _key(item: Item) -> bytes:
    return item[0]

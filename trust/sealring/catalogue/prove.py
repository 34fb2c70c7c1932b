"""The one proof that a tree gives for a set of keys (SPEC MP-4); the counterpart of proof.py."""

from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from sealring.catalogue.nodes import Leaf
from sealring.catalogue.proof import ASKED_LEAF, BOTH, EMPTY, LEFT_PRUNED, LONG_SKIP, NAMED_LEAF, RIGHT_PRUNED, VERSION

EMPTY_PROOF: Final = bytes((VERSION, EMPTY))
"""Of any keys, in the map that has none."""


class Hashed(Protocol):
    """A subtree, of which a proof that does not go there needs the hash only."""

    @property
    def hash(self) -> bytes:
        """As MP-3 makes it."""


H = TypeVar("H", bound=Hashed)
H_co = TypeVar("H_co", bound=Hashed, covariant=True)


class Fork(Protocol[H_co]):
    """An inner node: the side with a 0 at bit `index`, and the one with a 1."""

    @property
    def index(self) -> int:
        """0 to 255, most significant first."""

    @property
    def left(self) -> H_co:
        """Where the bit is 0."""

    @property
    def right(self) -> H_co:
        """Where the bit is 1."""


def write_proof(root: H, asked: tuple[bytes, ...], open: Callable[[H], Leaf | Fork[H]]) -> bytes:
    """The canonical joint proof for `asked`, which are sorted and distinct, 1 to 64 of them, in a map that has keys.

    Args:
        open: the node at the top of a subtree; asked for those subtrees only to which an asked key leads.
    """
    out = bytearray((VERSION,))
    # A stack instead of recursion, with the left child on top: the proof is in pre-order.
    todo: list[tuple[H, int, tuple[bytes, ...]]] = [(root, -1, asked)]
    while todo:
        subtree, parent, here = todo.pop()
        node = open(subtree)
        if isinstance(node, Leaf):
            _write_leaf(out, node, here)
            continue
        index, on_left, on_right = node.index, node.left, node.right
        left, right = _sides(here, index)
        skip = index - (parent + 1)
        if right:
            todo.append((on_right, index, right))
        if left:
            todo.append((on_left, index, left))
        if left and right:
            _write_fork(out, BOTH, skip, b"")
        elif left:
            _write_fork(out, RIGHT_PRUNED, skip, on_right.hash)
        else:
            _write_fork(out, LEFT_PRUNED, skip, on_left.hash)
    return bytes(out)


def _sides(keys: tuple[bytes, ...], index: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Those with a 0 at this bit, and those with a 1."""
    byte, bit = index >> 3, 0x80 >> (index & 7)
    right = tuple([key for key in keys if key[byte] & bit])
    if not right:
        return keys, right
    return tuple([key for key in keys if not key[byte] & bit]) if len(right) < len(keys) else (), right


def _write_leaf(out: bytearray, leaf: Leaf, asked: tuple[bytes, ...]) -> None:
    """A leaf; its key is left out where it is the only key that was asked here."""
    if asked == (leaf.key,):
        out.append(ASKED_LEAF)
    else:
        out.append(NAMED_LEAF)
        out += leaf.key
    out += leaf.value


def _write_fork(out: bytearray, tag: int, skip: int, pruned: bytes) -> None:
    if skip < LONG_SKIP:
        out.append(tag | skip)
    else:
        out += bytes((tag | LONG_SKIP, skip))
    out += pruned

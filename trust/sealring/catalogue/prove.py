"""The one proof that a tree gives for a set of keys (SPEC MP-4); the counterpart of proof.py."""

from sealring.catalogue.leaf import bit_of
from sealring.catalogue.nodes import Leaf, Node
from sealring.catalogue.proof import ASKED_LEAF, BOTH, EMPTY, LEFT_PRUNED, LONG_SKIP, NAMED_LEAF, RIGHT_PRUNED, VERSION


def write_proof(root: Node | None, asked: tuple[bytes, ...]) -> bytes:
    """The canonical joint proof for `asked`, which are sorted and distinct, 1 to 64 of them."""
    out = bytearray((VERSION,))
    if root is None:
        out.append(EMPTY)
        return bytes(out)
    # A stack instead of recursion, with the left child on top: the proof is in pre-order.
    todo: list[tuple[Node, int, tuple[bytes, ...]]] = [(root, -1, asked)]
    while todo:
        node, parent, here = todo.pop()
        if isinstance(node, Leaf):
            _write_leaf(out, node, here)
            continue
        left = tuple(key for key in here if not bit_of(key, node.index))
        right = tuple(key for key in here if bit_of(key, node.index))
        skip = node.index - (parent + 1)
        if right:
            todo.append((node.right, node.index, right))
        if left:
            todo.append((node.left, node.index, left))
        if left and right:
            _write_fork(out, BOTH, skip, b"")
        elif left:
            _write_fork(out, RIGHT_PRUNED, skip, node.right.hash)
        else:
            _write_fork(out, LEFT_PRUNED, skip, node.left.hash)
    return bytes(out)


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

"""A second reader of proofs and audit paths, by recursion as SPEC section 9 tells it, to compare the first one with."""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from sealring.catalogue.leaf import bit_of
from sealring.catalogue.nodes import Inner, Leaf, Node


@dataclass(frozen=True)
class Pruned:
    """A side of which only the hash is known."""

    hash: bytes
    key: bytes = b""


def read_tree(proof: bytes, asked: Collection[bytes]) -> Node | None:
    """The part of the map that an accepted proof shows; None for the empty map."""
    if proof[1] == 0:
        return None
    node, end = _element(proof, 1, -1, sorted(set(asked)))
    assert end == len(proof), "bytes after the tree"
    return node


def _element(proof: bytes, at: int, above: int, asked: list[bytes]) -> tuple[Node, int]:
    tag = proof[at]
    at += 1
    if tag == 1:
        assert len(asked) == 1
        return Leaf(asked[0], proof[at : at + 72]), at + 72
    if tag == 2:
        return Leaf(proof[at : at + 32], proof[at + 32 : at + 104]), at + 104
    assert tag >= 64
    skip = tag % 64
    if skip == 63:
        skip, at = proof[at], at + 1
    index = above + 1 + skip
    hidden = proof[at : at + 32]
    left: Node = cast(Node, Pruned(hidden))
    right = left
    if tag >= 128:
        at += 32
    if tag < 128 or tag >= 192:
        left, at = _element(proof, at, index, [key for key in asked if not bit_of(key, index)])
    if tag < 192:
        right, at = _element(proof, at, index, [key for key in asked if bit_of(key, index)])
    return Inner(index, left, right), at


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root to which a path leads, by RFC 6962's own recursion; None where it is not of the one length."""
    if size == 1:
        return None if path else leaf
    if not path:
        return None
    half = 1 << (size - 1).bit_length() - 1
    inside = index < half
    below = root_by_path(leaf, index if inside else index - half, half if inside else size - half, path[:-1])
    if below is None:
        return None
    pair = below + path[-1] if inside else path[-1] + below
    return sha256(b"\x01" + pair).digest()

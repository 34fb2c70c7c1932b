"""The part of a map that some changes touch: enough to compute the next map's root, and small (SPEC MP-3, MP-5).

Pre-order: byte 0 the empty map; 1 a leaf with key and value; 2 a fork with its index, left and right; 3 the hash of a
side that no change touches. Every index and leaf is under the hashes: a part that gives the map's root is a true one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sealring.catalogue.leaf import EMPTY_ROOT, HASH_BYTES, VALUE_BYTES, Head, bit_of
from sealring.catalogue.nodes import Inner, Leaf, Node, build, merge
from sealring_server.audit.errors import ProvesNothing

MAX_PART = 32 * 1024 * 1024  # bytes
_EMPTY, _LEAF, _FORK, _CUT = range(4)
_KEY = HASH_BYTES + VALUE_BYTES


@dataclass(frozen=True)
class Result:
    """What changes make of a map."""

    node: Node | None
    added: int
    """Leaves that were not there before."""
    fell: bytes | None = None
    """A key whose sequence the changes take back (SPEC MP-5)."""

    @property
    def root(self) -> bytes:
        """The map's root."""
        return EMPTY_ROOT if self.node is None else self.node.hash


def write_part(root: Node | None, keys: list[bytes]) -> bytes:
    """The part that these keys touch."""
    if root is None:
        return bytes((_EMPTY,))
    out = bytearray()
    todo: list[tuple[Node, list[bytes]]] = [(root, keys)]
    while todo:
        node, here = todo.pop()
        if not here:
            out += bytes((_CUT,)) + node.hash
        elif isinstance(node, Leaf):
            out += bytes((_LEAF,)) + node.key + node.value
        else:
            out += bytes((_FORK, node.index))
            todo.append((node.right, [key for key in here if bit_of(key, node.index)]))
            todo.append((node.left, [key for key in here if not bit_of(key, node.index)]))
    return bytes(out)


def apply_changes(part: bytes, changes: Mapping[bytes, Head], root: bytes | None) -> Result:
    """What these changes make of the map with this root; None is the empty one.

    Args:
        part: what `write_part` gave for the keys of `changes`.

    Raises:
        ProvesNothing: the part is not one of that map, or leaves out what a change touches.
    """
    node = read_part(part)
    if (EMPTY_ROOT if node is None else node.hash) != (root or EMPTY_ROOT):
        raise ProvesNothing("the part of the map is not one of the map before")
    return change(node, changes)


def change(node: Node | None, changes: Mapping[bytes, Head]) -> Result:
    """What these changes make of this map, whole or in part; one that takes a leaf back is told and still made."""
    added, fell = 0, None
    for key, head in changes.items():
        held = _leaf_on_the_way(node, key)
        if held is None or held.key != key:
            added += 1
        elif Head.from_bytes(held.value).sequence > head.sequence:
            fell = fell or key
    items = sorted(changes.items(), key=lambda item: item[0])
    after = node if not items else build(items) if node is None else merge(node, items)
    return Result(after, added, fell)


def read_part(raw: bytes) -> Node | None:
    """The tree in these bytes; a side that was cut off is a leaf without a key."""
    if len(raw) > MAX_PART:
        raise ProvesNothing(f"a part of a map of {len(raw)} bytes, at most {MAX_PART} are read")
    if raw == bytes((_EMPTY,)):
        return None
    node, end = _read(raw, 0, -1)
    if end != len(raw):
        raise ProvesNothing("bytes after the part of the map")
    return node


def _read(raw: bytes, at: int, above: int) -> tuple[Node, int]:
    """One node; recursion ends, since indices ascend and are at most 255."""
    kind = raw[at] if at < len(raw) else -1
    if kind == _LEAF and at + 1 + _KEY <= len(raw):
        return Leaf(raw[at + 1 : at + 33], raw[at + 33 : at + 1 + _KEY]), at + 1 + _KEY
    if kind == _CUT and at + 33 <= len(raw):
        cut = Leaf.__new__(Leaf)
        cut.key, cut.value, cut.hash = b"", b"", raw[at + 1 : at + 33]
        return cut, at + 33
    if kind != _FORK or at + 2 > len(raw) or raw[at + 1] <= above:
        raise ProvesNothing("the part of the map has not the form of one")
    index = raw[at + 1]
    left, at = _read(raw, at + 2, index)
    right, at = _read(raw, at, index)
    node = Inner(index, left, right)
    # A key from below says which way leads here; that of a cut side is not known.
    node.key = left.key or right.key
    if not node.key:
        raise ProvesNothing("a fork of which nothing is shown")
    return node, at


def _leaf_on_the_way(node: Node | None, key: bytes) -> Leaf | None:
    while isinstance(node, Inner):
        node = node.right if bit_of(key, node.index) else node.left
    if node is not None and not node.key:
        raise ProvesNothing("the part of the map leaves out what a change touches")
    return node


def read_changes(raw: bytes) -> dict[bytes, Head]:
    """Keys and values, 104 bytes each, strictly ascending (SPEC CT-4).

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    if len(raw) % _KEY:
        raise ProvesNothing(f"changes of {len(raw)} bytes, no multiple of {_KEY}")
    found: dict[bytes, Head] = {}
    last = b""
    for at in range(0, len(raw), _KEY):
        key = raw[at : at + HASH_BYTES]
        if key <= last:
            raise ProvesNothing("changes that are not in ascending order of keys")
        found[key], last = Head.from_bytes(raw[at + HASH_BYTES : at + _KEY]), key
    return found


def write_changes(changes: Mapping[bytes, Head]) -> bytes:
    """As a store serves them."""
    return b"".join(key + head.to_bytes() for key, head in sorted(changes.items()))

"""The catalogue's map, held in memory (SPEC MP-1 to MP-5)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from sealring.catalogue.leaf import EMPTY_ROOT, HASH_BYTES, Head
from sealring.catalogue.nodes import Leaf, Node, build, find, merge
from sealring.catalogue.proof import BadQuestion, asked_keys
from sealring.catalogue.prove import EMPTY_PROOF, write_proof
from sealring.errors import TrustError


@dataclass(eq=False)
class SequenceFell(TrustError):
    """A sequence in a leaf never falls, not even through a removal (SPEC MP-5)."""

    key: bytes
    offered: int
    held: int

    rule: ClassVar[str] = "MP-5"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"map key {self.key.hex()}: sequence {self.offered} offered, {self.held} or later needed"

    def hint(self) -> str:
        return f"publish sequence {self.held} or later"


class SparseMap:
    """An immutable map from keys to heads with one root hash; an update gives a new map, the old one stays readable.

    The root depends on the content alone, not on the order of the updates. An update does O(log N) hashes.
    """

    __slots__ = ("_size", "node")

    def __init__(self, node: Node | None, size: int) -> None:
        self.node = node
        self._size = size

    @classmethod
    def empty(cls) -> Self:
        """The map of a store that has published nothing."""
        return cls(None, 0)

    @property
    def root(self) -> bytes:
        """The 32 bytes that commit to every key and value (SPEC MP-3)."""
        return EMPTY_ROOT if self.node is None else self.node.hash

    def __len__(self) -> int:
        """The number of leaves, tombstones among them: it never falls."""
        return self._size

    def __iter__(self) -> Iterator[tuple[bytes, Head]]:
        """Every key with its head, ascending by key."""
        todo: list[Node] = [] if self.node is None else [self.node]
        while todo:
            node = todo.pop()
            if isinstance(node, Leaf):
                yield node.key, Head.from_bytes(node.value)
            else:
                todo += (node.right, node.left)

    def get(self, key: bytes) -> Head | None:
        """The head of `key` (a tombstone too), or None where the map never held one."""
        leaf = find(self.node, _checked(key))
        return None if leaf is None else Head.from_bytes(leaf.value)

    def with_updates(self, updates: Mapping[bytes, Head]) -> "SparseMap":
        """This map with all of `updates` put in, as one step.

        Args:
            updates: the new heads by 32-byte key; a removal is `Head.tombstone(sequence)`.

        Raises:
            SequenceFell: when an update has a lower sequence than the leaf that it replaces; nothing is taken then.
        """
        items = sorted(updates.items(), key=lambda item: item[0])
        added = sum(self._is_new(key, head) for key, head in items)
        if not items:
            return self
        node = build(items) if self.node is None else merge(self.node, items)
        return SparseMap(node, self._size + added)

    def _is_new(self, key: bytes, head: Head) -> bool:
        held = self.get(key)
        # MP-5: a store that took an older statement again would show a rollback as if it were news.
        if held is not None and head.sequence < held.sequence:
            raise SequenceFell(key, head.sequence, held.sequence)
        return held is None

    def prove(self, keys: Collection[bytes]) -> bytes:
        """The one proof under `root` for these 1 to 64 keys, present or absent (SPEC MP-4)."""
        asked = asked_keys(keys)
        return EMPTY_PROOF if self.node is None else write_proof(self.node, asked, _opened)


def map_of(items: Iterable[tuple[bytes, Head]]) -> SparseMap:
    """The map of these pairs; the quickest way to a large one."""
    return SparseMap.empty().with_updates(dict(items))


def _opened(node: Node) -> Node:
    """All of this map is in memory."""
    return node


def _checked(key: bytes) -> bytes:
    if len(key) != HASH_BYTES:
        raise BadQuestion(f"a key of {len(key)} bytes, {HASH_BYTES} needed")
    return key

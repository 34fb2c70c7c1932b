"""A store's log on sticks and shelves: leaf hashes, from which each device finds its own path (SPEC BN-6, LG-2).

Who makes a bundle can't know which entry a device saw last, and a stick can't be asked. The hashes lie in files:

```
0 16384 32768 ..   leaf hashes, 32 bytes each, of the entries from this index on; at most 16,384 in a file
left-out           where the oldest are left out: the tree hash of each 16,384 of them, which stand for those
```
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sealring.catalogue.leaf import HASH_BYTES
from sealring.catalogue.log import inclusion_path, tree_hash

BLOCK: Final = 16_384  # entries; a power of two, so that the hash of a block is a node of the log's tree
LEFT_OUT: Final = "left-out"
MAX_BLOCKS: Final = 64  # of leaf hashes that are read: 32 MiB, half of what a bundle may hold


@dataclass(frozen=True)
class ShelvedLog:
    """Unverified: a path from a wrong one leads to another root, and is refused there."""

    left_out: Sequence[bytes] = ()
    """The tree hashes of the oldest blocks."""
    leaves: Sequence[bytes] = ()
    """The leaf hashes of all entries after these."""

    @property
    def first(self) -> int:
        """The index of the first entry whose leaf hash is here."""
        return len(self.left_out) * BLOCK

    def path(self, size: int, index: int) -> bytes | None:
        """RFC 6962's path of entry `index` (from 0) among the first `size`; None where that is not here."""
        if not self.first <= index < size <= self.first + len(self.leaves):
            return None
        leaves = self.leaves[: size - self.first]
        blocks = [leaves[at : at + BLOCK] for at in range(0, len(leaves), BLOCK)]
        own, place = divmod(index, BLOCK)
        above = [*self.left_out, *map(tree_hash, blocks)]
        return inclusion_path(blocks[own - len(self.left_out)], place) + inclusion_path(above, own)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of each file."""
        if self.left_out:
            yield LEFT_OUT, b"".join(self.left_out)
        for at in range(0, len(self.leaves), BLOCK):
            yield str(self.first + at), b"".join(self.leaves[at : at + BLOCK])

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> "ShelvedLog":
        """The log of these files, each of which begins where the one before it ends; what does not is passed over."""
        left_out = _hashes(files.get(LEFT_OUT, b""))
        pieces = {int(name): raw for name, raw in files.items() if name.isdecimal() and len(name) < 16}
        first, leaves = len(left_out) * BLOCK, list[bytes]()
        for at in sorted(pieces):
            if at == first + len(leaves) and len(leaves) < MAX_BLOCKS * BLOCK:
                leaves += _hashes(pieces[at])
        return cls(left_out, leaves)


def _hashes(raw: bytes) -> list[bytes]:
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw) - HASH_BYTES + 1, HASH_BYTES)]

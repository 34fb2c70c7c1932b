"""The log of all catalogue entries: RFC 6962's Merkle tree over their bytes (SPEC LG-1, LG-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Final, Self

from sealring.catalogue.leaf import HASH_BYTES, MAX_SEQUENCE
from sealring.errors import TrustError

EMPTY_LOG: Final = sha256(b"").digest()
MAX_PATH: Final = 53 * HASH_BYTES  # bytes: a log holds fewer than 2^53 entries


@dataclass(eq=False)
class BadFrontier(TrustError):
    """Bytes that are no frontier of a log (SPEC LG-1)."""

    why: str

    rule: ClassVar[str] = "LG-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"not a frontier of a log: {self.why}"

    def hint(self) -> str:
        return "compute it again from the log's entries"


@dataclass(eq=False)
class NotInLog(TrustError):
    """An entry that is not shown to stand at this place of the log (SPEC LG-2)."""

    index: int
    size: int
    why: str

    rule: ClassVar[str] = "LG-2"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"entry {self.index} of a log of {self.size}: {self.why}"

    def hint(self) -> str:
        return "the store may be showing different histories: keep both entries and report it"


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962's hash of one entry's bytes (SPEC LG-1)."""
    return sha256(b"\x00" + data).digest()


def log_node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962's hash of a node over its two sides (SPEC LG-1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What it takes to append to a log and to know its root: a hash for each bit set in `size`, largest tree first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Frontier":
        """The frontier after one more entry, given as its leaf hash; at most log2(size) hashes."""
        peaks, size, done = list(self.peaks), self.size, leaf
        while size & 1:
            done = log_node_hash(peaks.pop(), done)
            size >>= 1
        return Frontier(self.size + 1, (*peaks, done))

    @property
    def root(self) -> bytes:
        """RFC 6962's tree hash of all entries so far (SPEC LG-1)."""
        if not self.peaks:
            return EMPTY_LOG
        *earlier, done = self.peaks
        for peak in reversed(earlier):
            done = log_node_hash(peak, done)
        return done

    def to_bytes(self) -> bytes:
        """The size in 8 bytes, then the peaks: for who keeps it."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The frontier that `to_bytes` gave, or BadFrontier."""
        size, peaks = int.from_bytes(raw[:8], "big"), raw[8:]
        if size > MAX_SEQUENCE or len(raw) != 8 + HASH_BYTES * size.bit_count():
            raise BadFrontier(f"{len(raw)} bytes do not fit its size")
        return cls(size, tuple(peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)))


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """RFC 6962's tree hash over these leaf hashes (SPEC LG-1)."""
    log = Frontier()
    for leaf in leaf_hashes:
        log = log.append(leaf)
    return log.root


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> bytes:
    """RFC 6962's audit path of entry `index` (from 0) in the log of these leaf hashes: 32-byte hashes, lowest first.

    Raises:
        NotInLog: when the log has no such entry.
    """
    if not 0 <= index < len(leaf_hashes):
        raise NotInLog(index, len(leaf_hashes), "there is no such entry")
    path = bytearray()
    level = list(leaf_hashes)
    while len(level) > 1:
        # The last node of an odd level has no sibling there.
        if index ^ 1 < len(level):
            path += level[index ^ 1]
        level = _above(level)
        index >>= 1
    return bytes(path)


def tree_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """As `root_of`, for many at once: no frontier is made for each."""
    if not leaf_hashes:
        return EMPTY_LOG
    level = list(leaf_hashes)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def _above(level: list[bytes]) -> list[bytes]:
    """The nodes over these; the last one of an odd number goes up as it is."""
    pairs = [log_node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs + level[len(pairs) * 2 :]


def verify_inclusion(leaf: bytes, index: int, size: int, path: bytes, root: bytes) -> None:
    """Return only if `leaf` is entry `index` (from 0) of the log of `size` entries with this root (SPEC LG-2).

    Args:
        leaf: leaf hash of the entry.
        path: the audit path as it came, 32-byte hashes one after the other.

    Raises:
        NotInLog: and nothing else, whatever the bytes.
    """
    if not 0 <= index < size <= MAX_SEQUENCE:
        raise NotInLog(index, size, "there is no such entry")
    if len(path) > MAX_PATH or len(path) % HASH_BYTES:
        raise NotInLog(index, size, f"a path of {len(path)} bytes")
    here, last, done = index, size - 1, leaf
    for at in range(0, len(path), HASH_BYTES):
        sibling = path[at : at + HASH_BYTES]
        if last == 0:
            raise NotInLog(index, size, "the path goes on above the root")
        if here & 1 or here == last:
            done = log_node_hash(sibling, done)
            # Levels at which this node had no sibling are not in the path.
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            done = log_node_hash(done, sibling)
        here, last = here >> 1, last >> 1
    if last:
        raise NotInLog(index, size, "the path ends below the root")
    if done != root:
        raise NotInLog(index, size, f"the path leads to root {done.hex()}, {root.hex()} needed")

"""Proofs of presence and absence under one map root, and their verifier (SPEC MP-3, MP-4).

Why both can't be proved of one key: a node's hash commits to its bit index and its two children, a
leaf's hash to its key and value, and the three kinds of hash begin with different bytes. So, unless
SHA-256 collides, all proofs under one root walk the same nodes for a key: at each fork the committed
index says which child comes next, whatever else the tree holds, and the walk ends at one leaf or at
the empty map. The key is there exactly if that leaf's key equals it. This needs no well-formed tree: a
store that puts a leaf in the wrong place has hidden it from everyone alike.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final

from sealring.catalogue.leaf import (
    EMPTY_ROOT,
    HASH_BYTES,
    KEY_BITS,
    VALUE_BYTES,
    Head,
    bit_of,
    map_leaf_hash,
    map_node_hash,
)
from sealring.errors import TrustError

MAX_KEYS: Final = 64
MAX_PROOF: Final = 256 * 1024  # bytes; 64 keys at a million packages need about 30,000
VERSION: Final = 0x01
EMPTY, ASKED_LEAF, NAMED_LEAF = 0x00, 0x01, 0x02
BOTH, LEFT_PRUNED, RIGHT_PRUNED = 0x40, 0x80, 0xC0
LONG_SKIP: Final = 0x3F  # the skip stands in a byte of its own


@dataclass(eq=False)
class BadQuestion(TrustError):
    """A set of keys that no proof answers (SPEC MP-4)."""

    why: str

    rule: ClassVar[str] = "MP-4"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"no proof for these keys: {self.why}"

    def hint(self) -> str:
        return f"ask for 1 to {MAX_KEYS} keys at a time"


@dataclass(eq=False)
class BadProof(TrustError):
    """Bytes that are not the one proof for the asked keys (SPEC MP-4)."""

    at: int
    why: str

    rule: ClassVar[str] = "MP-4"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"proof refused at byte {self.at}: {self.why}"

    def hint(self) -> str:
        return "report this store; another store or mirror may have an honest answer"


@dataclass(eq=False)
class OtherMapRoot(TrustError):
    """A proof that belongs to another map (SPEC MP-3)."""

    proved: bytes
    wanted: bytes

    rule: ClassVar[str] = "MP-3"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"proof of map root {self.proved.hex()}, {self.wanted.hex()} needed"

    def hint(self) -> str:
        return "the store may have published meanwhile: refresh its catalogue, then ask again"


@dataclass(frozen=True, slots=True)
class Proven:
    """What one map root says of every asked key: each is in `present` or in `absent`, never in both.

    `removed` holds the absent keys that once were there, with the sequence at which they were removed.
    Absence is what this store says; it is not the brand's word.
    """

    root: bytes
    present: Mapping[bytes, Head]
    absent: frozenset[bytes]
    removed: Mapping[bytes, int]


def asked_keys(keys: Collection[bytes]) -> tuple[bytes, ...]:
    """The set of asked keys in the order in which a proof walks them, ascending; or BadQuestion (SPEC MP-4)."""
    asked = tuple(sorted(set(keys)))
    if not 1 <= len(asked) <= MAX_KEYS:
        raise BadQuestion(f"{len(asked)} keys asked, 1 to {MAX_KEYS} needed")
    if any(len(key) != HASH_BYTES for key in asked):
        raise BadQuestion(f"a key is not {HASH_BYTES} bytes long")
    return asked


def verify_proof(proof: bytes, root: bytes, keys: Collection[bytes]) -> Proven:
    """What the map under `root` says of all `keys`, or why these bytes do not prove it (SPEC MP-4).

    Args:
        proof: as it came from anywhere, at most 256 KiB.
        root: the map root, from a catalogue entry that the caller has verified.
        keys: 1 to 64 keys, 32 bytes each, in any order.

    Raises:
        TrustError: BadQuestion, BadProof, BadHead or OtherMapRoot, and nothing else, whatever the bytes.
    """
    asked = asked_keys(keys)
    if len(proof) > MAX_PROOF:
        raise BadProof(MAX_PROOF, f"{len(proof)} bytes, at most {MAX_PROOF} allowed")
    walk = _Walk(proof, asked)
    proved = walk.run()
    if proved != root:
        raise OtherMapRoot(proved, root)
    present = {key: head for key, head in walk.found.items() if not head.is_tombstone}
    removed = {key: head.sequence for key, head in walk.found.items() if head.is_tombstone}
    return Proven(root, MappingProxyType(present), frozenset(asked) - present.keys(), MappingProxyType(removed))


@dataclass(slots=True)
class _Fork:
    """A node being read. A child's hash is None until it is known; the left one is read first."""

    index: int
    left: bytes | None
    right: bytes | None
    asked_right: tuple[bytes, ...]

    @property
    def direction(self) -> int:
        """The side that is being read: 1 once the left one is known."""
        return 0 if self.left is None else 1


@dataclass(slots=True)
class _Walk:
    """One pass over a proof. The open forks stand in a list, since a stranger chooses how deep they go."""

    raw: bytes
    asked: tuple[bytes, ...]
    at: int = 0
    forks: list[_Fork] = field(default_factory=list)
    found: dict[bytes, Head] = field(default_factory=dict)

    def run(self) -> bytes:
        """The root hash that the bytes amount to; `found` then holds the asked leaves."""
        if self._take(1)[0] != VERSION:
            raise self._bad("unknown version")
        while True:
            tag = self._take(1)[0]
            if tag >= BOTH:
                self._open_fork(tag)
                continue
            root = self._close_forks(self._leaf(tag))
            if root is not None:
                break
        if self.at != len(self.raw):
            raise self._bad("bytes after the end")
        return root

    def _open_fork(self, tag: int) -> None:
        """Read a fork up to its first expanded child; its index decides where each asked key goes."""
        index = self._index(tag & LONG_SKIP)
        left = tuple(key for key in self.asked if not bit_of(key, index))
        right = tuple(key for key in self.asked if bit_of(key, index))
        # A child is expanded exactly if an asked key goes there, so that a key set has one proof only.
        wanted = BOTH if left and right else RIGHT_PRUNED if left else LEFT_PRUNED
        if tag & 0xC0 != wanted:
            raise self._bad("a child is pruned or expanded against the asked keys")
        pruned = None if wanted == BOTH else self._take(HASH_BYTES)
        if wanted == LEFT_PRUNED:
            self.forks.append(_Fork(index, pruned, None, right))
        else:
            self.forks.append(_Fork(index, None, pruned, right))
        self.asked = left or right

    def _index(self, skip: int) -> int:
        """The fork's bit index: bits strictly grow on the way down, which bounds the depth by 256."""
        if skip == LONG_SKIP:
            skip = self._take(1)[0]
            if skip < LONG_SKIP:
                raise self._bad("a short skip in the long form")
        index = (self.forks[-1].index if self.forks else -1) + 1 + skip
        if index >= KEY_BITS:
            raise self._bad("bit index above 255")
        return index

    def _leaf(self, tag: int) -> bytes:
        """Read one leaf, or the empty map, and return its hash."""
        if tag == EMPTY and not self.forks:
            return EMPTY_ROOT
        if tag == ASKED_LEAF and len(self.asked) == 1:
            key = self.asked[0]
        elif tag == NAMED_LEAF:
            key = self._named_key()
        else:
            raise self._bad(f"tag {tag:#04x} does not fit here")
        value = self._take(VALUE_BYTES)
        if key in self.asked:
            self.found[key] = Head.from_bytes(value)
        return map_leaf_hash(key, value)

    def _named_key(self) -> bytes:
        """The key of a leaf that is not just the one asked key; a walk for it would have come here too."""
        key = self._take(HASH_BYTES)
        if self.asked == (key,):
            raise self._bad("an asked key is spelt out")
        if any(bit_of(key, fork.index) != fork.direction for fork in self.forks):
            raise self._bad("a leaf that its own key does not lead to")
        return key

    def _close_forks(self, done: bytes) -> bytes | None:
        """Put a finished child's hash in place; the root's hash once no fork is open, else None."""
        while self.forks:
            fork = self.forks[-1]
            if fork.left is None:
                fork.left = done
            else:
                fork.right = done
            if fork.right is None:
                self.asked = fork.asked_right
                return None
            self.forks.pop()
            done = map_node_hash(fork.index, fork.left, fork.right)
        return done

    def _take(self, count: int) -> bytes:
        part = self.raw[self.at : self.at + count]
        if len(part) != count:
            raise self._bad(f"ends {count - len(part)} bytes too soon")
        self.at += count
        return part

    def _bad(self, why: str) -> BadProof:
        return BadProof(self.at, why)

"""The map's keys, values and hashes (SPEC MP-1, MP-2, MP-3)."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Final, Self

from sealring.errors import TrustError

HASH_BYTES: Final = 32
VALUE_BYTES: Final = 8 + HASH_BYTES + HASH_BYTES
KEY_BITS: Final = 256
MAX_SEQUENCE: Final = 2**53 - 1
EMPTY_ROOT: Final = sha256(b"\x02").digest()

_ZERO: Final = bytes(HASH_BYTES)
# A type never holds the zero byte that ends it, so no two subjects spell one key (MP-1).
_TYPE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SUBJECT: Final = re.compile(r"[!#-\[\]-~]{1,512}")


@dataclass(eq=False)
class BadMapKey(TrustError):
    """A subject that has no key in the map (SPEC MP-1)."""

    type: str
    format: int
    subject: str

    rule: ClassVar[str] = "MP-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"no map key for {self.type!a} format {self.format} {self.subject[:80]!a}: short printable names needed"


@dataclass(eq=False)
class BadHead(TrustError):
    """A value of the map that no statement and no removal has (SPEC MP-2)."""

    why: str

    rule: ClassVar[str] = "MP-2"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"not a value of the map: {self.why}"

    def hint(self) -> str:
        return "report this store; another store or mirror may have an honest answer"


@dataclass(frozen=True, slots=True)
class Head:
    """What the map says of one subject: its current statement, or that it was removed (SPEC MP-2).

    Args:
        sequence: of the statement, 1 to 2^53 - 1; of a removal, the sequence that it removed.
        id: the statement's identity, 32 bytes; zero for a removal.
        envelope: SHA-256 of the statement's envelope; zero exactly if `id` is.

    Raises:
        BadHead: when a field is outside these ranges.
    """

    sequence: int
    id: bytes
    envelope: bytes

    def __post_init__(self) -> None:
        if not 1 <= self.sequence <= MAX_SEQUENCE:
            raise BadHead(f"sequence {self.sequence:#x} is not between 1 and 2^53 - 1")
        if len(self.id) != HASH_BYTES or len(self.envelope) != HASH_BYTES:
            raise BadHead(f"id of {len(self.id)} and envelope digest of {len(self.envelope)} bytes, 32 each needed")
        if (self.id == _ZERO) != (self.envelope == _ZERO):
            raise BadHead("id and envelope digest are both zero or neither")

    @classmethod
    def tombstone(cls, sequence: int) -> Self:
        """A removal, which keeps the sequence: what was removed can't come back in an older form."""
        return cls(sequence, _ZERO, _ZERO)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The value spelt by exactly 72 bytes, or BadHead."""
        if len(raw) != VALUE_BYTES:
            raise BadHead(f"{len(raw)} bytes, {VALUE_BYTES} needed")
        return cls(int.from_bytes(raw[:8], "big"), raw[8:40], raw[40:])

    @property
    def is_tombstone(self) -> bool:
        """Whether this says "removed"; a proof lists such a key as absent (MP-4)."""
        return self.id == _ZERO

    def to_bytes(self) -> bytes:
        """The 72 bytes that the leaf commits to."""
        return self.sequence.to_bytes(8, "big") + self.id + self.envelope


def map_key(root: bytes, type: str, format: int, subject: str) -> bytes:
    """The one place in the map for a subject, under one root and in one format (SPEC MP-1).

    Args:
        root: id of version 1 of the root, 32 bytes. It keeps a staging store's map apart from production's.
        type: the statement's type, such as "release"; lower case.
        format: the statement's format, from 1: each format of a subject has a leaf of its own.
        subject: the subject's canonical name, 1 to 512 printable ASCII characters without blank, quote and backslash.

    Raises:
        BadMapKey: when a part is outside these ranges.
    """
    is_named = _TYPE.fullmatch(type) and _SUBJECT.fullmatch(subject)
    if len(root) != HASH_BYTES or not 1 <= format <= MAX_SEQUENCE or not is_named:
        raise BadMapKey(type, format, subject)
    text = f"{type}\0{format}\0{subject}"
    return sha256(b"sealring map key v1\0" + root + text.encode("ascii")).digest()


def map_leaf_hash(key: bytes, value: bytes) -> bytes:
    """The hash of one key with its 72-byte value (SPEC MP-3)."""
    return sha256(b"\x00" + key + value).digest()


def map_node_hash(index: int, left: bytes, right: bytes) -> bytes:
    """The hash of a fork at bit `index` (0 to 255, most significant first); `left` has a 0 there (SPEC MP-3)."""
    return sha256(bytes((1, index)) + left + right).digest()


def bit_of(key: bytes, index: int) -> int:
    """Bit `index` of a key, 0 being the most significant bit of the first byte."""
    return key[index >> 3] >> (7 - (index & 7)) & 1

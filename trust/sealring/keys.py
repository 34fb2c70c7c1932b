"""Public keys: identity, strict verification, and sets of keys with their thresholds (SPEC KY, TH).

A key's id is computed from its material and never read from a statement, so one key can't stand under
two ids and count twice.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from sealring.algorithm import ALGORITHMS
from sealring.errors import RuledError
from sealring.names import KeyId, Name

MAX_KEYS = 32  # in one set
FAMILIES = {kind: known.family for kind, known in ALGORITHMS.items()}
VERIFIED_TYPES = frozenset(ALGORITHMS)  # the key types that this edition can verify

Presence = Literal["required", "if_known"]


@dataclass(eq=False)
class BadKeySet(RuledError):
    """A set of keys that could not do what it says (SPEC KY-2, KY-3, TH-3)."""

    reason: str
    by: str
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"key set: {self.reason}"

    def hint(self) -> str:
        return "the statement must be issued again with a sound key set"


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key as a statement lists it. `name` is for people; `public` is the raw material of its type."""

    name: Name
    type: Name
    public: Annotated[bytes, Meta(min_length=1, max_length=4096)]

    @property
    def id(self) -> KeyId:
        """SHA-256 over type and material, hex (SPEC KY-1)."""
        return key_id(self.type, self.public)

    def check(self) -> None:
        """Raise `BadKeySet` where the material is none of its type: such a key could never sign (SPEC KY-2).

        A point that is not on its curve passes here and never counts: to look would cost more than to parse.
        """
        known = ALGORITHMS.get(self.type)
        if known is not None and not known.fits(self.public):
            begin = f" that begin with {known.prefix.hex()}" if known.prefix else ""
            raise BadKeySet(f"key {self.name}: {known.public_bytes} bytes{begin} make a key of {self.type}", "KY-2")


class FamilyThreshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many distinct keys of one algorithm family must sign."""

    family: Name
    threshold: Annotated[int, Meta(ge=1, le=MAX_KEYS)]
    presence: Presence


class KeySet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys and thresholds that speak together; each set stands alone, sets are never pooled (SPEC TH-1)."""

    keys: Annotated[list[PublicKey], Meta(min_length=1, max_length=MAX_KEYS)]
    thresholds: Annotated[list[FamilyThreshold], Meta(min_length=1, max_length=4)]

    def check(self) -> None:
        """Raise `BadKeySet` unless keys are distinct and every known family can reach its threshold."""
        if len({key.id for key in self.keys}) != len(self.keys) or len({k.name for k in self.keys}) != len(self.keys):
            raise BadKeySet("a key or a key's name stands twice", "KY-3")
        for key in self.keys:
            key.check()  # such a key would make a threshold look reachable
        if len({t.family for t in self.thresholds}) != len(self.thresholds):
            raise BadKeySet("a family stands twice", "TH-3")
        for wanted in self.thresholds:
            able = sum(1 for key in self.keys if FAMILIES.get(key.type) == wanted.family)
            # A family that this edition has never heard of may count key types that it has never heard of.
            if wanted.family in FAMILIES.values() and able < wanted.threshold:
                raise BadKeySet(f"threshold {wanted.threshold} of {wanted.family}, with {able} such keys", "TH-3")


@lru_cache(maxsize=4096)  # the same few keys are asked for again with every statement
def key_id(kind: str, public: bytes) -> KeyId:
    """The id of a key: SHA-256 over a domain, its type and its material (SPEC KY-1)."""
    return KeyId(sha256(b"sealring key v1\0" + kind.encode() + b"\0" + public).hexdigest())


def signed_by(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether this signature counts for this key: the one primitive that a threshold is made of.

    A key type that this edition does not know never counts and is never an error (SPEC KY-4).
    """
    known = ALGORITHMS.get(key.type)
    return known is not None and known.counts(key.public, signature, message)

"""Keys, heads and a reference map for the tests of the catalogue."""

from collections.abc import Mapping
from hashlib import sha256

from hypothesis import strategies as st

from sealring.catalogue.leaf import Head

# Keys with few different bits far apart: they make the deep and the lopsided trees that hashes never make.
NEAR_KEYS = st.integers(0, 15).map(lambda n: bytes([n & 1, *bytes(14), n & 2, *bytes(15), n >> 2]))
KEYS = st.one_of(NEAR_KEYS, st.integers(0, 40).map(lambda n: sha256(bytes([n])).digest()))


def head(sequence: int, name: str = "") -> Head:
    """Some head with this sequence."""
    return Head(sequence, sha256(f"id {sequence} {name}".encode()).digest(), sha256(b"envelope").digest())


HEADS = st.builds(head, st.integers(1, 2**53 - 1), st.sampled_from("ab")) | st.builds(Head.tombstone, st.integers(1, 9))


def numbered(count: int) -> dict[bytes, Head]:
    """A map of `count` keys, the same each time."""
    return {sha256(n.to_bytes(4, "big")).digest(): head(n + 1) for n in range(count)}


def reference_root(heads: Mapping[bytes, Head]) -> bytes:
    """The map root by SPEC's words alone: keys as strings of bits, split at the first difference (SPEC MP-3)."""
    if not heads:
        return sha256(b"\x02").digest()
    bits = {f"{int.from_bytes(key, 'big'):0256b}": key for key in heads}
    return _reference_node(bits, heads)


def _reference_node(bits: Mapping[str, bytes], heads: Mapping[bytes, Head]) -> bytes:
    if len(bits) == 1:
        (key,) = bits.values()
        found = heads[key]
        return sha256(b"\0" + key + found.sequence.to_bytes(8, "big") + found.id + found.envelope).digest()
    index = next(at for at in range(256) if len({text[at] for text in bits}) == 2)
    left = {text: key for text, key in bits.items() if text[index] == "0"}
    right = {text: key for text, key in bits.items() if text[index] == "1"}
    children = _reference_node(left, heads) + _reference_node(right, heads)
    return sha256(b"\x01" + bytes([index]) + children).digest()

"""Judges for what a store says of itself: entries, views, proofs, audit paths (SPEC CT, VW, MP, LG)."""

from hashlib import sha256
from random import Random

from sealring.catalogue.entry import make_entry, parse_entry
from sealring.catalogue.follows import verify_entry
from sealring.catalogue.leaf import Head
from sealring.catalogue.log import Frontier, NotInLog, verify_inclusion
from sealring.catalogue.nodes import Inner, Leaf, find
from sealring.catalogue.proof import OtherMapRoot, Proven, asked_keys, verify_proof
from sealring.catalogue.prove import EMPTY_PROOF, write_proof
from sealring.catalogue.view import make_view, parse_view, verify_view
from tests.fuzz.harness import check_plain_json
from tests.fuzz.mutate import change_bytes
from tests.fuzz.trees import read_tree, root_by_path

_NOWHERE = bytes(32)


def entry(raw: bytes) -> bool:
    """CT-1 to CT-3: an entry is what its members make again, and follows itself and nothing older."""
    found = parse_entry(raw)
    check_plain_json(raw)
    again = make_entry(
        root=found.root,
        map=found.map,
        size=found.size,
        sequence=found.sequence,
        time=found.time,
        previous=found.previous,
        log=found.log,
    )
    assert again.raw == raw
    assert verify_entry(raw, root=found.root, held=found) == found
    return True


def view(raw: bytes) -> bool:
    """VW-1, VW-3: rows in one order, and only under the leaf that commits to these bytes."""
    found = parse_view(raw)
    check_plain_json(raw)
    assert len(raw) <= 1024 * 1024
    assert list(found.heads) == sorted(found.heads)
    assert make_view(found.root, found.model, dict(sorted(found.heads.items(), reverse=True))).raw == raw
    digest = sha256(raw).digest()
    assert verify_view(raw, Head(1, digest, digest), root=found.root, model=found.model) == found
    return True


def frontier(raw: bytes) -> bool:
    """LG-1: what a store's database holds of its log."""
    found = Frontier.from_bytes(raw)
    assert found.to_bytes() == raw
    assert len(found.root) == 32
    return True


def proof(data: bytes) -> bool:
    """MP-3, MP-4: an input is a count, so many keys, and a proof; the root is the one that the proof amounts to."""
    count = 1 + (data[0] % 64 if data else 0)
    keys = [data[1 + 32 * at : 33 + 32 * at] for at in range(count)]
    raw = data[1 + 32 * count :]
    proven = _at_its_own_root(raw, keys)
    _check_the_same(raw, keys, proven)
    return True


def _at_its_own_root(raw: bytes, keys: list[bytes]) -> Proven:
    try:
        verify_proof(raw, _NOWHERE, keys)
    except OtherMapRoot as other:
        return verify_proof(raw, other.proved, keys)
    raise AssertionError("proved a root that no proof has")


def _check_the_same(raw: bytes, keys: list[bytes], proven: Proven) -> None:
    """Another reader finds the same root and the same heads, and the writer gives back the same bytes."""
    tree = read_tree(raw, keys)
    assert (EMPTY_PROOF if tree is None else write_proof(tree, asked_keys(keys), _opened)) == raw
    assert proven.root == (tree.hash if tree is not None else sha256(b"\x02").digest())
    assert proven.absent == frozenset(keys) - proven.present.keys()
    for key in keys:
        leaf = find(tree, key)
        head = proven.present.get(key)
        if leaf is None:
            assert head is None
            assert key not in proven.removed
        elif head is not None:
            assert head.to_bytes() == leaf.value
        else:
            assert leaf.value == proven.removed[key].to_bytes(8, "big") + bytes(64)


def _opened(node: Leaf | Inner) -> Leaf | Inner:
    return node


def change_proof(data: bytes, seed: int) -> bytes:
    """The question and its proof with a skip in the other form, or with bytes changed anywhere."""
    rng = Random(seed)
    start = 1 + 32 * (1 + data[0] % 64) if data else 0
    if rng.random() < 0.5 or start + 2 > len(data):
        return change_bytes(data, rng)
    place = rng.randrange(start + 1, min(len(data), start + 300))
    tag = data[place]
    if rng.random() < 0.5:
        place, tag = start + 1, data[start + 1]
    skip = rng.choice((tag & 63, rng.randrange(256), 60, 62, 63, 64))
    return data[:place] + bytes((tag | 63, skip)) + data[place + 1 :]


def log_path(data: bytes) -> bool:
    """LG-2: an input is a leaf, index and size (8 bytes each), and a path; RFC 6962's recursion gives the root."""
    leaf, path = data[:32], data[48:]
    index, size = int.from_bytes(data[32:40], "big"), int.from_bytes(data[40:48], "big")
    hashes = [path[at : at + 32] for at in range(0, len(path), 32)]
    is_whole = len(leaf) == 32 and 0 <= index < size < 2**53 and len(path) % 32 == 0 and len(hashes) <= 53
    root = root_by_path(leaf, index, size, hashes) if is_whole else None
    if root is None:
        # Refused for its length: were it compared with a root, there would be one that it leads to.
        refusal = _refusal(leaf, index, size, path, _NOWHERE)
        assert "leads to root" not in refusal.why, refusal
        return False
    verify_inclusion(leaf, index, size, path, root)
    for other in (bytes([root[0] ^ 1]) + root[1:], root[:31], root + b"\x00"):
        _refusal(leaf, index, size, path, other)
    return True


def _refusal(leaf: bytes, index: int, size: int, path: bytes, root: bytes) -> NotInLog:
    try:
        verify_inclusion(leaf, index, size, path, root)
    except NotInLog as refusal:
        return refusal
    raise AssertionError("one path leads to two roots, or a path of another length to one")

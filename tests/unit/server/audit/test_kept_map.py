"""The map in a witness's database is the map in memory, whatever happened to it (SPEC MP-3)."""

import sqlite3
from contextlib import closing, suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.catalogue.leaf import EMPTY_ROOT, Head
from sealring.catalogue.nodes import Inner, Leaf, Node
from sealring.catalogue.sparse import SparseMap
from sealring.errors import TrustError
from sealring_server.audit.errors import ProvesNothing
from sealring_server.audit.kept_map import TABLE, KeptMap
from sealring_server.audit.map_part import apply_changes, read_part, write_part
from sealring_server.audit.verdict import judge

# Keys that lie close together and far apart: new ones come beside, below and above what is there.
KEYS = [bytes((n >> 4, n & 15)) + bytes(30) for n in range(0, 256, 7)] + [
    bytes(31) + bytes((n,)) for n in (1, 2, 3, 128)
]
BATCHES = st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers(1, 9), max_size=6), max_size=12)


def head(key: bytes, step: int, number: int) -> Head:
    """A value that differs with everything."""
    return Head(step + 1, sha256(key + bytes((step, number))).digest(), sha256(key).digest())


def count(node: Node | None) -> int:
    """The nodes of a tree."""
    if node is None or isinstance(node, Leaf):
        return int(node is not None)
    assert isinstance(node, Inner)
    return 1 + count(node.left) + count(node.right)


@given(BATCHES)
def test_any_changes_give_the_same_map_and_no_node_is_lost_or_left(batches: list[dict[bytes, int]]) -> None:
    """MP-3: the same root and leaves after each entry; as many rows as the tree has nodes; and parts that prove it."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(TABLE)
        kept, plain, held = KeptMap(database), SparseMap.empty(), SparseMap.empty()
        for step, batch in enumerate(batches):
            changes = {key: head(key, step, number) for key, number in batch.items()}
            part = write_part(held.node, sorted(changes))
            before, plain = plain, plain.with_updates(changes)
            after = held.with_updates(changes)
            if not changes:
                continue
            kept.replace(held.node, after.node, changes)
            held = SparseMap(kept.node(after.root), len(after))
            assert (held.root, len(held), list(held)) == (plain.root, len(plain), list(plain))
            assert database.execute("SELECT count(*) FROM nodes").fetchone()[0] == count(plain.node)
            assert held.prove(KEYS[:20]) == plain.prove(KEYS[:20])
            found = apply_changes(part, changes, before.root)
            assert (found.root, len(before) + found.added, found.fell) == (plain.root, len(plain), None)


@given(st.binary(max_size=300), st.dictionaries(st.sampled_from(KEYS), st.integers(1, 9), max_size=4))
def test_invented_parts_of_a_map_are_refused_and_nothing_else_escapes(raw: bytes, batch: dict[bytes, int]) -> None:
    """MP-3: a part comes with evidence from anybody; it is one of that map, or it proves nothing."""
    changes = {key: head(key, 1, number) for key, number in batch.items()}
    try:
        node = read_part(raw)
    except TrustError:
        return
    root = EMPTY_ROOT if node is None else node.hash
    with suppress(TrustError):
        apply_changes(raw, changes, root)
    with pytest.raises(ProvesNothing):
        apply_changes(raw, changes, b"\x01" * 32)


@given(st.binary(max_size=400))
def test_any_bytes_are_no_evidence(raw: bytes) -> None:
    """CT-5: a refusal, and no other exception."""
    with pytest.raises(TrustError):
        judge(raw)

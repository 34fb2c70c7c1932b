"""The map in memory (SPEC MP-3, MP-5)."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.catalogue.leaf import Head
from sealring.catalogue.proof import BadQuestion
from sealring.catalogue.sparse import SequenceFell, SparseMap, map_of
from tests.unit.catalogue.samples import HEADS, KEYS, head, numbered, reference_root


@given(st.lists(st.dictionaries(KEYS, HEADS, max_size=12), max_size=8))
def test_any_updates_equal_a_dict_a_rebuild_and_the_reference(batches: list[dict[bytes, Head]]) -> None:
    """SPEC MP-3: the root says what is in the map, not how it came there; old maps stay as they were."""
    held: dict[bytes, Head] = {}
    tree = SparseMap.empty()
    seen: list[tuple[SparseMap, bytes, dict[bytes, Head]]] = []
    for batch in batches:
        rising = {key: new for key, new in batch.items() if key not in held or new.sequence >= held[key].sequence}
        held |= rising
        tree = tree.with_updates(rising)
        seen.append((tree, tree.root, dict(held)))
    assert tree.root == map_of(held.items()).root == reference_root(held)
    for old, root, content in seen:
        assert (old.root, len(old), dict(old)) == (root, len(content), content)
        assert [key for key, _ in old] == sorted(content)
        assert all(old.get(key) == found for key, found in content.items())


@given(st.dictionaries(KEYS, HEADS, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_one_by_one_in_any_order_gives_the_same_root(heads: dict[bytes, Head], chance: object) -> None:
    """SPEC MP-3: the tree's shape follows from the keys alone."""
    items = list(heads.items())
    chance.shuffle(items)  # type: ignore[attr-defined]
    tree = SparseMap.empty()
    for key, found in items:
        tree = tree.with_updates({key: found})
    assert tree.root == reference_root(heads)


def test_the_empty_map_and_a_single_leaf_have_the_roots_in_the_rule() -> None:
    """SPEC MP-3."""
    key, found = bytes(32), head(1)
    assert SparseMap.empty().root == sha256(b"\x02").digest()
    assert map_of([(key, found)]).root == sha256(b"\0" + key + found.to_bytes()).digest()
    assert SparseMap.empty().with_updates({}).root == SparseMap.empty().root


@pytest.mark.parametrize("older", [head(4), Head.tombstone(4)])
@pytest.mark.parametrize("held", [head(5), Head.tombstone(5)])
def test_a_lower_sequence_is_refused_and_nothing_of_its_batch_is_taken(held: Head, older: Head) -> None:
    """SPEC MP-5: not even by way of a removal does a subject go back."""
    key, other = b"k" * 32, b"o" * 32
    tree = map_of([(key, held)])
    with pytest.raises(SequenceFell) as refused:
        tree.with_updates({other: head(1), key: older})
    assert (refused.value.key, refused.value.offered, refused.value.held) == (key, 4, 5)
    assert dict(tree) == {key: held}


def test_a_removal_and_a_counter_signature_keep_the_sequence() -> None:
    """SPEC MP-5: the same sequence is taken: a statement may be removed, or gain a signature."""
    key = b"k" * 32
    tree = map_of([(key, head(5))]).with_updates({key: Head(5, head(5).id, b"n" * 32)})
    tree = tree.with_updates({key: Head.tombstone(5)})
    assert tree.get(key) == Head.tombstone(5)
    assert len(tree) == 1


def test_an_update_of_one_key_makes_only_the_nodes_of_its_path() -> None:
    """SPEC MP-3: a publication costs O(log N), whatever the store's size."""
    tree = map_of(numbered(4096).items())
    key = next(iter(numbered(1)))
    new = tree.with_updates({key: head(9)})
    # The proof of one key holds one hash of 32 bytes for each node above its leaf.
    depth = (len(new.prove([key])) - 74) // 33
    assert depth < 30
    assert _shared(tree, new) == 2 * 4096 - 1 - depth - 1


def _shared(old: SparseMap, new: SparseMap) -> int:
    """How many nodes of `new` are the very nodes of `old`."""
    return len(_nodes(old) & _nodes(new))


def _nodes(tree: SparseMap) -> set[int]:
    todo, seen = [tree.node], set()
    while todo:
        node = todo.pop()
        if node is not None:
            seen.add(id(node))
            todo += [getattr(node, "left", None), getattr(node, "right", None)]
    return seen


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_no_question(key: bytes) -> None:
    """SPEC MP-4."""
    for ask in (SparseMap.empty().get, lambda key: SparseMap.empty().prove([key])):
        with pytest.raises(BadQuestion):
            ask(key)


def test_an_update_of_another_length_is_refused() -> None:
    """SPEC MP-1: every key is a SHA-256."""
    with pytest.raises(BadQuestion):
        SparseMap.empty().with_updates({b"short": head(1)})

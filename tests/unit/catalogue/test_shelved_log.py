"""Leaf hashes on a stick: every path, from whole logs and from those whose oldest entries are left out (SPEC BN-6)."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.catalogue.log import NotInLog, inclusion_path, root_of, tree_hash, verify_inclusion
from sealring.catalogue.shelved_log import BLOCK, LEFT_OUT, ShelvedLog

LEAVES = [sha256(str(number).encode()).digest() for number in range(3 * BLOCK + 77)]
BLOCKS = [LEAVES[at : at + BLOCK] for at in range(0, len(LEAVES), BLOCK)]
ROOT = tree_hash(LEAVES)


def test_it_is_the_tree_of_rfc_6962() -> None:
    """LG-1: made of whole blocks, and of what is left over."""
    assert [tree_hash(LEAVES[:size]) for size in range(70)] == [root_of(LEAVES[:size]) for size in range(70)]
    assert tree_hash([tree_hash(block) for block in BLOCKS]) == ROOT == root_of(LEAVES)


@pytest.mark.parametrize("left_out", [0, 1, 3])
@pytest.mark.parametrize("index", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 5, 3 * BLOCK, len(LEAVES) - 1])
def test_who_stands_in_what_is_here_gets_the_path(left_out: int, index: int) -> None:
    """BN-6, LG-2: the same as from all leaves; who saw only what is left out gets none."""
    log = ShelvedLog([tree_hash(block) for block in BLOCKS[:left_out]], LEAVES[left_out * BLOCK :])
    again = ShelvedLog.of(dict(log.files()))
    found = again.path(len(LEAVES), index)
    if index < left_out * BLOCK:
        assert found is None
        return
    assert found == inclusion_path(LEAVES, index)
    verify_inclusion(LEAVES[index], index, len(LEAVES), found, ROOT)


@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 400))
def test_an_older_size_is_as_good(size: int, index: int, cut: int) -> None:
    """LG-2: a store of the bundle may show an older entry than another one's log goes to."""
    log = ShelvedLog((), LEAVES[:size])
    wanted = index < cut <= size
    assert (log.path(cut, index) == inclusion_path(LEAVES[:cut], index)) if wanted else (log.path(cut, index) is None)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 7))
def test_pieces_follow_each_other_or_are_passed_over(sizes: list[int], lost: int) -> None:
    """BN-3: who makes a stick names its files as he likes; a gap ends what is read."""
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    files = {str(first): b"".join(LEAVES[first:end]) for first, end in pairwise(starts)}
    assert list(ShelvedLog.of(files).leaves) == LEAVES[: starts[-1]]
    lost %= len(sizes)
    del files[str(starts[lost])]
    assert list(ShelvedLog.of(files).leaves) == LEAVES[: starts[lost]]


@given(st.dictionaries(st.sampled_from(["0", "1", "x", "-1", "9" * 30, "²", LEFT_OUT]), st.binary(max_size=200)))
def test_no_bytes_make_it_fail(files: dict[str, bytes]) -> None:
    """BN-3, LG-2: a wrong path is refused where it leads to another root."""
    found = ShelvedLog.of(files).path(3, 1)
    if found is not None:
        with pytest.raises(NotInLog):
            verify_inclusion(LEAVES[1], 1, 3, found, ROOT)

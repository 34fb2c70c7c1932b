"""RFC 6962's tree (SPEC LG-1, LG-2)."""

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.catalogue.log import (
    EMPTY_LOG,
    BadFrontier,
    Frontier,
    NotInLog,
    inclusion_path,
    leaf_hash,
    root_of,
    verify_inclusion,
)
from sealring.errors import TrustError

# The entries and roots that the test-suite of Certificate Transparency's reference implementation uses.
RFC_ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
RFC_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(n.to_bytes(2, "big")) for n in range(300)]


def reference_root(entries: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as it stands there: split at the largest power of two below the size."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return sha256(b"\x01" + reference_root(entries[:k]) + reference_root(entries[k:])).digest()


def reference_path(index: int, entries: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1, as it stands there."""
    if len(entries) <= 1:
        return []
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if index < k:
        return [*reference_path(index, entries[:k]), reference_root(entries[k:])]
    return [*reference_path(index - k, entries[k:]), reference_root(entries[:k])]


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size: int) -> None:
    """SPEC LG-1: the tree is RFC 6962's, so other people's tools can read the log."""
    assert root_of([leaf_hash(entry) for entry in RFC_ENTRIES[:size]]).hex() == RFC_ROOTS[size]


def test_the_empty_log_is_the_digest_of_nothing() -> None:
    """SPEC LG-1."""
    assert root_of([]) == EMPTY_LOG == sha256(b"").digest() == Frontier().root


@given(st.lists(st.binary(max_size=4), max_size=70), st.data())
def test_roots_and_paths_equal_the_rfcs_own_words(entries: list[bytes], data: st.DataObject) -> None:
    """SPEC LG-1, LG-2."""
    leaves = [leaf_hash(entry) for entry in entries]
    assert root_of(leaves) == reference_root(entries)
    if entries:
        index = data.draw(st.integers(0, len(entries) - 1))
        path = inclusion_path(leaves, index)
        assert path == b"".join(reference_path(index, entries))
        verify_inclusion(leaves[index], index, len(leaves), path, root_of(leaves))


def test_every_size_has_a_path_for_every_entry_and_no_other_place_takes_it() -> None:
    """SPEC LG-2: index and size are part of what is proved."""
    for size in range(1, 34):
        root = root_of(LEAVES[:size])
        for index in range(size):
            path = inclusion_path(LEAVES[:size], index)
            verify_inclusion(LEAVES[index], index, size, path, root)
            for other in set(range(size)) - {index}:
                with pytest.raises(NotInLog):
                    verify_inclusion(LEAVES[index], other, size, path, root)


@given(st.integers(1, 300), st.data())
def test_any_other_path_is_refused(size: int, data: st.DataObject) -> None:
    """SPEC LG-2: flipped, cut or longer; and for another leaf."""
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    path, root = inclusion_path(leaves, index), root_of(leaves)
    wrong = [path + bytes(32), path + b"\0", path[:-1] or b"\0", path[32:] or bytes(32), bytes(54 * 32)]
    if path:
        at, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 7))
        wrong.append(path[:at] + bytes([path[at] ^ 1 << bit]) + path[at + 1 :])
    for other in wrong:
        with pytest.raises(NotInLog) as refused:
            verify_inclusion(leaves[index], index, size, other, root)
        assert (refused.value.index, refused.value.size) == (index, size)
    with pytest.raises(NotInLog):
        verify_inclusion(leaf_hash(b"never logged"), index, size, path, root)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (0, 2**53)])
def test_a_place_outside_the_log_is_refused(index: int, size: int) -> None:
    """SPEC LG-2."""
    with pytest.raises(NotInLog):
        verify_inclusion(LEAVES[0], index, size, b"", LEAVES[0])
    if size < 2:
        with pytest.raises(NotInLog):
            inclusion_path(LEAVES[:size], index)


def test_a_log_of_two_does_not_pass_for_a_log_of_one() -> None:
    """SPEC LG-2: the path ends at the root that the size gives, though a longer one leads to a genuine root."""
    with pytest.raises(NotInLog, match="above the root"):
        verify_inclusion(LEAVES[1], 0, 1, LEAVES[0], root_of(LEAVES[:2]))


@given(st.binary(max_size=32), st.integers(), st.integers(), st.binary(max_size=1800))
def test_nothing_but_a_refusal_comes_out_of_any_bytes(leaf: bytes, index: int, size: int, path: bytes) -> None:
    """SPEC LG-2: no exception of another kind."""
    with pytest.raises(TrustError):
        verify_inclusion(leaf, index, size, path, EMPTY_LOG)


@given(st.integers(0, 300))
def test_a_frontier_survives_its_bytes_and_grows_on(size: int) -> None:
    """SPEC LG-1: a store restarts from the frontier in its database."""
    log = Frontier()
    for leaf in LEAVES[:size]:
        log = log.append(leaf)
    assert log.root == root_of(LEAVES[:size])
    assert Frontier.from_bytes(log.to_bytes()) == log
    assert Frontier.from_bytes(log.to_bytes()).append(LEAVES[0]).root == root_of([*LEAVES[:size], LEAVES[0]])
    assert len(log.to_bytes()) <= 8 + 32 * 9


@given(st.binary(max_size=80))
def test_any_bytes_are_a_frontier_in_its_one_spelling_or_refused(raw: bytes) -> None:
    """SPEC LG-1."""
    with suppress(BadFrontier):
        assert Frontier.from_bytes(raw).to_bytes() == raw


@pytest.mark.parametrize(
    ("size", "peaks", "good"),
    [
        pytest.param(2**53 - 1, 53, True, id="the largest log"),
        pytest.param(2**53, 1, False, id="one entry more"),
        pytest.param(5, 2, True, id="two peaks"),
        pytest.param(5, 3, False, id="a peak too many"),
        pytest.param(5, 1, False, id="a peak too few"),
    ],
)
def test_a_frontier_has_a_peak_for_each_bit_of_its_size(size: int, peaks: int, good: bool) -> None:
    """SPEC LG-1: what is read back from a disk is what was written, or is refused."""
    raw = size.to_bytes(8, "big") + b"".join(bytes([n]) * 32 for n in range(peaks))
    if good:
        assert Frontier.from_bytes(raw).to_bytes() == raw
        return
    with pytest.raises(BadFrontier):
        Frontier.from_bytes(raw)

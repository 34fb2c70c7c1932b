"""Proofs of presence and absence (SPEC MP-3, MP-4)."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealring.catalogue.leaf import EMPTY_ROOT, Head, map_leaf_hash, map_node_hash
from sealring.catalogue.proof import BadProof, BadQuestion, OtherMapRoot, Proven, verify_proof
from sealring.catalogue.sparse import SparseMap, map_of
from sealring.errors import TrustError
from tests.unit.catalogue.samples import HEADS, KEYS, head, numbered

MAPS = st.dictionaries(KEYS, HEADS, max_size=24)
ASKED = st.sets(KEYS, min_size=1, max_size=12)
HELD = numbered(200)
TREE = map_of(HELD.items())
MISSING = [sha256(f"missing {n}".encode()).digest() for n in range(25)]
FIFTY = list(HELD)[:25] + MISSING


@given(MAPS, ASKED)
def test_a_proof_says_exactly_what_the_map_says(heads: dict[bytes, Head], asked: set[bytes]) -> None:
    """SPEC MP-4: every asked key is present or absent, as in the map; a removed one is absent with its sequence."""
    tree = map_of(heads.items())
    proven = verify_proof(tree.prove(asked), tree.root, asked)
    assert proven.root == tree.root
    assert dict(proven.present) == {k: heads[k] for k in asked if k in heads and not heads[k].is_tombstone}
    assert proven.absent == asked - proven.present.keys()
    assert dict(proven.removed) == {k: heads[k].sequence for k in asked if k in heads and heads[k].is_tombstone}


@settings(max_examples=300)
@given(MAPS, MAPS, ASKED, ASKED)
def test_no_proof_serves_another_map_or_other_keys(
    heads: dict[bytes, Head], others: dict[bytes, Head], asked: set[bytes], other_asked: set[bytes]
) -> None:
    """SPEC MP-4: a genuine proof, replayed for another root or question, says nothing that is not so."""
    tree, other = map_of(heads.items()), map_of(others.items())
    truth = verify_proof(tree.prove(asked), tree.root, asked)
    for proof in (other.prove(asked), tree.prove(other_asked), other.prove(other_asked)):
        found = accepted(proof, tree.root, asked)
        # One proof for one map and key set: other bytes are never accepted, even where they would be true.
        assert (found == truth) if proof == tree.prove(asked) else found is None


def accepted(proof: bytes, root: bytes, asked: set[bytes] | list[bytes]) -> Proven | None:
    """What a proof shows, or None where it is refused by rule; any other exception fails the test."""
    try:
        return verify_proof(proof, root, asked)
    except TrustError:
        return None


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(FIFTY[:1], id="present"),
        pytest.param(MISSING[:1], id="absent"),
        pytest.param(FIFTY[20:30], id="ten"),
    ],
)
def test_every_flipped_bit_truncation_and_extension_is_refused(asked: list[bytes]) -> None:
    """SPEC MP-4: a proof has one spelling."""
    proof = TREE.prove(asked)
    assert accepted(proof, TREE.root, asked)
    for at in range(len(proof)):
        assert accepted(proof[:at], TREE.root, asked) is None
        for bit in range(8):
            flipped = proof[:at] + bytes([proof[at] ^ 1 << bit]) + proof[at + 1 :]
            assert accepted(flipped, TREE.root, asked) is None
    for byte in range(256):
        assert accepted(proof + bytes([byte]), TREE.root, asked) is None


def test_fifty_keys_in_one_proof_cost_less_than_fifty_proofs() -> None:
    """SPEC MP-4: joint proofs share what they can; order and repeats of the question do not matter."""
    joint = TREE.prove(FIFTY)
    assert len(joint) < sum(len(TREE.prove([key])) for key in FIFTY) / 2
    proven = verify_proof(joint, TREE.root, FIFTY)
    assert dict(proven.present) == {key: HELD[key] for key in FIFTY[:25]}
    assert proven.absent == set(MISSING)
    assert TREE.prove(FIFTY[::-1] + FIFTY) == joint


@settings(max_examples=150)
@given(st.data())
def test_presence_and_absence_of_one_key_are_never_both_proved(data: st.DataObject) -> None:
    """SPEC MP-3, MP-4: not even where the store builds a tree that is no map at all.

    The tree is any one at all: leaves in wrong places, one key twice, indices in any order.
    Every walk through it is spelt as a proof, honest or not; no two accepted ones disagree.
    """
    asked = [bytes([n, *bytes(31)]) for n in (0x00, 0x40, 0x80, 0xC0)]
    tree = data.draw(any_tree(asked))
    said: dict[bytes, set[Head | None]] = {key: set() for key in asked}
    for keys in ([asked[0]], [asked[1]], [asked[2]], [asked[3]], asked[:2], asked[1:3], asked):
        for proof in data.draw(st.lists(spellings(tree, keys), min_size=1, max_size=4)):
            proven = accepted(proof, hash_of(tree), keys)
            for key in keys if proven else ():
                assert proven is not None
                said[key].add(proven.present.get(key))
    assert all(len(answers) <= 1 for answers in said.values())


Tree = tuple[bytes, bytes] | tuple[int, "Tree", "Tree"]


def any_tree(keys: list[bytes]) -> st.SearchStrategy[Tree]:
    """Trees over these keys without any order."""
    leaves: st.SearchStrategy[Tree] = st.tuples(
        st.sampled_from(keys), st.sampled_from([head(1), head(2)]).map(Head.to_bytes)
    )
    return st.recursive(leaves, lambda below: st.tuples(st.integers(0, 3), below, below), max_leaves=6)


def hash_of(tree: Tree) -> bytes:
    """SPEC MP-3 for a tree as it is."""
    if len(tree) == 2:
        return map_leaf_hash(*tree)
    return map_node_hash(tree[0], hash_of(tree[1]), hash_of(tree[2]))


def spellings(tree: Tree, asked: list[bytes]) -> st.SearchStrategy[bytes]:
    """Proofs over this tree: the children that are shown, and how leaves are spelt, are the attacker's choice."""
    return _spell(tree, -1, asked).map(lambda body: b"\x01" + body)


def _spell(tree: Tree, parent: int, asked: list[bytes]) -> st.SearchStrategy[bytes]:
    if len(tree) == 2:
        return st.sampled_from([b"\x01" + tree[1], b"\x02" + tree[0] + tree[1]])
    index, left, right = tree
    skip = max(index - parent - 1, 0)
    below = _spell(left, index, asked), _spell(right, index, asked)
    both = st.tuples(*below).map(lambda parts: bytes([0x40 | skip]) + parts[0] + parts[1])
    only_right = below[1].map(lambda part: bytes([0x80 | skip]) + hash_of(left) + part)
    only_left = below[0].map(lambda part: bytes([0xC0 | skip]) + hash_of(right) + part)
    return st.one_of(both, only_right, only_left)


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"\x01" + tail), ASKED)
def test_nothing_but_a_refusal_comes_out_of_any_bytes(raw: bytes, asked: set[bytes]) -> None:
    """SPEC MP-4: whatever the bytes, one typed error."""
    with pytest.raises(TrustError):
        verify_proof(raw, TREE.root, asked)


def test_a_proof_as_deep_as_a_key_is_long_needs_no_stack() -> None:
    """SPEC MP-4: 256 forks above a leaf are legal, and the verifier does not recurse into them."""
    keys = [bytes(32), *((1 << bit).to_bytes(32, "big") for bit in range(256))]
    tree = map_of((key, head(1)) for key in keys)
    proof = tree.prove([bytes(32)])
    assert len(proof) == 1 + 256 * 33 + 73
    assert verify_proof(proof, tree.root, [bytes(32)]).present == {bytes(32): head(1)}
    with pytest.raises(BadProof, match="above 255"):
        verify_proof(proof[:1] + proof[1:34] + proof[1:], tree.root, [bytes(32)])


A, B = bytes(32), b"\x80" + bytes(31)
VALUE = head(1).to_bytes()
CLOSE = b"\x01" + bytes(31)  # differs from A at bit 7


@pytest.mark.parametrize(
    ("proof", "keys", "why"),
    [
        pytest.param(b"", [A], "too soon", id="nothing"),
        pytest.param(b"\x01", [A], "too soon", id="version only"),
        pytest.param(b"\x02\x00", [A], "version", id="another version"),
        pytest.param(b"\x01\x03", [A], "tag", id="unknown tag"),
        pytest.param(b"\x01\x00\x00", [A], "after the end", id="trailing"),
        pytest.param(b"\x01\x02" + A + VALUE, [A], "spelt out", id="asked key spelt out"),
        pytest.param(b"\x01\x01" + VALUE, [A, B], "tag", id="which of the two?"),
        pytest.param(b"\x01\x40\x01" + VALUE + b"\x01" + VALUE, [A], "against", id="expanded for nobody"),
        pytest.param(b"\x01\xc0" + bytes(32) + b"\x01" + VALUE, [A, B], "against", id="pruned for somebody"),
        pytest.param(b"\x01\x80" + bytes(32) + b"\x01" + VALUE, [A], "against", id="the wrong side pruned"),
        pytest.param(b"\x01\xc0" + bytes(32) + b"\x00", [A], "tag", id="empty map below a fork"),
        pytest.param(b"\x01\xc0" + bytes(32) + b"\x02" + B + VALUE, [A], "lead to", id="leaf from elsewhere"),
        pytest.param(
            b"\x01\x80" + bytes(32) + b"\x02" + A + VALUE, [B], "lead to", id="leaf from the left, on the right"
        ),
        pytest.param(b"\x01\xff\x3e" + bytes(32) + b"\x01" + VALUE, [A], "long form", id="short skip, long form"),
        pytest.param(b"\x01\xff\xff" + bytes(32) + b"\xc0", [A], "above 255", id="index 256"),
        pytest.param(b"\x01" + bytes(256 * 1024), [A], "at most", id="one byte above the limit"),
    ],
)
def test_a_proof_that_is_spelt_otherwise_is_refused(proof: bytes, keys: list[bytes], why: str) -> None:
    """SPEC MP-4: each of these would be a second spelling, or none."""
    with pytest.raises(BadProof, match=why) as refused:
        verify_proof(proof, EMPTY_ROOT, keys)
    assert (refused.value.rule, refused.value.exit_code) == ("MP-4", 25)
    assert 0 <= refused.value.at <= 256 * 1024


def test_proofs_of_small_maps_byte_by_byte() -> None:
    """SPEC MP-4: the encoding, spelt out."""
    empty, one, two = SparseMap.empty(), map_of([(A, head(1))]), map_of([(A, head(1)), (CLOSE, head(2))])
    assert empty.prove([A, B]) == b"\x01\x00"
    assert one.prove([A]) == b"\x01\x01" + VALUE
    assert one.prove([B]) == one.prove([A, B]) == b"\x01\x02" + A + VALUE
    right = map_leaf_hash(CLOSE, head(2).to_bytes())
    assert two.prove([A]) == b"\x01\xc7" + right + b"\x01" + VALUE
    assert two.prove([A, CLOSE]) == b"\x01\x47\x01" + VALUE + b"\x01" + head(2).to_bytes()
    # B goes left at bit 7, as A does: the leaf there is named, and shows A present and B absent.
    assert two.prove([A, B]) == b"\x01\xc7" + right + b"\x02" + A + VALUE


@pytest.mark.parametrize(("index", "start"), [(62, b"\xfe"), (63, b"\xff\x3f"), (64, b"\xff\x40"), (255, b"\xff\xff")])
def test_a_long_way_down_is_spelt_in_a_byte_of_its_own(index: int, start: bytes) -> None:
    """SPEC MP-4: from 63 on."""
    other = (1 << (255 - index)).to_bytes(32, "big")
    tree = map_of([(A, head(1)), (other, head(2))])
    proof = tree.prove([A])
    assert proof == b"\x01" + start + map_leaf_hash(other, head(2).to_bytes()) + b"\x01" + VALUE
    assert verify_proof(proof, tree.root, [A]).present == {A: head(1)}


def test_a_genuine_proof_of_another_root_says_so() -> None:
    """SPEC MP-3: the fact fields let a device tell a race with a publication from a lie."""
    newer = TREE.with_updates({MISSING[0]: head(1)})
    with pytest.raises(OtherMapRoot) as refused:
        verify_proof(TREE.prove(MISSING[:1]), newer.root, MISSING[:1])
    assert (refused.value.proved, refused.value.wanted) == (TREE.root, newer.root)


@pytest.mark.parametrize("keys", [[], [b"short"], [sha256(bytes([n])).digest() for n in range(65)]])
def test_a_question_has_1_to_64_keys(keys: list[bytes]) -> None:
    """SPEC MP-4: refused on both sides, so a store is never asked for more."""
    with pytest.raises(BadQuestion):
        TREE.prove(keys)
    with pytest.raises(BadQuestion):
        verify_proof(b"\x01\x00", EMPTY_ROOT, keys)


HONEST = st.dictionaries(KEYS, HEADS, min_size=1, max_size=24)


@settings(max_examples=40)
@given(HONEST, st.sets(KEYS, min_size=1, max_size=64))
def test_every_altered_bit_of_any_joint_proof_is_refused(heads: dict[bytes, Head], asked: set[bytes]) -> None:
    """SPEC MP-4: of maps of any shape, for any number of keys: a byte of the structure, of a hash, of a value."""
    tree = map_of(heads.items())
    proof = tree.prove(asked)
    for at in range(0, len(proof), 1 + len(proof) // 200):
        for bit in range(8):
            flipped = proof[:at] + bytes([proof[at] ^ 1 << bit]) + proof[at + 1 :]
            assert accepted(flipped, tree.root, asked) is None


@settings(max_examples=150)
@given(HONEST, st.sets(KEYS, min_size=1, max_size=8), st.data())
def test_absence_is_never_proved_of_what_is_there(
    heads: dict[bytes, Head], asked: set[bytes], data: st.DataObject
) -> None:
    """SPEC MP-4: from a map as it should be, by proofs that a store cut and joined as it liked.

    The pieces are genuine: proofs of other keys of this map and of maps that lack some of its keys, with parts of
    them taken out, put in elsewhere, or doubled. What they say of a key that is there is what is there.
    """
    tree = map_of(heads.items())
    fewer = map_of(item for item in heads.items() if data.draw(st.booleans()))
    pieces = [tree.prove(asked), fewer.prove(asked), tree.prove({min(heads)}), fewer.prove({max(heads)})]
    forged = bytearray(data.draw(st.sampled_from(pieces)))
    for _ in range(data.draw(st.integers(0, 3))):
        other = data.draw(st.sampled_from(pieces))
        start, end = (data.draw(st.integers(0, len(other))) for _ in range(2))
        place, cut = (data.draw(st.integers(0, len(forged))) for _ in range(2))
        forged[place : max(place, cut)] = other[min(start, end) : max(start, end)]
    proven = accepted(bytes(forged), tree.root, asked)
    if proven is not None:
        there = {key for key in asked if key in heads and not heads[key].is_tombstone}
        assert there.isdisjoint(proven.absent)
        assert bytes(forged) == tree.prove(asked)

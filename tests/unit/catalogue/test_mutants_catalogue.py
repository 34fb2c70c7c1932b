"""A catalogue's bounds and its near misses, on either side (SPEC CT, MP-4, VW)."""

from hashlib import sha256

import pytest

from sealring.catalogue.follows import OtherCatalogueRoot, verify_entry
from sealring.catalogue.leaf import EMPTY_ROOT, Head
from sealring.catalogue.log import NotInLog, verify_inclusion
from sealring.catalogue.proof import BadProof, BadQuestion, OtherMapRoot, verify_proof
from sealring.catalogue.sparse import SparseMap
from sealring.catalogue.view import (
    MAX_VIEW,
    BadView,
    OtherViewDigest,
    OtherViewSubject,
    make_view,
    parse_view,
    verify_view,
)
from tests.unit.catalogue.samples import head
from tests.unit.catalogue.test_follows import ROOT, history

LOW, HIGH = bytes(32), b"\xff" * 32
KEYS = [sha256(bytes([n])).digest() for n in range(65)]
VIEW = make_view(ROOT, "acme/door-1", {("brand", 1, "acme"): head(3)})


@pytest.mark.parametrize("root", [LOW, HIGH])
def test_a_catalogue_of_any_other_root_is_refused(root: bytes) -> None:
    """CT-1: a staging store's, whichever id is the higher."""
    with pytest.raises(OtherCatalogueRoot):
        verify_entry(history(1)[0].raw, root=root, held=None)


@pytest.mark.parametrize("root", [LOW, HIGH])
def test_a_proof_of_any_other_map_is_refused(root: bytes) -> None:
    """MP-3."""
    assert verify_proof(b"\x01\x00", EMPTY_ROOT, KEYS[:1]).absent == {KEYS[0]}
    with pytest.raises(OtherMapRoot):
        verify_proof(b"\x01\x00", root, KEYS[:1])


@pytest.mark.parametrize("length", [31, 33])
def test_a_question_is_of_whole_keys(length: int) -> None:
    """MP-4: none shorter and none longer, also beside a good one."""
    with pytest.raises(BadQuestion):
        verify_proof(b"\x01\x00", EMPTY_ROOT, [KEYS[0], b"k" * length])


def test_a_question_of_64_keys_is_answered_and_one_of_a_key_too() -> None:
    """MP-4: the ends of the range."""
    for count in (1, 64):
        assert len(verify_proof(b"\x01\x00", EMPTY_ROOT, KEYS[:count]).absent) == count


def test_a_proof_that_fills_its_limit_is_read_and_a_byte_more_is_not() -> None:
    """MP-4: refused by its length, before anything is hashed."""
    for size, why in ((262_144, "bytes after the end"), (262_145, "262145 bytes, at most 262144 allowed")):
        with pytest.raises(BadProof) as refused:
            verify_proof(b"\x01\x00" + bytes(size - 2), EMPTY_ROOT, KEYS[:1])
        assert refused.value.why == why


def test_what_was_removed_is_absent_and_tells_when() -> None:
    """MP-4, MP-5: never both, and what was never there is not said to have been removed."""
    tree = SparseMap.empty().with_updates({KEYS[0]: head(2), KEYS[1]: Head.tombstone(7)})
    found = verify_proof(tree.prove(KEYS[:3]), tree.root, KEYS[:3])
    assert (set(found.present), set(found.absent), dict(found.removed)) == ({KEYS[0]}, {KEYS[1], KEYS[2]}, {KEYS[1]: 7})


def test_a_path_has_at_most_53_steps() -> None:
    """LG-2: as many as a log of 2^53 - 1 entries needs; one more is refused by its length."""
    for steps, why in ((53, "the path leads to root"), (54, "a path of 1728 bytes")):
        with pytest.raises(NotInLog) as refused:
            verify_inclusion(LOW, 0, 2**53 - 1, bytes(32 * steps), HIGH)
        assert refused.value.why.startswith(why)


@pytest.mark.parametrize("other", [b"\1" * 32, b"\xfe" * 32])
def test_a_view_has_both_digests_of_its_leaf(other: bytes) -> None:
    """VW-3: whichever of the three is the higher."""
    own = VIEW.digest
    assert b"\1" * 32 < own < b"\xfe" * 32
    assert verify_view(VIEW.raw, Head(9, own, own), root=ROOT, model="acme/door-1") == VIEW
    for id, envelope in ((own, other), (other, own), (other, other)):
        with pytest.raises(OtherViewDigest):
            verify_view(VIEW.raw, Head(9, id, envelope), root=ROOT, model="acme/door-1")


@pytest.mark.parametrize(("root", "model"), [(LOW, 1), (HIGH, 1), (ROOT, 0), (ROOT, 2)])
def test_a_view_of_any_other_root_or_model_is_refused(root: bytes, model: int) -> None:
    """VW-3."""
    with pytest.raises(OtherViewSubject):
        verify_view(VIEW.raw, VIEW.leaf(9), root=root, model=f"acme/door-{model}")


def filled(size: int) -> bytes:
    """A view of exactly this many bytes."""
    names = [f"{n:04}-" + "x" * 95 for n in range(3800)]
    heads = {("revision", 1, name): head(1) for name in names}
    spare = size - len(make_view(ROOT, "acme/door-1", heads).raw)
    for name in names:
        more = min(spare, 400)
        heads[("revision", 1, name + "y" * more)] = heads.pop(("revision", 1, name))
        spare -= more
    return make_view(ROOT, "acme/door-1", heads).raw


def test_a_view_that_fills_its_limit_is_read_and_verified() -> None:
    """VW-1: all of its bytes are hashed, and one more is refused."""
    raw = filled(1024 * 1024)
    view = parse_view(raw)
    assert len(raw) == MAX_VIEW
    assert verify_view(raw, view.leaf(9), root=ROOT, model="acme/door-1") == view
    with pytest.raises(BadView, match="1048577 bytes, at most 1048576"):
        filled(1024 * 1024 + 1)

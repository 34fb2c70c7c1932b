"""Keys and values of the map (SPEC MP-1, MP-2)."""

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.catalogue.leaf import BadHead, BadMapKey, Head, map_key
from tests.unit.catalogue.samples import HEADS, head

ROOT = bytes(range(32))


def test_a_map_key_is_the_digest_of_its_parts() -> None:
    """SPEC MP-1, spelt out."""
    text = b"sealring map key v1\0" + ROOT + b"release\0" + b"1\0" + b"acme/door,latest/stable"
    assert map_key(ROOT, "release", 1, "acme/door,latest/stable") == sha256(text).digest()


def test_every_part_of_a_subject_counts() -> None:
    """SPEC MP-1: another root, type, format or subject is another place in the map."""
    keys = {
        map_key(ROOT, "release", 1, "acme/door"),
        map_key(bytes(32), "release", 1, "acme/door"),
        map_key(ROOT, "revision", 1, "acme/door"),
        map_key(ROOT, "release", 11, "acme/door"),
        map_key(ROOT, "release", 1, "1acme/door"),
    }
    assert len(keys) == 5


@pytest.mark.parametrize(
    ("root", "type", "format", "subject"),
    [
        pytest.param(ROOT[:31], "brand", 1, "acme", id="short root"),
        pytest.param(ROOT, "", 1, "acme", id="no type"),
        pytest.param(ROOT, "brand\0", 1, "acme", id="zero byte in the type"),
        pytest.param(ROOT, "brand\n", 1, "acme", id="line feed after the type"),
        pytest.param(ROOT, "brand", 0, "acme", id="format zero"),
        pytest.param(ROOT, "brand", -1, "acme", id="negative format"),
        pytest.param(ROOT, "brand", 1, "", id="no subject"),
        pytest.param(ROOT, "brand", 1, "ac me", id="blank"),
        pytest.param(ROOT, "brand", 1, "acmé", id="not ASCII"),
        pytest.param(ROOT, "brand", 1, 'ac"me', id="quote"),
        pytest.param(ROOT, "brand", 1, "a" * 513, id="too long"),
    ],
)
def test_a_subject_that_can_not_be_spelt_has_no_key(root: bytes, type: str, format: int, subject: str) -> None:
    """SPEC MP-1: a zero byte inside a part would let two subjects share one key."""
    with pytest.raises(BadMapKey) as refused:
        map_key(root, type, format, subject)
    assert refused.value.exit_code == 25
    assert refused.value.rule in str(refused.type.__doc__)


@given(HEADS)
def test_a_head_survives_its_bytes(found: Head) -> None:
    """SPEC MP-2: 72 bytes, and back."""
    assert len(found.to_bytes()) == 72
    assert Head.from_bytes(found.to_bytes()) == found


@given(st.binary(max_size=80) | st.binary(min_size=72, max_size=72))
def test_any_bytes_are_a_head_in_its_one_spelling_or_refused(raw: bytes) -> None:
    """SPEC MP-2: no third thing."""
    with suppress(BadHead):
        assert Head.from_bytes(raw).to_bytes() == raw


@pytest.mark.parametrize(
    ("sequence", "id", "envelope"),
    [
        pytest.param(0, b"i" * 32, b"e" * 32, id="sequence zero"),
        pytest.param(2**53, b"i" * 32, b"e" * 32, id="sequence above every JSON reader"),
        pytest.param(1, b"i" * 31, b"e" * 32, id="short id"),
        pytest.param(1, bytes(32), b"e" * 32, id="half a tombstone"),
        pytest.param(1, b"i" * 32, bytes(32), id="the other half"),
    ],
)
def test_a_head_out_of_range_is_refused(sequence: int, id: bytes, envelope: bytes) -> None:
    """SPEC MP-2."""
    with pytest.raises(BadHead):
        Head(sequence, id, envelope)


def test_a_tombstone_keeps_its_sequence() -> None:
    """SPEC MP-2."""
    assert Head.tombstone(7).is_tombstone
    assert Head.tombstone(7).to_bytes() == bytes(7) + b"\x07" + bytes(64)
    assert not head(7).is_tombstone

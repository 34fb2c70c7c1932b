"""Statements in parts, and views' differences in a bundle (SPEC BN-2, BN-4, BN-5)."""

import gzip
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.bundle import (
    BadBundleEntry,
    BadBundleOrder,
    BadParts,
    BundleTooLarge,
    StatementEntry,
    ViewDifferenceEntry,
    ViewEntry,
    envelope_of_parts,
    parts_of_envelope,
    read_bundle,
    write_bundle,
)
from sealring.envelope import BadEnvelope, seal
from sealring.errors import TrustError
from sealring.names import KeyId
from sealring.strict import Malformed
from tests.unit.bundle.test_bundle import END, MAGIC, packed
from tests.world import World

WORLD = World()
GENUINE = (WORLD.root, *map(WORLD.signed, (WORLD.brand(), WORLD.model(), WORLD.revision(), WORLD.release())))
PARTS = parts_of_envelope(GENUINE[0].raw)
LOW, HIGH = b"\x01" * 32, b"\x02" * 32


def spelt(payload: bytes, *signatures: tuple[bytes, bytes], count: int | None = None) -> bytes:
    """A statement in parts as BN-4 spells it, with anything at all in it."""
    number = len(signatures) if count is None else count
    head = len(payload).to_bytes(4, "big") + payload + bytes((number,))
    return head + b"".join(key + len(sig).to_bytes(2, "big") + sig for key, sig in signatures)


@pytest.mark.parametrize("envelope", GENUINE, ids=lambda one: one.digest[:8])
def test_the_parts_of_an_envelope_make_these_very_bytes_again(envelope: object) -> None:
    """BN-4: digest, id and signatures are those of what was written."""
    raw = getattr(envelope, "raw", b"")
    assert envelope_of_parts(parts_of_envelope(raw)) == raw
    (entry,) = read_bundle(write_bundle([StatementEntry(raw)], parts=True))
    assert entry == StatementEntry(raw)
    assert isinstance(entry, StatementEntry)
    assert entry.in_parts


@given(
    st.binary(max_size=300),
    st.dictionaries(st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=200), min_size=1, max_size=32),
)
def test_any_envelope_travels_in_parts(payload: bytes, signatures: dict[bytes, bytes]) -> None:
    """BN-4: whatever the payload holds, and however many have signed it."""
    envelope = seal(payload, {KeyId(key.hex()): sig for key, sig in signatures.items()})
    assert envelope_of_parts(parts_of_envelope(envelope.raw)) == envelope.raw


@given(st.integers(0, len(PARTS) - 1), st.integers(1, 255))
def test_a_changed_byte_makes_another_envelope_or_none(at: int, flip: int) -> None:
    """BN-4: one spelling; no two parts make one envelope."""
    changed = PARTS[:at] + bytes((PARTS[at] ^ flip,)) + PARTS[at + 1 :]
    try:
        made = envelope_of_parts(changed)
    except TrustError:
        return
    assert made != GENUINE[0].raw
    assert parts_of_envelope(made) == changed


@pytest.mark.parametrize("size", range(0, len(PARTS), 7))
def test_parts_that_are_cut_off_are_refused(size: int) -> None:
    """BN-4: a length is checked against what is there before it is taken."""
    with pytest.raises(BadParts):
        envelope_of_parts(PARTS[:size])


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        pytest.param(spelt(b"{}"), "0 signatures", id="no signature"),
        pytest.param(spelt(b"{}", *((bytes((n,)) * 32, b"s") for n in range(33))), "33 signatures", id="33 signatures"),
        pytest.param(spelt(b"{}", (HIGH, b"s"), (LOW, b"s")), "ascending", id="descending"),
        pytest.param(spelt(b"{}", (LOW, b"s"), (LOW, b"t")), "ascending", id="one key twice"),
        pytest.param(spelt(b"{}", (bytes(32), b"s"), (bytes(32), b"t")), "ascending", id="the lowest key twice"),
        pytest.param(spelt(b"{}", (LOW, b"")), "signature of 0 bytes", id="an empty signature"),
        pytest.param(spelt(b"{}", (LOW, b"s" * 8193)), "signature of 8193 bytes", id="a long signature"),
        pytest.param(spelt(b"{}", (LOW, b"s")) + b"\0", "1 bytes after", id="a byte behind it"),
        pytest.param(b"\xff\xff\xff\xff{}", "payload of 4294967295 bytes", id="a payload beyond the end"),
        pytest.param(spelt(b"{}", (LOW, b"s"), count=2), "key id of 32 bytes where 0", id="a signature too few"),
        pytest.param(b"\0" * (256 * 1024 + 1), "262145 bytes", id="too many bytes"),
        pytest.param(
            spelt(b"p" * 65_536, *((bytes((n,)) * 32, b"s" * 4096) for n in range(32))),
            "make an envelope of",
            id="parts of an envelope that is too large",
        ),
    ],
)
def test_what_is_no_statement_in_parts_is_refused(raw: bytes, says: str) -> None:
    """BN-4: each bound, one beyond it."""
    with pytest.raises(BadParts, match=says) as refused:
        envelope_of_parts(raw)
    assert (refused.value.rule, refused.value.exit_code) == ("BN-4", 20)
    assert refused.value.hint()


@pytest.mark.parametrize(
    ("payload", "signature"), [(65_537, 1), (1, 4097), (1, 8192)], ids=["payload", "signature", "longest"]
)
def test_parts_make_no_envelope_that_is_refused_by_itself(payload: int, signature: int) -> None:
    """EN-4: no other bounds hold for what travels in parts."""
    with pytest.raises(BadEnvelope) as refused:
        envelope_of_parts(spelt(b"p" * payload, (LOW, b"s" * signature)))
    assert refused.value.rule == "EN-4"


def test_the_largest_of_each_part_is_taken() -> None:
    """BN-4, EN-4: the bounds themselves."""
    for raw in (
        spelt(b"p" * 65_536, (LOW, b"s" * 4096)),
        spelt(b"", *((bytes((n,)) * 32, b"s" * 4096) for n in range(32))),
    ):
        assert parts_of_envelope(envelope_of_parts(raw)) == raw


def test_what_is_no_envelope_is_not_written_in_parts() -> None:
    """BN-4: bytes that parts can't give back are refused where they are written, not where they are read."""
    with pytest.raises(Malformed):
        write_bundle([StatementEntry(b"no envelope")], parts=True)
    with pytest.raises(Malformed):
        parts_of_envelope(GENUINE[0].raw + b" ")
    with pytest.raises(BadParts, match="no signature"):
        parts_of_envelope(seal(b"{}", {}).raw)


def test_a_bundle_holds_both_forms_of_a_statement_and_is_written_again_as_it_was() -> None:
    """BN-1, BN-4: an entry knows how it came, so that a mirror passes on what it got."""
    raw = write_bundle([StatementEntry(GENUINE[0].raw), StatementEntry(GENUINE[1].raw, in_parts=True), ViewEntry(b"v")])
    found = read_bundle(raw)
    assert write_bundle(found) == raw
    assert [type(entry) for entry in found] == [StatementEntry, ViewEntry, StatementEntry]
    assert write_bundle(found, parts=True) != raw


def test_a_difference_is_named_by_the_views_between_which_it_leads() -> None:
    """BN-2: two differences ascend by name, so that none stands twice."""
    a, b = sha256(b"a").digest(), sha256(b"b").digest()
    first, second = sorted([ViewDifferenceEntry(a, b, b"1"), ViewDifferenceEntry(b, a, b"2")], key=lambda e: e.base)
    raw = write_bundle([second, first])
    assert read_bundle(raw) == (first, second)
    name = f"{a.hex()}/{b.hex()}".encode()
    assert raw.count(name) == 1
    with pytest.raises(BadBundleOrder):
        read_bundle(MAGIC + packed(7, name, b"1") * 2 + END)


@pytest.mark.parametrize("name", [b"", b"a" * 64, b"a" * 64 + b"/" + b"A" * 64, b"a" * 64 + b"/" + b"a" * 63])
def test_a_difference_with_another_name_is_refused(name: bytes) -> None:
    """BN-1, BN-2: one narrow form for each kind."""
    with pytest.raises(BadBundleEntry):
        read_bundle(MAGIC + packed(7, name, b"{}") + END)


@pytest.mark.parametrize(("kind", "name", "most"), [(6, b"", 2**18), (7, b"a" * 64 + b"/" + b"b" * 64, 2**20)])
def test_a_length_beyond_the_kind_is_refused_before_anything_is_read(kind: int, name: bytes, most: int) -> None:
    """BN-2: 2^63 bytes must cost a device nothing."""
    for size in (most + 1, 2**63):
        with pytest.raises(BundleTooLarge) as refused:
            read_bundle(MAGIC + packed(kind, name, size=size) + END)
        assert refused.value.allowed == most


def test_parts_are_shorter_than_envelopes_packed_or_not() -> None:
    """BN-4: that is what the form is for; 60 revisions of one brand, as a first sync brings them."""
    entries = [StatementEntry(WORLD.signed(WORLD.revision(n, b"image %d" % n)).raw) for n in range(1, 61)]
    whole, parts = (write_bundle(entries, parts=each) for each in (False, True))
    assert len(parts) < 0.65 * len(whole)
    assert len(gzip.compress(parts)) < 0.95 * len(gzip.compress(whole))
    # What is left cannot be pressed: two signatures and a digest each.
    assert len(gzip.compress(parts)) < 60 * (2 * 64 + 32 + 60)
    assert read_bundle(parts) == read_bundle(whole)

"""One tile: its bytes and its tree (SPEC MP-3)."""

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.catalogue.leaf import map_node_hash
from sealring_server.tiles.tile import MAX_TILE, NotATile, Slot, Tile, half_byte, parse_tile

HASHES = st.integers(0, 50).map(lambda n: sha256(bytes([n])).digest())
NUMBERS = st.one_of(st.integers(1, 300), st.integers(1, 2**53 - 1))
SLOTS = st.builds(Slot, HASHES, NUMBERS, st.booleans())
MANY = st.dictionaries(st.integers(0, 15), SLOTS, min_size=2, max_size=16)
DEPTHS = st.integers(0, 62)


def reference(slots: dict[str, bytes], depth: int) -> bytes:
    """The hash by SPEC's words alone: half-bytes as bits, split at the first difference (SPEC MP-3)."""
    if len(slots) == 1:
        return next(iter(slots.values()))
    level = next(at for at in range(4) if len({bits[at] for bits in slots}) == 2)
    sides = ({bits: found for bits, found in slots.items() if bits[level] == side} for side in "01")
    return map_node_hash(4 * depth + level, *(reference(side, depth) for side in sides))


@given(MANY, DEPTHS)
def test_a_tile_hashes_as_the_map_does_between_its_slots(slots: dict[int, Slot], depth: int) -> None:
    """SPEC MP-3: what is not stored is what the specification computes."""
    tile = Tile.of(depth, slots)
    assert tile.hash == reference({f"{at:04b}": slot.hash for at, slot in slots.items()}, depth)
    assert {at: tile.slot(at) for at in range(16)} == {at: slots.get(at) for at in range(16)}


@given(MANY, MANY, DEPTHS)
def test_a_changed_tile_is_the_one_that_would_be_made_anew(
    old: dict[int, Slot], new: dict[int, Slot], depth: int
) -> None:
    """SPEC MP-3: only the hashes above a changed slot are computed again; the old tile stays as it was."""
    tile = Tile.of(depth, old)
    before = tile.to_bytes()
    changed, anew = tile.with_slots(new), Tile.of(depth, old | new)
    assert changed.to_bytes() == anew.to_bytes()
    assert changed.nodes == anew.nodes
    assert tile.to_bytes() == before


@given(MANY, DEPTHS)
def test_a_tile_comes_back_from_its_bytes(slots: dict[int, Slot], depth: int) -> None:
    """SPEC MP-3: and they are as few as its widest number needs."""
    raw = Tile.of(depth, slots).to_bytes()
    again = parse_tile(raw, depth)
    assert again.nodes == Tile.of(depth, slots).nodes
    assert {at: again.slot(at) for at in slots} == slots
    width = (max(slot.number for slot in slots.values()).bit_length() + 7) // 8
    assert len(raw) == 5 + len(slots) * (32 + width) <= MAX_TILE


@given(MANY, st.integers(0, 15))
def test_a_way_lands_where_the_forks_lead(slots: dict[int, Slot], at: int) -> None:
    """SPEC MP-4: at each bit in which the slots differ the key's own bit decides, and nowhere else."""
    left = {f"{place:04b}": place for place in slots}
    for level in range(4):
        if len({bits[level] for bits in left}) == 2:
            left = {bits: place for bits, place in left.items() if bits[level] == f"{at:04b}"[level]}
    assert list(left.values()) == [Tile.of(3, slots).landing(at)]


@given(st.one_of(st.binary(max_size=800), MANY.map(lambda slots: Tile.of(1, slots).to_bytes())), st.data())
def test_any_bytes_are_a_tile_in_its_one_spelling_or_refused(raw: bytes, data: st.DataObject) -> None:
    """SPEC MP-3: whatever a disk does to them."""
    changed = bytearray(raw)
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=2)) if raw else ():
        changed[place] ^= data.draw(st.integers(0, 255))
    with suppress(NotATile):
        assert parse_tile(bytes(changed), data.draw(st.integers(0, 63))).to_bytes() == changed


LEAF, LINK = Slot(bytes(32), 7, False), Slot(bytes(32), 7, True)
ONE_LEAF, ONE_LINK = Tile.of(0, {3: LEAF}).to_bytes(), Tile.of(0, {3: LINK}).to_bytes()


@pytest.mark.parametrize(
    ("raw", "depth"),
    [
        pytest.param(b"", 0, id="nothing"),
        pytest.param(bytes(5), 0, id="no slots"),
        pytest.param(ONE_LEAF, 1, id="one leaf alone below the top"),
        pytest.param(ONE_LINK, 63, id="a link below the last half-byte"),
        pytest.param(ONE_LEAF + b"\0", 0, id="a byte too many"),
        pytest.param(ONE_LEAF[:-1], 0, id="a byte too few"),
        pytest.param(ONE_LEAF[:5] + b"\0" + ONE_LEAF[6:], 0, id="number 0"),
        pytest.param(ONE_LEAF[:4] + b"\2\0" + ONE_LEAF[5:], 0, id="a number wider than it needs"),
        pytest.param(ONE_LEAF[:4] + b"\0" + ONE_LEAF[6:], 0, id="numbers of no bytes"),
        pytest.param(ONE_LEAF[:4] + b"\7" + b"\x20" + bytes(6) + ONE_LEAF[6:], 0, id="a number above 2^53 - 1"),
        pytest.param(b"\0\x08\0\x01" + ONE_LEAF[4:], 0, id="a link where no slot is"),
    ],
)
def test_a_tile_that_no_map_has_is_refused(raw: bytes, depth: int) -> None:
    """SPEC MP-3: each of these would be a second spelling, or a tree that no keys make."""
    with pytest.raises(NotATile):
        parse_tile(raw, depth)


def test_the_top_tile_may_hold_one_leaf_and_any_other_one_link() -> None:
    """SPEC MP-3: a map of one key; and keys that agree for long."""
    assert parse_tile(ONE_LEAF, 0).slot(3) == LEAF
    assert parse_tile(ONE_LINK, 5).hash == LINK.hash


def test_half_bytes_are_taken_from_the_most_significant_on() -> None:
    """SPEC MP-3: bit 0 is the most significant bit of the first byte."""
    assert [half_byte(bytes.fromhex("1a" + "00" * 30 + "f7"), depth) for depth in (0, 1, 2, 62, 63)] == [
        1,
        10,
        0,
        15,
        7,
    ]

"""A bundle's bounds and its near misses, on either side (SPEC BN-1, BN-2)."""

from io import BytesIO

import pytest

from sealring.bundle import (
    BadBundleEntry,
    BadBundleOrder,
    BundleTooLarge,
    ImageEntry,
    NotABundle,
    open_entries,
    read_bundle,
)

MAGIC = b"sealring bundle 1\n"
END = bytes(11)


def packed(kind: int, name: bytes = b"", data: bytes = b"") -> bytes:
    return bytes([kind]) + len(name).to_bytes(2, "big") + len(data).to_bytes(8, "big") + name + data


def proof(*keys: int) -> bytes:
    return packed(4, b"00" * 32 + b"/" + b",".join(bytes([key]).hex().encode() * 32 for key in keys))


@pytest.mark.parametrize("first", [b"sealring bundle 0\n", b"sealring bundle 2\n", b"", b"sealring bundle 1", b"zip"])
def test_any_other_first_line_is_no_bundles(first: bytes) -> None:
    """BN-1: whichever comes first in the alphabet."""
    assert read_bundle(MAGIC + END) == ()
    with pytest.raises(NotABundle):
        read_bundle(first + END)


@pytest.mark.parametrize("keys", [(2, 1), (1, 1), (1, 1, 2), (1, 2, 2), (1, 3, 2)])
def test_the_keys_of_a_proof_ascend_wherever_they_do_not(keys: tuple[int, ...]) -> None:
    """BN-2: one question has one spelling, so a cache can't hold two answers to it."""
    assert len(read_bundle(MAGIC + proof(1, 2, 3) + END)) == 1
    with pytest.raises(BadBundleEntry):
        read_bundle(MAGIC + proof(*keys) + END)


def test_a_name_is_judged_by_its_form_up_to_its_limit() -> None:
    """BN-2: and by its length alone above it."""
    with pytest.raises(BadBundleEntry):
        read_bundle(MAGIC + packed(2, b"a" * 4352) + END)
    with pytest.raises(BundleTooLarge) as refused:
        read_bundle(MAGIC + packed(2, b"a" * 4353) + END)
    assert (refused.value.found, refused.value.allowed) == (4353, 4352)


def test_without_images_not_one_byte_of_them_is_taken() -> None:
    """BN-2: what is read in one piece is bounded; an image of no bytes costs none."""
    with pytest.raises(BundleTooLarge):
        read_bundle(MAGIC + packed(16, b"00" * 32, b"1") + END)
    raw = MAGIC + packed(16, b"00" * 32) + END
    (found,) = read_bundle(raw)
    assert isinstance(found, ImageEntry)
    assert read_bundle(raw) == (found,)  # where its bytes come from is no part of what it is


def test_all_but_images_fill_64_mib_and_not_a_byte_more() -> None:
    """BN-2: heads and names counted, images not, and the end's own head too."""
    views, rest = 63, 64 * 1024 * 1024 - 63 * (1024 * 1024 + 11) - 11
    image = packed(16, b"00" * 32, b"image")
    rest -= 11 + 64
    sizes = [512 * 1024, rest - 512 * 1024 - 2 * (11 + 1)]
    for more in (0, 1):
        files = packed(2, b"a", bytes(sizes[0])) + packed(2, b"b", bytes(sizes[1] + more))
        raw = MAGIC + files + packed(3, b"", bytes(1024 * 1024)) * views + image + END
        if more:
            with pytest.raises(BundleTooLarge, match="metadata") as refused:
                sum(1 for _ in open_entries(BytesIO(raw), image_limit=5))
            assert (refused.value.found, refused.value.allowed) == (64 * 1024 * 1024 + 1, 64 * 1024 * 1024)
        else:
            assert sum(1 for _ in open_entries(BytesIO(raw), image_limit=5)) == views + 3


def test_names_ascend_within_a_kind_alone() -> None:
    """BN-1: a proof's name may lie below a file's; statements have none and come as often as they like."""
    raw = MAGIC + packed(1) + packed(1) + packed(2, b"a") + packed(2, b"b") + proof(1) + packed(5, b"1/1") + END
    assert len(read_bundle(raw)) == 6
    for entries in (packed(2, b"b") * 2, packed(2, b"b") + packed(2, b"a"), proof(1) + packed(2, b"z")):
        with pytest.raises(BadBundleOrder) as refused:
            read_bundle(MAGIC + entries + END)
        assert refused.value.number == 2


class Pieces:
    """A stream that gives at most ten bytes at a time, as a socket may."""

    def __init__(self, raw: bytes) -> None:
        self._raw = BytesIO(raw)

    def read(self, size: int, /) -> bytes:
        return self._raw.read(min(size, 10))


def test_a_first_line_that_comes_in_pieces_takes_nothing_of_what_follows() -> None:
    """BN-1: what a bundle is does not depend on how its bytes arrive."""
    raw = MAGIC + packed(1, b"", b"an envelope of some length") + END
    assert tuple(open_entries(Pieces(raw), image_limit=0)) == read_bundle(raw)

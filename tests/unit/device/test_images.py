"""Only the signed bytes ever get an image's name."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring_client.apply.images import ChangedOnDisk, ImageStore, TooLong, WrongDigest

IMAGE = bytes(range(256)) * 8000
DIGEST = hashlib.sha256(IMAGE).hexdigest()
SIZE = len(IMAGE)


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def names(images: ImageStore) -> list[str]:
    return sorted(os.listdir(images.folder))


def test_signed_bytes_become_the_image(images: ImageStore) -> None:
    assert not images.have(DIGEST, SIZE)
    with images.begin(DIGEST, SIZE) as incoming:
        for start in range(0, SIZE, 100_000):
            incoming.write(memoryview(IMAGE)[start : start + 100_000])
        assert not images.have(DIGEST, SIZE)
        assert incoming.finish() == images.path(DIGEST)
    assert images.have(DIGEST, SIZE)
    assert not images.have(DIGEST, SIZE + 1)
    assert images.path(DIGEST).read_bytes() == IMAGE
    assert names(images) == [DIGEST]
    images.verify_whole(DIGEST)


def test_room_is_taken_before_the_first_byte(images: ImageStore) -> None:
    with images.begin(DIGEST, SIZE) as incoming:
        part = (images.folder / f"{DIGEST}.part").stat()
        assert part.st_size == incoming.held == 0
        assert part.st_blocks * 512 >= SIZE


@pytest.mark.parametrize("cut", [0, 1, 65_536, SIZE - 1, SIZE])
def test_resume_hashes_what_is_held(images: ImageStore, cut: int) -> None:
    with images.begin(DIGEST, SIZE) as incoming:
        incoming.write(IMAGE[:cut])
    with images.begin(DIGEST, SIZE) as incoming:
        assert incoming.held == cut
        incoming.write(IMAGE[cut:])
        incoming.finish()
    images.verify_whole(DIGEST)


def test_a_part_that_changed_meanwhile_is_refused_and_deleted(images: ImageStore) -> None:
    """SPEC IM-2: a power cut or another program may have left anything in the part."""
    with images.begin(DIGEST, SIZE) as incoming:
        incoming.write(b"\0" * 5000)
    with images.begin(DIGEST, SIZE) as incoming:
        incoming.write(IMAGE[5000:])
        with pytest.raises(WrongDigest) as caught:
            incoming.finish()
    assert (caught.value.expected, caught.value.size, caught.value.exit_code) == (DIGEST, SIZE, 26)
    assert caught.value.found != DIGEST
    assert names(images) == []


def test_restart_forgets_what_is_held(images: ImageStore) -> None:
    with images.begin(DIGEST, SIZE) as incoming:
        incoming.write(b"\0" * 5000)
        incoming.restart()
        assert incoming.held == 0
        incoming.write(IMAGE)
        incoming.finish()
    images.verify_whole(DIGEST)


def test_a_part_longer_than_signed_is_dropped(images: ImageStore) -> None:
    images.folder.mkdir()
    (images.folder / f"{DIGEST}.part").write_bytes(IMAGE + b"x")
    with images.begin(DIGEST, SIZE) as incoming:
        assert incoming.held == 0


def test_no_byte_beyond_the_signed_size_is_written(images: ImageStore) -> None:
    """SPEC IM-1: an endless answer fills nobody's disk."""
    with images.begin(DIGEST, SIZE) as incoming:
        incoming.write(IMAGE[:-10])
        with pytest.raises(TooLong) as caught:
            incoming.write(IMAGE[-10:] + b"x")
        assert incoming.held == SIZE - 10
    assert caught.value.exit_code == 26
    assert (images.folder / f"{DIGEST}.part").stat().st_size == SIZE - 10


def test_short_image_gets_no_name(images: ImageStore) -> None:
    with images.begin(DIGEST, SIZE) as incoming:
        incoming.write(IMAGE[:-1])
        with pytest.raises(WrongDigest) as caught:
            incoming.finish()
    assert caught.value.found_size == SIZE - 1
    assert names(images) == []


@given(st.integers(0, SIZE - 1), st.integers(0, 7))
def test_a_flipped_bit_is_never_stored(tmp_path_factory: pytest.TempPathFactory, byte: int, bit: int) -> None:
    """SPEC IM-2."""
    images = ImageStore(tmp_path_factory.mktemp("flip"))
    wrong = bytearray(IMAGE)
    wrong[byte] ^= 1 << bit
    with images.begin(DIGEST, SIZE) as incoming:
        incoming.write(bytes(wrong))
        with pytest.raises(WrongDigest):
            incoming.finish()
    assert names(images) == []


def test_an_image_that_rots_is_noticed(images: ImageStore) -> None:
    """SPEC IM-3."""
    images.folder.mkdir()
    images.path(DIGEST).write_bytes(IMAGE[:-1] + b"x")
    assert images.have(DIGEST, SIZE)
    with pytest.raises(ChangedOnDisk) as caught:
        images.verify_whole(DIGEST)
    assert (caught.value.expected, caught.value.exit_code) == (DIGEST, 26)


def test_empty_image_is_possible(images: ImageStore) -> None:
    with images.begin(hashlib.sha256(b"").hexdigest(), 0) as incoming:
        incoming.finish()


def test_links_are_neither_had_nor_written_through(images: ImageStore, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(IMAGE)
    images.folder.mkdir()
    images.path(DIGEST).symlink_to(victim)
    assert not images.have(DIGEST, SIZE)


@pytest.mark.parametrize("digest", ["", "../x", DIGEST.upper(), DIGEST + "\n", DIGEST[:-1]])
def test_only_a_digest_names_an_image(images: ImageStore, digest: str) -> None:
    with pytest.raises(ValueError, match="64 lower-case"):
        images.begin(digest, 1)


def test_removed_image_and_part_are_gone(images: ImageStore) -> None:
    images.folder.mkdir()
    for name in (DIGEST, f"{DIGEST}.part", "notes"):
        (images.folder / name).write_bytes(b"")
    assert list(images.digests()) == [DIGEST]
    images.remove(DIGEST)
    images.remove(DIGEST)
    assert names(images) == ["notes"]
    assert list(ImageStore(images.folder / "none").digests()) == []

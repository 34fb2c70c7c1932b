"""What every place for images promises, whatever it is made of (SPEC PB-2, PB-3, PB-11)."""

import threading
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from sealring_server import settings
from sealring_server.images.bucket import PIECE
from sealring_server.images.chosen import images_of
from sealring_server.images.driver import Images
from sealring_server.images.errors import ImageGone, OtherBlob, OtherOffset, UploadBusy

IMAGE = bytes(range(256)) * 40
LARGE = IMAGE * (2 * PIECE // len(IMAGE)) + b"the last and short piece"
DIGEST, LARGE_DIGEST = sha256(IMAGE).hexdigest(), sha256(LARGE).hexdigest()


class BrokenLine(Exception):
    """What a source raises whose sender has gone."""


class Broken(BytesIO):
    """A source that raises once its bytes are over."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found:
            raise BrokenLine
        return found


def whole(images: Images, digest: str) -> bytes:
    """The image from its final place."""
    return b"".join(images.part(digest, 0, images.size(digest) or 0))


@pytest.mark.parametrize("image", [IMAGE, LARGE], ids=["small", "of three pieces"])
def test_an_upload_is_there_once_its_last_byte_came(images: Images, image: bytes) -> None:
    """PB-2, PB-11: before that nothing has the final name."""
    digest = sha256(image).hexdigest()
    assert images.append("a", digest, 0, BytesIO(image[:-1]), len(image)) == len(image) - 1
    assert (images.received("a", digest), images.size(digest), list(images.digests())) == (len(image) - 1, None, [])
    assert images.append("a", digest, len(image) - 1, BytesIO(image[-1:]), len(image)) == len(image)
    assert (images.size(digest), list(images.digests())) == (len(image), [digest])
    assert whole(images, digest) == image
    assert b"".join(images.part(digest, 5, len(image) - 3)) == image[5:-3]


def test_what_came_before_a_broken_line_counts(images: Images, said: settings.Images, tmp_path: Path) -> None:
    """PB-11: also for another process, which goes on from exactly there."""
    with pytest.raises(BrokenLine):
        images.append("a", LARGE_DIGEST, 0, Broken(LARGE[: PIECE + 7]), len(LARGE))
    other = images_of(said, tmp_path)
    assert other.received("a", LARGE_DIGEST) == PIECE + 7
    rest = BytesIO(LARGE[PIECE + 7 :] + b"and more")
    assert other.append("a", LARGE_DIGEST, PIECE + 7, rest, len(LARGE)) == len(LARGE)
    assert whole(images, LARGE_DIGEST) == LARGE


def test_no_byte_beyond_the_signed_size_is_read(images: Images) -> None:
    """PB-2: whatever is behind it was sent by somebody who wants to fill the disk."""
    source = BytesIO(IMAGE + b"more")
    images.append("a", DIGEST, 0, source, len(IMAGE))
    assert source.tell() == len(IMAGE)


@pytest.mark.parametrize("offset", [0, 1, 99, 101, 10**12])
def test_another_offset_is_refused_with_the_one_that_is_there(images: Images, offset: int) -> None:
    """PB-11: no hole, and nothing is written twice."""
    images.append("a", DIGEST, 0, BytesIO(IMAGE[:100]), len(IMAGE))
    source = BytesIO(IMAGE)
    with pytest.raises(OtherOffset) as caught:
        images.append("a", DIGEST, offset, source, len(IMAGE))
    assert (caught.value.offered, caught.value.held, source.tell()) == (offset, 100, 0)


@pytest.mark.parametrize("cut", [0, 100], ids=["in one go", "resumed"])
def test_other_bytes_are_dropped_with_all_that_came(images: Images, cut: int) -> None:
    """PB-2, PB-11: nothing of them gets a name, and the right ones can be sent after them."""
    wrong = IMAGE[:-1] + b"!"
    if cut:
        images.append("a", DIGEST, 0, BytesIO(wrong[:cut]), len(IMAGE))
    with pytest.raises(OtherBlob):
        images.append("a", DIGEST, cut, BytesIO(wrong[cut:]), len(IMAGE))
    assert (images.received("a", DIGEST), images.size(DIGEST)) == (0, None)
    images.append("a", DIGEST, 0, BytesIO(IMAGE), len(IMAGE))
    assert whole(images, DIGEST) == IMAGE


def test_whole_uploads_that_a_crash_left_unhashed_are_hashed(images: Images) -> None:
    """PB-11: all bytes are here and nobody knows yet whether they are right; asking again with none finds out."""
    images.append("a", DIGEST, 0, BytesIO(IMAGE), len(IMAGE))
    images.remove(DIGEST)
    if images.received("a", DIGEST) == len(IMAGE):
        assert images.append("a", DIGEST, len(IMAGE), BytesIO(), len(IMAGE)) == len(IMAGE)
    assert whole(images, DIGEST) == IMAGE


def test_two_that_send_one_upload_never_mix(images: Images) -> None:
    """PB-11: one of them goes on, the other is told how much is here; what came is one's bytes, then the other's."""
    begun, go_on = threading.Event(), threading.Event()

    class Waiting(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            begun.set()
            assert go_on.wait(20)
            return super().read(size)

    outcomes: list[object] = []

    def slow() -> None:
        try:
            outcomes.append(images.append("a", DIGEST, 0, Waiting(b"\xff" * 50), len(IMAGE)))
        except OtherOffset as err:
            outcomes.append(err.held)

    thread = threading.Thread(target=slow)
    thread.start()
    assert begun.wait(20)
    try:
        outcomes.append(images.append("a", DIGEST, 0, BytesIO(IMAGE[:100]), len(IMAGE)))
    except UploadBusy as err:
        outcomes.append(f"busy, {err.held} here")
    go_on.set()
    thread.join(20)
    # A folder's lock lets the first one write; in a bucket the first who has a piece has won.
    assert outcomes in (["busy, 0 here", 50], [100, 100])
    assert images.received("a", DIGEST) in (50, 100)


def test_an_upload_belongs_to_its_owner(images: Images) -> None:
    """PB-11: another publication's bytes of the same image are another upload."""
    images.append("a", DIGEST, 0, BytesIO(IMAGE[:100]), len(IMAGE))
    assert images.received("b", DIGEST) == 0
    images.append("b", DIGEST, 0, BytesIO(IMAGE), len(IMAGE))
    images.append("a", DIGEST, 100, BytesIO(IMAGE[100:]), len(IMAGE))
    images.drop("b", [DIGEST])
    images.drop("a", [DIGEST, "00" * 32])
    assert (images.received("a", DIGEST), whole(images, DIGEST)) == (0, IMAGE)


def test_what_no_open_publication_owns_is_collected(images: Images) -> None:
    """PB-7: abandoned uploads go, and what has its final place stays; owners are asked after the uploads are listed."""
    for owner in ("a", "b"):
        images.append(owner, DIGEST, 0, BytesIO(IMAGE[:100]), len(IMAGE))
    images.put(LARGE_DIGEST, len(LARGE), BytesIO(LARGE))
    assert images.collect(lambda: {"b"}, 0) == 1
    assert (images.received("a", DIGEST), images.received("b", DIGEST)) == (0, 100)
    assert images.size(LARGE_DIGEST) == len(LARGE)


@pytest.mark.parametrize("image", [IMAGE, LARGE], ids=["small", "of three pieces"])
def test_an_image_can_be_put_whole(images: Images, image: bytes) -> None:
    """MI-1, BK-1: as a mirror or a restored backup does; and again without harm."""
    digest = sha256(image).hexdigest()
    for _ in range(2):
        images.put(digest, len(image), BytesIO(image))
    assert (whole(images, digest), list(images.digests())) == (image, [digest])
    assert list(images.digests(before=0)) == []


@pytest.mark.parametrize("image", [b"", IMAGE[:-1], IMAGE[:-1] + b"!"], ids=["nothing", "too short", "other bytes"])
def test_nothing_else_can_be_put(images: Images, image: bytes) -> None:
    """PB-2: and nothing of it is left."""
    with pytest.raises(OtherBlob):
        images.put(DIGEST, len(IMAGE), BytesIO(image))
    assert (images.size(DIGEST), list(images.digests())) == (None, [])


def test_a_put_that_breaks_off_leaves_nothing(images: Images) -> None:
    """PB-3: the last part is not sent before all was hashed."""
    with pytest.raises((BrokenLine, OtherBlob)):
        images.put(LARGE_DIGEST, len(LARGE), Broken(LARGE[:-9]))
    assert images.size(LARGE_DIGEST) is None


def test_what_was_removed_is_gone(images: Images) -> None:
    """PB-3: said as such before a byte of an answer is sent; a removal can be repeated."""
    images.put(DIGEST, len(IMAGE), BytesIO(IMAGE))
    for _ in range(2):
        images.remove(DIGEST)
    assert images.size(DIGEST) is None
    with pytest.raises(ImageGone):
        images.part(DIGEST, 0, 10)


def test_a_place_that_is_there_says_so(images: Images) -> None:
    """PB-3: for `/v1/health/ready`."""
    images.check()
    images.check_space(1)

"""A disk that is really full."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sealring_client.apply.generations import Generations, Recovered
from sealring_client.apply.images import ImageStore
from sealring_client.disk import RESERVE, NoSpace, write_durably
from sealring_client.part import Part


@pytest.fixture
def small_disk(open_folder: Path, need: Callable[[str], Path]) -> Iterator[Path]:
    disk = open_folder / "disk"
    disk.mkdir()
    subprocess.run([need("mount"), "-t", "tmpfs", "-o", "size=16m", "none", disk], check=True)
    yield disk
    subprocess.run([need("umount"), disk], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"x" * 65536)
    assert os.statvfs(disk).f_bavail == 0


def test_an_image_that_does_not_fit_is_refused_before_its_first_byte(small_disk: Path) -> None:
    images = ImageStore(small_disk / "images")
    with pytest.raises(NoSpace) as caught:
        images.begin("a" * 64, 9 * 2**20)
    assert caught.value.needed == 9 * 2**20 + RESERVE
    assert caught.value.exit_code == 12
    body = b"x" * 7 * 2**20
    with images.begin(hashlib.sha256(body).hexdigest(), len(body)) as incoming:
        fill(small_disk)  # what another program takes meanwhile: the room is reserved
        incoming.write(body)
        incoming.finish()


def test_two_images_that_fit_singly_but_not_together(small_disk: Path) -> None:
    images = ImageStore(small_disk / "images")
    with images.begin("a" * 64, 5 * 2**20):
        with pytest.raises(NoSpace):
            images.begin("b" * 64, 5 * 2**20)


def test_failed_write_on_a_full_disk_leaves_the_old_file(small_disk: Path) -> None:
    """SPEC DK-1."""
    write_durably(small_disk / "state", b"old")
    fill(small_disk)
    with pytest.raises(NoSpace):
        write_durably(small_disk / "state", b"n" * 100_000)
    assert (small_disk / "state").read_bytes() == b"old"
    assert sorted(os.listdir(small_disk)) == ["filler", "state"]


def test_a_full_disk_never_stops_recovery(small_disk: Path) -> None:
    """SPEC GN-3."""
    generations = Generations(small_disk)
    for letter in "ab":
        number = generations.stage([Part("acme/tool", 1, "amd64", "1", letter * 64, 1, "1" * 64, "2" * 64)])
        generations.try_(number)
        if letter == "a":
            generations.commit(number)
    fill(small_disk)
    assert generations.recover() == Recovered(current=1, undone=2)

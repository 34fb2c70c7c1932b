"""A folder that other users may pass, since a health check runs as a user of its own, and images made in it."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sealring_client.apply.mount import unmount

MakeImage = Callable[[dict[str, str]], tuple[Path, str]]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Every mount below it is taken down afterwards."""
    with tempfile.TemporaryDirectory(prefix="sealring-rig-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for at in mounts_below(folder):
            unmount(at)


def mounts_below(folder: Path) -> list[Path]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = (Path(line.split(" ")[4]) for line in lines)
    return sorted((point for point in points if point.is_relative_to(folder)), reverse=True)


@pytest.fixture
def make_image(open_folder: Path, need: Callable[[str], Path]) -> MakeImage:
    """A squashfs image of these files, all of them executable; `->` makes a link."""

    def make(files: dict[str, str]) -> tuple[Path, str]:
        number = len(list(open_folder.glob("tree*")))
        tree, image = open_folder / f"tree{number}", open_folder / f"{number}.squashfs"
        for name, text in files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("->"):
                os.symlink(text[2:], path)
            else:
                path.write_text(text)
                path.chmod(0o755)
        command = [
            str(need("mksquashfs")),
            str(tree),
            str(image),
            "-noappend",
            "-quiet",
            "-all-root",
            "-no-xattrs",
            "-comp",
            "gzip",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return image, hashlib.sha256(image.read_bytes()).hexdigest()

    return make

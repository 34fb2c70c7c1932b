"""Real squashfs images, mounted by both ways; needs root for the loop device."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import sealring
import sealring_client
from sealring_client.apply.images import ChangedOnDisk
from sealring_client.apply.mount import CannotMount, CannotUnmount, NotSquashfs, is_mounted, mount_image, unmount
from sealring_client.disk import DiskError
from tests.rigs.device.conftest import MakeImage

WAYS = pytest.mark.parametrize("way", ["loop", "squashfuse"])


@pytest.fixture(autouse=True)
def components(need: Callable[[str], Path]) -> None:
    for command in ("mount", "umount", "squashfuse", "fusermount3", "setpriv", "unshare"):
        need(command)
    assert os.geteuid() == 0, "these rigs need root"


@WAYS
def test_an_image_is_mounted_once_without_rights_and_goes_again(
    way: str, make_image: MakeImage, open_folder: Path
) -> None:
    """SPEC IM-4: read-only, no set-uid, no devices."""
    image, digest = make_image({"bin/hello": "#!/bin/sh\necho hello\n"})
    at = open_folder / "with space" / digest
    assert is_mounted(at) is None
    for _ in range(2):
        mounted = mount_image(image, at, digest=digest, ways=[way])
        assert (mounted.at, mounted.way) == (at, way)
    flags = os.statvfs(at).f_flag
    assert flags & os.ST_NOSUID
    assert flags & os.ST_NODEV
    assert subprocess.run([at / "bin" / "hello"], capture_output=True).stdout == b"hello\n"
    with pytest.raises(OSError, match="Read-only") as caught:
        (at / "new").write_bytes(b"")
    assert caught.value.errno == errno.EROFS
    unmount(at)
    unmount(at)
    assert not at.exists()
    assert is_mounted(at) is None


@WAYS
def test_changed_image_is_not_mounted(way: str, make_image: MakeImage, open_folder: Path) -> None:
    """SPEC IM-3: one bit, anywhere in the file."""
    image, digest = make_image({"file": "text"})
    raw = bytearray(image.read_bytes())
    raw[-1] ^= 1
    image.write_bytes(raw)
    with pytest.raises(ChangedOnDisk):
        mount_image(image, open_folder / "at", digest=digest, ways=[way])
    assert not (open_folder / "at").exists()


@WAYS
def test_a_file_swapped_after_its_check_is_not_what_is_mounted(
    way: str, make_image: MakeImage, open_folder: Path
) -> None:
    """SPEC IM-3: another process swaps the file without pause while mounts are made; each shows what was hashed."""
    good, digest = make_image({"file": "good"})
    evil, _ = make_image({"file": "evil"})
    image, keep = open_folder / "image", open_folder / "keep"
    os.link(good, keep)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for source in (evil, keep):
                os.link(source, open_folder / "next")
                os.rename(open_folder / "next", image)

    os.link(good, image)
    swapper = threading.Thread(target=swap)
    swapper.start()
    shown: list[str] = []
    try:
        for number in range(2000):  # most attempts end in a refusal: the swapper is fast
            if len(shown) == 6:
                break
            at = open_folder / f"at{number}"
            try:
                mount_image(image, at, digest=digest, ways=[way])
            except ChangedOnDisk:
                continue
            shown.append((at / "file").read_text())
            unmount(at)
    finally:
        stop.set()
        swapper.join()
    assert shown == ["good"] * 6


@WAYS
def test_signed_bytes_that_are_no_image_are_said_to_be_so(way: str, open_folder: Path) -> None:
    image = open_folder / "text"
    image.write_bytes(b"text")
    digest = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"
    with pytest.raises(NotSquashfs) as caught:
        mount_image(image, open_folder / "at", digest=digest, ways=[way])
    assert caught.value.exit_code == 26


def test_an_image_cut_behind_its_head_names_both_ways(open_folder: Path) -> None:
    image = open_folder / "cut"
    image.write_bytes(b"hsqs")
    digest = "d8c8c2f9a1f51e3e4d4d2b3c6ed7a6f6a9b6b7b3d7c8f3a9e1e1d1f1a1b1c1d1"
    with pytest.raises(ChangedOnDisk) as changed:
        mount_image(image, open_folder / "at", digest=digest)
    with pytest.raises(CannotMount) as caught:
        mount_image(image, open_folder / "at", digest=changed.value.found)
    assert [way for way, _ in caught.value.tried] == ["loop", "squashfuse"]
    assert all(why for _, why in caught.value.tried)
    assert caught.value.exit_code == 14
    assert is_mounted(open_folder / "at") is None
    assert str(image) not in subprocess.run(["losetup", "-a"], capture_output=True, text=True).stdout


def test_missing_image_is_a_disk_error(open_folder: Path) -> None:
    with pytest.raises(DiskError):
        mount_image(open_folder / "none", open_folder / "at", digest="0" * 64)


@WAYS
def test_folder_left_by_a_kill_is_used(way: str, make_image: MakeImage, open_folder: Path) -> None:
    image, digest = make_image({"file": "text"})
    (open_folder / "at").mkdir()
    assert mount_image(image, open_folder / "at", digest=digest, ways=[way]).way == way


def test_another_file_system_at_the_place_is_not_taken_for_ours(make_image: MakeImage, open_folder: Path) -> None:
    """SPEC IM-4: a writable file system under an image's name must not pass as the image."""
    image, digest = make_image({"file": "text"})
    at = open_folder / "at"
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", at], check=True)
    with pytest.raises(CannotMount):
        mount_image(image, at, digest=digest)


def test_mount_whose_squashfuse_died_is_made_again(make_image: MakeImage, open_folder: Path) -> None:
    image, digest = make_image({"file": "text"})
    at = open_folder / "at"
    mount_image(image, at, digest=digest, ways=["squashfuse"])
    (pid,) = [int(p.name) for p in Path("/proc").glob("[0-9]*") if str(at).encode() in command_line(p)]
    os.kill(pid, signal.SIGKILL)
    for _ in range(100):
        if not Path(f"/proc/{pid}/exe").exists():
            break
        time.sleep(0.02)
    # The kernel says the second to whoever asks in the moment at which the connection goes.
    with pytest.raises(OSError, match=r"not connected|connection abort"):
        (at / "file").read_text()
    assert mount_image(image, at, digest=digest, ways=["squashfuse"]).at == at
    assert (at / "file").read_text() == "text"


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_mount_in_use_stays(make_image: MakeImage, open_folder: Path) -> None:
    image, digest = make_image({"file": "text"})
    at = open_folder / "at"
    mount_image(image, at, digest=digest)
    with (at / "file").open():
        with pytest.raises(CannotUnmount) as caught:
            unmount(at)
    assert "busy" in caught.value.reason
    assert (at / "file").read_text() == "text"


AS_NOBODY = """
import sys
from pathlib import Path
from sealring_client.apply.mount import CannotMount, mount_image, unmount
image, at, digest = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
try:
    print(mount_image(image, at, digest=digest).way, (at / "file").read_text())
    unmount(at)
except CannotMount as err:
    print(err.tried[0], err.tried[1][0], err.hint())
"""


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        pytest.param("666", "squashfuse text\n", id="with fuse"),
        pytest.param("600", "('loop', 'only root may') squashfuse run as root", id="without"),
    ],
)
def test_anyone_mounts_by_squashfuse_or_is_told_what_is_missing(
    mode: str, said: str, make_image: MakeImage, open_folder: Path
) -> None:
    image, digest = make_image({"file": "text"})
    at, device = open_folder / "nobodys" / "at", open_folder / "fuse"
    at.parent.mkdir()
    os.chown(at.parent, 65534, 65534)
    os.mknod(device, stat.S_IFCHR, os.makedev(10, 229))
    device.chmod(int(mode, 8))
    # In a mount namespace of its own, so that this machine's /dev/fuse keeps its mode.
    inner = f'mount --bind {device} /dev/fuse && exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"'
    # A copy, since the checkout and the environment may lie where only their owner can come.
    code = open_folder / "code"
    for package in (sealring, sealring_client):
        shutil.copytree(Path(package.__path__[0]), code / package.__name__)
    command = ["unshare", "--mount", "sh", "-c", inner, "sh", python_for_anyone(), "-c", AS_NOBODY, image, at, digest]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(code)}
    )
    assert done.stdout.startswith(said), done
    assert done.returncode == 0, done.stderr


def python_for_anyone() -> str:
    """The real interpreter: the environment's may lie in a folder that only its owner passes."""
    return os.path.realpath(sys.executable)

"""Images appear read-only, without set-uid and without devices, and only after all their bytes were checked.

Two ways, tried in this order: a loop device (root), then squashfuse (anyone). Both are given the very
descriptor that was hashed, so a file swapped under the same name meanwhile is never what is mounted
(SPEC IM-3). A kill leaves at most an empty folder or a loop device that the kernel lets go by itself.

open(image)  hash  mkdir(at)  [LOOP_CTL_GET_FREE  LOOP_CONFIGURE]  mount
"""

import errno
import fcntl
import os
import re
import select
import struct
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.errors import SealringError, TrustError
from sealring_client.apply.images import check_open_image
from sealring_client.disk import disk_errors, make_folder_durably

WAYS = ("loop", "squashfuse")
_KIND_OF = {"squashfs": "loop", "fuse.squashfuse": "squashfuse", "fuse.squashfuse_ll": "squashfuse"}
_MAGIC = b"hsqs"
_LOOP_GET_FREE, _LOOP_CONFIGURE = 0x4C82, 0x4C0A
_LOOP_FLAGS = 1 | 4  # LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR
_SECONDS = 60  # for `mount` and its kind to end
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True)
class Mounted:
    """An image at its place, and by which way (`loop` or `squashfuse`)."""

    at: Path
    way: str


@dataclass(eq=False)
class NotSquashfs(TrustError):
    """The brand signed these bytes, but they are no squashfs image (SPEC IM-4)."""

    image: Path
    exit_code: ClassVar[int] = 26
    rule: ClassVar[str] = "IM-4"

    def __str__(self) -> str:
        return f"{self.image}: not a squashfs image, which begins with `hsqs`"

    def hint(self) -> str:
        return "the brand signed a file of another form; it has to release a revision made with mksquashfs"


@dataclass(eq=False)
class CannotMount(SealringError):
    """No way of mounting works on this machine (SPEC IM-4). It says nothing about the image."""

    image: Path
    tried: tuple[tuple[str, str], ...]
    exit_code: ClassVar[int] = 14
    rule: ClassVar[str] = "IM-4"

    def __str__(self) -> str:
        return f"{self.image}: can't be mounted: " + "; ".join(f"{way}: {why}" for way, why in self.tried)

    def hint(self) -> str:
        return "run as root on a kernel with squashfs and loop, or install squashfuse and fuse3 (Debian: `apt install`)"


@dataclass(eq=False)
class CannotUnmount(SealringError):
    """Something still uses the image, or it is not ours to unmount."""

    at: Path
    reason: str
    exit_code: ClassVar[int] = 14

    def __str__(self) -> str:
        return f"{self.at}: can't be unmounted: {self.reason}"

    def hint(self) -> str:
        return "end the programs that run from it (`fuser -m`); it is tried again after the next update"


class _WayFailedError(Exception):
    """Why one way did not work, in words."""


def mount_image(image: Path, at: Path, *, digest: str, ways: Sequence[str] = WAYS) -> Mounted:
    """Check all of `image` and mount it at `at`; if it is mounted there already, just say so.

    Args:
        image: the stored file.
        at: the mount's folder, made if missing; its name holds the digest, so that what is mounted there
            was checked against this digest when it was mounted.
        digest: SHA-256 from the signed revision.
        ways: which ways to try, in order.

    Raises:
        ChangedOnDisk: the bytes are not the signed ones.
        NotSquashfs: they are, but no image.
        CannotMount: with each way that was tried and why it failed.
    """
    found = is_mounted(at)
    if found is not None and _answers(at):
        return found
    if found is not None:  # a squashfuse that died leaves a mount on which every call fails
        unmount(at)
    with disk_errors(image):
        file = os.open(image, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        check_open_image(file, digest, image)
        if os.pread(file, len(_MAGIC), 0) != _MAGIC:
            raise NotSquashfs(image)
        make_folder_durably(at)
        return _mount_open(file, image, at, ways)
    finally:
        os.close(file)


def unmount(at: Path) -> None:
    """Unmount `at` and remove its folder; if it is not mounted, only the latter.

    Raises:
        CannotUnmount: a program still runs from it. Nothing has changed.
    """
    while _entry(at) is not None:
        _take_down(at)
    with disk_errors(at), suppress(FileNotFoundError):
        os.rmdir(at)


def is_mounted(at: Path) -> Mounted | None:
    """What is mounted at `at` according to the kernel, or None.

    Raises:
        CannotMount: something that is not ours is mounted there, or ours without one of IM-4's options.
    """
    entry = _entry(at)
    if entry is None:
        return None
    kind, options = entry
    if kind not in _KIND_OF or not {"ro", "nosuid", "nodev"} <= options:
        raise CannotMount(at, (("as it is", f"a {kind} is mounted there with {','.join(sorted(options))}"),))
    return Mounted(at, _KIND_OF[kind])


def _mount_open(file: int, image: Path, at: Path, ways: Sequence[str]) -> Mounted:
    tried: list[tuple[str, str]] = []
    for way in ways:
        try:
            _BY[way](file, at)
        except _WayFailedError as err:
            tried.append((way, str(err)))
            continue
        found = is_mounted(at)
        if found is not None:
            return found
        tried.append((way, "it reported success, but the kernel shows no mount"))
    raise CannotMount(image, tuple(tried))


def _by_loop(file: int, at: Path) -> None:
    if os.geteuid() != 0:
        raise _WayFailedError("only root may")
    try:
        device, path = _attach(file)
    except OSError as err:
        raise _WayFailedError(f"no loop device: {err.strerror}") from err
    try:
        _run(["mount", "-t", "squashfs", "-o", "ro,nodev,nosuid", path, str(at)])
    finally:
        os.close(device)  # the mount holds the device now; without one the kernel frees it here


def _attach(file: int, tries: int = 8) -> tuple[int, str]:
    """Bind a free loop device to the open file itself: `mount -o loop` would open the path a second time."""
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        while True:
            path = f"/dev/loop{fcntl.ioctl(control, _LOOP_GET_FREE)}"
            device = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                # struct loop_config: fd, block size, loop_info64 (flags at its byte 52), reserved
                fcntl.ioctl(device, _LOOP_CONFIGURE, struct.pack("=II52xI176x64x", file, 0, _LOOP_FLAGS))
                return device, path
            except OSError as err:
                os.close(device)
                tries -= 1
                # Another process may take the free device between the two calls.
                if err.errno != errno.EBUSY or not tries:
                    raise
    finally:
        os.close(control)


def _by_squashfuse(file: int, at: Path) -> None:
    options = "ro,nodev,nosuid"
    if os.geteuid() == 0:
        options += ",allow_other"  # health checks and apps run as another user than root
    _run(["squashfuse", "-o", options, f"/proc/self/fd/{file}", str(at)], file)


_BY: dict[str, Callable[[int, Path], None]] = {"loop": _by_loop, "squashfuse": _by_squashfuse}


def _take_down(at: Path) -> None:
    tools = [["umount", str(at)]] if os.geteuid() == 0 else [["fusermount3", "-u", str(at)], ["umount", str(at)]]
    failures: list[str] = []
    for tool in tools:
        try:
            return _run(tool)
        except _WayFailedError as err:
            failures.append(str(err))
    raise CannotUnmount(at, "; ".join(failures))


def _answers(at: Path) -> bool:
    """Tell whether the mount works. One whose squashfuse has died is listed, and every call on it fails."""
    try:
        os.statvfs(at)
    except OSError:
        return False
    return True


def _entry(at: Path) -> tuple[str, set[str]] | None:
    """File system type and mount options of the topmost mount at `at`, from /proc/self/mountinfo."""
    wanted = os.fsencode(at.parent.resolve() / at.name)
    found = None
    with open("/proc/self/mountinfo", "rb") as table:
        for line in table:
            left, _, right = line.partition(b" - ")
            fields = left.split(b" ")
            if _unescape(fields[4]) == wanted:
                found = right.split(b" ")[0].decode(), set(fields[5].decode().split(","))
    return found


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), field)


def _run(command: list[str], *keep: int) -> None:
    """Run a tool to its end, or kill it. Waits by its descriptor, so that it wakes at once and no clock is asked."""
    said = os.memfd_create("said")
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=_ENVIRONMENT,
            pass_fds=keep,
        )
        process = os.pidfd_open(child.pid)
        ended, _, _ = select.select([process], [], [], _SECONDS)
        os.close(process)
        if not ended:
            child.kill()
        code, words = child.wait(), " ".join(os.pread(said, 4096, 0).decode("utf-8", "replace").split())[:300]
    except FileNotFoundError:
        raise _WayFailedError(f"`{command[0]}` is not installed") from None
    except OSError as err:
        raise _WayFailedError(f"`{command[0]}` did not run: {(err.strerror or str(err)).lower()}") from err
    finally:
        os.close(said)
    if not ended:
        raise _WayFailedError(f"`{command[0]}` did not end within {_SECONDS} seconds")
    if code != 0:
        raise _WayFailedError(words or f"`{command[0]}` ended with {code}")

"""What the device writes survives a power cut whole: all of the old or all of the new (SPEC DK-1).

Every change of a name is one rename in one folder, followed by an fsync of that folder. Temporary names
are fixed (`.NAME.new`), so that what a killed process left is overwritten by the next one and never piles
up; for that reason whoever writes below the state folder holds `lock` meanwhile.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring import durable
from sealring.durable import open_folder
from sealring.errors import SealringError

RESERVE = 8 * 1024 * 1024  # bytes that no download may take: recovery writes need room too

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(eq=False)
class DiskError(SealringError):
    """The disk refused; nothing was half done that the next start does not finish or undo (SPEC DK-1)."""

    path: Path
    reason: str
    exit_code: ClassVar[int] = 12
    rule: ClassVar[str] = "DK-1"

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

    def hint(self) -> str:
        return "check that the folder exists, is writable for this user, and that the disk is sound (`dmesg`)"


@dataclass(eq=False)
class NoSpace(SealringError):
    """The disk has less room than the signed sizes need (SPEC DK-1)."""

    folder: Path
    needed: int
    found: int
    exit_code: ClassVar[int] = 12
    rule: ClassVar[str] = "DK-1"

    def __str__(self) -> str:
        return f"{self.folder}: {self.needed} bytes needed, {self.found} free"

    def hint(self) -> str:
        return f"free {max(self.needed - self.found, 0)} bytes on this file system; what runs now is untouched"


@dataclass(eq=False)
class Busy(SealringError):
    """Another process changes this device's state at the moment."""

    path: Path
    exit_code: ClassVar[int] = 13

    def __str__(self) -> str:
        return f"{self.path}: another sealring-device holds the lock"

    def hint(self) -> str:
        return "wait until it has ended, then try again"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into `DiskError`, or into `NoSpace` where the disk is full."""
    try:
        yield
    except OSError as err:
        if err.errno in _FULL:
            raise NoSpace(path.parent, RESERVE, free_bytes(path.parent)) from err
        raise DiskError(path, (err.strerror or str(err)).lower()) from err


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """After a power cut `path` holds all of the old bytes or all of the new.

    Args:
        path: the file; its folder exists. The caller holds the lock of the state folder.
        mode: permission bits, exactly, whatever the umask.

    Raises:
        DiskError, NoSpace: nothing has changed, or the last fsync failed: then it is repeated.
    """
    with disk_errors(path):
        durable.write_durably(path, data, mode=mode, beside=f".{path.name}.new")


def replace_link(link: Path, target: str) -> None:
    """After a power cut `link` points at the old target or at `target`; at no moment is there no link.

    open(dir)  unlink(tmp)  symlink(target, tmp)  rename(tmp, link)  fsync(dir)
    """
    with disk_errors(link), open_folder(link.parent) as folder:
        tmp = f".{link.name}.new"
        with suppress(FileNotFoundError):
            os.unlink(tmp, dir_fd=folder)
        os.symlink(target, tmp, dir_fd=folder)
        os.rename(tmp, link.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)


def rename_durably(old: Path, new: Path) -> None:
    """Give `old` the name `new` in the same folder: rename  fsync(dir)."""
    with disk_errors(new), open_folder(new.parent) as folder:
        os.rename(old.name, new.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)


def remove_durably(path: Path) -> None:
    """After this `path`, a file or a link, is gone, also after a power cut; one that is not there is fine."""
    with disk_errors(path), open_folder(path.parent) as folder:
        with suppress(FileNotFoundError):
            os.unlink(path.name, dir_fd=folder)
        os.fsync(folder)


def make_folder_durably(path: Path, mode: int = 0o755) -> None:
    """Make `path` and what is missing above it, each with an fsync of the folder that holds its name."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_folder_durably(path.parent, mode)
    with disk_errors(path), open_folder(path.parent) as folder:
        with suppress(FileExistsError):
            os.mkdir(path.name, mode, dir_fd=folder)
        os.fsync(folder)


@contextmanager
def lock(state: Path) -> Iterator[None]:
    """Hold the device's one lock, or raise `Busy` at once. The kernel lets go when the process dies."""
    path = state / "lock"
    with disk_errors(path):
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(path) from None
        yield
    finally:
        os.close(held)


def free_bytes(folder: Path) -> int:
    """Bytes that an ordinary user may still write on the file system of `folder`; 0 where nobody can tell."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def check_space(folder: Path, needed: int, reserve: int = RESERVE) -> None:
    """Raise `NoSpace` unless `needed` bytes fit and `reserve` bytes stay free afterwards."""
    found = free_bytes(folder)
    if needed > 0 and found < needed + reserve:
        raise NoSpace(folder, needed + reserve, found)


def fsync_folder(path: Path) -> None:
    """Make the names inside `path` durable."""
    with disk_errors(path), open_folder(path) as folder:
        os.fsync(folder)

"""What every part of a store that writes files needs: durable names, and a full disk that is said as such."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.errors import SealringError


@dataclass(eq=False)
class DiskFull(SealringError):
    """No room for what was offered."""

    needed: int
    free: int
    exit_code: ClassVar[int] = 12

    def __str__(self) -> str:
        return f"{self.needed} bytes needed on the store's disk, {self.free} to be had"

    def hint(self) -> str:
        return "the operator must make room; nothing was published, and what was published is unharmed"


def sync_folder(folder: Path) -> None:
    """After it returns the names in this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes) -> None:
    """Write all of it at the file's position."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


@contextmanager
def full_disk_is_said(size: int) -> Iterator[None]:
    """Let `DiskFull` be raised where the disk, or the account's part of it, is full.

    Args:
        size: bytes that were to be written.
    """
    try:
        yield
    except OSError as err:
        if err.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(size, 0) from None

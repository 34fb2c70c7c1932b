"""Files that survive a power cut: all of the old bytes or all of the new, never a part (SPEC DK-1, KY-5).

The core proper does no I/O; this module serves the shells around it: the team's command, the store, the device.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_durably(path: Path, data: bytes, *, mode: int = PUBLIC, beside: str | None = None) -> None:
    """After a power cut `path` holds all of the old bytes or all of the new.

    open(dir)  open(tmp)  write  fchmod  fsync(tmp)  rename(tmp, path)  fsync(dir)

    Sad path left open: when the last fsync fails, the new bytes are visible and perhaps not on the disk. The caller
    is told (OSError) and repeats; both contents are whole.

    Args:
        mode: permission bits, exactly, whatever the umask.
        beside: the temporary file's name. A fixed one is for callers that hold a lock: what a killed process left
            is written over by the next and never piles up. By default a new one each time.
    """
    with open_folder(path.parent) as folder:
        tmp = _write_beside(folder, path.name, data, mode, beside)
        try:
            os.rename(tmp, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            with suppress(OSError):
                os.unlink(tmp, dir_fd=folder)
            raise
        os.fsync(folder)


def create_durably(path: Path, data: bytes, *, mode: int = PUBLIC) -> None:
    """Like `write_durably`, and what stood at `path` before is never touched: then it raises FileExistsError.

    open(dir)  open(tmp)  write  fchmod  fsync(tmp)  link(tmp, path)  unlink(tmp)  fsync(dir)
    """
    with open_folder(path.parent) as folder:
        tmp = _write_beside(folder, path.name, data, mode, None)
        try:
            # A link fails where a name is taken, in one step; a look before a rename would leave a gap.
            os.link(tmp, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            raise FileExistsError(errno.EEXIST, "exists already and is never overwritten", str(path)) from None
        finally:
            with suppress(FileNotFoundError):
                os.unlink(tmp, dir_fd=folder)
        os.fsync(folder)


@contextmanager
def open_folder(path: Path) -> Iterator[int]:
    """A descriptor of a folder, to make or sync names in that very folder, whatever happens to its path."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


def _write_beside(folder: int, name: str, data: bytes, mode: int, beside: str | None) -> str:
    """Write a temporary file whole and durably; its name is the result, and nothing is left when it fails."""
    tmp = beside or f".{name}.{os.urandom(8).hex()}.tmp"
    # O_NOFOLLOW: a link left under the temporary name must not lead the write elsewhere.
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_TRUNC if beside else os.O_EXCL)
    out = os.open(tmp, flags, mode, dir_fd=folder)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(out, rest) :]
            os.fchmod(out, mode)
            os.fsync(out)
        finally:
            os.close(out)
    except OSError:
        with suppress(OSError):
            os.unlink(tmp, dir_fd=folder)
        raise
    return tmp

"""Files that survive a power cut: all of the old bytes or all of the new, never a part (SPEC KY-5).

The core proper does no I/O; this module serves the shells around it.
"""

import contextlib
import errno
import os
import secrets
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644


def write_durably(path: Path, data: bytes, *, mode: int = PUBLIC) -> None:
    """After a power cut `path` holds all of the old bytes or all of the new.

    open(tmp)  write  fsync(tmp)  rename(tmp, path)  fsync(dir)
    """
    tmp = _write_beside(path, data, mode)
    try:
        os.rename(tmp, path)
    except OSError:
        tmp.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def create_durably(path: Path, data: bytes, *, mode: int = PUBLIC) -> None:
    """Like `write_durably`, and what stood at `path` before is never touched: then it raises FileExistsError.

    open(tmp)  write  fsync(tmp)  link(tmp, path)  unlink(tmp)  fsync(dir)
    """
    tmp = _write_beside(path, data, mode)
    try:
        # A link fails where a name is taken, in one step; a look before a rename would leave a gap.
        os.link(tmp, path)
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, "exists already and is never overwritten", str(path)) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            tmp.unlink()
    _sync_folder(path.parent)


def _write_beside(path: Path, data: bytes, mode: int) -> Path:
    tmp = path.parent / f".{path.name}.{secrets.token_hex(8)}.tmp"
    descriptor = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        tmp.unlink(missing_ok=True)
        raise
    return tmp


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

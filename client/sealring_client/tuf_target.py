"""A target of a TUF repository becomes a file: streamed, checked, and whole or not there (SPEC TF-5, TF-12, DK-1)."""

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuf.api.metadata import TargetFile

from sealring.durable import open_folder
from sealring_client.decide.tuf.errors import WrongBytes
from sealring_client.decide.tuf.named_bytes import Tally, known_digests
from sealring_client.decide.tuf.names import target_file, target_path
from sealring_client.disk import check_space, disk_errors
from sealring_client.fetch.fetcher import Stream

_PIECE = 1024 * 1024  # bytes that are read from the disk at once


class Streams(Protocol):
    """Brings a file piece by piece. Nothing it returns is trusted."""

    def stream(self, path: str, *, size: int) -> Stream:
        """A file of exactly `size` bytes, or an error before the last of them."""


@dataclass(frozen=True)
class Brought:
    """Where a target lies, verified, and whether it had to be fetched."""

    path: Path
    fetched: bool


def bring_target(source: Streams, named: TargetFile, folder: Path, *, consistent: bool, limit: int) -> Brought:
    """The target as a file in `folder`, which the caller holds.

    Args:
        named: what a trusted role says of it.
        consistent: its address has its digest before the name.
        limit: bytes of the longest target that is taken.

    Raises:
        TrustError: name, digests or bytes are not such as can be trusted; nothing has changed.
        Unreachable, DiskError, NoSpace: nothing has changed.
    """
    path = folder / target_file(named.path)
    digest = next(iter(known_digests(named.hashes, path.name).values()))
    if named.length > limit:
        raise WrongBytes(path.name, f"named with {named.length} bytes, at most {limit} are taken")
    if _is_there(path, named):
        return Brought(path, fetched=False)
    check_space(folder, named.length)
    # DK-1: one `+` more than any target's file name can have, so that a part is never taken for a whole one.
    part = f".{path.name}+new"
    with disk_errors(path), open_folder(folder) as at:
        try:
            _write(source, named, path, part, at, target_path(named.path, digest if consistent else None))
            os.rename(part, path.name, src_dir_fd=at, dst_dir_fd=at)
        except BaseException:
            with suppress(OSError):
                os.unlink(part, dir_fd=at)
            raise
        os.fsync(at)
    return Brought(path, fetched=True)


def _write(source: Streams, named: TargetFile, path: Path, part: str, at: int, address: str) -> None:
    """The bytes, checked as they come and durable before they get the name under which they count."""
    tally = Tally(named, path.name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    out = os.open(part, flags, 0o644, dir_fd=at)
    try:
        for piece in source.stream(address, size=named.length):
            tally.update(piece)
            rest = piece
            while rest:
                rest = rest[os.write(out, rest) :]
        tally.check()
        os.fsync(out)
    finally:
        os.close(out)


def _is_there(path: Path, named: TargetFile) -> bool:
    """Whether the right file lies there already, every byte of it."""
    tally = Tally(named, path.name)
    with disk_errors(path):
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return False
        except OSError as err:
            if err.errno != errno.ELOOP:
                raise
            return False  # a link: what it leads to is not ours to judge, and the rename takes its place
        with os.fdopen(file, "rb") as there:
            found = os.fstat(there.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size != named.length:
                return False
            while piece := there.read(_PIECE):
                tally.update(piece)
    with suppress(WrongBytes):
        tally.check()
        return True
    return False

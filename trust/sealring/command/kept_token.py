"""What a publisher keeps of an open publication, so that the same command goes on where it was (SPEC PB-11).

    $XDG_STATE_HOME/sealring/publications/<digest of store, statements and terms>     mode 0600, locked while in use

Whoever has the token can add to the publication and commit it, so it is never shown, and nobody else may read it. The
file is only a help: one that is damaged, foreign, or in use by another process counts as none.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from sealring.durable import PRIVATE
from sealring.names import Bytes, Sha256Hex

MAX_FILE = 8 * 1024 * 1024  # bytes; about 100 for each image
MAX_MISSING = 50_000  # images of one publication


class Missing(msgspec.Struct, frozen=True):
    """An image that the store wants."""

    sha256: Sha256Hex
    size: Bytes


class Begun(msgspec.Struct, frozen=True):
    """The store's answer to a bundle of statements: an open publication."""

    publication: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{8,128}\Z")]
    missing: Annotated[list[Missing], Meta(max_length=MAX_MISSING)]

    def __repr__(self) -> str:
        # The token is as good as a key until it ends: no message or trace shows it.
        return f"Begun({len(self.missing)} missing)"


_begun = msgspec.json.Decoder(Begun)


def parse_begun(raw: bytes) -> Begun | None:
    """The answer, or None for what is none."""
    try:
        return _begun.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        return None


@dataclass
class KeptToken:
    """The place for one publication's token; `handle` is None where nothing can be kept."""

    path: Path | None = None
    handle: int | None = None

    @property
    def is_kept(self) -> bool:
        """Whether another run of the command will find it."""
        return self.handle is not None and os.fstat(self.handle).st_size > 0

    def load(self) -> Begun | None:
        """What an earlier run left open, if it can be read."""
        if self.handle is None:
            return None
        os.lseek(self.handle, 0, os.SEEK_SET)
        with open(self.handle, "rb", closefd=False) as file:
            return parse_begun(file.read(MAX_FILE))

    def save(self, begun: Begun) -> None:
        """Keep it; a part of it, after a power cut, counts as none."""
        if self.handle is None:
            return
        with suppress(OSError):  # a full disk must not stop a publication: then nothing is kept of it
            os.ftruncate(self.handle, 0)
            with open(self.handle, "wb", closefd=False) as file:
                file.seek(0)
                file.write(msgspec.json.encode(begun))
            os.fsync(self.handle)

    def forget(self) -> None:
        """It is open no more."""
        if self.handle is None or self.path is None:
            return
        with suppress(OSError):
            os.ftruncate(self.handle, 0)
            self.path.unlink(missing_ok=True)


@contextmanager
def kept_token(state: Path | None, url: str, bundle: bytes, terms: str) -> Iterator[KeptToken]:
    """The place of this publication at this store, held against other processes for as long.

    Args:
        state: the user's folder for what programs of this product keep; None to keep nothing.
        terms: what is said beside the statements; another word is another publication.
    """
    if state is None:
        yield KeptToken()
        return
    name = sha256(b"\0".join((url.encode(), sha256(bundle).digest(), terms.encode()))).hexdigest()
    path = state / "publications" / name
    handle = _open_mine(path)
    try:
        yield KeptToken(path, handle)
    finally:
        if handle is not None:
            with suppress(OSError):
                # An empty file is of no use to anybody; the lock still holds, so no other run has written to it.
                if os.fstat(handle).st_size == 0:
                    path.unlink(missing_ok=True)
            os.close(handle)


def _open_mine(path: Path) -> int | None:
    """The file, locked; None where it is another's, in use, or can't be made."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_NOFOLLOW: a link that somebody left there must not lead to what others read.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    except OSError:
        return None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise PermissionError
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle

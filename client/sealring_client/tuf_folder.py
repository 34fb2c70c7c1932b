"""The folder of what is trusted of one TUF repository: ROLE.json, unversioned (SPEC TF-12, DK-1)."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.durable import open_folder
from sealring.errors import SealringError
from sealring_client.decide.state import read_small
from sealring_client.decide.tuf import ANY_REPOSITORY
from sealring_client.decide.tuf.workflow import begin_with_trusted_root
from sealring_client.disk import Busy, check_space, disk_errors, make_folder_durably, write_durably

LARGEST = ANY_REPOSITORY.targets  # bytes of the longest file here
ROOT = "root.json"


@dataclass(eq=False)
class OtherRoot(SealringError):
    """A folder trusts one repository for ever: another root beside its files would mix two of them (SPEC TF-12)."""

    folder: Path
    exit_code: ClassVar[int] = 1
    rule: ClassVar[str] = "TF-12"

    def __str__(self) -> str:
        return f"{self.folder}: trusts another root already"

    def hint(self) -> str:
        return "give a folder of its own to each repository; to begin anew, remove this one"


@dataclass(eq=False)
class OneFolder(SealringError):
    """A target that is named `root.json` would replace what the next refresh trusts (SPEC TF-12)."""

    folder: Path
    exit_code: ClassVar[int] = 1
    rule: ClassVar[str] = "TF-12"

    def __str__(self) -> str:
        return f"{self.folder}: can't hold both metadata and targets"

    def hint(self) -> str:
        return "give --metadata-dir and --target-dir a folder each"


class TrustedFolder:
    """Keeps verified metadata; the caller holds the folder (`hold`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> bytes | None:
        """The file as it was kept last, if there is one."""
        return read_small(self.folder / name, LARGEST)

    def save(self, name: str, data: bytes) -> None:
        """Keep it: write, fsync, rename, fsync of the folder."""
        check_space(self.folder, len(data))
        write_durably(self.folder / name, data)


def begin_folder(folder: Path, root: bytes) -> int:
    """Trust this root from now on; its version. The same root again changes nothing.

    Raises:
        TrustError: its own keys have not signed it.
        OtherRoot: the folder has another one.
    """
    found = begin_with_trusted_root(root, ANY_REPOSITORY)
    make_folder_durably(folder)
    with hold(folder):
        held = TrustedFolder(folder).load(ROOT)
        if held is None:
            TrustedFolder(folder).save(ROOT, root)
        elif held != root:
            raise OtherRoot(folder)
    return found.content.version


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold a folder, or raise `Busy` at once; no file is made for it, and the kernel lets go of a dead process's."""
    with disk_errors(folder), open_folder(folder) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(folder) from None
        yield

"""What backups and restored stores refuse, in words (SPEC BK-1 to BK-3)."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.errors import SealringError, TrustError


@dataclass(eq=False)
class NotABackup(SealringError):
    """A folder without a whole backup, or with one of another edition."""

    folder: Path
    reason: str
    rule: ClassVar[str] = "BK-1"
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.folder}: {self.reason}"

    def hint(self) -> str:
        return "`sealring-store backup DIR TO` makes one; where that breaks off, the backup before it still counts"


@dataclass(eq=False)
class BackupDamaged(TrustError):
    """A backup whose bytes are not those that were written (SPEC BK-1)."""

    place: Path
    reason: str
    rule: ClassVar[str] = "BK-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"

    def hint(self) -> str:
        return "use another backup; the next `sealring-store backup` into this folder writes anew what is damaged"


@dataclass(eq=False)
class BackupBusy(SealringError):
    """Another backup is being written into this folder."""

    folder: Path
    exit_code: ClassVar[int] = 13

    def __str__(self) -> str:
        return f"{self.folder}: another backup is being written there"

    def hint(self) -> str:
        return "wait for it to end, or give another folder"


@dataclass(eq=False)
class Stopped(SealringError):
    """The store signs nothing and takes nothing until its operator has decided (SPEC BK-2)."""

    why: str
    entry: int
    rule: ClassVar[str] = "BK-2"
    exit_code: ClassVar[int] = 13
    status: ClassVar[int] = 503

    def __str__(self) -> str:
        if self.why == "restored":
            return f"this store was restored from a backup at entry {self.entry}, and may have shown later ones"
        return f"this store's own keys have signed entry {self.entry}, which it has not"

    def hint(self) -> str:
        return "its operator says by `sealring-store resume` what was shown since; it can be read meanwhile"


@dataclass(eq=False)
class NotStopped(SealringError):
    """A store that signs and takes as usual has nothing to resume."""

    folder: Path
    rule: ClassVar[str] = "BK-2"
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.folder}: this store is not stopped"

    def hint(self) -> str:
        return "`sealring-store status DIR` says what it does"

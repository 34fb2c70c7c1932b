"""What a mirror says when it can't take up what it is shown, or is asked for what only the store can do (SPEC MI-1)."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.errors import RuledError, SealringError


@dataclass(eq=False)
class IsAMirror(SealringError):
    """A mirror takes no publications and no reports (SPEC MI-2)."""

    origin: str
    rule: ClassVar[str] = "MI-2"
    exit_code: ClassVar[int] = 24
    status: ClassVar[int] = 403

    def __str__(self) -> str:
        return f"this is a mirror of {self.origin}, and has no keys"

    def hint(self) -> str:
        return f"send it to {self.origin}"


@dataclass(eq=False)
class OtherMirror(SealringError):
    """A folder that holds something else than a mirror of this store."""

    folder: Path
    what: str
    rule: ClassVar[str] = "MI-1"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.folder}: {self.what}"

    def hint(self) -> str:
        return "give another folder; `sealring-store status DIR` says what this one holds"


@dataclass(eq=False)
class NotTaken(RuledError):
    """What the store shows is not what its own keys, brands and rules make; nothing of it was taken (SPEC MI-1)."""

    what: str
    by: str = "MI-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return self.what

    def hint(self) -> str:
        return "what was taken before is served on; show this to the brand, and follow the store by another network"


@dataclass(eq=False)
class TooOld(SealringError):
    """A store of a newer edition, of which this one can't judge everything (SPEC MI-1, ST-2)."""

    what: str
    rule: ClassVar[str] = "MI-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"{self.what}: of a format that this edition can't judge"

    def hint(self) -> str:
        return "install a newer edition of sealring-server; what was taken before is served on"

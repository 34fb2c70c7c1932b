"""What is said where the database contradicts itself (SPEC MP-3, LG-1)."""

from dataclasses import dataclass
from typing import ClassVar

from sealring.errors import SealringError


@dataclass(eq=False)
class DamagedStore(SealringError):
    """A disk that changed bytes, or a hand that did: never answered as if it were the truth."""

    what: str
    exit_code: ClassVar[int] = 12
    status: ClassVar[int] = 500

    def __str__(self) -> str:
        return f"the store's database is damaged: {self.what}"

    def hint(self) -> str:
        return "restore the store from a backup or a mirror; what was signed elsewhere is not touched by this"

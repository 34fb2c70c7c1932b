"""What making a bundle refuses, in words (SPEC BN-6)."""

from dataclasses import dataclass
from typing import ClassVar

from sealring.errors import SealringError, TrustError


@dataclass(eq=False)
class NotInStore(SealringError):
    """What a bundle needs, and the store has not, or nobody of today vouches for."""

    store: str
    what: str
    rule: ClassVar[str] = "BN-6"
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.store}: {self.what}; nothing was written"

    def hint(self) -> str:
        return "check the model's name and --root; `sealring doctor` tells what of a store does not verify"


@dataclass(eq=False)
class OtherImage(TrustError):
    """Bytes that are not the image that a revision names (SPEC IM-2)."""

    sha256: str
    reason: str
    rule: ClassVar[str] = "IM-2"
    exit_code: ClassVar[int] = 26

    def __str__(self) -> str:
        return f"image {self.sha256}: {self.reason}; nothing was written"

    def hint(self) -> str:
        return "try again, or make the bundle from another mirror; `sealring-store fsck` finds a damaged file"

"""What can be wrong with an upload, or with the place where images lie."""

from dataclasses import dataclass
from typing import ClassVar

from sealring.errors import SealringError, TrustError


@dataclass(eq=False)
class OtherBlob(TrustError):
    """Bytes that are not the image that a statement names (SPEC PB-2)."""

    sha256: str
    reason: str
    rule: ClassVar[str] = "PB-2"
    exit_code: ClassVar[int] = 26

    def __str__(self) -> str:
        return f"image {self.sha256[:16]}: {self.reason}"

    def hint(self) -> str:
        return "upload exactly the file whose digest and size the revision states"


@dataclass(eq=False)
class OtherOffset(TrustError):
    """Bytes for another place than behind those that are here (SPEC PB-11)."""

    sha256: str
    offered: int
    held: int
    rule: ClassVar[str] = "PB-11"
    exit_code: ClassVar[int] = 23
    status: ClassVar[int] = 409

    def __str__(self) -> str:
        return f"upload of image {self.sha256[:16]}: bytes from {self.offered} on, {self.held} are here"

    def hint(self) -> str:
        return "go on from the offset that is here; HEAD says it"


@dataclass(eq=False)
class UploadBusy(SealringError):
    """Another request is adding to this upload (SPEC PB-11)."""

    sha256: str
    held: int
    exit_code: ClassVar[int] = 13
    status: ClassVar[int] = 423

    def __str__(self) -> str:
        return f"upload of image {self.sha256[:16]}: another request is sending it, {self.held} bytes are here"

    def hint(self) -> str:
        return "wait until the other one has ended, then ask by HEAD how much is here"


@dataclass(eq=False)
class ImageGone(SealringError):
    """An image that should be here and is not: a fault of the place where it lay."""

    sha256: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"image {self.sha256}: not where the store keeps its images"

    def hint(self) -> str:
        return "ask another store; the operator finds what is missing by `sealring-store fsck`"


@dataclass(eq=False)
class ImagesUnreachable(SealringError):
    """The place of the images does not answer, or refuses the store."""

    place: str
    reason: str
    exit_code: ClassVar[int] = 10
    status: ClassVar[int] = 503
    retry_after: ClassVar[int] = 30

    def __str__(self) -> str:
        return f"images at {self.place}: {self.reason}"

    def hint(self) -> str:
        return "try again soon; the operator sees to that the bucket or folder is there and lets the store in"

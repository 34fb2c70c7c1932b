"""What a closed store says to those whom it does not answer, and to an operator who wants two things at once (RD-2)."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import ClassVar

from sealring.errors import SealringError, TrustError

ACCEPT = 'device=("@method" "@authority" "@path");created;keyid'


@dataclass(eq=False)
class NotSigned(TrustError):
    """An image was asked for by somebody whom the store does not know as a device that runs it."""

    reason: str
    at: datetime
    """The store's clock: a device dates its signature by it, since its own may be wrong."""
    rule: ClassVar[str] = "RD-2"
    exit_code: ClassVar[int] = 21
    status: ClassVar[int] = 401

    def __str__(self) -> str:
        return f"image: {self.reason}, a request signed by a device that runs it needed"

    def hint(self) -> str:
        return "sign with the key of a current serial, as Accept-Signature says, dated by the Date of this answer"

    @property
    def headers(self) -> dict[str, str]:
        """What a device needs to sign (RFC 9421, 5.1); the challenge that RFC 9110 wants of every 401."""
        date = format_datetime(self.at, usegmt=True)
        return {"Accept-Signature": ACCEPT, "Date": date, "WWW-Authenticate": "Signature"}


@dataclass(eq=False)
class ClosedWithPackages(SealringError):
    """A store that is closed, and shows its images to clients that know TUF only: these can't sign."""

    rule: ClassVar[str] = "RD-2"
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return "the store is closed, and has the role packages, whose clients can't sign their requests"

    def hint(self) -> str:
        return "turn the role off with `sealring-store tuf packages DIR off`, or leave `closed` out of DIR/store.toml"

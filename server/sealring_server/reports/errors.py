"""Why a store does not take reports (SPEC RP-1, RP-2)."""

from dataclasses import dataclass
from typing import ClassVar

from sealring.errors import TrustError


@dataclass(eq=False)
class OnlyReports(TrustError):
    """A body that is no bundle of 1 to 64 reports (SPEC RP-1)."""

    found: str
    rule: ClassVar[str] = "RP-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"reports: {self.found}, 1 to 64 reports and nothing else needed"

    def hint(self) -> str:
        return "send a bundle of at most 64 reports"


@dataclass(eq=False)
class NotForThisStore(TrustError):
    """A report that was made for another store, or about what this one does not serve (SPEC RP-1)."""

    what: str
    offered: str
    held: str
    rule: ClassVar[str] = "RP-1"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"report: {self.what} {self.offered}, {self.held} needed"

    def hint(self) -> str:
        return "a report goes to the store that it names, which shows that store's statement and the device's model"


@dataclass(eq=False)
class NumberUsed(TrustError):
    """Another report with a number that this device has used already (SPEC RP-2)."""

    number: int
    held: int
    """The highest number that this device has used."""
    rule: ClassVar[str] = "RP-2"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"report {self.number}: another one of this number is here, and they go up to {self.held}"

    def hint(self) -> str:
        return f"number the next reports from {self.held + 1} on; if this device made no two, find out who has its key"

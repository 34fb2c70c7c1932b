"""Why a release that is genuine is not taken, each with the rule that says so."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sealring.errors import TrustError
from sealring.names import spell


@dataclass(eq=False)
class Waits(TrustError):
    """A release that did not work is not tried again yet (SPEC DV-9)."""

    package: str
    sequence: int
    count: int
    not_before: datetime
    rule: ClassVar[str] = "DV-9"
    exit_code: ClassVar[int] = 27

    def __str__(self) -> str:
        return f"{self.package}: release {self.sequence} failed {self.count} times, next try {spell(self.not_before)}"

    def hint(self) -> str:
        return "a newer release is taken at once"


@dataclass(eq=False)
class HeldBack(TrustError):
    """A person went back from this release (SPEC DV-12)."""

    package: str
    sequence: int
    rule: ClassVar[str] = "DV-12"
    exit_code: ClassVar[int] = 27

    def __str__(self) -> str:
        return f"{self.package}: release {self.sequence} was rolled back by hand"

    def hint(self) -> str:
        return "a newer release is taken at once"


@dataclass(eq=False)
class Missing(TrustError):
    """A package that the model requires is not to be had, so nothing is switched (SPEC DV-7)."""

    package: str
    rule: ClassVar[str] = "DV-7"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.package}: required by the model, and no store has a release that may be installed"

    def hint(self) -> str:
        return "the refusals of each store say why; publish a release for this model"


@dataclass(eq=False)
class NotRaised(TrustError):
    """Without a proven time only a higher release is taken: an old one may have expired (SPEC TM-5)."""

    package: str
    offered: int
    running: int
    rule: ClassVar[str] = "TM-5"
    exit_code: ClassVar[int] = 22

    def __str__(self) -> str:
        return f"{self.package}: release {self.offered} offered, above {self.running} needed while the time is unproven"

    def hint(self) -> str:
        return "set the clock, or publish a newer release"


@dataclass(eq=False)
class StackBroken(TrustError):
    """One package of a stack can't be had, so none of the others moves (SPEC SK-3)."""

    stack: str
    package: str
    rule: ClassVar[str] = "SK-3"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"stack {self.stack}: {self.package} can't be installed as the stack says"

    def hint(self) -> str:
        return f"the line of {self.package} says why; all of a stack's packages change together, or none"


@dataclass(eq=False)
class NoLongerDelegated(TrustError):
    """Signed by a publisher whose delegation no longer counts; no store is to blame for that (SPEC AU-6)."""

    what: str
    delegation: str
    rule: ClassVar[str] = "AU-6"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: signed by the keys of {self.delegation}, which no longer counts"

    def hint(self) -> str:
        return "the brand, or a publisher of today, has to sign what is to be installed"


@dataclass(eq=False)
class UpdaterTooOld(TrustError):
    """The root or a brand speaks a format that this updater doesn't know; what it has is kept (SPEC ST-8)."""

    what: str
    format: int
    sequence: int
    rule: ClassVar[str] = "ST-8"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: sequence {self.sequence} has format {self.format}, and this updater is too old for that"

    def hint(self) -> str:
        return "update the updater itself; until then the device goes on by what it has"

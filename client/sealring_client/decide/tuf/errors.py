"""What TUF metadata can be refused for (SPEC TF-3 to TF-8, TF-12); all of it is about one repository alone."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sealring.errors import TrustError
from sealring.names import spell


@dataclass(eq=False)
class TufError(TrustError):
    """The base of the refusals below: which file of the store's TUF repository is meant."""

    file: str
    exit_code: ClassVar[int] = 25

    def hint(self) -> str:
        return "the device goes on with its other stores; tell the operator of this one"


@dataclass(eq=False)
class BadMetadata(TufError):
    """A file that is not strict JSON of its role, or has one key under two ids (SPEC TF-7)."""

    reason: str
    rule: ClassVar[str] = "TF-7"

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(eq=False)
class NotSigned(TufError):
    """Fewer distinct keys than the role's threshold have signed (SPEC TF-3 for roots, TF-4 for the others)."""

    by: str
    found: int
    needed: int

    @property
    def rule(self) -> str:  # type: ignore[override]
        return "TF-3" if re.fullmatch(r"([0-9]+\.)?root\.json", self.file) else "TF-4"

    def __str__(self) -> str:
        return f"{self.file}: {self.found} of {self.needed} signatures by the keys of {self.by}"


@dataclass(eq=False)
class WrongRootVersion(TufError):
    """Roots follow each other one by one, so that no version's keys can be jumped over (SPEC TF-3)."""

    found: int
    needed: int
    rule: ClassVar[str] = "TF-3"

    def __str__(self) -> str:
        return f"{self.file}: version {self.found} found, {self.needed} needed"


@dataclass(eq=False)
class TufRollback(TufError):
    """A version below one that this store has shown already (SPEC TF-4)."""

    what: str
    offered: int
    floor: int
    rule: ClassVar[str] = "TF-4"

    def __str__(self) -> str:
        return f"{self.file}: {self.what} version {self.offered} offered, {self.floor} or later needed"


@dataclass(eq=False)
class NotTheNamed(TufError):
    """Another version than the file before it names, or one that it does not name at all (SPEC TF-4)."""

    found: str
    needed: str
    rule: ClassVar[str] = "TF-4"

    def __str__(self) -> str:
        return f"{self.file}: {self.found} found, {self.needed} needed"


@dataclass(eq=False)
class WrongBytes(TufError):
    """Length or digest are not the ones that signed metadata names (SPEC TF-5)."""

    reason: str
    rule: ClassVar[str] = "TF-5"

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(eq=False)
class TufExpired(TufError):
    """Out of date: the store is stale, frozen, or someone withholds what is newer (SPEC TF-6)."""

    expires: datetime
    at: datetime
    rule: ClassVar[str] = "TF-6"

    def __str__(self) -> str:
        return f"{self.file}: expired {spell(self.expires)}, now {spell(self.at)}"

    def hint(self) -> str:
        return "the store must sign anew; if the device's clock is wrong, set it; what runs is untouched"


@dataclass(eq=False)
class DatedAhead(TufError):
    """A catalogue dated ahead of now would outlive its longest age (SPEC TF-6)."""

    time: datetime
    at: datetime
    rule: ClassVar[str] = "TF-6"

    def __str__(self) -> str:
        return f"{self.file}: made {spell(self.time)}, now {spell(self.at)}"


@dataclass(eq=False)
class NoSuchTarget(TufError):
    """No role that may speak for this target names it; or the search met more roles than it asks (SPEC TF-12)."""

    asked: int
    cut: bool
    rule: ClassVar[str] = "TF-12"

    def __str__(self) -> str:
        why = f"more than {self.asked} delegated roles cover it" if self.cut else "no role that covers it names it"
        return f"{self.file}: {why}"

    def hint(self) -> str:
        return "check the spelling of the name; folders are part of it"


@dataclass(eq=False)
class BadName(TufError):
    """A target whose name can be neither an address nor a file (SPEC TF-12)."""

    reason: str
    rule: ClassVar[str] = "TF-12"

    def __str__(self) -> str:
        return f"target {self.file}: {self.reason}"

    def hint(self) -> str:
        return "names are relative paths such as `folder/file.txt`"


@dataclass(eq=False)
class NotThePin(TufError):
    """A chain of roots that does not pass through what the brand pinned or the device has seen (SPEC TF-8)."""

    found: str
    needed: str
    rule: ClassVar[str] = "TF-8"

    def __str__(self) -> str:
        return f"{self.file}: {self.found} found, {self.needed} needed"

    def hint(self) -> str:
        return "the store shows another history; if its keys were replaced, the brand signs a new store statement"

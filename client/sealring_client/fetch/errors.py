"""Why a store gave no usable answer: always `Unreachable`, never a verdict on what it serves.

Apart from `fetch`, so that a command which names these errors need not load an HTTP client.
"""

from dataclasses import dataclass
from typing import ClassVar

from sealring.errors import Unreachable


@dataclass(eq=False)
class FetchFailed(Unreachable):
    """The base of the errors below: which store, and which path on it."""

    store: str
    path: str

    def hint(self) -> str:
        return f"the device goes on with its other stores; if {self.store} stays so, tell its operator"


@dataclass(eq=False)
class NoAnswer(FetchFailed):
    """Refused, too slow to begin, broken, or a status that is no answer."""

    reason: str
    retry_after_seconds: int | None = None
    exit_code: ClassVar[int] = 10
    rule: ClassVar[str] = "HF-1"

    def __str__(self) -> str:
        return f"{self.store}: no answer for {self.path}: {self.reason}"

    def hint(self) -> str:
        if self.retry_after_seconds is not None:
            return f"the store asks to come back in {self.retry_after_seconds} seconds"
        return f"check the network and the clock, then try again; {super().hint()}"


@dataclass(eq=False)
class NotReached(NoAnswer):
    """No connection came about: the address is dead, whatever is asked there."""


@dataclass(eq=False)
class BadPacking(FetchFailed):
    """An answer that is not packed as it says (SPEC AN-4)."""

    reason: str
    exit_code: ClassVar[int] = 10
    rule: ClassVar[str] = "AN-4"

    def __str__(self) -> str:
        return f"{self.store}: {self.path.partition('?')[0]}: {self.reason}"


@dataclass(eq=False)
class NotThere(FetchFailed):
    """The store says that it has no such file (404 or 410)."""

    status: int
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.store}: {self.path} is not there (status {self.status})"


@dataclass(eq=False)
class LogTooShort(NotThere):
    """A bundle that leaves out the part of its store's log in which this device stands (SPEC BN-6)."""

    seen: int
    first: int
    rule: ClassVar[str] = "BN-6"

    def __str__(self) -> str:
        return (
            f"{self.store}: the bundle has its log from entry {self.first} on, this device saw entry {self.seen} last"
        )

    def hint(self) -> str:
        return "let the device reach the store, or a mirror of it, once; it has been away for very long"


@dataclass(eq=False)
class TooSlow(FetchFailed):
    """The time was used up; a drip of bytes does not extend it (SPEC HF-1)."""

    seconds: float
    exit_code: ClassVar[int] = 10
    rule: ClassVar[str] = "HF-1"

    def __str__(self) -> str:
        return f"{self.store}: {self.path} was not complete within {self.seconds:g} seconds"


@dataclass(eq=False)
class TooMuch(FetchFailed):
    """More bytes than the caller takes (SPEC HF-1)."""

    limit: int
    exit_code: ClassVar[int] = 10
    rule: ClassVar[str] = "HF-1"

    def __str__(self) -> str:
        return f"{self.store}: {self.path} is longer than the {self.limit} bytes that are taken"


@dataclass(eq=False)
class Redirected(FetchFailed):
    """The store points elsewhere. Only addresses that a brand signed are asked (SPEC HF-2)."""

    status: int
    exit_code: ClassVar[int] = 10
    rule: ClassVar[str] = "HF-2"

    def __str__(self) -> str:
        return f"{self.store}: {self.path} is answered by a redirect (status {self.status}), none is followed"

    def hint(self) -> str:
        return "the store's operator serves it at the signed address, or the brand signs the new one"


@dataclass(eq=False)
class PartOnly(FetchFailed):
    """The answer ended early, or has no length by which one could tell (SPEC HF-3)."""

    found: int
    expected: int | None
    exit_code: ClassVar[int] = 10
    rule: ClassVar[str] = "HF-3"

    def __str__(self) -> str:
        needed = "no length was named" if self.expected is None else f"{self.expected} needed"
        return f"{self.store}: {self.path}: {self.found} bytes came, {needed}"


@dataclass(eq=False)
class WrongRange(FetchFailed):
    """The store answers with another part than the one asked for (SPEC HF-4)."""

    offered: str
    needed: str
    exit_code: ClassVar[int] = 10
    rule: ClassVar[str] = "HF-4"

    def __str__(self) -> str:
        return f"{self.store}: {self.path}: {self.offered} offered, {self.needed} needed"

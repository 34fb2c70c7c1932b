"""What an audit says when a store, or the way to it, does not tell one true story (SPEC CT-2 to CT-5)."""

from dataclasses import dataclass
from typing import ClassVar

from sealring.errors import RuledError, SealringError, TrustError, Unreachable


@dataclass(eq=False)
class Contradiction(RuledError):
    """What the store shows can't all be true; `evidence` is the file that shows it, empty where none can."""

    what: str
    by: str
    evidence: str = ""
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return self.what + (f" (evidence: {self.evidence})" if self.evidence else "")

    def hint(self) -> str:
        if not self.evidence:
            return "nobody has signed this answer: try again by another network; if it stays so, report the store"
        return f"`sealring-store audit verify {self.evidence}` says what it proves; show it to the brand and to others"


@dataclass(eq=False)
class NotShown(RuledError):
    """The store does not show what its newest entry says is there (SPEC CT-4, LG-2)."""

    what: str
    by: str = "CT-4"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return self.what

    def hint(self) -> str:
        return "try again later; a store that goes on withholding this hides its history: report it"


@dataclass(eq=False)
class ProvesNothing(TrustError):
    """A file that is no evidence of anything (SPEC CT-5)."""

    reason: str
    rule: ClassVar[str] = "CT-5"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"this proves nothing: {self.reason}"

    def hint(self) -> str:
        return "ask whoever sent it for the file again; a damaged or invented one looks like this"


@dataclass(eq=False)
class OtherStore(SealringError):
    """Two observations, or a state and a store, that have no TUF root in common (SPEC CT-5)."""

    what: str
    rule: ClassVar[str] = "CT-5"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: no TUF root in common"

    def hint(self) -> str:
        return "compare observations of one store; `--state DIR` or `--url URL` brings the roots between two editions"


@dataclass(eq=False)
class NoAnswer(Unreachable):
    """No whole answer could be had within the bounds (SPEC HF-1)."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"

    def hint(self) -> str:
        return "try later: the next run goes on where this one ended"


@dataclass(eq=False)
class NotThere(SealringError):
    """The store has no such thing."""

    url: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.url}: not there"

    def hint(self) -> str:
        return "check the address; the store may be of an older edition"


@dataclass(eq=False)
class UsedUp(Unreachable):
    """The run's own budget of requests or bytes is used up."""

    what: str
    limit: int

    def __str__(self) -> str:
        return f"{self.limit} {self.what} used up"

    def hint(self) -> str:
        return "run it again: it goes on where it ended"


@dataclass(eq=False)
class OtherRoot(TrustError):
    """A store that publishes under another root than the one that was given (SPEC CT-1)."""

    found: str
    rule: ClassVar[str] = "CT-1"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"the store publishes under root {self.found}, another one was given"

    def hint(self) -> str:
        return "check the address, and the root assertion; a rehearsal's store has a root of its own"

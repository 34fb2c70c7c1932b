"""What a statement is on its way to be acted upon: a claim, then authentic, then verified (SPEC AU, FL, TM).

`Authentic`: signed by the keys that may sign it today; it may be expired, so it serves as a floor or an address
and never as a reason to install. `Verified`: authentic, current at one moment, not revoked, not below its floor.
Only `Chain` makes either.
"""

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import msgspec

from sealring.envelope import Envelope, parse_envelope
from sealring.errors import RuledError, TrustError
from sealring.moment import Moment
from sealring.names import KeyId
from sealring.statement import Common, Delegation, RevisionStatement, parse_statement

S_co = TypeVar("S_co", bound=Common, covariant=True)
S = TypeVar("S", bound=Common)


class Authentic(msgspec.Struct, Generic[S_co], frozen=True):
    """A statement that a threshold of current keys of its own authority vouches for."""

    statement: S_co
    envelope: Envelope
    signers: frozenset[KeyId]
    under: tuple["Authentic[Delegation]", ...] = ()
    """The delegations that vouch for it, where the authority's own keys do not."""


class Verified(Authentic[S_co], frozen=True, kw_only=True):
    """An authentic statement that may also be acted upon at `moment`."""

    moment: Moment


@dataclass(eq=False)
class WrongStatement(RuledError):
    """A genuine statement in a place that is not its own (SPEC ST-4, ST-6, AU-1, RT-2, BR-2)."""

    what: str
    found: str
    needed: str
    by: str
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: {self.found} found, {self.needed} needed"

    def hint(self) -> str:
        if self.by == "BR-1":
            return "give the brand's own assertion too (`--brand`, or into the bundle), signed by this root"
        return "someone offered a statement for another place; `sealring show` tells what it is"


@dataclass(eq=False)
class Rollback(TrustError):
    """A device never goes back (SPEC FL-1)."""

    what: str
    offered: int
    floor: int
    rule: ClassVar[str] = "FL-1"
    exit_code: ClassVar[int] = 23

    @property
    def held(self) -> int:
        """What a store's problem calls the sequence that stands in the way (SPEC HT-3)."""
        return self.floor

    def __str__(self) -> str:
        return f"{self.what}: sequence {self.offered} offered, {self.floor} or later needed"

    def hint(self) -> str:
        # Read by who verifies, by who publishes, and in a device's report: it must be right for each of them.
        return f"take sequence {self.floor} or later; what changes needs a sequence above every one published so far"


@dataclass(eq=False)
class Conflict(TrustError):
    """Two statements of one subject and sequence (SPEC FL-3): what was accepted first is kept."""

    what: str
    sequence: int
    offered: str
    held: str
    rule: ClassVar[str] = "FL-3"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: a second sequence {self.sequence}, id {self.offered[:16]} offered, {self.held[:16]} held"

    def hint(self) -> str:
        return f"two were signed: issue sequence {self.sequence + 1}, and find out who signed the other"


@dataclass(eq=False)
class SecondImage(TrustError):
    """One revision for one architecture with two images (SPEC FL-3): what was accepted first is kept."""

    what: str
    offered: str
    held: str
    rule: ClassVar[str] = "FL-3"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: a second image, SHA-256 {self.offered[:16]} offered, {self.held[:16]} held"

    def hint(self) -> str:
        return "publish the other image as a new revision, and find out who signed it as this one"


@dataclass(frozen=True)
class Claim:
    """What an unverified envelope says that it is. Good for routing and messages, for nothing else."""

    statement: Common
    envelope: Envelope


def read_claim(raw: bytes) -> Claim:
    """What these bytes claim to be; nobody has vouched for it."""
    envelope = parse_envelope(raw)
    return Claim(parse_statement(envelope.payload), envelope)


def check_floor(found: Authentic[S], floor: Authentic[Common] | None) -> None:
    """Raise when the statement lies below what was seen of its subject before (SPEC FL-1, FL-3)."""
    if floor is None:
        return
    statement, seen = found.statement, floor.statement
    if statement.sequence < seen.sequence:
        raise Rollback(statement.title, statement.sequence, seen.sequence)
    if statement.sequence == seen.sequence and found.envelope.id != floor.envelope.id:
        raise Conflict(statement.title, statement.sequence, found.envelope.id, floor.envelope.id)
    # FL-3: a revision is one build; whoever re-issues it for other bytes changes what every release of it means.
    if not isinstance(statement, RevisionStatement) or not isinstance(seen, RevisionStatement):
        return
    if statement.image.sha256 != seen.image.sha256:
        raise SecondImage(statement.title, statement.image.sha256, seen.image.sha256)

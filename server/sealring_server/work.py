"""One publication while it is judged: what is held, what it adds, and who may speak by now (SPEC PB-1)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sealring.authentic import Claim, read_claim
from sealring.chain import Chain
from sealring.envelope import Envelope
from sealring.furnished import furnished
from sealring.moment import Moment
from sealring.names import KeyId
from sealring.statement import (
    Brand,
    Common,
    Root,
)
from sealring_server.held import GOVERNING, Held
from sealring_server.signatures import merged, who_may_sign
from sealring_server.terms import check_announced


@dataclass(frozen=True)
class Admitted:
    """A statement that a device would accept, in the envelope that the store keeps of it."""

    statement: Common
    envelope: Envelope
    is_news: bool
    """Whether the store lacked this envelope; false for what is published again unchanged."""
    by_delegates: bool = False
    """Whether only delegations vouch for it."""


@dataclass
class Admission:
    """One publication being judged: what is held, what was admitted so far, and when."""

    held: Held
    moment: Moment
    chain: Chain
    final: frozenset[str] = frozenset()
    """Ids whose expiry a final release of this publication lifts; where that release falls, all falls (SPEC EL-2)."""
    admitted: list[Admitted] = field(default_factory=list)
    by_subject: dict[tuple[str, str], list[Admitted]] = field(default_factory=dict)
    """The same, by type and subject."""
    remembered: list[bytes] = field(default_factory=list)
    """What the authorities at hand had delegated and revoked before this publication."""
    coming: list[Common] = field(default_factory=list)
    """Roots, brands and delegations that are announced: signatures by their keys are kept (SPEC PB-4)."""

    def head(self, kind: str, subject: str) -> bytes | None:
        """The head of a subject as it would be after this publication."""
        new = self.added(kind, subject)
        return new[-1].envelope.raw if new else self.held.current(kind, subject)

    def added(self, kind: str, subject: str) -> list[Admitted]:
        """What this publication has added to a subject so far, oldest first."""
        return self.by_subject.get((kind, subject), [])

    def add(self, statement: Common, envelope: Envelope, *, by_delegates: bool = False) -> None:
        """Note a statement as admitted."""
        # Where the subject has no head yet, the store has never seen anything of it.
        known = self.held.current(statement.type, statement.subject)
        is_news = known is None or (known != envelope.raw and self.held.envelope(envelope.digest) is None)
        found = Admitted(statement, envelope, is_news, by_delegates)
        self.admitted.append(found)
        self.by_subject.setdefault((statement.type, statement.subject), []).append(found)

    def merged(
        self,
        claim: Claim,
        held: Envelope | None,
        walked: Common | None = None,
        good: frozenset[KeyId] = frozenset(),
    ) -> Envelope:
        """The envelope to keep of this claim; `good` are keys that were found to have signed it."""
        before = walked if isinstance(walked, Brand) else None
        return merged(claim.envelope, held, who_may_sign(self.chain, claim.statement, self.coming, before), good)

    def announce(self, claims: Iterable[Claim]) -> None:
        """Take these as what is coming, if today's keys say so."""
        for claim in claims:
            known = self.held.current(claim.statement.type, claim.statement.subject)
            held = read_claim(known).statement.sequence if known is not None else 0
            if isinstance(claim.statement, Root):
                held = self.chain.root.statement.sequence
            self.coming.append(check_announced(self.chain, claim, held))

    def remember(self, authorities: Iterable[str]) -> None:
        """Look up what these authorities have delegated and revoked."""
        for name in sorted(set(authorities)):
            self.remembered += self.held.remembered(name)

    def furnish(self) -> None:
        """RK-2, AU-6: the chain with all that is delegated and revoked, this publication included."""
        new = [a.envelope.raw for a in self.admitted if a.statement.type in GOVERNING]
        self.chain = furnished(self.chain, [*self.remembered, *new])

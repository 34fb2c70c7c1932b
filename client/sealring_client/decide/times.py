"""The instant of one check, for each who may speak (SPEC TM-4)."""

from dataclasses import dataclass
from datetime import datetime

from sealring.authentic import Authentic, S, Verified
from sealring.chain import Chain
from sealring.moment import Moment
from sealring.names import ROOT
from sealring.statement import Common
from sealring.time_floors import TimeFloors
from sealring_client.decide.trusted import Trusted


@dataclass(frozen=True)
class Times:
    """The instant of one check for each authority, fixed once (SPEC TM-4)."""

    clock: Moment
    floors: TimeFloors
    chain: Chain

    @classmethod
    def of(cls, clock: Moment, trusted: Trusted) -> "Times":
        """The instants that the clock and the statements held make."""
        held: list[Authentic[Common]] = [trusted.chain.root, *trusted.chain.brands.values()]
        held += trusted.floors.highest.values()
        return cls(clock, TimeFloors.of(clock, held), trusted.chain)

    def of_statement(self, found: Authentic[Common]) -> Moment:
        """The moment at which a statement is judged; what only delegates signed, by their dates too."""
        return self.floors.moment_of(found)

    def of_brand(self, brand: str) -> Moment:
        """The moment for what a brand's own keys say."""
        return self.floors.moment(brand)

    @property
    def proven(self) -> bool:
        """Whether no signed lower bound has shown the clock to be wrong, and it is not known to be poor."""
        return all(self.floors.moment(authority).proven for authority in (ROOT, *self.floors.issued))

    @property
    def floor(self) -> datetime | None:
        """The latest signed lower bound."""
        return max(self.floors.issued.values(), default=None)

    def end_of(self, found: Authentic[Common]) -> datetime:
        """When it ends: at its own expiry, or with the last of the delegations that vouch for it (TM-1, AU-6)."""
        under = [one.statement.expires for one in found.under]
        return min(found.statement.expires, max(under)) if under else found.statement.expires

    def is_over(self, found: Authentic[Common]) -> bool:
        """Whether its life has ended."""
        return self.of_statement(found).at >= self.end_of(found)

    def verify(
        self,
        found: Authentic[S],
        floor: Authentic[Common] | None = None,
        *,
        final: frozenset[str] = frozenset(),
    ) -> Verified[S]:
        """The statement as one to act upon now.

        Args:
            final: ids whose expiry a final release has lifted (EL-2).
        """
        return self.chain.verify(found, self.floors.moment_of(found), floor, final=final)

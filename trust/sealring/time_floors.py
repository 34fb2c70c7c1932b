"""Signed lower bounds of the time, from the statements that are held (SPEC TM-4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sealring.authentic import Authentic
from sealring.moment import Moment
from sealring.names import ROOT
from sealring.statement import Brand, Common


@dataclass(frozen=True)
class TimeFloors:
    """The latest `issued` by who said it: the root's bounds all, a brand's its own, a delegate's what he signs.

    They are computed from the statements that are held, so that a floor goes when the statement that set it
    no longer verifies; the system clock never becomes one.
    """

    clock: Moment
    issued: Mapping[str, datetime]

    @classmethod
    def of(cls, clock: Moment, held: Iterable[Authentic[Common]]) -> "TimeFloors":
        """The floors that these authentic statements set."""
        issued: dict[str, datetime] = {}
        for found in held:
            for source in _sources(found):
                known = issued.get(source)
                if known is None or found.statement.issued > known:
                    issued[source] = found.statement.issued
        return cls(clock, issued)

    def moment(self, authority: str) -> Moment:
        """The instant at which statements of this authority's own keys are judged."""
        return self.clock.raised(self._latest(authority))

    def moment_of(self, found: Authentic[Common]) -> Moment:
        """The instant at which this statement is judged."""
        authority = about(found.statement)
        floors = [self.issued.get(one.statement.subject) for one in found.under]
        # With several delegates the earliest floor: one of them must not end what another vouches for.
        known = [floor for floor in floors if floor is not None]
        return self.clock.raised(
            self._latest(authority, *([min(known)] if known and len(known) == len(floors) else []))
        )

    def _latest(self, authority: str, *more: datetime) -> datetime | None:
        """The latest floor of all that apply: the clock is held to it once, so that small steps add up (TM-5)."""
        floors = [self.issued.get(ROOT), self.issued.get(authority), *more]
        return max((floor for floor in floors if floor is not None), default=None)


def about(statement: Common) -> str:
    """Whose time a statement bounds, and whose bounds it."""
    # The role `brand` may be one key that is used every week: what it dates bounds that brand, not the fleet.
    return statement.brand if isinstance(statement, Brand) else statement.authority


def _sources(found: Authentic[Common]) -> list[str]:
    # A publisher's key must not age the brand that let him in.
    return [one.statement.subject for one in found.under] or [about(found.statement)]

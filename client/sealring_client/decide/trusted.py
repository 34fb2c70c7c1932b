"""Everything that the device trusts at one moment, computed from the statements that it holds (SPEC DV-2, DV-3).

Nothing is trusted for having been trusted before: the chain is walked again from the anchor at each start.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sealring.authentic import Authentic, S, Verified, read_claim
from sealring.chain import Chain
from sealring.errors import TrustError
from sealring.floors import MAX_KEPT, Floors, kept, reauthenticate
from sealring.moment import Moment
from sealring.names import ROOT
from sealring.statement import Brand, Common, Model, Release, RevisionStatement, Root, Store
from sealring.time_floors import TimeFloors, about


@dataclass(frozen=True)
class Trusted:
    """The authorities in force, the floors under them, and the envelopes that both rest on.

    `roots` are the versions after the anchor, in order; `others` are all remembered envelopes but roots
    and brands, those that today's keys no longer vouch for among them.
    """

    chain: Chain
    floors: Floors
    roots: tuple[bytes, ...] = ()
    others: tuple[bytes, ...] = ()

    @classmethod
    def begin(cls, anchor: Authentic[Root], raws: Iterable[bytes]) -> "Trusted":
        """What follows from the anchor and these remembered envelopes; whatever does not follow is passed over."""
        chain, roots, brands, others = Chain(anchor), dict[int, bytes](), list[bytes](), list[bytes]()
        for raw in raws:
            claim = read_claim(raw).statement
            if isinstance(claim, Root):
                roots[claim.sequence] = raw
            elif isinstance(claim, Brand):
                brands.append(raw)
            else:
                others.append(raw)
        chain = _with_brands(chain, brands)
        walked: list[bytes] = []
        for version in sorted(roots):
            if version > anchor.statement.sequence:
                # BR-3: a brand is certified by the root of its time, and becomes a former one where that ends.
                chain = _with_brands(chain.with_root(roots[version]), brands)
                walked.append(roots[version])
        floors = Floors.of(chain, others)
        return cls(floors.chain, floors, tuple(walked), tuple(others))

    def with_root(self, raw: bytes) -> "Trusted":
        """After the next version of the root."""
        chain = self.chain.with_root(raw)
        floors = Floors.of(chain, self.others)
        return replace(self, chain=floors.chain, floors=floors, roots=(*self.roots, raw))

    def with_brand(self, raws: Iterable[bytes]) -> "Trusted":
        """After these versions of a brand; the same one with no more signers changes nothing."""
        chain = self.chain.with_brand(raws)
        for name, found in chain.brands.items():
            held = self.chain.brands.get(name)
            same = held is not None and held is not found and held.envelope.id == found.envelope.id
            if held is not None and same and not found.signers > held.signers:
                return self
        floors = Floors.of(chain, self.others)
        return replace(self, chain=floors.chain, floors=floors)

    def learn(self, found: Authentic[Common]) -> "Trusted":
        """After one authentic statement; the same one with no more signers changes nothing.

        Raises:
            Rollback, Conflict, SecondImage.
        """
        statement = found.statement
        held = self.floors.highest.get((statement.type, statement.subject))
        floors = self.floors.learn(found)
        # A store that leaves signatures out, now these and now those, would make every check write.
        if held is not None and held.envelope.id == found.envelope.id and not found.signers > held.signers:
            return self
        return replace(self, floors=floors, others=(*self.others, found.envelope.raw))

    def brand(self, name: str) -> Authentic[Brand] | None:
        """A brand's current certificate."""
        return self.chain.brands.get(name)

    def known_brand(self, name: str) -> Authentic[Brand] | None:
        """A brand's certificate, current or former: who may follow it."""
        return self.chain.brands.get(name) or self.chain.former.get(name)

    def addresses(self, model: str) -> dict[str, list[str]]:
        """Where each store of the model may be asked, by statements that count today, else by those that did (SR-3).

        Whoever lets new keys through and withholds what they signed anew would else leave a device without any
        address, for ever. Asking trusts nobody. The oldest comes first: a thief's are the latest.
        """
        names = dict.fromkeys(name for one in self._once_good(Model, model) for name in one.stores)
        urls = {name: dict.fromkeys(url for one in self._once_good(Store, name) for url in one.urls) for name in names}
        return {name: list(found) for name, found in urls.items() if found}

    def _once_good(self, kind: type[S], subject: str) -> list[S]:
        held = self.floors.get(kind, subject)
        if held is not None:
            return [held.statement]
        claims = (read_claim(raw).statement for raw in self.others)
        found = [one for one in claims if isinstance(one, kind) and one.subject == subject]
        return sorted(found, key=lambda one: one.sequence)

    def remembered(self, keep: Collection[str]) -> dict[str, bytes]:
        """What is worth keeping, by digest (SPEC FL-4).

        Args:
            keep: digests of the envelopes that the generations on the disk rest on.
        """
        brands = [*self.chain.brands.values(), *self.chain.former.values()]
        found = {brand.envelope.digest: brand.envelope.raw for brand in brands}
        for raw in (*self.roots, *self._kept_others(keep)):
            found[read_claim(raw).envelope.digest] = raw
        return found

    def _kept_others(self, keep: Collection[str]) -> Iterable[bytes]:
        by_subject: dict[tuple[str, str], list[bytes]] = {}
        released = self._released()
        for raw in dict.fromkeys(self.others):
            claim = read_claim(raw)
            if claim.envelope.digest in keep:
                yield raw
            elif not isinstance(claim.statement, RevisionStatement) or claim.statement.subject in released:
                by_subject.setdefault((claim.statement.type, claim.statement.subject), []).append(raw)
        for raws in by_subject.values():
            authentic, silent = self._judge(raws)
            best = [one.envelope.raw for one in kept(authentic)]
            yield from [*best, *silent][:MAX_KEPT]

    def _judge(self, raws: Iterable[bytes]) -> tuple[list[Authentic[Common]], list[bytes]]:
        authentic: list[Authentic[Common]] = []
        silent: list[bytes] = []
        for raw in raws:
            try:
                authentic.append(reauthenticate(self.chain, raw))
            except TrustError:
                silent.append(raw)  # the day may come on which its keys count again
        return authentic, silent

    def _released(self) -> frozenset[str]:
        """Subjects of the revisions that the held releases name."""
        releases = [one.statement for one in self.floors.highest.values() if isinstance(one.statement, Release)]
        return frozenset(f"{r.name}/{t.revision}/{t.architecture}" for r in releases for t in r.targets)


def _with_brands(chain: Chain, raws: Iterable[bytes]) -> Chain:
    """The chain with each remembered brand that its root certifies and that it does not have yet."""
    for raw in raws:
        claim = read_claim(raw).statement
        if isinstance(claim, Brand) and claim.brand not in chain.brands and claim.brand not in chain.former:
            with suppress(TrustError):
                chain = chain.with_brand([raw])
    return chain


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

    def of_statement(self, statement: Common) -> Moment:
        """The moment at which a statement is judged."""
        return self.floors.moment(about(statement))

    def of_brand(self, brand: str) -> Moment:
        """The moment for what a brand says."""
        return self.floors.moment(brand)

    @property
    def proven(self) -> bool:
        """Whether no signed lower bound has shown the clock to be wrong, and it is not known to be poor."""
        return all(self.floors.moment(authority).proven for authority in (ROOT, *self.floors.issued))

    @property
    def floor(self) -> datetime | None:
        """The latest signed lower bound."""
        return max(self.floors.issued.values(), default=None)

    def verify(self, found: Authentic[S], floor: Authentic[Common] | None = None) -> Verified[S]:
        """The statement as one to act upon now."""
        return self.chain.verify(found, self.floors.moment_of(found), floor)

"""Everything that the device trusts at one moment, computed from the statements that it holds (SPEC DV-2, DV-3).

Nothing is trusted for having been trusted before: the chain is walked again from the anchor at each start.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from sealring.authentic import Authentic, Claim, S, read_claim
from sealring.chain import Chain
from sealring.envelope import Envelope, parse_envelope
from sealring.errors import TrustError
from sealring.floors import MAX_KEPT, Floors, kept, reauthenticate
from sealring.statement import (
    Brand,
    Common,
    Delegation,
    Model,
    Release,
    RevisionStatement,
    Revocations,
    Root,
    Stack,
    Store,
    UnknownFormat,
)
from sealring.threshold import check_threshold

MAX_SILENT = 64  # delegations of one brand, and lists of its delegations, that are kept though they no longer count


@dataclass(frozen=True)
class Trusted:
    """The authorities in force, the floors under them, and the envelopes that both rest on.

    `roots` are the versions after the anchor, in order; `others` are all remembered envelopes but roots
    and brands, those that today's keys no longer vouch for among them. `unread` are those that a newer edition has
    kept, in formats that this one doesn't know: an updater that was rolled back goes on, and forgets none of them.
    """

    chain: Chain
    floors: Floors
    roots: tuple[bytes, ...] = ()
    others: tuple[bytes, ...] = ()
    unread: tuple[bytes, ...] = ()

    @classmethod
    def begin(cls, anchor: Authentic[Root], raws: Iterable[bytes]) -> "Trusted":
        """What follows from the anchor and these remembered envelopes; whatever does not follow is passed over."""
        chain, roots, brands, others = Chain(anchor), dict[int, bytes](), list[bytes](), list[bytes]()
        unread: list[bytes] = []
        for raw in raws:
            try:
                claim = read_claim(raw).statement
            except UnknownFormat:
                unread.append(raw)  # ST-8
                continue
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
        return cls(floors.chain, floors, tuple(walked), tuple(others), tuple(unread))

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
        after = self.hear(found)
        # AU-6, RK-2: what these two say changes what all others are worth.
        is_power = isinstance(found.statement, Delegation | Revocations)
        return after.settled() if is_power and after is not self else after

    def hear(self, found: Authentic[Common]) -> "Trusted":
        """As `learn`, with what it delegates or revokes not yet in force: that is left to `settled`.

        So can many delegations, of which none decides on another, be learned in one go.

        Raises:
            Rollback, Conflict, SecondImage.
        """
        statement = found.statement
        held = self.floors.highest.get((statement.type, statement.subject))
        floors = self.floors.learn(found)
        # A store that leaves signatures out, now these and now those, would make every check write.
        if held is not None and held.envelope.id == found.envelope.id and not _adds(found, held):
            return self
        return replace(self, floors=floors, others=(*self.others, found.envelope.raw))

    def settled(self) -> "Trusted":
        """With all that is remembered judged again, and in force."""
        floors = Floors.of(self.chain, self.others)
        return replace(self, chain=floors.chain, floors=floors)

    def with_envelopes(self, found: Iterable[Authentic[Common]]) -> "Trusted":
        """With these at hand too, signature by signature, though nothing new follows from them."""
        return replace(self, others=tuple(dict.fromkeys((*self.others, *(one.envelope.raw for one in found)))))

    def envelopes(self) -> dict[str, Claim]:
        """What is remembered beside roots and brands, by the envelope's digest."""
        claims = (read_claim(raw) for raw in self.others)
        return {claim.envelope.digest: claim for claim in claims}

    def brand(self, name: str) -> Authentic[Brand] | None:
        """A brand's current certificate."""
        return self.chain.brands.get(name)

    def known_brand(self, name: str) -> Authentic[Brand] | None:
        """A brand's certificate, current or former: who may follow it."""
        return self.chain.brands.get(name) or self.chain.former.get(name)

    def former_delegation(self, raw: bytes, authority: str) -> Delegation | None:
        """A remembered delegation of this authority whose keys have signed the envelope, whatever it is worth today."""
        envelope = parse_envelope(raw)
        for other in self.others:
            said = read_claim(other).statement
            if isinstance(said, Delegation) and said.authority == authority and _has_signed(said, [envelope]):
                return said
        return None

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
        for raw in (*self.roots, *self._kept_others(keep), *self.unread):
            found[parse_envelope(raw).digest] = raw
        return found

    def _kept_others(self, keep: Collection[str]) -> Iterable[bytes]:
        by_subject: dict[tuple[str, str, int], list[Claim]] = {}
        installed: list[Envelope] = []
        released = self._released()
        for raw in dict.fromkeys(self.others):
            claim = read_claim(raw)
            if claim.envelope.digest in keep:
                installed.append(claim.envelope)
                yield raw
            elif not isinstance(claim.statement, RevisionStatement) or claim.statement.subject in released:
                said = claim.statement
                # ST-8: the newest of each format stays, for the day on which an older updater is rolled back to.
                by_subject.setdefault((said.type, said.subject, said.format), []).append(claim)
        silent_subjects: dict[str, int] = {}
        for claims in by_subject.values():
            authentic, silent = self._judge(_highest_first(claims))
            if not authentic and isinstance(claims[0].statement, Delegation | Revocations):
                authority = claims[0].statement.authority
                silent_subjects[authority] = silent_subjects.get(authority, 0) + 1
                # A thief of a brand's keys can sign any number of names: they go with his keys.
                if silent_subjects[authority] > MAX_SILENT and not _is_own_list(claims[0].statement):
                    continue
            best = [one.envelope.raw for one in kept(authentic)]
            # RK-6: what runs is reached by a delegation that was taken back, also by one since replaced.
            needed = [claim.envelope.raw for claim in claims if _has_signed(claim.statement, installed)]
            yield from list(dict.fromkeys([*best[:1], *needed, *best, *silent]))[:MAX_KEPT]

    def _judge(self, claims: Iterable[Claim]) -> tuple[list[Authentic[Common]], list[bytes]]:
        authentic: list[Authentic[Common]] = []
        silent: list[bytes] = []
        for claim in claims:
            try:
                authentic.append(reauthenticate(self.chain, claim.envelope.raw))
            except TrustError:
                silent.append(claim.envelope.raw)  # the day may come on which its keys count again
        return authentic, silent

    def _released(self) -> frozenset[str]:
        """Subjects of the revisions that the held releases and stacks name."""
        found: set[str] = set()
        for one in self.floors.highest.values():
            said = one.statement
            if isinstance(said, Release):
                for target in said.targets:
                    numbers = {target.revision, target.previous or target.revision}
                    found |= {f"{said.name}/{number}/{target.architecture}" for number in numbers}
            elif isinstance(said, Stack):
                found |= {f"{part.package}/{part.revision}/{part.architecture}" for part in said.parts}
        return frozenset(found)


def _adds(found: Authentic[Common], held: Authentic[Common]) -> bool:
    """Whether this envelope of the same statement brings a signer, or a signature for after a rotation (FL-4)."""
    if found.signers != held.signers:
        return found.signers > held.signers
    return found.envelope.signatures.keys() > held.envelope.signatures.keys()


def _highest_first(claims: list[Claim]) -> list[Claim]:
    """RK-3: of lists that no longer count the highest speaks; all else stays in the order in which it came."""
    if not isinstance(claims[0].statement, Revocations):
        return claims
    return sorted(claims, key=lambda claim: claim.statement.sequence, reverse=True)


def _has_signed(statement: Common, installed: list[Envelope]) -> bool:
    """Whether it is a delegation by whose keys something was signed that is installed."""
    if not isinstance(statement, Delegation):
        return False
    for envelope in installed:
        with suppress(TrustError):
            check_threshold(envelope, statement.keys, statement.title)
            return True
    return False


def _is_own_list(statement: Common) -> bool:
    return isinstance(statement, Revocations) and statement.issuer == statement.authority


def _with_brands(chain: Chain, raws: Iterable[bytes]) -> Chain:
    """The chain with each remembered brand that its root certifies and that it does not have yet."""
    for raw in raws:
        claim = read_claim(raw).statement
        if isinstance(claim, Brand) and claim.brand not in chain.brands and claim.brand not in chain.former:
            with suppress(TrustError):
                chain = chain.with_brand([raw])
    return chain

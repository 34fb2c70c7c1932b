"""What the store takes in: exactly what a device would accept, judged by the device's own functions (SPEC PB-1).

Claims are judged in the order in which a device learns: who may speak first, what they say last. The result is
what a publication adds; nothing is written here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import UnsetType

from sealring.approve import check_revocations
from sealring.authentic import Authentic, Claim, check_floor, read_claim
from sealring.chain import Chain
from sealring.end_of_life import final_ids
from sealring.envelope import Envelope, parse_envelope
from sealring.errors import TrustError
from sealring.floors import Floors, reauthenticate
from sealring.furnished import furnished
from sealring.moment import Moment, check_time
from sealring.names import ROOT
from sealring.statement import (
    TYPES,
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
)
from sealring_server.cut import Change
from sealring_server.held import GOVERNING, Held
from sealring_server.signatures import merged, who_may_sign
from sealring_server.software import RevisionMissing, SecondDigest, check_image, check_minimum, check_released
from sealring_server.terms import Terms, check_announced, split

NO_TERMS = Terms()


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
    remembered: list[bytes] = field(default_factory=list)
    """What the authorities at hand had delegated and revoked before this publication."""
    coming: list[Common] = field(default_factory=list)
    """Roots, brands and delegations that are announced: signatures by their keys are kept (SPEC PB-4)."""

    def head(self, kind: str, subject: str) -> bytes | None:
        """The head of a subject as it would be after this publication."""
        for found in reversed(self.admitted):
            if (found.statement.type, found.statement.subject) == (kind, subject):
                return found.envelope.raw
        return self.held.current(kind, subject)

    def add(self, statement: Common, envelope: Envelope, *, by_delegates: bool = False) -> None:
        """Note a statement as admitted."""
        is_news = self.held.envelope(envelope.digest) is None
        self.admitted.append(Admitted(statement, envelope, is_news, by_delegates))

    def merged(self, claim: Claim, held: Envelope | None, walked: Common | None = None) -> Envelope:
        """The envelope to keep of this claim."""
        before = walked if isinstance(walked, Brand) else None
        return merged(claim.envelope, held, who_may_sign(self.chain, claim.statement, self.coming, before))

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


def admit(held: Held, raws: Iterable[bytes], moment: Moment, terms: Terms = NO_TERMS) -> list[Admitted]:
    """Every one of these envelopes as admitted, roots first, or the rule that refuses one of them (SPEC PB-1).

    What `terms` say is only announced is judged, and not among the result.

    Raises:
        TrustError: and nothing else, whatever the bytes; then none of them is admitted.
    """
    claims, announced = split([read_claim(raw) for raw in raws], terms)
    claims.sort(key=lambda c: (_stage(c), c.statement.type, c.statement.subject, c.statement.sequence))
    work = Admission(held, moment, held.chain(), _final(claims))
    _admit_roots(work, [c for c in claims if isinstance(c.statement, Root)])
    work.announce([c for c in announced if isinstance(c.statement, Root)])
    # The root's lists take back brands, so they come before the brands.
    work.remember([ROOT])
    _admit_rest(work, [c for c in claims if c.statement.authority == ROOT and _stage(c) == 0])
    brands = [c for c in claims if isinstance(c.statement, Brand)]
    for name in sorted({c.statement.subject for c in brands}):
        _admit_brand(work, name, [c for c in brands if c.statement.subject == name])
    rest = [c for c in claims if c.statement.authority != ROOT]
    names = {_speaker(c) for c in (*rest, *brands, *announced)} - {ROOT}
    work.chain = _with_brands(held, work.chain, names)
    work.announce([c for c in announced if not isinstance(c.statement, Root)])
    work.remember(names)
    _admit_rest(work, rest)
    _check_lists(work)
    if not terms.cut:
        _check_cut(work, names)
    return work.admitted


def _speaker(claim: Claim) -> str:
    return claim.statement.brand if isinstance(claim.statement, Brand) else claim.statement.authority


def _with_brands(held: Held, chain: Chain, names: Iterable[str]) -> Chain:
    for name in sorted(names):
        chain = held.with_held_brand(chain, name)
    return chain


def _check_cut(work: Admission, names: Iterable[str]) -> None:
    """PB-9: what is released, or taken back, must not lose its last voucher by a slip."""
    changes = [a.statement for a in work.admitted if a.is_news and isinstance(a.statement, Root | Brand | Delegation)]
    if changes:
        before = furnished(_with_brands(work.held, work.held.chain(), names), work.remembered)
        Change(work.held, before, work.chain, work.head, work.moment).check(changes)


def _stage(claim: Claim) -> int:
    """When it is judged: own lists, delegations, delegates' lists, who is spoken of, software, what points at it."""
    statement = claim.statement
    if isinstance(statement, Revocations):
        return 0 if statement.issuer == statement.authority else 2
    if isinstance(statement, Delegation):
        return 1
    if isinstance(statement, RevisionStatement):
        return 4
    return 5 if isinstance(statement, Release | Stack) else 3


def _final(claims: list[Claim]) -> frozenset[str]:
    """The ids whose expiry no longer matters, if the final releases among these claims are admitted (SPEC EL-2)."""
    found: set[str] = set()
    for claim in claims:
        if isinstance(claim.statement, Release) and not isinstance(final := claim.statement.final, UnsetType):
            found |= {claim.envelope.id, final.brand, *final.models, *final.revisions}
    return frozenset(found)


def _admit_rest(work: Admission, claims: list[Claim]) -> None:
    """All that is no root and no brand, stage by stage: what one says who may sign, the next rests on."""
    work.furnish()
    for stage in sorted({_stage(c) for c in claims}):
        for claim in claims:
            if _stage(claim) == stage:
                _admit_other(work, claim)
        if stage <= 2:
            work.furnish()


def _admit_roots(work: Admission, claims: list[Claim]) -> None:
    """RT-1, RT-2: one version after the other; only the last must be current."""
    before = work.chain
    for claim in sorted(claims, key=lambda c: c.statement.sequence):
        known = work.held.version("root", claim.statement.subject, claim.statement.sequence)
        if known is not None:
            check_floor(Authentic(claim.statement, claim.envelope, frozenset()), _as_authentic(known))
            work.add(claim.statement, work.merged(claim, parse_envelope(known)))
            continue
        envelope = work.merged(claim, None)
        work.chain = work.chain.with_root(envelope.raw)
        work.add(claim.statement, envelope)
    if work.chain is not before:
        check_time(work.chain.root.statement, work.moment)


def _admit_brand(work: Admission, name: str, claims: list[Claim]) -> None:
    """BR-1 to BR-3: the versions that a device would walk, oldest first; the last is certified by today's root."""
    work.chain = work.held.with_held_brand(work.chain, name)
    walk: list[tuple[Common, Envelope]] = []
    for claim in sorted(claims, key=lambda c: c.statement.sequence):
        known = work.held.version("brand", name, claim.statement.sequence)
        is_head = known is not None and known == work.held.current("brand", name)
        if known is not None and not is_head and parse_envelope(known).id == claim.envelope.id:
            work.add(claim.statement, parse_envelope(known))  # a version that devices walk past: nothing changes
            continue
        before = parse_envelope(known) if known is not None else None
        walk.append((claim.statement, work.merged(claim, before, walk[-1][0] if walk else None)))
    if not walk:
        return
    work.chain = work.chain.with_brand([envelope.raw for _, envelope in walk])
    found = work.chain.brands[name]
    check_time(found.statement, work.moment, may_end=found.envelope.id not in work.final)
    if _is_new(work, found):
        # RK-1: what the root has taken back is not taken in again; what is here stays for devices to judge.
        work.chain.revocations.check(found.statement, found.envelope.id)
    for statement, envelope in walk:
        work.add(statement, envelope)


def _admit_other(work: Admission, claim: Claim) -> None:
    """One statement of a brand, or a list of the root: by keys of today, current, not revoked, not below its floor."""
    kind, subject = claim.statement.type, claim.statement.subject
    before = work.head(kind, subject)
    known = parse_envelope(before) if before is not None else None
    if known is not None and known.id == claim.envelope.id and _is_revoked(work, claim):
        work.add(claim.statement, known)  # it stays where it is, for devices to judge, and is no news
        return
    envelope = work.merged(claim, known)
    # TH-1: the envelope that is kept is the one that is judged, and nothing was believed before this line.
    found = _authenticated(work, claim, envelope)
    floor = _floor(work, kind, subject)
    # FL-5: where the one that is here was taken back by its id, another may take its place.
    Floors(work.chain, {(kind, subject): floor} if floor is not None else {}).check(found)
    _check_brand(work, found.statement)
    # RC-1: an expired list counts, so one that comes late is still the brand's word.
    lifted = frozenset([envelope.id]) if isinstance(found.statement, Revocations) else work.final
    work.chain.verify(found, work.moment, None, final=lifted)
    _check_software(work, found, floor)
    work.add(found.statement, envelope, by_delegates=bool(found.under))


def _authenticated(work: Admission, claim: Claim, kept: Envelope) -> Authentic[Common]:
    kind, authority = TYPES[claim.statement.type], claim.statement.authority
    try:
        return work.chain.authenticate(kept.raw, kind, authority)
    except TrustError:
        # AU-3: signatures that may not be there are not kept; who made them is told that, and not that they lack.
        work.chain.authenticate(claim.envelope.raw, kind, authority)
        raise


def _check_software(work: Admission, found: Authentic[Common], floor: Authentic[Common] | None) -> None:
    statement = found.statement
    if isinstance(statement, RevisionStatement):
        check_image(work.head("revision", statement.subject), statement)
    if isinstance(statement, Release):
        check_minimum(statement, floor)
        # EL-1: no device would take it as the last word of its brand alone.
        final_ids(work.chain, Authentic(statement, found.envelope, found.signers, found.under))
    if isinstance(statement, Release | Stack):
        check_released(statement, found.under, work.chain.revocations, lambda subject: work.head("revision", subject))


def _check_brand(work: Admission, statement: Common) -> None:
    """RK-1: nothing is done because of a brand that the root has taken back; its own lists still count."""
    brand = work.chain.brands.get(statement.authority)
    if brand is not None and not isinstance(statement, Revocations):
        work.chain.revocations.check(brand.statement, brand.envelope.id)


def _check_lists(work: Admission) -> None:
    """RC-1: what names a list that is neither here nor comes with it could be installed by nobody."""
    for one in work.admitted:
        if one.is_news and isinstance(one.statement, Brand | Model | Release | Stack | Store):
            check_revocations(work.chain, one.statement)


def _floor(work: Admission, kind: str, subject: str) -> Authentic[Common] | None:
    """FL-2: the highest statement of the subject that today's keys still vouch for."""
    of_this = [a for a in work.admitted if (a.statement.type, a.statement.subject) == (kind, subject)]
    raws = [a.envelope.raw for a in reversed(of_this)]
    for raw in (*raws, *work.held.history(kind, subject)):
        try:
            return reauthenticate(work.chain, raw)
        except TrustError:
            continue
    return None


def _is_revoked(work: Admission, claim: Claim) -> bool:
    return work.chain.revocations.strongest(claim.statement, claim.envelope.id) is not None


def _is_new(work: Admission, found: Authentic[Common]) -> bool:
    known = work.held.version(found.statement.type, found.statement.subject, found.statement.sequence)
    return known is None or parse_envelope(known).id != found.envelope.id


def _as_authentic(raw: bytes) -> Authentic[Common]:
    """What was admitted before, as a floor to compare with."""
    claim = read_claim(raw)
    return Authentic(claim.statement, claim.envelope, frozenset())


__all__ = ["Admitted", "RevisionMissing", "SecondDigest", "admit"]

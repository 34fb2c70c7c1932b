"""One statement after the other as a device would judge it, with all that the store holds (SPEC PB-1)."""

from collections.abc import Iterable
from contextlib import suppress

from sealring.authentic import Authentic, Claim, check_floor, read_claim
from sealring.end_of_life import final_ids
from sealring.envelope import Envelope, parse_envelope
from sealring.errors import TrustError
from sealring.floors import Floors, reauthenticate
from sealring.moment import check_time
from sealring.statement import (
    TYPES,
    Common,
    Delegation,
    Release,
    RevisionStatement,
    Revocations,
    Stack,
)
from sealring_server.software import check_image, check_minimum, check_released
from sealring_server.work import Admission


def stage_of(claim: Claim) -> int:
    """When it is judged: own lists, delegations, delegates' lists, who is spoken of, software, what points at it."""
    statement = claim.statement
    if isinstance(statement, Revocations):
        return 0 if statement.issuer == statement.authority else 2
    if isinstance(statement, Delegation):
        return 1
    if isinstance(statement, RevisionStatement):
        return 4
    return 5 if isinstance(statement, Release | Stack) else 3


def admit_rest(work: Admission, claims: list[Claim], *, furnished: bool = False) -> None:
    """All that is no root and no brand, stage by stage: what one says who may sign, the next rests on.

    Args:
        furnished: whether the chain knows already what is delegated and revoked.
    """
    if not furnished:
        work.furnish()
    by_stage: dict[int, list[Claim]] = {}
    for claim in claims:
        by_stage.setdefault(stage_of(claim), []).append(claim)
    for stage in sorted(by_stage):
        for claim in by_stage[stage]:
            _admit_other(work, claim)
        if stage <= 2:
            work.furnish()


def admit_roots(work: Admission, claims: list[Claim]) -> None:
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


def admit_brand(work: Admission, name: str, claims: list[Claim]) -> None:
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
    before = _same_again(work, claim) or work.head(kind, subject)
    known = parse_envelope(before) if before is not None else None
    is_again = known is not None and known.id == claim.envelope.id
    if known is not None and is_again and _is_revoked(work, claim):
        work.add(claim.statement, known)  # it stays where it is, for devices to judge, and is no news
        return
    # TH-1: the envelope that is kept is the one that is judged, and nothing was believed before this line.
    found = _authenticated(work, claim, known)
    envelope = found.envelope
    # ST-8: what stands here in its own format is signed again also below a newer format's statement.
    floor = found if is_again else _floor(work, kind, subject)
    # FL-5: where the one that is here was taken back by its id, another may take its place.
    Floors(work.chain, {(kind, subject): floor} if floor is not None else {}).check(found)
    _check_brand(work, found.statement)
    # RC-1: an expired list counts, so one that comes late is still the brand's word.
    lifted = frozenset([envelope.id]) if isinstance(found.statement, Revocations) else work.final
    work.chain.verify(found, work.moment, None, final=lifted)
    _check_software(work, found, floor)
    work.add(found.statement, envelope, by_delegates=bool(found.under))


def _authenticated(work: Admission, claim: Claim, known: Envelope | None) -> Authentic[Common]:
    """The statement in the envelope that is to be kept; each signature is verified once where that is as offered."""
    kind, authority = TYPES[claim.statement.type], claim.statement.authority
    try:
        offered = work.chain.authenticate_claim(claim, kind, authority)
    except TrustError:
        # PB-4: it may be one more signature for what is here, and enough together with those. If not, who made it is
        # told what is wrong with his own.
        with suppress(TrustError):
            return work.chain.authenticate(work.merged(claim, known).raw, kind, authority)
        raise
    is_first = known is None or known.id != claim.envelope.id
    if is_first and not offered.under and offered.signers >= claim.envelope.signatures.keys():
        return offered  # nothing to merge it with, and each signature is one of the authority's own that counts
    kept = work.merged(claim, known, good=offered.signers)
    return offered if kept.raw == claim.envelope.raw else work.chain.authenticate(kept.raw, kind, authority)


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


def _floor(work: Admission, kind: str, subject: str) -> Authentic[Common] | None:
    """FL-2: the highest statement of the subject that today's keys still vouch for."""
    added = [a.envelope.raw for a in reversed(work.added(kind, subject))]
    both = (_first_vouched(work, added), _first_vouched(work, work.held.history(kind, subject)))
    found = [one for one in both if one is not None]
    return max(found, key=lambda one: one.statement.sequence, default=None)


def _first_vouched(work: Admission, raws: Iterable[bytes]) -> Authentic[Common] | None:
    for raw in raws:
        try:
            return reauthenticate(work.chain, raw)
        except TrustError:
            continue
    return None


def _same_again(work: Admission, claim: Claim) -> bytes | None:
    """The head of the claim's own format, where that is this very statement; another format may have a higher one."""
    said = claim.statement
    own = work.held.current(said.type, said.subject, said.format)
    return own if own is not None and parse_envelope(own).id == claim.envelope.id else None


def _is_revoked(work: Admission, claim: Claim) -> bool:
    return work.chain.revocations.strongest(claim.statement, claim.envelope.id) is not None


def _is_new(work: Admission, found: Authentic[Common]) -> bool:
    known = work.held.version(found.statement.type, found.statement.subject, found.statement.sequence)
    return known is None or parse_envelope(known).id != found.envelope.id


def _as_authentic(raw: bytes) -> Authentic[Common]:
    """What was admitted before, as a floor to compare with."""
    claim = read_claim(raw)
    return Authentic(claim.statement, claim.envelope, frozenset())

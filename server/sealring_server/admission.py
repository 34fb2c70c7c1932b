"""What the store takes in: exactly what a device would accept, judged by the device's own functions (SPEC PB-1).

Claims are judged in the order in which a device learns: roots, then brands, then the rest. The result is what
a publication adds; nothing is written here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from sealring.approve import BelowMinimum
from sealring.authentic import Authentic, Claim, check_floor, read_claim
from sealring.chain import Chain
from sealring.envelope import Envelope, parse_envelope
from sealring.errors import TrustError
from sealring.floors import reauthenticate
from sealring.moment import Moment, check_time
from sealring.statement import TYPES, Brand, Common, Model, Release, RevisionStatement, Root, Store
from sealring.threshold import UpdaterTooOld
from sealring_server.held import Held
from sealring_server.signatures import merged, signing_keys

ADMITTED = (Root, Brand, Model, RevisionStatement, Release, Store)  # the types that this edition's devices take


@dataclass(eq=False)
class SecondDigest(TrustError):
    """A revision is one immutable build: it never gets a second image (SPEC PB-5)."""

    what: str
    offered: str
    held: str
    rule: ClassVar[str] = "PB-5"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: image {self.offered[:16]} offered, {self.held[:16]} was published"

    def hint(self) -> str:
        return "publish other bytes under another revision number"


@dataclass(eq=False)
class RevisionMissing(TrustError):
    """A release of something that the store does not have (SPEC PB-6)."""

    what: str
    revision: str
    rule: ClassVar[str] = "PB-6"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: names revision {self.revision}, which was never published here"

    def hint(self) -> str:
        return "publish the revision with its image first, or in the same publication"


@dataclass(frozen=True)
class Admitted:
    """A statement that a device would accept, in the envelope that the store keeps of it."""

    statement: Common
    envelope: Envelope
    is_news: bool
    """Whether the store lacked this envelope; false for what is published again unchanged."""


@dataclass
class Admission:
    """One publication being judged: what is held, what was admitted so far, and when."""

    held: Held
    moment: Moment
    chain: Chain
    admitted: list[Admitted] = field(default_factory=list)

    def head(self, kind: str, subject: str) -> bytes | None:
        """The head of a subject as it would be after this publication."""
        for found in reversed(self.admitted):
            if (found.statement.type, found.statement.subject) == (kind, subject):
                return found.envelope.raw
        return self.held.current(kind, subject)

    def add(self, statement: Common, envelope: Envelope) -> None:
        """Note a statement as admitted."""
        is_news = self.held.envelope(envelope.digest) is None
        self.admitted.append(Admitted(statement, envelope, is_news))


def admit(held: Held, raws: Iterable[bytes], moment: Moment) -> list[Admitted]:
    """Every one of these envelopes as admitted, roots first, or the rule that refuses one of them (SPEC PB-1).

    Raises:
        TrustError: and nothing else, whatever the bytes; then none of them is admitted.
    """
    claims = [read_claim(raw) for raw in raws]
    for claim in claims:
        if not isinstance(claim.statement, ADMITTED):
            raise UpdaterTooOld(claim.statement.title, "a type of a later edition", "ED-1")
    claims.sort(key=lambda c: (c.statement.type, c.statement.subject, c.statement.sequence))
    work = Admission(held, moment, held.chain())
    _admit_roots(work, [c for c in claims if isinstance(c.statement, Root)])
    brands = [c for c in claims if isinstance(c.statement, Brand)]
    for name in sorted({c.statement.subject for c in brands}):
        _admit_brand(work, name, [c for c in brands if c.statement.subject == name])
    # Releases last of all: they need their revisions.
    rest = [c for c in claims if not isinstance(c.statement, Root | Brand)]
    for claim in sorted(rest, key=lambda c: isinstance(c.statement, Release)):
        _admit_other(work, claim)
    return work.admitted


def _admit_roots(work: Admission, claims: list[Claim]) -> None:
    """RT-1, RT-2: one version after the other; only the last must be current."""
    before = work.chain
    for claim in sorted(claims, key=lambda c: c.statement.sequence):
        known = work.held.version("root", claim.statement.subject, claim.statement.sequence)
        if known is not None:
            check_floor(Authentic(claim.statement, claim.envelope, frozenset()), _as_authentic(known))
            work.add(
                claim.statement, merged(claim.envelope, parse_envelope(known), signing_keys(before, claim.statement))
            )
            continue
        envelope = merged(claim.envelope, None, signing_keys(work.chain, claim.statement))
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
        last = walk[-1][0] if walk else None
        keys = signing_keys(work.chain, claim.statement)
        keys += last.keys.keys if isinstance(last, Brand) else []
        walk.append((claim.statement, merged(claim.envelope, before, keys)))
    if not walk:
        return
    work.chain = work.chain.with_brand([envelope.raw for _, envelope in walk])
    check_time(work.chain.brands[name].statement, work.moment)
    for statement, envelope in walk:
        work.add(statement, envelope)


def _admit_other(work: Admission, claim: Claim) -> None:
    """One statement of a brand: signed by its keys of today, current, not below its floor."""
    authority, kind, subject = claim.statement.authority, claim.statement.type, claim.statement.subject
    work.chain = work.held.with_held_brand(work.chain, authority)
    before = work.head(kind, subject)
    known = parse_envelope(before) if before is not None else None
    envelope = merged(claim.envelope, known, signing_keys(work.chain, claim.statement))
    # TH-1: the envelope that is kept is the one that is judged, and nothing was believed before this line.
    found = work.chain.authenticate(envelope.raw, TYPES[kind], authority)
    floor = _floor(work, kind, subject)
    work.chain.verify(found, work.moment, floor)
    if isinstance(found.statement, RevisionStatement):
        _check_image(work, found.statement)
    if isinstance(found.statement, Release):
        _check_minimum(found.statement, floor)
        _check_revisions(work, found.statement)
    work.add(found.statement, envelope)


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


def _check_image(work: Admission, revision: RevisionStatement) -> None:
    """PB-5: a second digest for one revision would give two devices two softwares under one name."""
    raw = work.head("revision", revision.subject)
    if raw is None:
        return
    held = _as_authentic(raw).statement
    assert isinstance(held, RevisionStatement)  # admitted as one
    if (held.image.sha256, held.image.size) != (revision.image.sha256, revision.image.size):
        raise SecondDigest(revision.title, revision.image.sha256, held.image.sha256)


def _check_minimum(release: Release, floor: Authentic[Common] | None) -> None:
    """RL-4: what a device that holds the release before would refuse is refused here."""
    held = floor.statement if floor is not None else None
    if not isinstance(held, Release):
        return
    for target in release.targets:
        known = held.target(target.architecture)
        if known is not None and target.revision < known.minimum:
            raise BelowMinimum(release.title, target.revision, known.minimum)


def _check_revisions(work: Admission, release: Release) -> None:
    """PB-6: what devices are told to install must be there to be installed."""
    for target in release.targets:
        for number in (target.revision, target.previous):
            subject = f"{release.name}/{number}/{target.architecture}"
            if isinstance(number, int) and work.head("revision", subject) is None:
                raise RevisionMissing(release.title, subject)


def _as_authentic(raw: bytes) -> Authentic[Common]:
    """What was admitted before, as a floor to compare with."""
    claim = read_claim(raw)
    return Authentic(claim.statement, claim.envelope, frozenset())


__all__ = ["Admitted", "RevisionMissing", "SecondDigest", "admit"]

"""All statements that were found, judged as a device judges them: who speaks, what is in force, what counted once.

Nothing is believed for lying in a folder or coming from a store (SPEC BN-3): the chain is walked from the root that the
person has given, by the code that devices run.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sealring.authentic import Authentic, Claim, read_claim
from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.floors import Floors, Subject, reauthenticate
from sealring.furnished import furnished
from sealring.names import NO_ROOT, ROOT
from sealring.statement import Brand, Common, Root
from sealring.threshold import check_threshold


@dataclass(frozen=True)
class Piece:
    """One envelope, unverified, and where it was found, for people."""

    raw: bytes
    source: str


@dataclass(frozen=True)
class World:
    """What follows from a root and everything found below it.

    `claims` are all well-formed statements of this root, distinct by envelope; `held` what stands today, expired or
    not, one a subject; `steps` the chains that stood one after the other, the last one today's.
    """

    claims: tuple[Claim, ...]
    sources: Mapping[str, str]
    held: Mapping[Subject, Authentic[Common]]
    steps: tuple[Chain, ...]
    unread: tuple[tuple[str, TrustError], ...] = ()
    foreign: tuple[str, ...] = ()
    """Titles of statements made under another root."""

    @property
    def chain(self) -> Chain:
        """Today's authorities, with what they delegate and revoke."""
        return self.steps[-1]

    @cached_property
    def by_subject(self) -> Mapping[Subject, tuple[Claim, ...]]:
        """All claims of each subject; roots are all one subject here, `root`."""
        found: dict[Subject, list[Claim]] = {}
        for claim in self.claims:
            found.setdefault(subject_of(claim.statement), []).append(claim)
        return {subject: tuple(claims) for subject, claims in found.items()}

    @cached_property
    def furnished_steps(self) -> tuple[Chain, ...]:
        """The chains that stood one after the other, each with what was delegated under it."""
        raws = [claim.envelope.raw for claim in self.claims]
        return (*(furnished(chain, raws) for chain in self.steps[:-1]), self.chain)

    def vouched_once(self, claim: Claim) -> bool:
        """Whether the keys of some time, today's or earlier ones, vouched for this; for people, decides no trust."""
        return any(_vouches(chain, claim) for chain in reversed(self.furnished_steps))

    def source(self, claim: Claim | Authentic[Common]) -> str:
        """Where its envelope was found."""
        return self.sources.get(claim.envelope.digest, "")


@dataclass
class _Walk:
    chain: Chain
    steps: list[Chain] = field(default_factory=list)

    def take(self, move: Callable[[], Chain]) -> bool:
        """The chain after a step, if every rule allows it."""
        try:
            chain = move()
        except TrustError:
            return False
        if chain is not self.chain:
            self.chain = chain
            self.steps.append(chain)
        return True


def subject_of(statement: Common) -> Subject:
    """What the statement is about; the versions of the root are one subject."""
    return ("root", ROOT) if isinstance(statement, Root) else (statement.type, statement.subject)


def gather(anchor: bytes, pieces: Iterable[Piece]) -> World:
    """The world that these pieces make below a root.

    Args:
        anchor: the root assertion that the person trusts, of any version.
        pieces: whatever was found; what does not verify, is damaged or belongs to another root only leads to a word.

    Raises:
        TrustError: where the anchor itself is not sound.
    """
    first = begin_with_root(anchor)
    known = {first.envelope.digest: Claim(first.statement, first.envelope)}
    sources: dict[str, str] = {}
    unread: list[tuple[str, TrustError]] = []
    foreign: list[str] = []
    name = Chain(first).root_id
    for piece in pieces:
        try:
            claim = read_claim(piece.raw)
        except TrustError as err:
            unread.append((piece.source, err))
            continue
        if (claim.envelope.id if claim.statement.root == NO_ROOT else claim.statement.root) != name:
            foreign.append(f"{claim.statement.title} ({piece.source})")
            continue
        known.setdefault(claim.envelope.digest, claim)
        sources.setdefault(claim.envelope.digest, piece.source)
    # By digest: of two in conflict the same one is told in every run, however a folder's files are named.
    claims = tuple(claim for _, claim in sorted(known.items()))
    walk = _walk(first, claims)
    others = [c.envelope.raw for c in claims if not isinstance(c.statement, Root | Brand)]
    floors = Floors.of(walk.chain, others)
    held: dict[Subject, Authentic[Common]] = {("root", ROOT): floors.chain.root}
    held.update({("brand", brand): one for brand, one in floors.chain.brands.items()})
    held.update(floors.highest)
    steps = (*walk.steps[:-1], floors.chain)
    return World(claims, sources, held, steps, tuple(unread), tuple(foreign))


def _walk(first: Authentic[Root], claims: Iterable[Claim]) -> _Walk:
    """All roots and brands; a brand is taken under the first root that certifies it, as a device met it then."""
    roots = sorted((c for c in claims if isinstance(c.statement, Root)), key=lambda c: c.statement.sequence)
    brands = sorted((c for c in claims if isinstance(c.statement, Brand)), key=lambda c: c.statement.sequence)
    # Version 1 is known by its id, which every statement bears: so earlier times can be told from a later anchor.
    begin = next((c for c in roots if c.statement.root == NO_ROOT), None)
    walk = _from(begin_with_root(begin.envelope.raw), roots, brands) if begin is not None and _sound(begin) else None
    if walk is None or not any(step.root.envelope.id == first.envelope.id for step in walk.steps):
        walk = _from(first, roots, brands)
    return walk


def _sound(claim: Claim) -> bool:
    try:
        begin_with_root(claim.envelope.raw)
    except TrustError:
        return False
    return True


def _from(first: Authentic[Root], roots: list[Claim], brands: list[Claim]) -> _Walk:
    walk = _Walk(Chain(first))
    walk.steps.append(walk.chain)
    left = _brands(walk, brands)
    for claim in roots:
        if claim.statement.sequence > walk.chain.root.statement.sequence:
            raw = claim.envelope.raw
            if walk.take(lambda raw=raw: walk.chain.with_root(raw)):  # type: ignore[misc]
                left = _brands(walk, left)
    return walk


def _brands(walk: _Walk, waiting: list[Claim]) -> list[Claim]:
    """Take every brand that today's root certifies; those that wait for another root are given back."""
    left: dict[str, list[Claim]] = {}
    for claim in waiting:
        raw = claim.envelope.raw
        if not walk.take(lambda raw=raw: walk.chain.with_brand([raw])):  # type: ignore[misc]
            left.setdefault(claim.statement.subject, []).append(claim)
    for subject, claims in left.items():
        # BR-2: of the versions between, signatures of the role `brand` are not asked; of the last they are.
        raws = [c.envelope.raw for c in claims]
        if len(raws) > 1 and walk.take(lambda raws=raws: walk.chain.with_brand(raws)):  # type: ignore[misc]
            left[subject] = []
    return [claim for claims in left.values() for claim in claims]


def _vouches(chain: Chain, claim: Claim) -> bool:
    said, envelope = claim.statement, claim.envelope
    try:
        if isinstance(said, Root):
            check_threshold(envelope, said.roles.root, said.title)
            if said.sequence == chain.root.statement.sequence + 1:
                check_threshold(envelope, chain.root.statement.roles.root, said.title)
            return said.sequence == chain.root.statement.sequence + 1 or envelope.id == chain.root.envelope.id
        if isinstance(said, Brand):
            check_threshold(envelope, chain.root.statement.roles.brand, said.title)
            return True
        reauthenticate(chain, envelope.raw)
    except TrustError:
        return False
    return True


def issued_by(now: World, at: datetime) -> World:
    """The world as it stood: only what had been issued by then, by the word of those who signed it.

    It begins with the earliest root that was walked, also where an earlier one stood then and is not here.
    """
    raws = [claim for claim in now.claims if claim.statement.issued <= at]
    anchor = now.steps[0].root.envelope.raw
    return gather(anchor, (Piece(claim.envelope.raw, now.source(claim)) for claim in raws))

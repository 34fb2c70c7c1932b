"""Who says so? The chain from the root to any statement, as the straight line that SPEC.md describes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sealring.authentic import (
    Authentic,
    Claim,
    Conflict,
    Rollback,
    S,
    S_co,
    SecondImage,
    Verified,
    WrongStatement,
    check_floor,
    read_claim,
)
from sealring.envelope import Envelope, parse_envelope
from sealring.errors import TrustError
from sealring.moment import Moment, check_time
from sealring.names import NO_ROOT, ROOT
from sealring.revocation import InForce
from sealring.speaking import Met, Speaker, met_by, vouched
from sealring.statement import Brand, Common, Delegation, Revocations, Root, parse_statement
from sealring.succession import follow
from sealring.threshold import check_threshold

__all__ = [
    "Authentic",
    "Chain",
    "Claim",
    "Conflict",
    "Rollback",
    "S",
    "S_co",
    "SecondImage",
    "Speaker",
    "Verified",
    "WrongStatement",
    "begin_with_root",
    "check_floor",
    "read_claim",
    "root_id",
]


def root_id(root: Authentic[Root]) -> str:
    """The id of version 1 of this root: the name of everything below it (SPEC RT-3)."""
    return root.envelope.id if root.statement.root == NO_ROOT else root.statement.root


def begin_with_root(raw: bytes) -> Authentic[Root]:
    """The root assertion that a device was given with its image, or a person has compared by hand.

    It is trusted for where it came from; it must still be whole: signed by its own threshold (SPEC RT-4).
    """
    envelope = parse_envelope(raw)
    statement = parse_statement(envelope.payload)
    if not isinstance(statement, Root):
        raise WrongStatement("trust anchor", statement.title, "a root", "ST-6")
    return Authentic(statement, envelope, check_threshold(envelope, statement.roles.root, statement.title))


@dataclass(frozen=True)
class Chain:
    """The authorities in force: a root, and the brands that it certifies today.

    `former` are brands whose certificate no longer counts since the root changed its keys: nothing that
    they sign counts, but their keys still say who may follow them (SPEC BR-3). What brands delegate and revoke is
    computed from what is remembered by `floors.furnished`, anew after each change of keys: until then a changed
    chain has no delegations, and the revocations that were in force before.
    """

    root: Authentic[Root]
    brands: Mapping[str, Authentic[Brand]] = field(default_factory=dict)
    former: Mapping[str, Authentic[Brand]] = field(default_factory=dict)
    delegations: Mapping[str, Authentic[Delegation]] = field(default_factory=dict)
    revocations: InForce = field(default_factory=InForce)

    @property
    def root_id(self) -> str:
        """The id of the root's version 1."""
        return root_id(self.root)

    def with_root(self, raw: bytes) -> "Chain":
        """The chain after the next version of the root, expired or not (SPEC RT-1, RT-2, RT-5).

        Raises:
            TrustError: and the chain in hand stays as it was.
        """
        envelope, held = parse_envelope(raw), self.root.statement
        # RT-1: the keys of n-1 say who follows them; a thief of the new keys alone gets nowhere.
        signers = check_threshold(envelope, held.roles.root, f"the root after version {held.sequence}")
        statement = self._parsed(envelope, Root)
        # RT-2: one step at a time, so that no version's keys can be jumped over.
        if statement.sequence != held.sequence + 1:
            raise WrongStatement(
                "the next root", f"version {statement.sequence}", f"version {held.sequence + 1}", "RT-2"
            )
        # RT-1: the keys of n sign too, or a typing error could hand the root to keys that nobody has.
        signers |= check_threshold(envelope, statement.roles.root, statement.title)
        root = Authentic(statement, envelope, signers)
        known = {**self.former, **self.brands}
        certified = {name: brand for name, brand in known.items() if _certified(brand.envelope, root)}
        former = {name: brand for name, brand in known.items() if name not in certified}
        return Chain(root, certified, former, revocations=self.revocations)

    def with_brand(self, raws: Iterable[bytes]) -> "Chain":
        """The chain after these versions of one brand, oldest first; the last is the one to hold (SPEC BR-1 to BR-3).

        Raises:
            TrustError: and the chain in hand stays as it was.
        """
        walk: Authentic[Brand] | None = None
        for raw in raws:
            walk = self._follow(walk, raw)
        if walk is None:
            return self
        name, floor = walk.statement.brand, self.brands.get(walk.statement.brand)
        # BR-1: whoever came before, today's root must certify the one that counts today.
        signers = check_threshold(walk.envelope, self.root.statement.roles.brand, walk.statement.title)
        found = Authentic(walk.statement, walk.envelope, walk.signers | signers)
        check_floor(found, floor)
        return Chain(
            self.root,
            {**self.brands, name: found},
            {other: brand for other, brand in self.former.items() if other != name},
            revocations=self.revocations,
        )

    def speakers(self, authority: str) -> tuple[Speaker, ...]:
        """The key sets that may sign an authority's statements, its own first (SPEC AU-2).

        Each meets its own threshold alone; what a delegation's may sign, `Speaker.check_allowed` says.
        """
        return self._speakers.get(authority, ())

    @cached_property
    def _speakers(self) -> Mapping[str, tuple[Speaker, ...]]:
        """Made once a chain: a check asks for them with every statement."""
        found = {ROOT: [Speaker("the role root", self.root.statement.roles.root)]}
        for name, brand in self.brands.items():
            found[name] = [Speaker(f"brand {name}", brand.statement.keys)]
        for one in self.delegations.values():
            if one.statement.authority in self.brands:
                found[one.statement.authority].append(Speaker(one.statement.title, one.statement.keys, one))
        return {authority: tuple(speakers) for authority, speakers in found.items()}

    def authenticate(self, raw: bytes, kind: type[S], authority: str) -> Authentic[S]:
        """A statement of a brand, or the root's revocations, signed by keys that may sign it today; maybe expired.

        Args:
            authority: who must have said it; known from what was asked for.

        Raises:
            TrustError: and nothing else, whatever the bytes.
        """
        envelope = parse_envelope(raw)
        # TH-1 comes first: no member is read before a threshold of keys vouches for the exact bytes.
        met = self._met(envelope, kind, authority)
        return _said_by(authority, self._parsed(envelope, kind), envelope, met)

    def authenticate_claim(self, claim: Claim, kind: type[S], authority: str) -> Authentic[S]:
        """As `authenticate`, of what `read_claim` has read already: to be routed, and believed by nobody until now."""
        met = self._met(claim.envelope, kind, authority)
        return _said_by(authority, self._of_kind(claim.statement, kind), claim.envelope, met)

    def _met(self, envelope: Envelope, kind: type[S], authority: str) -> Met:
        speakers = self.speakers(authority)
        # BR-1; of the root's, this is the way of its revocations alone: `with_root` and `with_brand` have the others.
        if not speakers or (authority == ROOT and kind is not Revocations):
            raise WrongStatement(f"brand {authority}", "no current certificate", "one signed by the root", "BR-1")
        return met_by(envelope, speakers, f"{kind.__struct_config__.tag} of {authority}")

    def verify(
        self,
        found: Authentic[S],
        moment: Moment,
        floor: Authentic[Common] | None,
        *,
        final: frozenset[str] = frozenset(),
    ) -> Verified[S]:
        """The statement as one that may be acted upon: not below its floor, not revoked, and current at this moment.

        Args:
            final: ids whose expiry a final release has lifted, from `approve.final_ids` (SPEC EL-2).

        Raises:
            Rollback, Conflict, SecondImage, Revoked, Expired, FromTheFuture, TooEarly.
        """
        check_floor(found, floor)
        # RK-1: what has been taken back is no reason for anything new, whoever shows it and however late.
        self.revocations.check(found.statement, found.envelope.id)
        check_time(found.statement, moment, may_end=found.envelope.id not in final)
        if found.under:
            self._check_delegations(found.under, moment)
        return Verified(found.statement, found.envelope, found.signers, found.under, moment=moment)

    def _check_delegations(self, under: tuple[Authentic[Delegation], ...], moment: Moment) -> None:
        """AU-6: what only delegates signed stands as long as one of their delegations does."""
        refusal: TrustError | None = None
        for one in under:
            try:
                self.revocations.check(one.statement, one.envelope.id)
                check_time(one.statement, moment)
            except TrustError as err:
                refusal = refusal or err
            else:
                return
        if refusal is not None:
            raise refusal

    def _follow(self, walk: Authentic[Brand] | None, raw: bytes) -> Authentic[Brand]:
        envelope = parse_envelope(raw)
        statement = self._parsed(envelope, Brand)
        counts = walk or self.brands.get(statement.brand)
        return follow(self.root.statement, counts, counts or self.former.get(statement.brand), statement, envelope)

    def _parsed(self, envelope: Envelope, kind: type[S]) -> S:
        return self._of_kind(parse_statement(envelope.payload), kind)

    def _of_kind(self, statement: Common, kind: type[S]) -> S:
        if not isinstance(statement, kind):
            raise WrongStatement("assertion", statement.title, f"a {kind.__struct_config__.tag}", "ST-6")
        # ST-4: or what was signed under a rehearsal's root could be replayed in production.
        if statement.root != self.root_id:
            raise WrongStatement(statement.title, f"root {statement.root[:16]}", f"root {self.root_id[:16]}", "ST-4")
        return statement


def _said_by(authority: str, statement: S, envelope: Envelope, met: Met) -> Authentic[S]:
    # AU-1: a brand speaks for itself only, or any certified publisher could sign anyone's software.
    if statement.authority != authority:
        raise WrongStatement(statement.title, f"authority {statement.authority}", authority, "AU-1")
    return vouched(statement, envelope, met)


def _certified(envelope: Envelope, root: Authentic[Root]) -> bool:
    try:
        check_threshold(envelope, root.statement.roles.brand, ROOT)
    except TrustError:
        return False
    return True

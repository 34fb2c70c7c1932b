"""Who says so? The chain from the root to any statement, as the straight line that SPEC.md describes.

Two results, two types. `Authentic`: signed by the keys that may sign it today; it may be expired, so it
serves as a floor or an address and never as a reason to install. `Verified`: authentic, current at one
moment, and not below its floor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

import msgspec

from sealring.envelope import Envelope, parse_envelope
from sealring.errors import RuledError, TrustError
from sealring.keys import KeySet
from sealring.moment import Moment, check_time
from sealring.names import NO_ROOT, ROOT, KeyId
from sealring.statement import Brand, Common, RevisionStatement, Root, parse_statement
from sealring.threshold import TooFewSigners, check_threshold

S_co = TypeVar("S_co", bound=Common, covariant=True)
S = TypeVar("S", bound=Common)


class Authentic(msgspec.Struct, Generic[S_co], frozen=True):
    """A statement that a threshold of current keys of its own authority vouches for."""

    statement: S_co
    envelope: Envelope
    signers: frozenset[KeyId]


class Verified(Authentic[S_co], frozen=True):
    """An authentic statement that may also be acted upon at `moment`."""

    moment: Moment


@dataclass(eq=False)
class WrongStatement(RuledError):
    """A genuine statement in a place that is not its own (SPEC ST-4, ST-6, AU-1, RT-2, BR-2)."""

    what: str
    found: str
    needed: str
    by: str
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: {self.found} found, {self.needed} needed"

    def hint(self) -> str:
        if self.by == "BR-1":
            return "give the brand's own assertion too (`--brand`, or into the bundle), signed by this root"
        return "someone offered a statement for another place; `sealring show` tells what it is"


@dataclass(eq=False)
class Rollback(TrustError):
    """A device never goes back (SPEC FL-1)."""

    what: str
    offered: int
    floor: int
    rule: ClassVar[str] = "FL-1"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: sequence {self.offered} offered, {self.floor} or later needed"

    def hint(self) -> str:
        # Read by who verifies, by who publishes, and in a device's report: it must be right for each of them.
        return f"take sequence {self.floor} or later; what changes needs a sequence above every one published so far"


@dataclass(eq=False)
class Conflict(TrustError):
    """Two statements of one subject and sequence (SPEC FL-3): what was accepted first is kept."""

    what: str
    sequence: int
    offered: str
    held: str
    rule: ClassVar[str] = "FL-3"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: a second sequence {self.sequence}, id {self.offered[:16]} offered, {self.held[:16]} held"

    def hint(self) -> str:
        return f"two were signed: issue sequence {self.sequence + 1}, and find out who signed the other"


@dataclass(eq=False)
class SecondImage(TrustError):
    """One revision for one architecture with two images (SPEC FL-3): what was accepted first is kept."""

    what: str
    offered: str
    held: str
    rule: ClassVar[str] = "FL-3"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: a second image, SHA-256 {self.offered[:16]} offered, {self.held[:16]} held"

    def hint(self) -> str:
        return "publish the other image as a new revision, and find out who signed it as this one"


@dataclass(frozen=True)
class Claim:
    """What an unverified envelope says that it is. Good for routing and messages, for nothing else."""

    statement: Common
    envelope: Envelope


def read_claim(raw: bytes) -> Claim:
    """What these bytes claim to be; nobody has vouched for it."""
    envelope = parse_envelope(raw)
    return Claim(parse_statement(envelope.payload), envelope)


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
    they sign counts, but their keys still say who may follow them (SPEC BR-3).
    """

    root: Authentic[Root]
    brands: Mapping[str, Authentic[Brand]] = field(default_factory=dict)
    former: Mapping[str, Authentic[Brand]] = field(default_factory=dict)

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
        return Chain(root, certified, former)

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
        )

    def authenticate(self, raw: bytes, kind: type[S], authority: str) -> Authentic[S]:
        """A statement of a brand, signed by the keys that may sign it today; maybe expired.

        Args:
            authority: the brand that must have said it; known from what was asked for.

        Raises:
            TrustError: and nothing else, whatever the bytes.
        """
        envelope = parse_envelope(raw)
        brand = self.brands.get(authority)
        if brand is None:
            raise WrongStatement(f"brand {authority}", "no current certificate", "one signed by the root", "BR-1")
        # TH-1 comes first: no member is read before a threshold of keys vouches for the exact bytes.
        signers = _first_threshold(envelope, key_sets(brand), f"{kind.__struct_config__.tag} of {authority}")
        statement = self._parsed(envelope, kind)
        # AU-1: a brand speaks for itself only, or any certified publisher could sign anyone's software.
        if statement.authority != authority:
            raise WrongStatement(statement.title, f"authority {statement.authority}", authority, "AU-1")
        return Authentic(statement, envelope, signers)

    def _follow(self, walk: Authentic[Brand] | None, raw: bytes) -> Authentic[Brand]:
        envelope = parse_envelope(raw)
        statement = self._parsed(envelope, Brand)
        counts = walk or self.brands.get(statement.brand)
        before = counts or self.former.get(statement.brand)
        if before is None or before.envelope.id == envelope.id:
            return Authentic(statement, envelope, frozenset())
        if before.statement.brand != statement.brand:
            raise WrongStatement("next brand", statement.brand, before.statement.brand, "BR-2")
        try:
            return Authentic(statement, envelope, _by_previous_keys(envelope, statement, before))
        except TrustError as refusal:
            signers = self._by_role_root(envelope, statement, refusal)
        # BR-2: even then never back; but a thief's highest sequence ends with the certificate that it stood on (BR-3).
        check_floor(found := Authentic(statement, envelope, signers), counts)
        return found

    def _by_role_root(self, envelope: Envelope, statement: Brand, refusal: TrustError) -> frozenset[KeyId]:
        """BR-2: keys lost or stolen; the role `root` stands in for them, and need not follow by one."""
        what = f"{statement.title} without its previous keys, by the role root"
        try:
            return check_threshold(envelope, self.root.statement.roles.root, what)
        except TooFewSigners as err:
            # Say what stopped the ordinary way, unless nobody who may has signed at all.
            raise (err if isinstance(refusal, TooFewSigners) else refusal) from None

    def _parsed(self, envelope: Envelope, kind: type[S]) -> S:
        statement = parse_statement(envelope.payload)
        if not isinstance(statement, kind):
            raise WrongStatement("assertion", statement.title, f"a {kind.__struct_config__.tag}", "ST-6")
        # ST-4: or what was signed under a rehearsal's root could be replayed in production.
        if statement.root != self.root_id:
            raise WrongStatement(statement.title, f"root {statement.root[:16]}", f"root {self.root_id[:16]}", "ST-4")
        return statement


def _by_previous_keys(envelope: Envelope, statement: Brand, before: Authentic[Brand]) -> frozenset[KeyId]:
    """BR-2: the brand's own keys say who follows them, so the root's role `brand` alone can't take a brand over."""
    last = before.statement.sequence
    what = f"{statement.title} by the keys of its sequence {last}"
    signers = check_threshold(envelope, before.statement.keys, what)
    # FL-1, FL-3: a step back would bring retired keys to power, which could then name another successor.
    if statement.sequence < last:
        raise Rollback(statement.title, statement.sequence, last)
    if statement.sequence == last:
        raise Conflict(statement.title, last, envelope.id, before.envelope.id)
    if statement.sequence != last + 1:
        raise WrongStatement(
            f"next {statement.title}", f"sequence {statement.sequence}", f"sequence {last + 1}", "BR-2"
        )
    return signers


def key_sets(brand: Authentic[Brand]) -> tuple[KeySet, ...]:
    """The key sets that may sign a brand's statements; each meets its own threshold alone (SPEC AU-2)."""
    return (brand.statement.keys,)


def check_floor(found: Authentic[S], floor: Authentic[Common] | None) -> None:
    """Raise when the statement lies below what was seen of its subject before (SPEC FL-1, FL-3)."""
    if floor is None:
        return
    statement, seen = found.statement, floor.statement
    if statement.sequence < seen.sequence:
        raise Rollback(statement.title, statement.sequence, seen.sequence)
    if statement.sequence == seen.sequence and found.envelope.id != floor.envelope.id:
        raise Conflict(statement.title, statement.sequence, found.envelope.id, floor.envelope.id)
    # FL-3: a revision is one build; whoever re-issues it for other bytes changes what every release of it means.
    if not isinstance(statement, RevisionStatement) or not isinstance(seen, RevisionStatement):
        return
    if statement.image.sha256 != seen.image.sha256:
        raise SecondImage(statement.title, statement.image.sha256, seen.image.sha256)


def verify(found: Authentic[S], moment: Moment, floor: Authentic[Common] | None) -> Verified[S]:
    """The statement as one that may be acted upon: not below its floor, and current at this moment.

    Raises:
        Rollback, Conflict, Expired, FromTheFuture, TooEarly.
    """
    check_floor(found, floor)
    check_time(found.statement, moment)
    return Verified(found.statement, found.envelope, found.signers, moment)


def _first_threshold(envelope: Envelope, sets: tuple[KeySet, ...], what: str) -> frozenset[KeyId]:
    refusal: TrustError | None = None
    for keys in sets:
        try:
            return check_threshold(envelope, keys, what)
        except TrustError as err:
            refusal = refusal or err
    assert refusal is not None  # there is always the authority's own set
    raise refusal


def _certified(envelope: Envelope, root: Authentic[Root]) -> bool:
    try:
        check_threshold(envelope, root.statement.roles.brand, ROOT)
    except TrustError:
        return False
    return True

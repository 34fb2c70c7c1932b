"""What a change of keys would cut off: refused, unless the publisher says that it is meant (SPEC PB-9).

A rotation without counter-signatures ends what the old keys released on every device at once, and weakens the
revocations that they signed. Both may be wanted, after a theft; neither should be a slip.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Protocol

from msgspec import UNSET

from sealring.authentic import Authentic, Claim, read_claim
from sealring.chain import Chain
from sealring.end_of_life import final_ids
from sealring.errors import TrustError
from sealring.floors import reauthenticate
from sealring.moment import Moment
from sealring.names import ROOT
from sealring.statement import Brand, Common, Delegation, Release, Revocations, Root, Stack
from sealring_server.held import Held
from sealring_server.software import named_revisions

NAMED = 16  # of what would fall, in the answer
SERIALS = 4096  # of one brand that are looked at: a rotation loses all of them or none
SPEAKING = ("model", "store", "delegation", "revocations")


@dataclass(eq=False)
class WouldCut(TrustError):
    """Other keys, after which nobody vouches for what is released or revoked (SPEC PB-9)."""

    fallen: tuple[str, ...]
    more: bool
    rule: ClassVar[str] = "PB-9"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        rest = ", and more" if self.more else ""
        return f"publication of other keys: nobody would vouch for {', '.join(self.fallen)}{rest}"

    def hint(self) -> str:
        return "let the new keys countersign these, and publish that before or with the new keys; or say --cut"


class Newest(Protocol):
    """The envelope that is the head of a type and subject, as it would be after the publication."""

    def __call__(self, kind: str, subject: str) -> bytes | None:
        """None where there is none."""


@dataclass(frozen=True)
class Change:
    """The chain before and after a publication, and what it holds."""

    held: Held
    before: Chain
    after: Chain
    head: Newest
    moment: Moment

    def check(self, published: Sequence[Common]) -> None:
        """Raise `WouldCut` if these statements take the last voucher from anything that is released or in force."""
        fallen = list(islice(self._fallen(published), NAMED + 1))
        if fallen:
            raise WouldCut(tuple(fallen[:NAMED]), len(fallen) > NAMED)

    def _fallen(self, published: Sequence[Common]) -> Iterator[str]:
        if any(isinstance(one, Root) for one in published):
            yield from self._by_root()
        brands = {one.brand for one in published if isinstance(one, Brand) and self._has_other_keys(one.brand)}
        for name in sorted(brands | {one.authority for one in published if isinstance(one, Delegation)}):
            if name in self.before.brands and name in self.after.brands:
                yield from self._of_brand(name)

    def _has_other_keys(self, name: str) -> bool:
        before, after = self.before.brands.get(name), self.after.brands.get(name)
        return before is not None and after is not None and before.statement.keys != after.statement.keys

    def _by_root(self) -> Iterator[str]:
        """The root's own list, the brands that it no longer certifies, and the last words that it no longer signs."""
        if self._falls("revocations", f"{ROOT}/{ROOT}"):
            yield f"revocations {ROOT}/{ROOT}"
        for name, _, _ in self.held.heads("brand"):
            is_before = name in self.held.with_held_brand(self.before, name).brands
            raw = self.head("brand", name)
            if is_before and raw is not None and name not in self.after.brands and not _follows(self.after, name, raw):
                yield f"brand {name}"
        for release in self.held.bodies("release"):
            if isinstance(release, Release) and release.final is not UNSET and self._loses_its_end(release.subject):
                yield f"the end of life in {release.title}"

    def _of_brand(self, name: str) -> Iterator[str]:
        revisions: set[str] = set()
        for kind in ("release", "stack", *SPEAKING, "serial"):
            for subject in islice(self.held.subjects(kind, name), SERIALS if kind == "serial" else None):
                claim = self._stands(kind, subject)
                if claim is None:
                    continue
                if isinstance(claim.statement, Release | Stack):
                    revisions |= {revision for revision, _ in named_revisions(claim.statement)}
                if self._falls(kind, subject):
                    yield f"{kind} {subject}"
        for subject in sorted(revisions):
            if self._stands("revision", subject) is not None and self._falls("revision", subject):
                yield f"revision {subject}"

    def _stands(self, kind: str, subject: str) -> Claim | None:
        """What devices would act upon today: neither expired nor taken back. A list is in force even when expired."""
        raw = self.head(kind, subject)
        if raw is None:
            return None
        claim = read_claim(raw)
        if isinstance(claim.statement, Revocations):
            return claim
        is_final = isinstance(claim.statement, Release) and claim.statement.final is not UNSET
        if self.moment.at >= claim.statement.expires and not is_final:
            return None
        return claim if self.after.revocations.strongest(claim.statement, claim.envelope.id) is None else None

    def _falls(self, kind: str, subject: str) -> bool:
        known, raw = self.held.current(kind, subject), self.head(kind, subject)
        return known is not None and raw is not None and not _vouched(self.after, raw) and _vouched(self.before, known)

    def _loses_its_end(self, subject: str) -> bool:
        known, raw = self.held.current("release", subject), self.head("release", subject)
        return known is not None and raw is not None and _ends(self.before, known) and not _ends(self.after, raw)


def _vouched(chain: Chain, raw: bytes) -> bool:
    try:
        reauthenticate(chain, raw)
    except TrustError:
        return False
    return True


def _follows(chain: Chain, name: str, raw: bytes) -> bool:
    """Whether the root of this chain certifies the brand as it stands."""
    try:
        return name in chain.with_brand([raw]).brands
    except TrustError:
        return False


def _ends(chain: Chain, raw: bytes) -> bool:
    claim = read_claim(raw)
    if not isinstance(claim.statement, Release):
        return False
    try:
        return bool(final_ids(chain, Authentic(claim.statement, claim.envelope, frozenset())))
    except TrustError:
        return False

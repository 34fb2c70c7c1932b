"""Who may speak: as things stand, or as they would stand once every draft of a request is signed (SPEC CE-4).

A `Standing` decides no trust. The one before is computed from a verified chain; the one after is what the drafts ask
for, so that a holder sees who could sign what, and what would fall, before there is one signature.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import UNSET

from sealring.chain import Claim
from sealring.delegation import check_covered
from sealring.errors import TrustError
from sealring.keys import KeySet
from sealring.names import ROOT
from sealring.statement import Brand, Common, Delegation, Release, Root
from sealring.threshold import check_threshold


@dataclass(frozen=True)
class Needed:
    """One key set that must meet its threshold, and how to call it."""

    by: str
    keys: KeySet
    is_instead: bool = False
    """True for the way out when the set before it can't sign any more."""


@dataclass(frozen=True)
class Standing:
    """The root, the brands that it certifies, and what they delegate."""

    root: Root | None = None
    brands: Mapping[str, Brand] = field(default_factory=dict)
    delegations: Mapping[str, Delegation] = field(default_factory=dict)

    def speakers(self, statement: Common) -> list[Needed]:
        """The key sets of which any one may sign this statement of a brand, or the root's revocations."""
        if statement.authority == ROOT and self.root is not None:
            return [Needed(f"root {self.root.sequence}, role root", self.root.roles.root)]
        brand = self.brands.get(statement.authority)
        if brand is None:
            return []
        found = [Needed(f"brand {brand.brand}, sequence {brand.sequence}", brand.keys)]
        for delegation in self.delegations.values():
            if delegation.authority == brand.brand and _covers(delegation, statement):
                found.append(Needed(f"{delegation.title}, sequence {delegation.sequence}", delegation.keys, True))
        return found

    def groups(self, statement: Common) -> tuple[tuple[Needed, ...], ...]:
        """Of each group one key set must sign; the last word on a product is the root's too. Empty: nobody speaks."""
        speakers = tuple(self.speakers(statement))
        if not speakers:
            return ()
        # EL-1: or a brand alone could make its software live for ever.
        if is_final(statement) and self.root is not None:
            return (speakers, (Needed(f"root {self.root.sequence}, role brand", self.root.roles.brand),))
        return (speakers,)

    def certifies(self, claim: Claim) -> bool:
        """Whether the role `brand` of this root vouches for a brand's statement."""
        return self.root is not None and meets(claim, Needed("role brand", self.root.roles.brand))

    def vouches(self, claim: Claim) -> bool:
        """Whether key sets that may sign this statement of a brand have signed it, expired or not."""
        groups = self.groups(claim.statement)
        return bool(groups) and all(any(meets(claim, needed) for needed in group) for group in groups)

    def key_sets(self) -> Iterator[tuple[str, KeySet]]:
        """Every key set, by the name of its role."""
        if self.root is not None:
            yield "role root", self.root.roles.root
            yield "role brand", self.root.roles.brand
        for brand in self.brands.values():
            yield f"brand {brand.brand}", brand.keys
        for delegation in self.delegations.values():
            yield delegation.title, delegation.keys


def is_final(statement: Common) -> bool:
    """Whether this is a product's last release, which the root's role `brand` signs too (SPEC EL-1)."""
    return isinstance(statement, Release) and statement.final is not UNSET


def meets(claim: Claim, needed: Needed) -> bool:
    """Whether this key set's thresholds are met; for people, before a device is asked."""
    try:
        check_threshold(claim.envelope, needed.keys, needed.by)
    except TrustError:
        return False
    return True


def _covers(delegation: Delegation, statement: Common) -> bool:
    try:
        check_covered(delegation, statement)
    except TrustError:
        return False
    return True

"""Which signatures a store keeps with a statement (SPEC PB-4).

All that count or soon will, and none that can't: otherwise a stranger could add 32 worthless ones to a published
envelope, or a delegate 32 good ones of his own, and leave no room for the counter-signatures that a rotation needs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import UnsetType

from sealring.chain import Chain, Speaker
from sealring.delegation import check_covered
from sealring.envelope import MAX_SIGNATURES, Envelope, seal
from sealring.errors import TrustError
from sealring.keys import VERIFIED_TYPES, KeySet, PublicKey, signed_by
from sealring.names import ROOT, KeyId
from sealring.statement import Brand, Common, Delegation, Release, Root

PER_DELEGATION = 8  # signatures of one delegation on one statement, unless its thresholds ask for more


@dataclass(frozen=True)
class MaySign:
    """The keys whose signature on a statement is worth keeping, the ones that matter most first."""

    own: Sequence[PublicKey]
    """The authority's own."""
    coming: Sequence[PublicKey]
    """Of an announced root, brand or delegation."""
    delegates: Sequence[KeySet]
    """Of each delegation that covers the statement."""


def who_may_sign(
    chain: Chain, statement: Common, coming: Iterable[Common] = (), walked: Brand | None = None
) -> MaySign:
    """The keys whose signature may count on this statement.

    Args:
        chain: as it stands before the statement, for a root or a brand; otherwise as it stands today.
        coming: roots, brands and delegations that are announced, each by today's own keys of its authority.
        walked: the version of the same brand that this publication puts before this one.
    """
    roles = chain.root.statement.roles
    if isinstance(statement, Root):
        own = [roles.root, statement.roles.root]
    elif isinstance(statement, Brand):
        before = chain.brands.get(statement.brand) or chain.former.get(statement.brand)
        own = [roles.brand, *([before.statement.keys] if before else []), roles.root, statement.keys]
        own += [walked.keys] if walked else []
    else:
        own = [one.keys for one in chain.speakers(statement.authority) if one.delegation is None]
        if isinstance(statement, Release) and not isinstance(statement.final, UnsetType):
            own.append(roles.brand)  # EL-1
    delegates = [one.keys for one in chain.speakers(statement.authority) if one.delegation and _allows(one, statement)]
    return MaySign(_keys(own), _keys(found for one in coming for found in _sets_of(one, statement)), delegates)


def merged(offered: Envelope, held: Envelope | None, may: MaySign, good: frozenset[KeyId] = frozenset()) -> Envelope:
    """One envelope with every signature of `offered` that may count, and all that `held` has (SPEC PB-4).

    Args:
        held: the envelope of the same id that was admitted before, if any.
        good: keys whose signature on what is offered was found to count just now.
    """
    already = dict(held.signatures) if held is not None and held.id == offered.id else {}
    kept: dict[KeyId, bytes] = {}

    def take(keys: Iterable[PublicKey], limit: int) -> None:
        for key in keys:
            # What was admitted first stays where neither can be checked; a good one replaces a bad one.
            for found in (already.get(key.id), offered.signatures.get(key.id)):
                if limit <= 0 or found is None or key.id in kept:
                    continue
                is_good = key.id in good and found == offered.signatures.get(key.id)
                if is_good or _may_count(key, found, offered.pae):
                    kept[key.id] = found
                    limit -= 1

    take(may.own, MAX_SIGNATURES)
    take(may.coming, MAX_SIGNATURES)
    for other, signature in already.items():
        kept.setdefault(other, signature)
    for keys in may.delegates:
        here = sum(1 for key in keys.keys if key.id in kept)
        take(keys.keys, max(PER_DELEGATION, sum(t.threshold for t in keys.thresholds)) - here)
    # Most often that is just what was offered.
    return offered if kept == offered.signatures else seal(offered.payload, dict(list(kept.items())[:MAX_SIGNATURES]))


def _sets_of(coming: Common, statement: Common) -> list[KeySet]:
    """The sets of an announced statement that will speak for this one."""
    if isinstance(coming, Root):
        is_brands = isinstance(statement, Brand) or (
            isinstance(statement, Release) and not isinstance(statement.final, UnsetType)
        )
        return [coming.roles.brand] if is_brands else [coming.roles.root] if statement.authority == ROOT else []
    if isinstance(coming, Brand):
        return [coming.keys] if statement.authority == coming.brand else []
    if isinstance(coming, Delegation) and statement.authority == coming.authority:
        try:
            check_covered(coming, statement)
        except TrustError:
            return []
        return [coming.keys]
    return []


def _allows(speaker: Speaker, statement: Common) -> bool:
    try:
        speaker.check_allowed(statement)
    except TrustError:
        return False
    return True


def _keys(sets: Iterable[KeySet]) -> list[PublicKey]:
    return [key for found in sets for key in found.keys]


def _may_count(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """A key of a type that this edition can't verify may count for a later one (SPEC KY-4)."""
    return key.type not in VERIFIED_TYPES or signed_by(key, signature, message)

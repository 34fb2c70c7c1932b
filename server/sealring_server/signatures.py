"""Which signatures a store keeps with a statement (SPEC PB-4).

All that count, and none that can't: otherwise a stranger could add 32 worthless ones to a published envelope
and leave no room for the counter-signature that a rotation needs.
"""

from collections.abc import Iterable

from msgspec import UnsetType

from sealring.chain import Chain
from sealring.envelope import MAX_SIGNATURES, Envelope, seal
from sealring.keys import VERIFIED_TYPES, KeySet, PublicKey, signed_by
from sealring.names import KeyId
from sealring.statement import Brand, Common, Release, Root


def signing_keys(chain: Chain, statement: Common) -> list[PublicKey]:
    """The keys whose signature may count on this statement, the ones that matter most first.

    Args:
        chain: as it stands before the statement, for a root or a brand; otherwise as it stands today.
    """
    sets: list[KeySet] = []
    if isinstance(statement, Root):
        sets = [chain.root.statement.roles.root, statement.roles.root]
    elif isinstance(statement, Brand):
        before = chain.brands.get(statement.brand) or chain.former.get(statement.brand)
        roles = chain.root.statement.roles
        sets = [roles.brand, *([before.statement.keys] if before else []), roles.root, statement.keys]
    else:
        sets = [speaker.keys for speaker in chain.speakers(statement.authority)]
        if isinstance(statement, Release) and not isinstance(statement.final, UnsetType):
            sets.insert(1, chain.root.statement.roles.brand)  # EL-1
    return [key for found in sets for key in found.keys]


def merged(offered: Envelope, held: Envelope | None, keys: Iterable[PublicKey]) -> Envelope:
    """One envelope with every signature of `offered` that may count, and all that `held` has (SPEC PB-4).

    Args:
        held: the envelope of the same id that was admitted before, if any.
        keys: from `signing_keys`.
    """
    if held is not None and held.id != offered.id:
        held = None
    already = dict(held.signatures) if held is not None else {}
    kept: dict[KeyId, bytes] = {}
    for key in keys:
        # What was admitted first stays where neither can be checked; a good one replaces a bad one.
        for found in (already.get(key.id), offered.signatures.get(key.id)):
            if found is not None and key.id not in kept and _may_count(key, found, offered.pae):
                kept[key.id] = found
    for other, signature in already.items():
        kept.setdefault(other, signature)
    return seal(offered.payload, dict(list(kept.items())[:MAX_SIGNATURES]))


def _may_count(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """A key of a type that this edition can't verify may count for a later one (SPEC KY-4)."""
    return key.type not in VERIFIED_TYPES or signed_by(key, signature, message)

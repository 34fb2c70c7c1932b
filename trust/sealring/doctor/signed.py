"""What was signed by a date, and by whom: every signature that a known key made (SPEC TH-1)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sealring.authentic import Claim
from sealring.delegation import named_by
from sealring.doctor.audit import Scope
from sealring.doctor.hindsight import Hindsight
from sealring.doctor.world import World, subject_of
from sealring.errors import TrustError
from sealring.keys import KeySet, PublicKey, signed_by
from sealring.moment import Expired
from sealring.moment import Moment as Instant
from sealring.names import KeyId
from sealring.revocation import Revoked
from sealring.statement import Brand, Common, Delegation, Model, Release, RevisionStatement, Revocations, Root, Store

State = Literal["in force", "superseded", "expired", "revoked", "waits", "does not count"]


@dataclass(frozen=True)
class Signature:
    """A good signature: the key, and the key sets of that time that list it; none where it was retired or foreign."""

    key: PublicKey
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Signed:
    """One statement that had been issued then. `words`: why it does not count, or is no longer believed."""

    claim: Claim
    state: State
    signatures: tuple[Signature, ...]
    unknown: tuple[KeyId, ...]
    under: tuple[str, ...]
    words: str = ""


def signed(then: World, now: World, later: Hindsight, at: datetime, scope: Scope) -> tuple[Signed, ...]:
    """Every statement about what was asked, of those that were issued by then, newest of each subject first."""
    asked, keys = scope.of_model(then), _keys(now)
    listed = _roles(then)
    found: list[Signed] = []
    for _, claims in sorted(then.by_subject.items()):
        for claim in sorted(claims, key=lambda c: -c.statement.sequence):
            if asked.is_all or _is_asked(claim.statement, asked):
                found.append(_one(then, later, at, claim, keys, listed))
    return tuple(found)


def _one(
    then: World,
    later: Hindsight,
    at: datetime,
    claim: Claim,
    keys: Mapping[KeyId, PublicKey],
    listed: Mapping[KeyId, list[str]],
) -> Signed:
    state, words = _state(then, claim, at)
    words = words or later.taken_back(claim.statement, claim.envelope.id, at)
    good = [
        Signature(keys[ident], tuple(listed.get(ident, ())))
        for ident, signature in claim.envelope.signatures.items()
        if ident in keys and signed_by(keys[ident], signature, claim.envelope.pae)
    ]
    known = {one.key.id for one in good}
    unknown = tuple(ident for ident in claim.envelope.signatures if ident not in known)
    held = then.held.get(subject_of(claim.statement))
    under = held.under if held is not None and held.envelope.id == claim.envelope.id else ()
    good.sort(key=lambda one: one.key.name)  # an envelope has them in the order of their ids
    return Signed(claim, state, tuple(good), unknown, tuple(d.statement.title for d in under), words)


def _state(then: World, claim: Claim, at: datetime) -> tuple[State, str]:
    held = then.held.get(subject_of(claim.statement))
    if held is None or held.envelope.id != claim.envelope.id:
        if not then.vouched_once(claim):
            return "does not count", "no key set of that time vouches for it"
        return "superseded", ""
    try:
        then.chain.verify(held, Instant(at), None)
    except Expired as err:
        return "expired", str(err)
    except Revoked as err:
        return "revoked", str(err)
    except TrustError as err:
        return "waits", str(err)
    return "in force", ""


def _is_asked(said: Common, scope: Scope) -> bool:
    if isinstance(said, Root):
        return True
    if isinstance(said, Brand):
        return said.brand in scope.brands
    if isinstance(said, Delegation | Revocations):
        return said.authority in scope.brands
    if isinstance(said, RevisionStatement | Release):
        return said.name in scope.packages
    if isinstance(said, Model):
        return said.name in scope.models
    if isinstance(said, Store):
        return said.authority in scope.brands
    named = named_by(said)
    return any(name in scope.packages for name in named.packages) or any(name in scope.models for name in named.models)


def _sets(world: World) -> Iterator[tuple[str, KeySet]]:
    for claim in world.claims:
        said = claim.statement
        if isinstance(said, Root):
            yield f"root {said.sequence}, role root", said.roles.root
            yield f"root {said.sequence}, role brand", said.roles.brand
        elif isinstance(said, Brand | Delegation):
            yield f"{said.title}, sequence {said.sequence}", said.keys


def _keys(world: World) -> dict[KeyId, PublicKey]:
    """Every key that any statement lists; a key's name is what the newest calls it."""
    return {key.id: key for _, keys in _sets(world) for key in keys.keys}


def _roles(then: World) -> dict[KeyId, list[str]]:
    """The sets that spoke then, by key."""
    root, found = then.chain.root.statement, dict[KeyId, list[str]]()
    sets = [("role root", root.roles.root), ("role brand", root.roles.brand)]
    sets += [(f"brand {name}", one.statement.keys) for name, one in then.chain.brands.items()]
    sets += [(one.statement.title, one.statement.keys) for one in then.chain.delegations.values()]
    for title, keys in sets:
        for key in keys.keys:
            found.setdefault(key.id, []).append(title)
    return found

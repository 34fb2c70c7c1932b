"""What brands delegate and revoke, found in the envelopes that are remembered (SPEC AU-2, RK-2, RK-3).

The order closes the circle: a brand's own keys sign its delegations and its own list; that list says which
delegations still count; those that do sign lists of their own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sealring.authentic import Authentic, Claim, S, read_claim
from sealring.chain import Chain
from sealring.errors import TrustError
from sealring.revocation import InForce, ListInForce, lists_in_force
from sealring.statement import Common, Delegation, Revocations


def furnished(chain: Chain, raws: Iterable[bytes], *, once_verified: bool = False) -> Chain:
    """The chain with the delegations that count today, and the revocations in force.

    Args:
        raws: envelopes of any type; those that are neither delegations nor lists are passed over.
        once_verified: each was authentic when it was taken into memory, so that lists which no longer count go on,
            weakened (RK-3). What comes from a stranger never was: a forged list would keep updates away.
    """
    claims = [claim for raw in raws if (claim := _claim(raw)) is not None]
    bare = replace(chain, delegations={}, revocations=InForce())
    lists = [claim for claim in claims if isinstance(claim.statement, Revocations)]
    own = InForce(tuple(_in_force(bare, [claim for claim in lists if _is_own(claim)], {}, once_verified)))
    bare = replace(bare, revocations=own)
    delegations = _delegations(bare, claims)
    # RK-1: a delegation that was taken back signs nothing more, and its lists end with it, also where nobody of today
    # vouches for it: a brand with new keys need not sign it anew to take it back.
    last = {**_last(claims), **{s: Claim(one.statement, one.envelope) for s, one in delegations.items()}}
    gone = {s for s, one in last.items() if own.strongest(one.statement, one.envelope.id) is not None}
    ready = replace(bare, delegations={s: d for s, d in delegations.items() if s not in gone})
    others = [claim for claim in lists if not _is_own(claim)]
    delegates = _in_force(ready, others, last, once_verified)
    rest = [one for one in delegates if one.counts or one.statement.subject not in gone]
    return replace(ready, revocations=InForce((*own.lists, *rest)))


def _claim(raw: bytes) -> Claim | None:
    """What a remembered envelope claims, if it is one that matters here; damaged memory makes nothing."""
    try:
        claim = read_claim(raw)
    except TrustError:
        return None
    return claim if isinstance(claim.statement, Delegation | Revocations) else None


def _is_own(claim: Claim) -> bool:
    return isinstance(claim.statement, Revocations) and claim.statement.issuer == claim.statement.authority


def gives_way(revocations: InForce, held: Authentic[Common], found: Authentic[Common]) -> bool:
    """FL-5: of two that were signed for one place, the one that is taken back by its id gives way to the other."""
    if found.statement.sequence != held.statement.sequence or found.envelope.id == held.envelope.id:
        return False
    return revocations.names_id(held.statement, held.envelope.id) and not revocations.names_id(
        found.statement, found.envelope.id
    )


def _delegations(bare: Chain, claims: Iterable[Claim]) -> dict[str, Authentic[Delegation]]:
    """The highest of each subject that the brand's own keys vouch for, expired or not (FL-2, AU-6)."""
    found: dict[str, Authentic[Delegation]] = {}
    for claim in claims:
        if isinstance(claim.statement, Delegation) and (one := _judged(bare, claim, Delegation)) is not None:
            held = found.setdefault(one.statement.subject, one)
            if held.statement.sequence < one.statement.sequence or gives_way(bare.revocations, held, one):
                found[one.statement.subject] = one
    return found


def _last(claims: Iterable[Claim]) -> dict[str, Claim]:
    """The highest of each delegation that is remembered, whoever vouches for it; no stranger's is ever looked at."""
    found: dict[str, Claim] = {}
    for claim in claims:
        if isinstance(claim.statement, Delegation):
            held = found.setdefault(claim.statement.subject, claim)
            # RK-3: the order in which two of one number came would be forgotten at a restart.
            if _rank(held) < _rank(claim):
                found[claim.statement.subject] = claim
    return found


def _rank(claim: Claim) -> tuple[int, int]:
    return claim.statement.sequence, -int(claim.envelope.id, 16)


def _in_force(
    chain: Chain, lists: Iterable[Claim], delegations: Mapping[str, Claim], once_verified: bool
) -> Iterable[ListInForce]:
    """The lists that say something; `delegations` bound those that no longer count, by subject (RK-4)."""
    counting: dict[str, ListInForce] = {}
    silent: list[ListInForce] = []
    for claim in lists:
        statement = claim.statement
        assert isinstance(statement, Revocations)  # the caller has picked them
        judged, held = _judged(chain, claim, Revocations), counting.get(statement.subject)
        current = chain.delegations.get(statement.subject) or delegations.get(statement.subject)
        scope = current.statement if current is not None and isinstance(current.statement, Delegation) else None
        # RK-4: a delegate's list without any delegation to bound it is of no use to anybody but a thief.
        if scope is None and statement.issuer != statement.authority:
            continue
        if judged is not None and (held is None or held.statement.sequence < statement.sequence):
            counting[statement.subject] = ListInForce(statement, counts=True, scope=scope)
        if judged is None and once_verified:
            silent.append(ListInForce(statement, counts=False, scope=scope))
    numbers = {name: brand.statement.revocations for name, brand in chain.brands.items()}
    return lists_in_force(counting.values(), silent, numbers)


def _judged(chain: Chain, claim: Claim, kind: type[S]) -> Authentic[S] | None:
    try:
        return chain.authenticate(claim.envelope.raw, kind, claim.statement.authority)
    except TrustError:
        return None

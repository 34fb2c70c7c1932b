"""What brands delegate and revoke, found in the envelopes that are remembered (SPEC AU-2, RK-2, RK-3).

The order closes the circle: a brand's own keys sign its delegations and its own list; that list says which
delegations still count; those that do sign lists of their own.
"""

from collections.abc import Iterable
from dataclasses import replace

from sealring.authentic import Authentic, Claim, S, read_claim
from sealring.chain import Chain
from sealring.errors import TrustError
from sealring.revocation import InForce, ListInForce, lists_in_force
from sealring.statement import Delegation, Revocations


def furnished(chain: Chain, raws: Iterable[bytes], *, once_verified: bool = False) -> Chain:
    """The chain with the delegations that count today, and the revocations in force.

    Args:
        raws: envelopes of any type; those that are neither delegations nor lists are passed over.
        once_verified: each was authentic when it was taken into memory, so that lists which no longer count go on,
            weakened (RK-3). What comes from a stranger never was: a forged list would keep updates away.
    """
    claims = [claim for raw in raws if (claim := _claim(raw)) is not None]
    bare = replace(chain, delegations={}, revocations=InForce())
    delegations = _delegations(bare, claims)
    lists = [claim for claim in claims if isinstance(claim.statement, Revocations)]
    own = InForce(tuple(_in_force(bare, [claim for claim in lists if _is_own(claim)], claims, once_verified)))
    # RK-1: a delegation that was taken back signs nothing more, and its lists end with it.
    standing = {s: d for s, d in delegations.items() if own.strongest(d.statement, d.envelope.id) is None}
    gone = delegations.keys() - standing.keys()
    ready = replace(bare, delegations=standing, revocations=own)
    others = [claim for claim in lists if not _is_own(claim)]
    delegates = _in_force(ready, others, claims, once_verified)
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


def _delegations(bare: Chain, claims: Iterable[Claim]) -> dict[str, Authentic[Delegation]]:
    """The highest of each subject that the brand's own keys vouch for, expired or not (FL-2, AU-6)."""
    found: dict[str, Authentic[Delegation]] = {}
    for claim in claims:
        if isinstance(claim.statement, Delegation) and (one := _judged(bare, claim, Delegation)) is not None:
            held = found.get(one.statement.subject)
            if held is None or held.statement.sequence < one.statement.sequence:
                found[one.statement.subject] = one
    return found


def _in_force(
    chain: Chain, lists: Iterable[Claim], claims: Iterable[Claim], once_verified: bool
) -> Iterable[ListInForce]:
    scopes = {c.statement.subject: c.statement for c in claims if isinstance(c.statement, Delegation)}
    scopes |= {subject: one.statement for subject, one in chain.delegations.items()}
    counting: dict[str, ListInForce] = {}
    silent: list[ListInForce] = []
    for claim in lists:
        statement = claim.statement
        assert isinstance(statement, Revocations)  # the caller has picked them
        judged, scope = _judged(chain, claim, Revocations), scopes.get(statement.subject)
        if judged is None:
            # RK-4: a delegate's list without any delegation to bound it is of no use to anybody but a thief.
            if once_verified and (statement.issuer == statement.authority or scope is not None):
                silent.append(ListInForce(statement, counts=False, scope=scope))
            continue
        held = counting.get(statement.subject)
        if held is None or held.statement.sequence < statement.sequence:
            limit = judged.under[0].statement if judged.under else None
            counting[statement.subject] = ListInForce(statement, counts=True, scope=limit)
    numbers = {name: brand.statement.revocations for name, brand in chain.brands.items()}
    return lists_in_force(counting.values(), silent, numbers)


def _judged(chain: Chain, claim: Claim, kind: type[S]) -> Authentic[S] | None:
    try:
        return chain.authenticate(claim.envelope.raw, kind, claim.statement.authority)
    except TrustError:
        return None

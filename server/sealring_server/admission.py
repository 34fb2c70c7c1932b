"""What the store takes in: exactly what a device would accept, judged by the device's own functions (SPEC PB-1).

Claims are judged in the order in which a device learns: who may speak first, what they say last. The result is
what a publication adds; nothing is written here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from msgspec import UnsetType

from sealring.approve import check_revocations
from sealring.authentic import Claim
from sealring.chain import Chain
from sealring.errors import TrustError
from sealring.furnished import furnished
from sealring.moment import Moment
from sealring.names import ROOT
from sealring.statement import (
    Brand,
    Delegation,
    Model,
    Release,
    Revocations,
    Root,
    Stack,
    Store,
)
from sealring_server.cut import Change
from sealring_server.grounds import Grounds
from sealring_server.held import Held
from sealring_server.judge import admit_brand, admit_rest, admit_roots, stage_of
from sealring_server.terms import Terms, split
from sealring_server.work import Admission, Admitted

NO_TERMS = Terms()
MAX_BRANDS = 64  # in one publication


@dataclass(eq=False)
class TooManyBrands(TrustError):
    """A publication about so many brands that judging who may speak for them is work for a stranger's one request."""

    found: int
    rule: ClassVar[str] = "PB-7"
    exit_code: ClassVar[int] = 20
    status: ClassVar[int] = 413

    def __str__(self) -> str:
        return f"publication: statements of {self.found} brands, at most {MAX_BRANDS} in one"

    def hint(self) -> str:
        return "publish them in several parts"


def admit(
    held: Held, claims: Iterable[Claim], moment: Moment, terms: Terms = NO_TERMS, *, grounds: Grounds | None = None
) -> list[Admitted]:
    """Every one of these claims as admitted, roots first, or the rule that refuses one of them (SPEC PB-1).

    What `terms` say is only announced is judged, and not among the result.

    Args:
        grounds: what this process knows already of who may speak.

    Raises:
        TrustError: and nothing else, whatever they claim; then none of them is admitted.
    """
    claims, announced = split(list(claims), terms)
    held.look_up((claim.statement.type, claim.statement.subject) for claim in claims)
    names = {_speaker(c) for c in (*claims, *announced)} - {ROOT}
    if len(names) > MAX_BRANDS:
        raise TooManyBrands(len(names))
    claims.sort(key=lambda c: (stage_of(c), c.statement.type, c.statement.subject, c.statement.sequence))
    if not announced and not any(_changes_who_speaks(claim) for claim in claims):
        work = Admission(held, moment, (grounds or Grounds()).chain(held, names), _final(claims))
        admit_rest(work, claims, furnished=True)
        _check_lists(work)
        return work.admitted
    work = Admission(held, moment, held.chain(), _final(claims))
    admit_roots(work, [c for c in claims if isinstance(c.statement, Root)])
    work.announce([c for c in announced if isinstance(c.statement, Root)])
    # The root's lists take back brands, so they come before the brands.
    work.remember([ROOT])
    admit_rest(work, [c for c in claims if c.statement.authority == ROOT and not isinstance(c.statement, Root | Brand)])
    brands = [c for c in claims if isinstance(c.statement, Brand)]
    for name in sorted({c.statement.subject for c in brands}):
        admit_brand(work, name, [c for c in brands if c.statement.subject == name])
    rest = [c for c in claims if c.statement.authority != ROOT]
    work.chain = _with_brands(held, work.chain, names)
    work.announce([c for c in announced if not isinstance(c.statement, Root)])
    work.remember(names)
    admit_rest(work, rest)
    _check_lists(work)
    if not terms.cut:
        _check_cut(work, names)
    return work.admitted


def _changes_who_speaks(claim: Claim) -> bool:
    said = claim.statement
    return said.authority == ROOT or isinstance(said, Root | Brand | Delegation | Revocations)


def _speaker(claim: Claim) -> str:
    return claim.statement.brand if isinstance(claim.statement, Brand) else claim.statement.authority


def _with_brands(held: Held, chain: Chain, names: Iterable[str]) -> Chain:
    for name in sorted(names):
        chain = held.with_held_brand(chain, name)
    return chain


def _check_cut(work: Admission, names: Iterable[str]) -> None:
    """PB-9: what is released, or taken back, must not lose its last voucher by a slip."""
    changes = [a.statement for a in work.admitted if a.is_news and isinstance(a.statement, Root | Brand | Delegation)]
    if changes:
        before = furnished(_with_brands(work.held, work.held.chain(), names), work.remembered)
        Change(work.held, before, work.chain, work.head, work.moment).check(changes)


def _final(claims: list[Claim]) -> frozenset[str]:
    """The ids whose expiry no longer matters, if the final releases among these claims are admitted (SPEC EL-2)."""
    found: set[str] = set()
    for claim in claims:
        if isinstance(claim.statement, Release) and not isinstance(final := claim.statement.final, UnsetType):
            found |= {claim.envelope.id, final.brand, *final.models, *final.revisions}
    return frozenset(found)


def _check_lists(work: Admission) -> None:
    """RC-1: what names a list that is neither here nor comes with it could be installed by nobody."""
    for one in work.admitted:
        if one.is_news and isinstance(one.statement, Brand | Model | Release | Stack | Store):
            check_revocations(work.chain, one.statement)


__all__ = ["NO_TERMS", "admit"]

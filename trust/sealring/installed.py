"""What a revocation means for software that is already there (SPEC RK-6)."""

from collections.abc import Iterable

from sealring.authentic import read_claim
from sealring.chain import Chain
from sealring.delegation import check_covered
from sealring.envelope import Envelope
from sealring.errors import TrustError
from sealring.revocation import STRENGTH, Found
from sealring.statement import Delegation, RevisionStatement, parse_statement
from sealring.threshold import check_threshold


def reached(chain: Chain, known: Iterable[bytes], revision: Envelope) -> Found | None:
    """The strongest line in force that reaches an installed revision; None where there is none.

    A line reaches it by naming the revision, the certificate of its brand, or a delegation without which nobody
    of today has signed it.

    Args:
        chain: with the revocations in force (`floors.Floors.chain`).
        known: remembered envelopes; the delegations among them that were taken back are looked at.
        revision: as it was verified when it was installed.
    """
    statement = parse_statement(revision.payload)
    found = [chain.revocations.strongest(statement, revision.id)]
    brand = chain.brands.get(statement.authority) or chain.former.get(statement.authority)
    if brand is not None:
        found.append(chain.revocations.strongest(brand.statement, brand.envelope.id))
    if isinstance(statement, RevisionStatement) and not _still_vouched(chain, revision, statement):
        found += [_by_delegation(chain, raw, revision, statement) for raw in known]
    lines = [one for one in found if one is not None]
    return max(lines, key=lambda one: STRENGTH[one.action], default=None)


def _still_vouched(chain: Chain, revision: Envelope, statement: RevisionStatement) -> bool:
    try:
        chain.authenticate(revision.raw, RevisionStatement, statement.authority)
    except TrustError:
        return False
    return True


def _by_delegation(chain: Chain, raw: bytes, revision: Envelope, statement: RevisionStatement) -> Found | None:
    """The line that took back this delegation, if it is one and its holders had signed the revision."""
    try:
        claim = read_claim(raw)
        said = claim.statement
        if not isinstance(said, Delegation) or said.authority != statement.authority:
            return None
        line = chain.revocations.strongest(said, claim.envelope.id)
        if line is not None:
            check_threshold(revision, said.keys, said.title)
            check_covered(said, statement)
    except TrustError:
        return None
    return line

"""What a publisher says beside the statements: what is only announced, and that a cut is meant (SPEC PB-4, PB-9)."""

from dataclasses import dataclass
from typing import ClassVar

from sealring.authentic import Claim, Rollback, WrongStatement
from sealring.chain import Chain
from sealring.errors import TrustError
from sealring.statement import Brand, Common, Delegation, Root
from sealring.threshold import check_threshold


@dataclass(frozen=True)
class Terms:
    """One publisher's word on one publication."""

    following: frozenset[str] = frozenset()
    """Ids of roots, brands and delegations that are announced and not published."""
    cut: bool = False
    """Whether what nobody will vouch for any more may fall."""


@dataclass(eq=False)
class NotAnnounced(TrustError):
    """Something named as next that can't be it (SPEC PB-4)."""

    what: str
    found: str
    rule: ClassVar[str] = "PB-4"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: {self.found}, the next root, brand or delegation needed"

    def hint(self) -> str:
        return "name as next only a root, brand or delegation that is sent along and that today's keys have signed"


def split(claims: list[Claim], terms: Terms) -> tuple[list[Claim], list[Claim]]:
    """What is to be published, and what is only announced.

    Raises:
        NotAnnounced: an id that no statement here has; it would be published instead.
    """
    announced = [c for c in claims if c.envelope.id in terms.following]
    for name in sorted(terms.following - {c.envelope.id for c in announced}):
        raise NotAnnounced(f"id {name[:16]}", "no such statement here")
    for claim in announced:
        if not isinstance(claim.statement, Root | Brand | Delegation):
            raise NotAnnounced(claim.statement.title, f"a {claim.statement.type}")
    return [c for c in claims if c.envelope.id not in terms.following], announced


def check_announced(chain: Chain, claim: Claim, held: int) -> Common:
    """The statement, if today's own keys of its authority announce it (SPEC PB-4).

    Nobody else may, or a stranger's keys would take the room of those that are coming. It is kept nowhere, so it
    needs no more than that: the role `brand` may sign it later.

    Args:
        held: the sequence of its subject that is in force; 0 for none.

    Raises:
        TrustError.
    """
    said = claim.statement
    if said.root != chain.root_id:
        raise WrongStatement(said.title, f"root {said.root[:16]}", f"root {chain.root_id[:16]}", "ST-4")
    if said.sequence <= held:
        raise Rollback(said.title, said.sequence, held + 1)
    what = f"next {said.title} by the keys of today"
    if isinstance(said, Root):
        check_threshold(claim.envelope, chain.root.statement.roles.root, what)
        return said
    brand = chain.brands.get(said.brand if isinstance(said, Brand) else said.authority)
    if brand is None:
        raise WrongStatement(said.title, "no current certificate of its brand", "one signed by the root", "BR-1")
    check_threshold(claim.envelope, brand.statement.keys, what)
    return said

"""What of a request's context a root vouches for: nothing in it is believed for standing there (SPEC CE-3).

The statements that say who may speak are walked as a device walks them, by the same code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sealring.chain import Chain, Claim, begin_with_root
from sealring.errors import RuledError, TrustError
from sealring.request.form import Request
from sealring.request.standing import Standing
from sealring.statement import Brand, Delegation, Root


@dataclass(eq=False)
class BadContext(RuledError):
    """A statement in the context that today's keys do not vouch for: somebody shows what is not so (SPEC CE-3)."""

    what: str
    reason: str
    by: str
    code: int

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """That of the refusal behind it."""
        return self.code

    def __str__(self) -> str:
        return f"the request's context does not verify: {self.what}: {self.reason}"

    def hint(self) -> str:
        return "sign nothing: ask for the request again on another way, and find out who changed it"


@dataclass(eq=False)
class NoRoot(RuledError):
    """A request that begins with no root, and makes none (SPEC CE-3)."""

    by: str = "CE-3"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return "the request carries no root and drafts no first one"

    def hint(self) -> str:
        return "give the root in force: --root FILE"


@dataclass(frozen=True)
class Held:
    """What stands before the request, verified. `chain` is None where the request makes the first root."""

    chain: Chain | None
    standing: Standing
    own_root: bool
    """True where the root is the request's own: then nobody but the holder's eyes has compared it."""


def verify_context(request: Request, roots: Sequence[bytes]) -> Held:
    """Everything in the context, judged from the root that the holder has.

    Args:
        roots: root assertions of the holder's own, oldest first; none: the request's own oldest is taken.

    Raises:
        BadContext: naming the first statement that is not so.
        TrustError: when the holder's own roots do not follow each other, or there is none.
    """
    offered = sorted((c for c in request.context if isinstance(c.statement, Root)), key=lambda c: c.statement.sequence)
    first_root = any(isinstance(c.statement, Root) and c.statement.sequence == 1 for c in request.drafts)
    if not roots and not offered:
        if not first_root:
            raise NoRoot
        for claim in request.context:
            raise BadContext(claim.statement.title, "it can't be older than the first root", "RT-3", 24)
        return Held(None, Standing(), True)
    chain = _begin(roots, offered)
    chain = _walk(chain, request, offered)
    standing = Standing(chain.root.statement, {name: one.statement for name, one in chain.brands.items()})
    standing = _with_delegations(standing, request)
    for claim in request.context:
        if not isinstance(claim.statement, Root | Brand) and not standing.vouches(claim):
            raise BadContext(claim.statement.title, "today's keys do not vouch for it", "CE-3", 21)
    return Held(chain, standing, not roots)


def _begin(roots: Sequence[bytes], offered: Sequence[Claim]) -> Chain:
    if not roots:
        try:
            return Chain(begin_with_root(offered[0].envelope.raw))
        except TrustError as err:
            raise _bad(offered[0], err) from None
    chain = Chain(begin_with_root(roots[0]))
    for raw in roots[1:]:
        chain = chain.with_root(raw)
    return chain


def _walk(chain: Chain, request: Request, offered: Sequence[Claim]) -> Chain:
    """All roots and brands; a brand is taken under the first root that certifies it, as a device met it then."""
    waiting = sorted((c for c in request.context if isinstance(c.statement, Brand)), key=lambda c: c.statement.sequence)
    chain, waiting = _brands(chain, waiting)
    for claim in offered:
        held = chain.root
        if claim.statement.sequence < held.statement.sequence:
            continue  # the holder knows better; what the older keys certified must stand under the newer ones
        if claim.envelope.id == held.envelope.id:
            continue
        try:
            chain = chain.with_root(claim.envelope.raw)
        except TrustError as err:
            raise _bad(claim, err) from None
        chain, waiting = _brands(chain, waiting)
    if waiting:
        try:
            chain.with_brand([waiting[0].envelope.raw])
        except TrustError as err:
            raise _bad(waiting[0], err) from None
    return chain


def _brands(chain: Chain, waiting: Sequence[Claim]) -> tuple[Chain, list[Claim]]:
    left: list[Claim] = []
    for claim in waiting:
        try:
            chain = chain.with_brand([claim.envelope.raw])
        except TrustError:
            left.append(claim)
    return chain, left


def _with_delegations(standing: Standing, request: Request) -> Standing:
    found: dict[str, Delegation] = {}
    for claim in request.context:
        said = claim.statement
        if not isinstance(said, Delegation) or not standing.vouches(claim):
            continue
        known = found.get(said.subject)
        if known is None or known.sequence < said.sequence:
            found[said.subject] = said
    return Standing(standing.root, standing.brands, found)


def _bad(claim: Claim, err: TrustError) -> BadContext:
    return BadContext(
        f"{claim.statement.title}, sequence {claim.statement.sequence}", str(err), err.rule, err.exit_code
    )

"""What a request asks for: each draft with what it replaces, whose signatures it needs, what would fall (SPEC CE-4).

For people who sign: it decides no trust, devices do. Drafts may build on each other (a new brand and what its new
keys say), so each is judged as things stand once all of them are signed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sealring.chain import Claim, Conflict, Rollback, WrongStatement, root_id
from sealring.errors import TrustError
from sealring.request.context import Held, verify_context
from sealring.request.form import Request
from sealring.request.standing import Needed, Standing, meets
from sealring.statement import Brand, Common, Delegation, RevisionStatement, Root

Requirements = tuple[tuple[Needed, ...], ...]
"""Every group must be met, each by one of its key sets alone (SPEC TH-1)."""


@dataclass(frozen=True)
class Item:
    """One draft. `again`: it is in force already, and new keys sign the same statement."""

    claim: Claim
    replaced: Claim | None
    requirements: Requirements
    again: bool


@dataclass(frozen=True)
class Fallen:
    """A statement that counts today and would not once the drafts are signed; `why` is the refusal."""

    claim: Claim
    why: str


@dataclass(frozen=True)
class Judged:
    """A request whose context verified."""

    request: Request
    held: Held
    after: Standing
    items: tuple[Item, ...]
    fallen: tuple[Fallen, ...]

    @property
    def before(self) -> Standing:
        """Who may speak today."""
        return self.held.standing


@dataclass(eq=False)
class WouldFall(TrustError):
    """Keys would change under what is released, and nobody said that this is meant (SPEC CE-6)."""

    titles: tuple[str, ...]
    rule: ClassVar[str] = "CE-6"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        shown = ", ".join(self.titles[:3]) + (", ..." if len(self.titles) > 3 else "")
        return f"the new keys leave {len(self.titles)} in force without enough signatures: {shown}"

    def hint(self) -> str:
        return "let the new keys sign them first (`sealring countersign`), or say --cut where they shall end"


def judge(request: Request, roots: Sequence[bytes]) -> Judged:
    """The request as its holders must see it.

    Args:
        roots: the holder's own root assertions, oldest first; none: the request's own word is taken, and said.

    Raises:
        TrustError: for a context that does not verify, or a draft that no signature could ever make good.
    """
    held = verify_context(request, roots)
    after = _after(held, request)
    items = tuple(_item(claim, held, after, request) for claim in request.drafts)
    return Judged(request, held, after, items, tuple(_falling(held, after, request)))


def check_cut(judged: Judged, cut: bool) -> None:
    """Raise `WouldFall` where what counts today would not any more, unless that is meant."""
    if judged.fallen and not cut:
        raise WouldFall(tuple(sorted(one.claim.statement.title for one in judged.fallen)))


def _after(held: Held, request: Request) -> Standing:
    drafted = [claim.statement for claim in request.drafts]
    root = next((said for said in drafted if isinstance(said, Root)), held.standing.root)
    # BR-1: after a rotation of the role `brand`, brands need its new signature.
    certain = Standing(root)
    brands = {n: one for n, one in held.standing.brands.items() if _any(certain.certifies, one, request)}
    brands.update({said.brand: said for said in drafted if isinstance(said, Brand)})
    own = Standing(root, brands)
    delegations = {n: one for n, one in held.standing.delegations.items() if _any(own.vouches, one, request)}
    delegations.update({said.subject: said for said in drafted if isinstance(said, Delegation)})
    return Standing(root, brands, delegations)


def _any(stands: Callable[[Claim], bool], said: Common, request: Request) -> bool:
    """Whether any copy of this statement in the context stands."""
    return any(stands(claim) for claim in request.context if claim.statement == said)


def _item(claim: Claim, held: Held, after: Standing, request: Request) -> Item:
    said = claim.statement
    again = any(c.envelope.id == claim.envelope.id for c in request.context)
    if held.chain is not None or not isinstance(said, Root):
        _check_root_named(said, _root_name(held, request))
    replaced = None if again else _replaced(said, held, request)
    if replaced is not None and replaced.statement.subject == said.subject:
        _check_sequence(claim, replaced)
    return Item(claim, replaced, _requirements(said, replaced, after, again), again)


def _root_name(held: Held, request: Request) -> str:
    if held.chain is not None:
        return root_id(held.chain.root)
    return next(claim.envelope.id for claim in request.drafts if isinstance(claim.statement, Root))


def _check_root_named(said: Common, name: str) -> None:
    # ST-4: or holders could be made to sign for another root than the one that they see.
    if said.root != name:
        raise WrongStatement(said.title, f"root {said.root[:16]}", f"root {name[:16]}", "ST-4")


def _check_sequence(claim: Claim, replaced: Claim) -> None:
    said, before = claim.statement, replaced.statement
    if said.sequence < before.sequence:
        raise Rollback(said.title, said.sequence, before.sequence)
    if said.sequence == before.sequence:
        raise Conflict(said.title, said.sequence, claim.envelope.id, replaced.envelope.id)


def _replaced(said: Common, held: Held, request: Request) -> Claim | None:
    if isinstance(said, Root):
        return None if held.chain is None else Claim(held.chain.root.statement, held.chain.root.envelope)
    if isinstance(said, Brand) and held.chain is not None:
        brand = held.chain.brands.get(said.brand) or held.chain.former.get(said.brand)
        return None if brand is None else Claim(brand.statement, brand.envelope)
    same = [c for c in request.context if c.statement.type == said.type and c.statement.subject == said.subject]
    if not same and isinstance(said, RevisionStatement):
        # A new build is a new subject: what matters is how it differs from the build before.
        builds = [c for c in request.context if _is_earlier(c.statement, said)]
        return max(builds, key=lambda c: getattr(c.statement, "revision", 0), default=None)
    return max(same, key=lambda c: c.statement.sequence, default=None)


def _is_earlier(other: Common, said: RevisionStatement) -> bool:
    return (
        isinstance(other, RevisionStatement)
        and (other.name, other.architecture) == (said.name, said.architecture)
        and other.revision < said.revision
    )


def _requirements(said: Common, replaced: Claim | None, after: Standing, again: bool) -> Requirements:
    before = replaced.statement if replaced else None
    if isinstance(said, Root):
        own = (Needed(f"root {said.sequence}, its own keys", said.roles.root),)
        if not isinstance(before, Root):
            return (own,)
        if said.sequence != before.sequence + 1:
            raise WrongStatement("the next root", f"version {said.sequence}", f"version {before.sequence + 1}", "RT-2")
        return ((Needed(f"root {before.sequence}, the keys before", before.roles.root),), own)
    if isinstance(said, Brand):
        return _for_brand(said, before, after, again)
    groups = after.groups(said)
    if not groups:
        raise WrongStatement(f"brand {said.authority}", "no current certificate", "one signed by the root", "BR-1")
    return groups


def _for_brand(said: Brand, before: Common | None, after: Standing, again: bool) -> Requirements:
    assert after.root is not None  # a request without a root is refused before
    version = after.root.sequence
    role = (Needed(f"root {version}, role brand", after.root.roles.brand),)
    if again or not isinstance(before, Brand):
        return (role,)
    instead = Needed(f"root {version}, role root, in place of the keys before", after.root.roles.root, True)
    keys = Needed(f"brand {said.brand}, the keys of sequence {before.sequence}", before.keys)
    # BR-2: the keys before name only the very next; the role `root` may go further.
    return (role, (keys, instead) if said.sequence == before.sequence + 1 else (instead,))


def _falling(held: Held, after: Standing, request: Request) -> list[Fallen]:
    drafted = {(claim.statement.type, claim.statement.subject) for claim in request.drafts}
    found: dict[str, Fallen] = {}
    stands: set[str] = set()  # one copy is enough: counter-signatures made before a rotation count
    for claim in request.context:
        said, ident = claim.statement, claim.envelope.id
        if isinstance(said, Root) or (said.type, said.subject) in drafted:
            continue
        if isinstance(said, Brand):
            if said == held.standing.brands.get(said.brand) and said.brand not in after.brands:
                found[ident] = Fallen(claim, "the new role brand has not signed it")
        elif after.vouches(claim):
            stands.add(ident)
        elif _is_latest(claim, request):
            found[ident] = Fallen(claim, _why(claim, after))
    return [one for ident, one in found.items() if ident not in stands]


def _is_latest(claim: Claim, request: Request) -> bool:
    """Whether nothing in the context is newer of the same subject: only that is in force."""
    said = claim.statement
    return not any(
        (c.statement.type, c.statement.subject) == (said.type, said.subject) and c.statement.sequence > said.sequence
        for c in request.context
    )


def _why(claim: Claim, after: Standing) -> str:
    for group in after.groups(claim.statement):
        if not any(meets(claim, needed) for needed in group):
            return f"not enough signatures by {group[0].by}"
    return f"nobody speaks for {claim.statement.authority} any more"

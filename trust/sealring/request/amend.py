"""A request is changed before it is assembled: a mis-added key is taken back, a draft is replaced by a better one.

Whatever changes is another statement (SPEC EN-5), so its signatures are void; all other drafts keep theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from sealring.chain import Claim
from sealring.envelope import seal
from sealring.keys import KeySet
from sealring.names import NO_ROOT
from sealring.request.form import BadRequest, Request, make_request
from sealring.statement import Brand, Common, Delegation, Root, parse_statement
from sealring.strict import encode


@dataclass(frozen=True)
class Amended:
    """The new request, and of which drafts the signatures are void: (title, how many)."""

    request: Request
    voided: tuple[tuple[str, int], ...]


def drop_key(request: Request, name: str) -> Amended:
    """The request without this key in any key set that it drafts; thresholds stay.

    Raises:
        BadRequest: when no draft lists a key of that name.
        BadKeySet: when the keys left could not meet a threshold.
    """
    drafts = [_redrafted(claim, _without(claim.statement, name)) for claim in request.drafts]
    if all(new is old for new, old in zip(drafts, request.drafts, strict=True)):
        raise BadRequest(f"no draft in it lists a key called {name!a:.60}")
    return _amended(request, drafts)


def replace_drafts(request: Request, fresh: Sequence[Claim]) -> Amended:
    """The request with these drafts in the place of those of the same type and subject, or after all.

    Raises:
        TrustError: when the whole is no request.
    """
    left = {_place(claim): claim for claim in fresh}
    drafts = [left.pop(_place(claim), claim) for claim in request.drafts]
    return _amended(request, [*drafts, *left.values()])


def _amended(request: Request, drafts: list[Claim]) -> Amended:
    before = {_place(claim): claim for claim in request.drafts}
    old = [c.envelope.id for c in request.drafts if isinstance(c.statement, Root) and c.statement.root == NO_ROOT]
    new = [c.envelope.id for c in drafts if isinstance(c.statement, Root) and c.statement.root == NO_ROOT]
    if old and new and old != new:
        # RT-3: everything below the first root carries its id, which has changed with it.
        drafts = [_redrafted(claim, _renamed(claim.statement, old[0], new[0])) for claim in drafts]
    voided = []
    for claim in drafts:
        was = before.get(_place(claim))
        if was is not None and was.envelope.id != claim.envelope.id and was.envelope.signatures:
            voided.append((claim.statement.title, len(was.envelope.signatures)))
    return Amended(make_request(drafts, request.context), tuple(voided))


def _place(claim: Claim) -> tuple[str, str]:
    return (claim.statement.type, claim.statement.subject)


def _redrafted(claim: Claim, said: Common) -> Claim:
    if said is claim.statement:
        return claim
    payload = encode(said)
    return Claim(parse_statement(payload), seal(payload, {}))


def _without(said: Common, name: str) -> Common:
    match said:
        case Root(roles=roles):
            root, brand = _set_without(roles.root, name), _set_without(roles.brand, name)
            if root is roles.root and brand is roles.brand:
                return said
            return msgspec.structs.replace(said, roles=msgspec.structs.replace(roles, root=root, brand=brand))
        case Brand(keys=keys) | Delegation(keys=keys):
            left = _set_without(keys, name)
            return said if left is keys else msgspec.structs.replace(said, keys=left)
    return said


def _set_without(keys: KeySet, name: str) -> KeySet:
    left = [key for key in keys.keys if key.name != name]
    if len(left) == len(keys.keys):
        return keys
    if not left:
        raise BadRequest(f"{name} is the only key of a set; draft it again with another")
    found = KeySet(left, keys.thresholds)
    found.check()
    return found


def _renamed(said: Common, old: str, new: str) -> Common:
    return msgspec.structs.replace(said, root=new) if said.root == old else said

"""Several signed copies of one request become one; a bad signature never displaces a good one (SPEC CE-5, PB-4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from sealring.chain import Claim
from sealring.envelope import Envelope, seal
from sealring.errors import TrustError
from sealring.keys import KeySet, PublicKey, signed_by
from sealring.names import KeyId
from sealring.request.form import Request
from sealring.request.judge import Judged
from sealring.statement import Brand, Delegation, Root


@dataclass(eq=False)
class OtherRequest(TrustError):
    """A copy that asks for something else, or in another context: somebody changed one of the two (SPEC CE-5)."""

    name: str
    found: str
    needed: str
    rule: ClassVar[str] = "CE-5"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.name}: request {self.found[:16]} found, {self.needed[:16]} needed: it asks for something else"

    def hint(self) -> str:
        return "`sealring review` it; leave out what was changed, or have the amended request signed again"


@dataclass(frozen=True)
class Dropped:
    """A signature that counts for nothing: by a key that may not sign this, or none at all."""

    title: str
    key: str
    why: str


@dataclass(frozen=True)
class Merged:
    """One request with every signature that may count, and what was left out of it."""

    request: Request
    dropped: tuple[Dropped, ...]


def check_same(copies: Sequence[tuple[str, Request]]) -> Request:
    """The first of these copies, if all ask for the same (their ids are one).

    Args:
        copies: each with the name of its file.

    Raises:
        OtherRequest: naming the first that differs.
    """
    first = copies[0][1]
    for name, other in copies[1:]:
        if other.id != first.id:
            raise OtherRequest(name, other.id, first.id)
    return first


def merge_copies(judged: Judged, copies: Sequence[Request]) -> Merged:
    """The judged request with the signatures of all copies that may count, each tried under its own key."""
    names = {key.id: key.name for keys in _every_set(judged) for key in keys.keys}
    in_force = {claim.envelope.id: claim.envelope for claim in judged.request.context}
    drafts, dropped = [], list[Dropped]()
    for number, item in enumerate(judged.items):
        offered = [copy.drafts[number].envelope for copy in copies]
        before = in_force.get(item.claim.envelope.id)
        offered += [before] if before else []
        keys = {key.id: key for keys in _may_sign(judged, number) for key in keys.keys}
        good = _good(offered, keys)
        drafts.append(Claim(item.claim.statement, seal(item.claim.envelope.payload, good)))
        for key in sorted({key for one in offered for key in one.signatures} - set(good)):
            why = "the signature does not verify" if key in keys else "no key set that may sign this lists the key"
            dropped.append(Dropped(item.claim.statement.title, names.get(key, key[:16]), why))
    return Merged(replace(judged.request, drafts=tuple(drafts)), tuple(dropped))


def _good(offered: Sequence[Envelope], keys: Mapping[KeyId, PublicKey]) -> dict[KeyId, bytes]:
    good: dict[KeyId, bytes] = {}
    for envelope in offered:
        for key, signature in envelope.signatures.items():
            # Tried before it is kept: whoever hands in rubbish under another's key must not push his out.
            if key in keys and key not in good and signed_by(keys[key], signature, envelope.pae):
                good[key] = signature
    return good


def _may_sign(judged: Judged, number: int) -> Iterator[KeySet]:
    """The key sets that count for this draft, and, where it is in force already, those that count today."""
    item = judged.items[number]
    for group in item.requirements:
        yield from (needed.keys for needed in group)
    said = item.claim.statement
    if item.again and isinstance(said, Brand) and judged.before.root is not None:
        yield judged.before.root.roles.brand
        yield judged.before.root.roles.root
    elif not isinstance(said, Root | Brand):
        yield from (needed.keys for group in judged.before.groups(said) for needed in group)


def _every_set(judged: Judged) -> Iterator[KeySet]:
    for claim in (*judged.request.context, *judged.request.drafts):
        match claim.statement:
            case Root(roles=roles):
                yield from (roles.root, roles.brand)
            case Brand(keys=keys) | Delegation(keys=keys):
                yield keys

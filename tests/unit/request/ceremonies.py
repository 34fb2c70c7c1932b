"""Requests over the small world of the tests: what is in force, what is drafted, and copies that were signed."""

from collections.abc import Sequence
from typing import Any

import msgspec

from sealring.chain import Claim, read_claim
from sealring.envelope import Envelope, seal
from sealring.request.form import Request, make_request
from sealring.statement import Brand, Common, Delegation, Root
from sealring.strict import encode
from tests.world import Key, World, key_set, sign

WORLD = World()
OLD, NEW = WORLD.brand_keys("acme"), [*WORLD.brand_keys("acme")[:2], Key("dave")]
"""alice, bob, carol; then carol's place is dave's."""


def claim(envelope: Envelope) -> Claim:
    """What the envelope claims to be."""
    return read_claim(envelope.raw)


def signed(statement: Common, *keys: Key) -> Claim:
    """The statement under these signatures; none: a draft."""
    return claim(sign(statement, *keys))


ROOT = claim(WORLD.root)
BRAND = claim(WORLD.signed(WORLD.brand()))
RELEASE = signed(WORLD.release(), OLD[0], OLD[2])
"""Released, and signed by one who stays and one who goes."""


def next_brand(**more: Any) -> Brand:
    """The brand after carol has gone."""
    return WORLD.brand(**{"sequence": 2, "keys": key_set(2, *NEW), **more})


def next_root(**more: Any) -> Root:
    """The root after its third key has changed hands."""
    roles = msgspec.structs.replace(WORLD.root_statement().roles, root=key_set(2, *WORLD.root_keys[:2], Key("rita")))
    return WORLD.root_statement(**{"sequence": 2, "roles": roles, **more})


def delegation(*keys: Key, **more: Any) -> Delegation:
    """What acme lets a builder sign: releases of its tool."""
    base: dict[str, Any] = {
        "delegation": "builders",
        "keys": key_set(1, *keys),
        "roles": ["release"],
        "packages": ["acme/tool"],
        "models": [],
        "kinds": ["app"],
    }
    return Delegation(**{**WORLD.common("acme", 300), **base, **more})


def request(drafts: Sequence[Common | Claim], *context: Claim) -> Request:
    """A request for these drafts under the world's root."""
    claims = [one if isinstance(one, Claim) else signed(one) for one in drafts]
    return make_request(claims, [ROOT, *context])


def signed_by(found: Request, *keys: Key, only: int | None = None) -> Request:
    """A copy in which these keys have signed every draft, or only that one."""
    drafts = []
    for number, one in enumerate(found.drafts):
        more = {} if only not in (None, number) else {key.id: key.sign(one.envelope.pae) for key in keys}
        drafts.append(Claim(one.statement, seal(one.envelope.payload, {**one.envelope.signatures, **more})))
    return Request(tuple(drafts), found.context)


def altered(found: Request, number: int, **changes: Any) -> Request:
    """The same request, one draft of which says something else under the signatures that it had."""
    one = found.drafts[number]
    payload = encode(msgspec.structs.replace(one.statement, **changes))
    other = claim(seal(payload, one.envelope.signatures))
    return Request(tuple(other if n == number else d for n, d in enumerate(found.drafts)), found.context)

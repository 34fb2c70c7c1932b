"""A ceremony in a test: holders' keys in memory sign what `sealring-store tuf request` asks for (SPEC TF-9)."""

from collections.abc import Sequence

from sealring.request.tuf_root import RootRequest
from sealring_server.key_folder import ONLINE_ROLES, Role
from sealring_server.tuf_roots import Change, publish_root, request_root
from tests.stores import signer
from tests.unit.server.conftest import Shop

HOLDER = "store-tuf-root"


def signed_by(request: RootRequest, shop: Shop, *names: str) -> bytes:
    """The draft with these holders' signatures."""
    found = {}
    for name in names or (HOLDER,):
        one = signer(shop.world.key(name)).sign(request.draft.signed_bytes)
        found[one.keyid] = one.signature
    return request.with_signatures(found).draft.raw


def rotate(shop: Shop, *roles: Role, holders: Sequence[str] = ()) -> None:
    """New keys for these roles, or for all."""
    request = request_root(shop.here, Change(dict.fromkeys(roles or ONLINE_ROLES)))
    publish_root(shop.here, signed_by(request, shop, *holders))

"""A request that says which device asks, for stores that answer only whom they know (SPEC RD-2, RFC 9421).

Loaded where a store has asked for a signature, and nowhere else. The signature is over method, authority and path of
this one request, and dated by the store's own clock: whoever hears it can fetch this image for five minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from http_message_signatures import HTTPMessageSigner, algorithms

from sealring.signing import Signer

COVERED = ("@method", "@authority", "@path")
LABEL = "device"


@dataclass
class _Request:
    """What the library looks at, and where it puts its headers."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)


def signed_headers(url: str, at: datetime, key: Signer) -> Mapping[str, str]:
    """The headers `Signature-Input` and `Signature` of a GET of this address.

    Args:
        url: as it is asked, whole.
        at: the store's clock, by the `Date` of its answer.
        key: the device's own; the request names it by its id (KY-1).
    """
    request, library = _Request(url), HTTPMessageSigner(signature_algorithm=algorithms.ED25519)
    draft = library.prepare(
        request, key_id=key.public.id, created=at, label=LABEL, include_alg=False, covered_component_ids=COVERED
    )
    library.apply(request, draft, key.sign(draft.signature_base))
    return request.headers

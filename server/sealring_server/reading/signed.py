"""A request's signature by RFC 9421, as a device makes it (SPEC RD-2); the library does the format, we the clock."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)

from sealring.keys import PublicKey

WINDOW: Final = 300  # seconds before and after the store's clock
COVERED: Final = ("@method", "@authority", "@path")
MAX_INPUT: Final = 512  # bytes of `Signature-Input`; a device's has about 180
MAX_SIGNATURE: Final = 256  # bytes of `Signature`; a device's has about 100

_KEY = re.compile(r';keyid="([0-9a-f]{64})"')


class BadSignature(Exception):
    """Why a request counts as not signed."""


@dataclass(frozen=True)
class Signed:
    """A request that says who made it; not verified."""

    method: str
    headers: Mapping[str, str]
    key_id: str


@dataclass(frozen=True)
class _Message:
    """What the library looks at."""

    method: str
    url: str
    headers: Mapping[str, str]


def read_signed(method: str, headers: Mapping[str, str]) -> Signed:
    """The signature's two headers, bounded, and the key that they name.

    Raises:
        BadSignature.
    """
    said, value = headers.get("Signature-Input"), headers.get("Signature")
    if said is None or value is None:
        raise BadSignature("no signature")
    # Bounded before anything is parsed: what a stranger sends costs no more than this.
    if len(said) > MAX_INPUT or len(value) > MAX_SIGNATURE:
        raise BadSignature("a signature longer than any device's")
    named = _KEY.findall(said)
    if len(named) != 1:
        raise BadSignature(f"{len(named)} keys named by their ids, one needed")
    return Signed(method, {"Signature-Input": said, "Signature": value}, named[0])


def check_signed(signed: Signed, key: PublicKey, urls: Iterable[str], at: datetime) -> None:
    """Raise unless this key has signed the request, for one of these addresses, at about this instant.

    Args:
        urls: of this one image, as devices may know it; never taken from the request, which may say any host.

    Raises:
        BadSignature.
    """
    if key.type != "ed25519":  # a device's own is of no other type
        raise BadSignature(f"a key of the type {key.type}, ed25519 needed")
    found: dict[str, Any] = {key.id: Ed25519PublicKey.from_public_bytes(key.public)}
    verifier = _Verifier(found, at)
    why = "no address at which a device knows this store"
    for url in urls:
        try:
            verifier.verify(_Message(signed.method, url, signed.headers), max_age=None, require_components=COVERED)
        except (InvalidSignature, HTTPMessageSignaturesException) as err:
            why = str(err)[:200] or "a signature that is not the key's"
        else:
            return
    raise BadSignature(why)


class _Verifier(HTTPMessageVerifier):
    """The library's, by the store's clock."""

    def __init__(self, keys: Mapping[str, Any], at: datetime) -> None:
        resolver = MappingKeyResolver(private_keys={}, public_keys=keys)
        super().__init__(signature_algorithm=algorithms.ED25519, key_resolver=resolver)
        self._at = int(at.timestamp())

    def validate_created_and_expires(self, sig_input: Any, max_age: object = None) -> None:  # noqa: ARG002 the library's
        """RD-2: `created` within the window; a device whose clock is wrong took the store's `Date`."""
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if type(created) is not int or abs(self._at - created) > WINDOW:
            raise InvalidSignature("a signature of another time than the store's")
        if expires is not None and expires < self._at:
            raise InvalidSignature("a signature that has expired")

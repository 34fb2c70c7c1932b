"""The private keys that a key file can hold: how each is drawn, opened and used to sign (SPEC KY-2, KY-5).

A secret is the seed (Ed25519, ML-DSA-65) or the private scalar, big endian (ECDSA). An opened Ed25519 key lies in
memory of ours that is overwritten when it is closed; the others OpenSSL holds, which overwrites its copy when they go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, get_args

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from sealring.algorithm import ORDERS, normalise_ecdsa
from sealring.keyfile.sodium import draw, expand, sign, wipe

KeyType = Literal["ed25519", "ecdsa-p256", "ecdsa-p384", "ml-dsa-65"]
KEY_TYPES: Final[tuple[KeyType, ...]] = get_args(KeyType)
SECRET_BYTES: Final[dict[KeyType, int]] = {"ed25519": 32, "ecdsa-p256": 32, "ecdsa-p384": 48, "ml-dsa-65": 32}


@dataclass(frozen=True)
class PrivateKey:
    """An opened key. `close` overwrites what Python holds of it; OpenSSL's goes when nothing refers to it any more."""

    public: bytes
    sign: Callable[[bytes], bytes]
    close: Callable[[], None] = lambda: None


def draw_secret(kind: KeyType) -> bytearray:
    """A new secret of this type."""
    secret = draw(SECRET_BYTES[kind])
    # A scalar is from 1 to n - 1. Drawing anew is the way that favours none (2 in 2^32 draws for P-256).
    while kind in ORDERS and not bytes(len(secret)) < secret < ORDERS[kind].to_bytes(len(secret), "big"):
        secret = draw(SECRET_BYTES[kind])
    return secret


def open_private(kind: KeyType, secret: bytearray) -> PrivateKey:
    """The key of this secret.

    Raises:
        ValueError: the secret is none of this type's.
    """
    if kind == "ed25519":
        return _ed25519(secret)
    if kind == "ml-dsa-65":
        return _ml_dsa_65(secret)
    return _ecdsa(kind, secret)


def _ed25519(secret: bytearray) -> PrivateKey:
    # libsodium signs in two thirds of OpenSSL's time, which counts where a rotation signs 100,000 assertions.
    public, expanded = expand(secret)
    return PrivateKey(public, partial(sign, expanded), partial(wipe, expanded))


def _ml_dsa_65(secret: bytearray) -> PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

    key = MLDSA65PrivateKey.from_seed_bytes(secret)
    return PrivateKey(key.public_key().public_bytes_raw(), key.sign)


# The scalar in RFC 5915's form, without the public key, which is computed and compared with the file's. A Python
# integer, the other way in, could not be overwritten.
_SEC1: Final = {
    "ecdsa-p256": (bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107")),
    "ecdsa-p384": (bytes.fromhex("303e0201010430"), bytes.fromhex("a00706052b81040022")),
}


def _ecdsa(kind: KeyType, secret: bytearray) -> PrivateKey:
    head, tail = _SEC1[kind]
    der = bytearray(len(head) + len(secret) + len(tail))
    der[: len(head)], der[len(head) + len(secret) :] = head, tail
    der[len(head) : len(head) + len(secret)] = secret
    try:
        key = load_der_private_key(der, None)
    finally:
        wipe(der)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("no ECDSA key")
    # RFC 6979: the nonce comes from the key and the message, so that a bad random generator can't give the key away.
    scheme = ec.ECDSA(SHA256() if kind == "ecdsa-p256" else SHA384(), deterministic_signing=True)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return PrivateKey(public, lambda message: normalise_ecdsa(key.sign(message, scheme), kind))

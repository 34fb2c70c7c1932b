"""How a throw-away key of each type signs: the same key and the same signature in every run, from one seed."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from sealring.algorithm import ORDERS, normalise_ecdsa
from tests import ml_dsa

Sign = Callable[[bytes], bytes]


def signing_with(kind: str, seed: bytes) -> tuple[bytes, Sign]:
    """Public material and the way to sign, for one of the four key types.

    Args:
        seed: 32 bytes.
    """
    if kind == "ed25519":
        secret = SigningKey(seed)
        return bytes(secret.verify_key), lambda message: bytes(secret.sign(message).signature)
    if kind == "ml-dsa-65":
        return ml_dsa.public_of(seed), lambda message: ml_dsa.sign(seed, message)
    key, scheme = ecdsa_key(kind, seed)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return public, lambda message: normalise_ecdsa(key.sign(message, scheme), kind)


def ecdsa_key(kind: str, seed: bytes) -> tuple[ec.EllipticCurvePrivateKey, ec.ECDSA]:
    """The private key, and the deterministic scheme of RFC 6979 that signs with it."""
    number = int.from_bytes(seed, "big") % (ORDERS[kind] - 1) + 1
    if kind == "ecdsa-p256":
        return ec.derive_private_key(number, ec.SECP256R1()), ec.ECDSA(SHA256(), deterministic_signing=True)
    return ec.derive_private_key(number, ec.SECP384R1()), ec.ECDSA(SHA384(), deterministic_signing=True)

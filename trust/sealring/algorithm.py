"""The signature algorithms: what a key's material must look like, and when a signature counts (SPEC KY-2, KY-4).

One table, one row a key type. Each row takes exactly one spelling of a key and as few spellings of a signature as its
mathematics allows, so that two implementations never differ over who has signed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import ClassVar, Final

from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

from sealring.errors import TrustError

_OPENED = 64  # keys kept ready for use; an ML-DSA key takes 10 KiB

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P384_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
ORDERS: Final = {"ecdsa-p256": P256_ORDER, "ecdsa-p384": P384_ORDER}


@dataclass(eq=False)
class NotEcdsa(TrustError):
    """What a token or a cloud gave is no ECDSA signature of this curve (SPEC KY-2)."""

    kind: str
    reason: str
    rule: ClassVar[str] = "KY-2"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}, an ECDSA signature in DER needed"

    def hint(self) -> str:
        return "the token signs with another key or algorithm than its public key says"


@dataclass(frozen=True)
class Algorithm:
    """One key type. Sizes are bytes; `prefix` is how the material begins; `verify` is asked only where sizes fit."""

    family: str
    public_bytes: int
    prefix: bytes
    signature_bytes: int
    verify: Callable[[bytes, bytes, bytes], bool]
    """(material, signature, message): whether the signature counts; never raises."""

    def fits(self, public: bytes) -> bool:
        """Whether this material has the length and the beginning that KY-2 asks for."""
        return len(public) == self.public_bytes and public.startswith(self.prefix)

    def counts(self, public: bytes, signature: bytes, message: bytes) -> bool:
        """Whether this signature counts for this key (KY-2)."""
        return len(signature) == self.signature_bytes and self.fits(public) and self.verify(public, signature, message)


def fixed_ecdsa(r: int, s: int, kind: str) -> bytes:
    """The one spelling of an ECDSA signature (KY-2): r and the lower of s and n - s, big endian, in fixed length.

    Who signs calls it: a token gives either s, and both verify.

    Args:
        kind: `ecdsa-p256` or `ecdsa-p384`.

    Raises:
        NotEcdsa: when r or s is not from 1 to n - 1.
    """
    order, half = ORDERS[kind], ALGORITHMS[kind].signature_bytes // 2
    if not (0 < r < order and 0 < s < order):
        raise NotEcdsa(kind, "a number outside 1 to n - 1")
    return r.to_bytes(half, "big") + min(s, order - s).to_bytes(half, "big")


def normalise_ecdsa(der: bytes, kind: str) -> bytes:
    """The one spelling of an ECDSA signature that a token or a cloud gave in DER (KY-2).

    Args:
        kind: `ecdsa-p256` or `ecdsa-p384`.

    Raises:
        NotEcdsa: when these bytes are not the DER of two numbers from 1 to n - 1.
    """
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    try:
        r, s = decode_dss_signature(der)
    except ValueError:
        raise NotEcdsa(kind, "no DER") from None
    found = fixed_ecdsa(r, s, kind)
    if encode_dss_signature(r, s) != der:
        raise NotEcdsa(kind, "another spelling than DER's")
    return found


def _ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        # libsodium refuses S >= L, small-order A and R, encodings that are not canonical, and has no cofactor.
        crypto_sign_open(signature + message, public)
    except (CryptoError, ValueError, TypeError):
        return False
    return True


def _ecdsa(kind: str, public: bytes, signature: bytes, message: bytes) -> bool:
    half, order = len(signature) // 2, ORDERS[kind]
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    # Of s and n - s, which both verify, only the lower counts: else anybody can make a second signature of a first.
    return 0 < r < order and 0 < s <= order // 2 and _open_ecdsa(kind, public)(r, s, message)


def _ml_dsa_65(public: bytes, signature: bytes, message: bytes) -> bool:
    return _open_ml_dsa_65(public)(signature, message)


# The imports stand inside: a device that meets Ed25519 alone never loads a second library.
@lru_cache(maxsize=_OPENED)
def _open_ecdsa(kind: str, public: bytes) -> Callable[[int, int, bytes], bool]:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384

    curve, digest = (ec.SECP256R1(), SHA256()) if kind == "ecdsa-p256" else (ec.SECP384R1(), SHA384())
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, public)
    except (ValueError, UnsupportedAlgorithm):
        return _never  # no point of the curve
    scheme = ec.ECDSA(digest)

    def verify(r: int, s: int, message: bytes) -> bool:
        try:
            key.verify(encode_dss_signature(r, s), message, scheme)
        except InvalidSignature:
            return False
        return True

    return verify


@lru_cache(maxsize=_OPENED)
def _open_ml_dsa_65(public: bytes) -> Callable[[bytes, bytes], bool]:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

    try:
        key = MLDSA65PublicKey.from_public_bytes(public)
    except (ValueError, UnsupportedAlgorithm):
        return _never

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            key.verify(signature, message)  # FIPS 204 in its pure form, with an empty context
        except InvalidSignature:
            return False
        return True

    return verify


def _never(*_: object) -> bool:
    """What stands in for a key that can't be opened."""
    return False


ALGORITHMS: Final = {
    "ed25519": Algorithm("classical", 32, b"", 64, _ed25519),
    "ecdsa-p256": Algorithm("classical", 65, b"\x04", 64, partial(_ecdsa, "ecdsa-p256")),
    "ecdsa-p384": Algorithm("classical", 97, b"\x04", 96, partial(_ecdsa, "ecdsa-p384")),
    "ml-dsa-65": Algorithm("ml-dsa", 1952, b"", 3309, _ml_dsa_65),
}
"""The key types that this edition knows, all of which it can verify."""

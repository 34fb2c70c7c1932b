"""A key in two spellings: as statements list it, and as TUF metadata does (SPEC TF-1, KY-1).

For who has python-tuf: the store and the security team's command. A device reads TUF keys by code of its own.
"""

from dataclasses import dataclass
from typing import ClassVar

from securesystemslib.signer import Key, SSlibKey

from sealring.errors import TrustError
from sealring.keys import PublicKey

_POINT_BYTES = {"ecdsa-p256": 65, "ecdsa-p384": 97}
TUF_TYPES = ("ed25519", *_POINT_BYTES)
"""The key types that every TUF client of a store can verify."""


@dataclass(eq=False)
class NoTufKey(TrustError):
    """A key of a type that TUF clients can't verify: listed in a root it would blind them (SPEC TF-1)."""

    name: str
    type: str
    rule: ClassVar[str] = "TF-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"key {self.name}: it is an {self.type} key, a store's TUF metadata takes {', '.join(TUF_TYPES)}"

    def hint(self) -> str:
        return "make one with `sealring key create FILE --name NAME`"


def tuf_key(public: PublicKey) -> SSlibKey:
    """The key as TUF metadata lists it, under the id that TUF computes.

    Raises:
        NoTufKey: other types, and points that are on no curve.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    curves = {"ecdsa-p256": ec.SECP256R1(), "ecdsa-p384": ec.SECP384R1()}
    try:
        if public.type == "ed25519":
            return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public.public))
        if public.type in curves:
            point = ec.EllipticCurvePublicKey.from_encoded_point(curves[public.type], public.public)
            return SSlibKey.from_crypto(point)
    except ValueError:
        pass
    raise NoTufKey(public.name, public.type)


def public_of(key: Key) -> PublicKey | None:
    """The key as a statement would list it, so that the same material is seen to be the same; None: no statement could.

    Its name is made of its TUF id.
    """
    public, name = str(key.keyval.get("public", "")), f"tuf-{key.keyid[:8].lower()}"
    try:
        if key.keytype == "ed25519":
            found = bytes.fromhex(public)
            return PublicKey(name, "ed25519", found) if len(found) == 32 else None
        return _point(name, public)
    except ValueError:
        return None


def tuf_signature(public: PublicKey, signature: bytes) -> str:
    """A signature in KY-2's spelling as TUF metadata spells it: ECDSA's in DER, all in hex."""
    if public.type not in _POINT_BYTES:
        return signature.hex()
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    half = len(signature) // 2
    r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    return encode_dss_signature(r, s).hex()


def _point(name: str, pem: str) -> PublicKey | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm:
        return None
    kinds = {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384"}
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in kinds:
        return None
    return PublicKey(name, kinds[key.curve.name], key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

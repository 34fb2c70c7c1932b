"""Bytes to python-tuf's types, unverified, and the one way to count signatures (SPEC TF-4, TF-7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Key, Signature
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring_client.decide.tuf.errors import BadMetadata, NotSigned
from sealring_client.decide.tuf.strict_json import read_json

T = TypeVar("T", Root, Timestamp, Snapshot, Targets)

# Verified offline by arithmetic alone. Others that securesystemslib knows ask servers or GnuPG: never on a device.
KEY_TYPES = frozenset(
    {
        ("ed25519", "ed25519"),
        ("ecdsa", "ecdsa-sha2-nistp256"),
        ("ecdsa", "ecdsa-sha2-nistp384"),
        ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
        ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
        ("rsa", "rsassa-pss-sha256"),
    }
)
_FOREIGN = (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError, FormatError)


@dataclass(frozen=True)
class Unverified(Generic[T]):
    """One file of a role, parsed; nobody has vouched for it."""

    raw: bytes
    content: T
    payload: bytes
    signatures: Mapping[str, Signature]


def parse_metadata(raw: bytes, kind: type[T], *, limit: int, file: str) -> Unverified[T]:
    """One role's metadata in TUF's classic envelope.

    Raises:
        BadMetadata: and nothing else, whatever the bytes.
    """
    found = read_json(raw, limit=limit, file=file)
    try:
        signed = found["signed"]
        if signed["_type"] != kind.type:
            raise BadMetadata(file, f"not metadata of the role {kind.type}")
        # The signed bytes come from what was read, before unknown keys are left out.
        payload = str(encode_canonical(signed)).encode("utf-8")
        signatures = [Signature.from_dict(one) for one in found["signatures"]]
        if kind is Root:
            _leave_out_unknown_keys(signed)
        content = kind.from_dict(signed)
    except _FOREIGN as err:
        raise BadMetadata(file, f"not metadata of the role {kind.type} ({type(err).__name__})") from None
    texts: list[object] = [text for one in signatures for text in (one.keyid, one.signature)]
    if not all(isinstance(text, str) for text in texts):
        raise BadMetadata(file, "a signature that is no text")
    if len({one.keyid for one in signatures}) != len(signatures):
        raise BadMetadata(file, "two signatures under one key id")
    if isinstance(content, Root):
        _check_distinct_keys(content, file)
    return Unverified(raw, content, payload, {one.keyid: one for one in signatures})


def check_signed(found: Unverified[Any], root: Root, role: str, file: str) -> None:
    """Return only if the threshold of `role` in `root` has signed these bytes."""
    try:
        result = root.get_verification_result(role, found.payload, dict(found.signatures))
    except _FOREIGN as err:
        raise BadMetadata(file, f"a signature that can't be read ({type(err).__name__})") from None
    if not result:
        raise NotSigned(file, f"{role} in root {root.version}", len(result.signed), result.threshold)


def root_materials(root: Root) -> frozenset[str]:
    """The keys of the role root, each by its decoded material alone: under another id it is the same key."""
    keyids = root.roles["root"].keyids
    return frozenset(sha256(_material(root.keys[keyid])).hexdigest() for keyid in keyids if keyid in root.keys)


def _leave_out_unknown_keys(signed: dict[str, Any]) -> None:
    # TF-7: a store that adds a key of a new algorithm beside its old ones must not blind today's devices.
    signed["keys"] = {
        keyid: key for keyid, key in signed["keys"].items() if (key["keytype"], key["scheme"]) in KEY_TYPES
    }


def _check_distinct_keys(root: Root, file: str) -> None:
    # TF-7: under two ids one key would count twice, and a threshold of two would be one thief's work.
    for name, role in root.roles.items():
        materials = [_material(root.keys[keyid]) for keyid in role.keyids if keyid in root.keys]
        if len(set(materials)) != len(materials):
            raise BadMetadata(file, f"one public key stands under two ids in the role {name}")


def _material(key: Key) -> bytes:
    """The decoded key: two spellings of one key are equal, one that can't be decoded is only itself."""
    public = str(key.keyval["public"])
    try:
        if key.keytype == "ed25519":
            return bytes.fromhex(public)
        decoded = load_pem_public_key(public.encode())
        return decoded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return public.encode()

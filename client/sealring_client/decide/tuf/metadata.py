"""Bytes to python-tuf's types, unverified, and the one way to count signatures (SPEC TF-4, TF-7, TF-12)."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic, TypeVar

from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Signature
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring_client.decide.tuf.errors import BadMetadata, NotSigned
from sealring_client.decide.tuf.members import check_members, material
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
MAX_SIGNATURES = 1024  # of one file: each that a role's key has made costs a check
Delegator = Root | Targets
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
        if type(signed["version"]) is not int:  # python-tuf reads `null` as 1
            raise BadMetadata(file, "a version that is no integer")
        if len(found["signatures"]) > MAX_SIGNATURES:
            raise BadMetadata(file, f"{len(found['signatures'])} signatures, at most {MAX_SIGNATURES} are read")
        # The signed bytes come from what was read, before unknown keys are left out.
        payload = str(encode_canonical(signed)).encode("utf-8")
        signatures = [Signature.from_dict(one) for one in found["signatures"]]
        _leave_out_unknown_keys(signed if kind.type == Root.type else signed.get("delegations"))
        content = kind.from_dict(signed)
    except _FOREIGN as err:
        raise BadMetadata(file, f"not metadata of the role {kind.type} ({type(err).__name__})") from None
    texts: list[object] = [text for one in signatures for text in (one.keyid, one.signature)]
    if not all(isinstance(text, str) for text in texts):
        raise BadMetadata(file, "a signature that is no text")
    if len({one.keyid for one in signatures}) != len(signatures):
        raise BadMetadata(file, "two signatures under one key id")
    check_members(content, file)
    return Unverified(raw, content, payload, {one.keyid: one for one in signatures})


def check_signed(found: Unverified[Any], by: Delegator, role: str, file: str) -> None:
    """Return only if the threshold that `by` names for `role` has signed these bytes."""
    try:
        result = by.get_verification_result(role, found.payload, dict(found.signatures))
    except _FOREIGN as err:
        raise BadMetadata(file, f"a signature that can't be read ({type(err).__name__})") from None
    if not result:
        raise NotSigned(file, f"the role in {by.type} {by.version}", len(result.signed), result.threshold)


def root_materials(root: Root) -> frozenset[str]:
    """The keys of the role root, each by its decoded material alone: under another id it is the same key."""
    keyids = root.roles["root"].keyids
    return frozenset(sha256(material(root.keys[keyid])).hexdigest() for keyid in keyids if keyid in root.keys)


def _leave_out_unknown_keys(delegator: dict[str, Any] | None) -> None:
    # TF-7: a store that adds a key of a new algorithm beside its old ones must not blind today's devices.
    if delegator is not None:
        keys = delegator["keys"].items()
        delegator["keys"] = {keyid: key for keyid, key in keys if (key["keytype"], key["scheme"]) in KEY_TYPES}

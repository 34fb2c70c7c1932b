"""The DSSE envelope around every assertion (SPEC EN-1 to EN-5).

The bytes that were signed are the bytes that are parsed. An `Envelope` is unverified and offers no parsed
content on purpose: only the signed bytes, and what they hash to. A report travels in the same form with a type
of its own (SPEC RP-1, `sealring.report`): what a key signs begins with the type, so neither passes for the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Annotated, ClassVar, NamedTuple

import msgspec
from msgspec import Meta

from sealring.errors import RuledError
from sealring.names import KeyId
from sealring.strict import Rules, decode_strict, encode

PAYLOAD_TYPE = "application/vnd.sealring.assertion+json"
MAX_ENVELOPE = 256 * 1024  # bytes; 64 KiB of payload and 32 of the longest signatures, in base64
MAX_PAYLOAD = 64 * 1024  # bytes
MAX_SIGNATURES = 32
MAX_SIGNATURE = 4096  # bytes; ML-DSA-65 needs 3,309
_RULES = Rules("EN-1", "EN-2", "EN-2")


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: Annotated[KeyId, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    sig: Annotated[bytes, Meta(min_length=1)]


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    payload: bytes
    payloadType: str  # noqa: N815 - DSSE's own spelling
    signatures: list[_Signature]


_decoder = msgspec.json.Decoder(_Envelope)


@dataclass(eq=False)
class BadEnvelope(RuledError):
    """Well spelled, and still not an envelope of this product (SPEC EN-2 to EN-4)."""

    reason: str
    by: str
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"envelope: {self.reason}"

    def hint(self) -> str:
        return "this is no sealring assertion, or it was altered on its way; fetch it again"


class Envelope(msgspec.Struct, frozen=True, dict=True):
    """Unverified. `raw` are all its bytes, `payload` the signed ones, `pae` what a key signs: DSSE's encoding."""

    raw: bytes
    payload: bytes
    signatures: Mapping[KeyId, bytes]
    pae: bytes

    @cached_property
    def id(self) -> str:
        """Identity of the assertion, hex: counter-signing does not change it (SPEC EN-5)."""
        return sha256(self.pae).hexdigest()

    @cached_property
    def digest(self) -> str:
        """Name of these very bytes, hex: files, URLs and caches go by it (SPEC EN-5)."""
        return sha256(self.raw).hexdigest()


def pae_of(payload_type: str, payload: bytes) -> bytes:
    """What a key signs: the DSSE pre-authentication encoding of payload type and payload (SPEC EN-5)."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


class Bounds(NamedTuple):
    """What an envelope of one payload type may hold: bytes of its own and of the payload, number of signatures."""

    payload_type: str
    envelope: int
    payload: int
    signatures: int


_ASSERTION = Bounds(PAYLOAD_TYPE, MAX_ENVELOPE, MAX_PAYLOAD, MAX_SIGNATURES)


def parse_envelope(raw: bytes) -> Envelope:
    """An unverified envelope of an assertion, within every bound.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    payload, signatures = open_envelope(raw, _ASSERTION)
    return Envelope(raw, payload, signatures, pae_of(PAYLOAD_TYPE, payload))


def open_envelope(raw: bytes, bounds: Bounds) -> tuple[bytes, Mapping[KeyId, bytes]]:
    """Payload and signatures of an envelope of this payload type, and of no other; nothing of it is verified.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    found = decode_strict(raw, _decoder, limit=bounds.envelope, what="envelope", rules=_RULES)
    if found.payloadType != bounds.payload_type:
        raise BadEnvelope(f"payloadType is not {bounds.payload_type}", "EN-3")
    if len(found.payload) > bounds.payload:
        raise BadEnvelope(f"payload of {len(found.payload)} bytes, at most {bounds.payload}", "EN-4")
    if len(found.signatures) > bounds.signatures:
        raise BadEnvelope(f"{len(found.signatures)} signatures, at most {bounds.signatures}", "EN-4")
    last, signatures = "", dict[KeyId, bytes]()
    for signature in found.signatures:
        # Ascending and distinct: a mirror can neither repeat a signature nor reorder them into a second spelling.
        if signature.keyid <= last:
            raise BadEnvelope("signatures are not in ascending order of distinct key ids", "EN-4")
        if len(signature.sig) > MAX_SIGNATURE:
            raise BadEnvelope(f"a signature of {len(signature.sig)} bytes, at most {MAX_SIGNATURE}", "EN-4")
        last = signature.keyid
        signatures[signature.keyid] = signature.sig
    return found.payload, signatures


def seal(payload: bytes, signatures: Mapping[KeyId, bytes]) -> Envelope:
    """The one envelope around this payload with these signatures; an empty mapping gives an unsigned draft."""
    return parse_envelope(envelope_bytes(PAYLOAD_TYPE, payload, signatures))


def envelope_bytes(payload_type: str, payload: bytes, signatures: Mapping[KeyId, bytes]) -> bytes:
    """The one spelling of an envelope; who reads it says what is too much."""
    ordered = [_Signature(keyid, signatures[keyid]) for keyid in sorted(signatures)]
    return encode(_Envelope(payload, payload_type, ordered))

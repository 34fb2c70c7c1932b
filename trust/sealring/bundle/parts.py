"""A statement in parts: what its envelope holds, without base64 and JSON around it (SPEC BN-4).

Payloads are text and compress well once they are bare; key ids and signatures are what is left. The form is a
way of carrying: what a reader gets is the one envelope that the parts make, byte for byte the one that was written.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from sealring.envelope import MAX_ENVELOPE, MAX_SIGNATURES, parse_envelope, seal
from sealring.errors import TrustError
from sealring.names import KeyId
from sealring.strict import TooLarge

LENGTH_BYTES: Final = 4  # of the payload's length
KEY_BYTES: Final = 32
SIGNATURE_LENGTH_BYTES: Final = 2
MAX_SIGNATURE_IN_PARTS: Final = 8192  # bytes


@dataclass(eq=False)
class BadParts(TrustError):
    """Bytes that are no statement in parts, or an envelope that has no such form (SPEC BN-4)."""

    why: str

    rule: ClassVar[str] = "BN-4"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"statement in parts: {self.why}"

    def hint(self) -> str:
        return "fetch the bundle again, or from another source; a draft travels as a whole envelope"


class _Rest:
    """What is left of the bytes; a length is checked against it before anything is taken."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, size: int, what: str) -> bytes:
        """The next `size` bytes."""
        left = len(self._raw) - self._at
        if size > left:
            raise BadParts(f"{what} of {size} bytes where {left} are left")
        self._at += size
        return self._raw[self._at - size : self._at]

    def number(self, size: int, what: str) -> int:
        """The next `size` bytes as a big-endian number."""
        return int.from_bytes(self.take(size, what), "big")

    def end(self) -> None:
        """Refuse what follows the last signature."""
        if self._at != len(self._raw):
            raise BadParts(f"{len(self._raw) - self._at} bytes after the last signature")


def envelope_of_parts(raw: bytes) -> bytes:
    """The one envelope that these parts make; unverified (SPEC BN-4, EN-1 to EN-4).

    Args:
        raw: at most 256 KiB.

    Raises:
        TrustError: BadParts, or the envelope's own rule; and nothing else, whatever the bytes.
    """
    # EN-1: the parts are shorter than what they make, so this bounds the work before it is done.
    if len(raw) > MAX_ENVELOPE:
        raise BadParts(f"{len(raw)} bytes, at most {MAX_ENVELOPE} allowed")
    rest = _Rest(raw)
    payload = rest.take(rest.number(LENGTH_BYTES, "a length"), "a payload")
    count = rest.number(1, "a number of signatures")
    if not 1 <= count <= MAX_SIGNATURES:
        raise BadParts(f"{count} signatures, 1 to {MAX_SIGNATURES} needed")
    signatures: dict[KeyId, bytes] = {}
    last = b""
    for _ in range(count):
        key = rest.take(KEY_BYTES, "a key id")
        # One set of signatures has one order, or a mirror could make a second spelling of one statement.
        if key <= last:
            raise BadParts("signatures are not in strictly ascending order of key ids")
        last = key
        signatures[KeyId(key.hex())] = _signature(rest)
    rest.end()
    try:
        return seal(payload, signatures).raw
    except TooLarge as err:
        raise BadParts(f"they make an envelope of {err.size} bytes, at most {err.limit} allowed") from None


def _signature(rest: _Rest) -> bytes:
    size = rest.number(SIGNATURE_LENGTH_BYTES, "a signature's length")
    if not 1 <= size <= MAX_SIGNATURE_IN_PARTS:
        raise BadParts(f"a signature of {size} bytes, 1 to {MAX_SIGNATURE_IN_PARTS} needed")
    return rest.take(size, "a signature")


def parts_of_envelope(raw: bytes) -> bytes:
    """The parts of an envelope, from which `envelope_of_parts` makes these very bytes again (SPEC BN-4).

    Raises:
        TrustError: the envelope's own rule for bytes that are none; BadParts for a draft, which has no signature.
    """
    envelope = parse_envelope(raw)
    if not envelope.signatures:
        raise BadParts("no signature, 1 or more needed")
    parts = [len(envelope.payload).to_bytes(LENGTH_BYTES, "big"), envelope.payload]
    parts.append(bytes((len(envelope.signatures),)))
    for key, signature in envelope.signatures.items():
        parts += bytes.fromhex(key), len(signature).to_bytes(SIGNATURE_LENGTH_BYTES, "big"), signature
    return b"".join(parts)

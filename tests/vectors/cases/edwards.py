"""Ed25519 where implementations differ (SPEC KY-2): each signature here passes some verifier in use."""

from hashlib import sha256, sha512

from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_base_noclamp

from sealring.envelope import seal
from sealring.keys import FamilyThreshold, KeySet, PublicKey
from sealring.strict import encode
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.vectors.cases.keysets import certified
from tests.world import Key

L = 2**252 + 27742317777372353535851937790883648493
IDENTITY = (1).to_bytes(32, "little")
NOT_CANONICAL_IDENTITY = (2**255 - 19 + 1).to_bytes(32, "little")
ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
SIGNER = Key("edwards")
DRAFT = seal(encode(WORLD.revision()), {})


def _case(name: str, rule: str, comment: str, public: bytes, signature: bytes) -> Case:
    key = PublicKey("edge", "ed25519", public)
    envelope = seal(DRAFT.payload, {key.id: signature})
    parts = (*certified(KeySet([key], [FamilyThreshold("classical", 1, "required")])), ("statement", envelope.raw))
    facts = {} if rule else {"subject": "acme/tool/1/amd64"}
    return case(f"ed25519/{name}", rule, comment, "chain", *parts, type="revision", authority="acme", at=AT, **facts)


def _scalar() -> int:
    """The signer's secret scalar, as RFC 8032 derives it."""
    raw = bytearray(sha512(bytes(SIGNER.secret)).digest()[:32])
    raw[0] &= 248
    raw[31] = (raw[31] & 127) | 64
    return int.from_bytes(raw, "little")


def _times_base(scalar: int) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp((scalar % L).to_bytes(32, "little"))


def _challenge(commitment: bytes, public: bytes) -> int:
    return int.from_bytes(sha512(commitment + public + DRAFT.pae).digest(), "little")


def _torsion() -> tuple[bytes, bytes]:
    """A key with a part of order 8, and a signature that only a verifier which multiplies by 8 accepts."""
    public = crypto_core_ed25519_add(SIGNER.public.public, ORDER_8)
    for n in range(100):
        nonce = int.from_bytes(sha256(b"nonce %d" % n).digest(), "little") % L
        commitment = _times_base(nonce)
        challenge = _challenge(commitment, public)
        if challenge % 8:
            return public, commitment + ((nonce + challenge * _scalar()) % L).to_bytes(32, "little")
    raise AssertionError("one challenge in eight is a multiple of 8")


def cases() -> Cases:
    public, good = SIGNER.public.public, SIGNER.sign(DRAFT.pae)
    yield _case("good", ACCEPTED, "an ordinary signature", public, good)
    s = int.from_bytes(good[32:], "little")
    yield _case(
        "s-plus-order",
        "TH-1",
        "S + L: a second signature by who has no key",
        public,
        good[:32] + (s + L).to_bytes(32, "little"),
    )
    yield _case("s-top-bits", "TH-1", "S with its top bits set", public, good[:63] + bytes([good[63] | 0xE0]))
    s = _challenge(IDENTITY, public) * _scalar() % L
    yield _case(
        "small-order-r", "TH-1", "R of order 1: the equation holds", public, IDENTITY + s.to_bytes(32, "little")
    )
    any_s = (7).to_bytes(32, "little")
    forged = _times_base(7) + any_s
    yield _case(
        "small-order-key",
        "TH-1",
        "the key is the neutral point: this one signature fits every message",
        IDENTITY,
        forged,
    )
    yield _case(
        "key-not-canonical",
        "TH-1",
        "the neutral point in an encoding above the field's prime",
        NOT_CANONICAL_IDENTITY,
        forged,
    )
    yield _case("cofactor", "TH-1", "it holds only when both sides are multiplied by 8", *_torsion())
    yield _case("zeros", "TH-1", "64 zeros", public, bytes(64))
    yield _case("key-of-zeros", "TH-1", "a key of 32 zeros, a point of order 4", bytes(32), bytes(64))
    yield _case("key-not-on-the-curve", "TH-1", "32 bytes that are no point", (2).to_bytes(32, "little"), good)
    prehashed = SIGNER.sign(sha512(DRAFT.pae).digest())
    yield _case(
        "prehashed", "TH-1", "a signature over the SHA-512 of the message, as Ed25519ph has it", public, prehashed
    )

"""Ed25519 where implementations differ (SPEC KY-2): most signatures here pass some verifier in use.

The group has a subgroup of eight points beside the large one. What differs is whether a key or an R among those eight
counts, whether one that is the sum of a large and a small point counts, by which of two equations (with both sides
times eight, or not), and which of several encodings of a point is read.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256, sha512
from itertools import count

from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_base_noclamp

from sealring.keys import PublicKey
from tests.vectors.cases.common import ACCEPTED, Case, Cases
from tests.vectors.cases.keysets import DRAFT, signed_once
from tests.world import Key

L = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
SIGNER = Key("edwards")


def _multiples() -> list[bytes]:
    """0 to 7 times the point of order 8."""
    found = [(1).to_bytes(32, "little")]
    for _ in range(7):
        found.append(crypto_core_ed25519_add(found[-1], ORDER_8))
    return found


SMALL = _multiples()
ORDERS = [1, 8, 4, 8, 2, 8, 4, 8]


def _encodings(n: int) -> list[bytes]:
    """Every way to write n times the point of order 8 that some reader takes; the canonical one first."""
    number = int.from_bytes(SMALL[n], "little")
    y, sign = number % 2**255, number >> 255
    signs = [sign, 1 - sign] if n in (0, 4) else [sign]  # x = 0, and so is -x
    values = [y, y + PRIME] if y + PRIME < 2**255 else [y]
    return [(value | one << 255).to_bytes(32, "little") for value in values for one in signs]


def _case(name: str, rule: str, comment: str, public: bytes, signature: bytes) -> Case:
    return signed_once(f"ed25519/{name}", rule, comment, PublicKey("edge", "ed25519", public), signature)


def _secret(n: int = 0) -> int:
    """The secret scalar of the signer, as RFC 8032 derives it, or of another one by number."""
    raw = bytearray(sha512(bytes((Key(f"edwards-{n}") if n else SIGNER).secret)).digest()[:32])
    raw[0] &= 248
    raw[31] = (raw[31] & 127) | 64
    return int.from_bytes(raw, "little")


def _times_base(scalar: int) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp((scalar % L).to_bytes(32, "little"))


def _mixed(scalar: int, n: int) -> bytes:
    """A large point plus n times the small one."""
    return crypto_core_ed25519_add(_times_base(scalar), SMALL[n % 8])


def _hashed(commitment: bytes, public: bytes) -> int:
    return int.from_bytes(sha512(commitment + public + DRAFT.pae).digest(), "little")


def _challenge(commitment: bytes, public: bytes) -> int:
    """As every verifier has it: reduced by the order of the large group, which changes what a small point does."""
    return _hashed(commitment, public) % L


def _nonces() -> Iterator[int]:
    return (int.from_bytes(sha256(b"nonce %d" % n).digest(), "little") % L for n in count())


def _answer(commitment: bytes, nonce: int, challenge: int) -> bytes:
    return commitment + ((nonce + challenge * _secret()) % L).to_bytes(32, "little")


def _wanted(public: bytes, commit: Callable[[int], bytes], holds: Callable[[int], bool]) -> tuple[bytes, bytes]:
    """This key of the signer's plus something small, and a signature whose challenge is one of those wanted."""
    for nonce in _nonces():
        commitment = commit(nonce)
        challenge = _challenge(commitment, public)
        if holds(challenge):
            return public, _answer(commitment, nonce, challenge)
    raise AssertionError("count() does not end")


def _reduced(which: int) -> tuple[bytes, bytes]:
    """A key in part small; the equation holds only with the challenge reduced (0), or only with it as it was (1)."""
    public = _mixed(_secret(), 1)
    for nonce in _nonces():
        commitment = _times_base(nonce)
        hashed = _hashed(commitment, public)
        if [hashed % L % 8 == 0, hashed % 8 == 0] == [which == 0, which == 1]:
            return public, _answer(commitment, nonce, hashed)
    raise AssertionError("count() does not end")


def _by_small_key(n: int, encoded: bytes, hashed: bytes = b"", small: int = 0) -> tuple[bytes, bytes]:
    """A key of small order, and a signature by nobody whose equation holds without a cofactor.

    Args:
        hashed: what a reader puts into the challenge that encodes the key again; to others the equation does not hold.
        small: as many times the point of order 8 are in R too.
    """
    for nonce in _nonces():
        commitment = _mixed(nonce, small)
        holds = [(small + n * _challenge(commitment, public)) % 8 == 0 for public in (hashed or encoded, encoded)]
        if holds == [True, not hashed]:
            return encoded, commitment + nonce.to_bytes(32, "little")
    raise AssertionError("count() does not end")


def _with_small_r(n: int, encoded: bytes, hashed: bytes = b"") -> tuple[bytes, bytes]:
    """A key that is in part small, and a signature with this R of small order; holds without a cofactor."""
    for number in count(1):
        public = _mixed(_secret(number), 1)
        challenge = _challenge(hashed or encoded, public)
        if (n + challenge) % 8 == 0:
            return public, encoded + (challenge * _secret(number) % L).to_bytes(32, "little")
    raise AssertionError("count() does not end")


def _many_eddsas() -> Cases:
    """The twelve cases of the paper "Taming the many EdDSAs" (2020), computed anew for our message."""
    public, good = SIGNER.public.public, SIGNER.sign(DRAFT.pae)
    s, mixed = int.from_bytes(good[32:], "little"), _mixed(_secret(), 1)
    # S is zero, so that R must be what the challenge makes of the key: one pair in eight fits the message.
    pairs = ((a, r) for a in range(1, 8) for r in range(1, 8) if (r + a * _challenge(SMALL[r], SMALL[a])) % 8 == 0)
    key, commitment = next(pairs)
    yield _case("taming-00", "TH-1", "S is zero, key and R of small order", SMALL[key], SMALL[commitment] + bytes(32))
    yield _case("taming-01", "TH-1", "a key of order 8, R in part small", *_by_small_key(1, SMALL[1], small=1))
    yield _case("taming-02", "TH-1", "a key in part small, R of order 8", *_with_small_r(3, SMALL[3]))
    yield _case(
        "taming-03",
        ACCEPTED,
        "key and R in part small, and the equation holds without a cofactor: its maker holds the key",
        *_wanted(mixed, lambda nonce: _mixed(nonce, 1), lambda challenge: challenge % 8 == 7),
    )
    yield _case(
        "taming-04",
        "TH-1",
        "key and R in part small, and the equation holds with a cofactor only",
        *_wanted(mixed, lambda nonce: _mixed(nonce, 1), lambda challenge: challenge % 8 != 7),
    )
    yield _case(
        "taming-05",
        "TH-1",
        "a key in part small; it holds with a cofactor, unless 8 times the challenge is reduced first",
        *_wanted(mixed, _times_base, lambda challenge: challenge % 8 != 0 and 8 * challenge % L % 8 != 0),
    )
    yield _case("taming-06", "TH-1", "S above the order", public, good[:32] + (s + L).to_bytes(32, "little"))
    high = s + (2**256 - 1 - s) // L * L
    yield _case(
        "taming-07", "TH-1", "S so far above that it fills all bits", public, good[:32] + high.to_bytes(32, "little")
    )
    identity, odd_identity = _encodings(0)[0], _encodings(0)[3]
    odd = _with_small_r(0, odd_identity)
    yield _case("taming-08", "TH-1", "an R that is not canonical, hashed as it stands", *odd)
    odd = _with_small_r(0, odd_identity, identity)
    yield _case("taming-09", "TH-1", "an R that is not canonical, encoded again for the hash", *odd)
    odd = _by_small_key(0, odd_identity)
    yield _case("taming-10", "TH-1", "a key that is not canonical, hashed as it stands", *odd)
    odd = _by_small_key(4, _encodings(4)[1], _encodings(4)[0])
    yield _case("taming-11", "TH-1", "a key that is not canonical, encoded again for the hash", *odd)


def _small_points() -> Cases:
    """All fourteen encodings of the eight small points, as key and as R: ZIP 215 takes every one of them."""
    for n in range(8):
        for other, encoded in enumerate(_encodings(n)):
            name = f"{n}-of-8" + (f"-written-otherwise-{other}" if other else "")
            what = f"of order {ORDERS[n]}" + (", not canonical" if other else "")
            yield _case(f"small-key-{name}", "TH-1", f"a key {what}", *_by_small_key(n, encoded))
            yield _case(f"small-r-{name}", "TH-1", f"an R {what}", *_with_small_r(n, encoded))


def _ordinary() -> Cases:
    public, good = SIGNER.public.public, SIGNER.sign(DRAFT.pae)
    yield _case("good", ACCEPTED, "an ordinary signature", public, good)
    yield _case("s-top-bits", "TH-1", "S with its top bits set", public, good[:63] + bytes([good[63] | 0xE0]))
    identity = SMALL[0]
    s = _challenge(identity, public) * _secret() % L
    honest = identity + s.to_bytes(32, "little")
    yield _case("small-order-r", "TH-1", "R of order 1 by an ordinary key: the equation holds", public, honest)
    forged = _times_base(7) + (7).to_bytes(32, "little")
    comment = "the key is the neutral point: this one signature fits every message"
    yield _case("small-order-key", "TH-1", comment, identity, forged)
    mixed = _mixed(_secret(), 1)
    yield _case("mixed-key", ACCEPTED, "a key in part small, whose small part the challenge takes away", *_reduced(0))
    comment = "a key in part small, whose small part the challenge takes away only before it is reduced by the order"
    yield _case("challenge-not-reduced", "TH-1", comment, *_reduced(1))
    comment = "it holds only when both sides are multiplied by 8"
    yield _case("cofactor", "TH-1", comment, *_wanted(mixed, _times_base, lambda challenge: challenge % 8 != 0))
    only = _wanted(public, lambda nonce: _mixed(nonce, 1), lambda _: True)
    yield _case("cofactor-r", "TH-1", "the same by an ordinary key, with an R in part small", *only)
    yield _case("zeros", "TH-1", "64 zeros", public, bytes(64))
    yield _case("key-of-zeros", "TH-1", "a key of 32 zeros, a point of order 4", bytes(32), bytes(64))
    yield _case("key-not-on-the-curve", "TH-1", "32 bytes that are no point", (2).to_bytes(32, "little"), good)
    prehashed = SIGNER.sign(sha512(DRAFT.pae).digest())
    yield _case("prehashed", "TH-1", "a signature over the SHA-512 of the message", public, prehashed)
    yield _case("63-bytes", "TH-1", "a signature that lost its last byte", public, good[:63])


def cases() -> Cases:
    for part in (_ordinary, _many_eddsas, _small_points):
        yield from part()

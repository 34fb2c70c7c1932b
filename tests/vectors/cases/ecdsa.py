"""ECDSA (SPEC KY-2): one spelling of a key, one signature where the mathematics has two, and numbers out of range."""

from itertools import count

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from sealring.algorithm import normalise_ecdsa
from sealring.keys import FamilyThreshold, KeySet, PublicKey
from sealring.strict import encode
from tests.signers import ecdsa_key
from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case
from tests.vectors.cases.curves import P256, P384, Curve
from tests.vectors.cases.keysets import DRAFT, signed_once
from tests.world import Key


def _numbers(curve: Curve, signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[: curve.size], "big"), int.from_bytes(signature[curve.size :], "big")


def _case(curve: Curve, name: str, rule: str, comment: str, public: bytes, signature: bytes) -> Case:
    path = f"ecdsa/{curve.kind.removeprefix('ecdsa-')}-{name}"
    return signed_once(path, rule, comment, PublicKey("edge", curve.kind, public), signature)


def _signatures(curve: Curve) -> Cases:
    key = Key("weierstrass", curve.kind)
    public, good = key.public.public, key.sign(DRAFT.pae)
    r, s = _numbers(curve, good)
    n = curve.order

    def bad(name: str, comment: str, signature: bytes) -> Case:
        return _case(curve, name, "TH-1", comment, public, signature)

    yield _case(curve, "good", ACCEPTED, "an ordinary signature", public, good)
    yield bad("high-s", "n - s: a second signature by who has no key", curve.pair(r, n - s))
    yield bad("in-der", "the same numbers in DER", encode_dss_signature(r, s))
    yield bad("byte-more", "a zero after the last byte", good + b"\0")
    yield bad("byte-less", "the last byte is missing", good[:-1])
    yield bad("zero-before", "a zero before each number", b"\0" + good[: curve.size] + b"\0" + good[curve.size :])
    yield bad("all-zeros", "r and s are zero, which some verifier took for any message", bytes(2 * curve.size))
    yield bad("r-zero", "r is zero", curve.pair(0, s))
    yield bad("s-zero", "s is zero", curve.pair(r, 0))
    yield bad("r-order", "r is the order", curve.pair(n, s))
    yield bad("s-order", "s is the order", curve.pair(r, n))
    yield bad("r-and-s-order", "both are the order, zero once they are reduced", curve.pair(n, n))
    yield bad("all-ones", "numbers that fill all their bits", b"\xff" * (2 * curve.size))
    yield bad("swapped", "s and r", curve.pair(s, r))
    secret, _ = ecdsa_key(curve.kind, bytes(key.secret))
    other = ECDSA(SHA384() if curve.size == 32 else SHA256(), deterministic_signing=True)
    signed = normalise_ecdsa(secret.sign(DRAFT.pae, other), curve.kind)
    yield bad("other-hash", "signed with the other curve's hash", signed)


def _recovered(curve: Curve) -> Cases:
    """Keys made for a signature: its numbers may be any, and the equation holds."""
    n, half = curve.order, curve.order // 2
    point = curve.times(7, curve.base)
    for name, rule, comment, s in (
        ("s-half", ACCEPTED, "s is the largest that counts", half),
        ("s-above-half", "TH-1", "s is the smallest that does not count; the equation holds", half + 1),
        ("s-one", ACCEPTED, "s is 1", 1),
    ):
        yield _case(curve, name, rule, comment, curve.key_for(DRAFT.pae, point, s), curve.pair(point[0], s))
    large = next(found for more in count(1) if (found := curve.lift(n + more)) is not None)
    public = curve.key_for(DRAFT.pae, large, 5)
    comment = "the commitment's x lies between the order and the prime: r is what it leaves over the order"
    yield _case(curve, "x-above-order", ACCEPTED, comment, public, curve.pair(large[0] - n, 5))
    comment = "that x itself in the place of r"
    yield _case(curve, "r-above-order", "TH-1", comment, public, curve.pair(large[0], 5))


def _keys(curve: Curve) -> Cases:
    key = Key("weierstrass", curve.kind)
    public, good = key.public.public, key.sign(DRAFT.pae)
    x, y = _numbers(curve, public[1:])
    off = curve.written((x, y ^ 1))
    assert not curve.has((x, y ^ 1))
    yield _case(curve, "key-off-the-curve", "TH-1", "a point of some other, weaker curve", off, good)
    comment = "x and y are zero, as some write the point at infinity"
    yield _case(curve, "key-of-zeros", "TH-1", comment, b"\x04" + bytes(2 * curve.size), good)
    comment = "coordinates above the prime"
    yield _case(curve, "key-above-prime", "TH-1", comment, b"\x04" + b"\xff" * (2 * curve.size), good)
    parity = 2 + (y & 1)
    spelled = {
        "key-compressed": (
            "one key in a second spelling, to count twice",
            bytes([parity]) + public[1 : 1 + curve.size],
        ),
        "key-hybrid": ("the form 06 or 07: one key in a third spelling", bytes([parity + 4]) + public[1:]),
        "key-infinite": ("the point at infinity", b"\0"),
        "key-infinite-and-padded": ("the point at infinity, in the length of a point", bytes(1 + 2 * curve.size)),
        "key-without-04": ("the coordinates alone", public[1:]),
        "key-byte-more": ("a byte after the point", public + b"\0"),
        "key-of-the-other-curve": (
            "the other curve's",
            Key("other", (P384 if curve is P256 else P256).kind).public.public,
        ),
    }
    for name, (comment, material) in spelled.items():
        brand = WORLD.brand(keys=KeySet([PublicKey("edge", curve.kind, material)], [ONE]))
        path = f"ecdsa/{curve.kind.removeprefix('ecdsa-')}-{name}"
        yield case(path, "KY-2", comment, "statement", ("payload", encode(brand)))


ONE = FamilyThreshold("classical", 1, "required")


def cases() -> Cases:
    for curve in (P256, P384):
        for part in (_signatures, _recovered, _keys):
            yield from part(curve)

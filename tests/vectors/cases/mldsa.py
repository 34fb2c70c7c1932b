"""ML-DSA-65 (SPEC KY-2): FIPS 204 in its pure form with an empty context, and what else a verifier might take."""

from collections.abc import Callable
from hashlib import sha512

from sealring.keys import FamilyThreshold, KeySet, PublicKey
from sealring.strict import encode
from tests import ml_dsa
from tests.ml_dsa import C_BYTES, OMEGA, ROWS, Z_BYTES
from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case
from tests.vectors.cases.keysets import DRAFT, signed_once
from tests.world import Key

KEY = Key("lattice", "ml-dsa-65")
SEED = bytes(KEY.secret)
HINT = C_BYTES + Z_BYTES
SHA512_OID = bytes.fromhex("0609608648016503040203")


def _case(name: str, rule: str, comment: str, signature: bytes, public: bytes = KEY.public.public) -> Case:
    return signed_once(f"ml-dsa/{name}", rule, comment, PublicKey("edge", "ml-dsa-65", public), signature)


def _lengths_and_bits(good: bytes) -> Cases:
    yield _case("good", ACCEPTED, "an ordinary signature", good)
    yield _case("byte-more", "TH-1", "a zero after the last byte", good + b"\0")
    yield _case("byte-less", "TH-1", "the last byte is missing", good[:-1])
    yield _case("zeros", "TH-1", "3,309 zeros", bytes(len(good)))
    yield _case("key-of-zeros", "TH-1", "a key of zeros, which is well formed", good, bytes(1952))
    places = {"challenge": 0, "z": C_BYTES, "last-of-z": HINT - 1, "hint": HINT}
    for name, place in places.items():
        flipped = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        yield _case(f"flipped-in-{name}", "TH-1", "one bit is another", flipped)
    for name, public in (("byte-less", KEY.public.public[:-1]), ("byte-more", KEY.public.public + b"\0")):
        brand = WORLD.brand(keys=KeySet([PublicKey("edge", "ml-dsa-65", public)], [ONE]))
        yield case(f"ml-dsa/key-{name}", "KY-2", "a key that can never sign", "statement", ("payload", encode(brand)))


def _hints(good: bytes) -> Cases:
    """A hint is a set of places for each of six rows; a second way to write one down makes a second signature."""
    places, ends = good[HINT : HINT + OMEGA], good[HINT + OMEGA :]
    row = next(n for n in range(ROWS) if ends[n] - (ends[n - 1] if n else 0) >= 2)
    first = ends[row - 1] if row else 0

    def written(change: Callable[[bytearray], None], last: bytes = ends) -> bytes:
        found = bytearray(places)
        change(found)
        return good[:HINT] + bytes(found) + last

    def swap(found: bytearray) -> None:
        found[first], found[first + 1] = found[first + 1], found[first]

    def double(found: bytearray) -> None:
        found[first + 1] = found[first]

    def fill(found: bytearray) -> None:
        found[-1] = 1

    def nothing(_: bytearray) -> None:
        pass

    assert ends[-1] < OMEGA
    yield _case("hint-not-ascending", "TH-1", "the same places in another order", written(swap))
    yield _case("hint-place-twice", "TH-1", "one place twice", written(double))
    yield _case("hint-not-zero-after", "TH-1", "a place after the last that counts", written(fill))
    fewer = bytes([ends[0], max(ends[0] - 1, 0), *ends[2:]]) if ends[0] else bytes([1, 0, *ends[2:]])
    yield _case("hint-ends-descend", "TH-1", "a row ends before the one before it", written(nothing, fewer))
    more = ends[:-1] + bytes([OMEGA + 1])
    yield _case("hint-too-many", "TH-1", "more places than there is room for", written(nothing, more))


def _other_variants() -> Cases:
    """Signatures by the same key that are good for somebody else."""
    message = DRAFT.pae
    yield _case(
        "long-z", "TH-1", "z is longer than allowed; the equation holds", ml_dsa.sign(SEED, message, long_z=True)
    )
    context = b"sealring"
    signed = ml_dsa.sign(SEED, message, before=bytes([0, len(context)]) + context)
    yield _case("with-context", "TH-1", "a context string that is not empty", signed)
    digest = sha512(message).digest()
    signed = ml_dsa.sign(SEED, digest, before=b"\1\0" + SHA512_OID)
    yield _case("hash-ml-dsa", "TH-1", "HashML-DSA with SHA-512, the standard's other form", signed)
    yield _case(
        "internal", "TH-1", "the bare message, as the standard's tests sign it", ml_dsa.sign(SEED, message, before=b"")
    )
    signed = ml_dsa.sign(SEED, b"tuf\1" + digest)
    yield _case("as-tuf-signs", "TH-1", "what TAP 21 signs for TUF, by a key that serves both", signed)
    yield _case("digest", "TH-1", "the SHA-512 of the message, signed as it is", ml_dsa.sign(SEED, digest))


ONE = FamilyThreshold("ml-dsa", 1, "required")


def cases() -> Cases:
    good = KEY.sign(DRAFT.pae)
    for part in (_lengths_and_bits(good), _hints(good), _other_variants()):
        yield from part

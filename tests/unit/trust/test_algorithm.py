"""When one signature counts, for each key type (SPEC KY-2, KY-4)."""

import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from sealring.algorithm import ALGORITHMS, ORDERS, NotEcdsa, fixed_ecdsa, normalise_ecdsa
from sealring.keys import FAMILIES, VERIFIED_TYPES, PublicKey, signed_by
from sealring.threshold import VERIFIED_FAMILIES
from tests import ml_dsa
from tests.world import Key

TYPES = tuple(ALGORITHMS)
KEYS = {kind: Key("one", kind) for kind in TYPES}
MESSAGE = b"DSSEv1 any bytes"
GOOD = {kind: key.sign(MESSAGE) for kind, key in KEYS.items()}


@pytest.mark.parametrize("kind", TYPES)
def test_a_good_signature_counts_and_for_nothing_else(kind: str) -> None:
    """KY-2: for these bytes, by this key, of this type."""
    key, good = KEYS[kind].public, GOOD[kind]
    assert signed_by(key, good, MESSAGE)
    assert not signed_by(key, good, MESSAGE + b".")
    assert not signed_by(Key("two", kind).public, good, MESSAGE)
    for other in TYPES:
        assert signed_by(KEYS[other].public, good, MESSAGE) is (other == kind)
        assert signed_by(PublicKey("one", other, key.public), good, MESSAGE) is (other == kind)


@pytest.mark.parametrize("kind", TYPES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_never_counts(kind: str, data: st.DataObject) -> None:
    """KY-2: neither in the signature nor in the key."""
    key, good = KEYS[kind].public, GOOD[kind]
    bit = data.draw(st.integers(0, 8 * len(good) - 1))
    assert not signed_by(key, _flipped(good, bit), MESSAGE)
    bit = data.draw(st.integers(0, 8 * len(key.public) - 1))
    assert not signed_by(PublicKey("one", kind, _flipped(key.public, bit)), good, MESSAGE)


@pytest.mark.parametrize("kind", TYPES)
@given(public=st.binary(min_size=1, max_size=4096), signature=st.binary(max_size=4096), fits=st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_judged_without_an_error(kind: str, public: bytes, signature: bytes, fits: bool) -> None:
    """KY-2: a hostile statement's key or signature makes no verifier fall over, also where the lengths are right."""
    known = ALGORITHMS[kind]
    if fits:
        public = (known.prefix + public * 2000)[: known.public_bytes]
        signature = ((signature or b"\1") * 4000)[: known.signature_bytes]
    assert not signed_by(PublicKey("any", kind, public), signature, MESSAGE)


def test_every_type_and_family_is_verified() -> None:
    """KY-4, TH-2: the types and families of SPEC section 4."""
    assert set(TYPES) == VERIFIED_TYPES == {"ed25519", "ecdsa-p256", "ecdsa-p384", "ml-dsa-65"}
    assert {kind: "ml-dsa" if kind == "ml-dsa-65" else "classical" for kind in TYPES} == FAMILIES
    assert {"classical", "ml-dsa"} == VERIFIED_FAMILIES


def test_a_device_that_meets_ed25519_alone_loads_no_second_library() -> None:
    """KY-2 at no cost for who has no such key: start-up time and memory of a small device."""
    program = (
        "import sys; from sealring.keys import PublicKey, signed_by; key, signature = map(bytes.fromhex, sys.argv[1:]);"
        "assert signed_by(PublicKey('one', 'ed25519', key), signature, b'DSSEv1 any bytes');"
        "assert not [name for name in sys.modules if name.startswith('cryptography')]"
    )
    words = [sys.executable, "-c", program, KEYS["ed25519"].public.public.hex(), GOOD["ed25519"].hex()]
    assert subprocess.run(words, capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384"])
def test_what_a_token_gives_gets_its_one_spelling(kind: str) -> None:
    """KY-2: DER with either s becomes the same fixed bytes, which count."""
    order, half = ORDERS[kind], len(GOOD[kind]) // 2
    r, s = (int.from_bytes(part, "big") for part in (GOOD[kind][:half], GOOD[kind][half:]))
    for given_s in (s, order - s):
        assert normalise_ecdsa(encode_dss_signature(r, given_s), kind) == GOOD[kind]
        assert fixed_ecdsa(r, given_s, kind) == GOOD[kind]
    assert not signed_by(KEYS[kind].public, r.to_bytes(half, "big") + (order - s).to_bytes(half, "big"), MESSAGE)


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384"])
def test_what_is_no_ecdsa_signature_is_not_made_one(kind: str) -> None:
    """KY-2: other bytes than strict DER, and numbers out of range, stop where the token's answer comes in."""
    order, der = ORDERS[kind], encode_dss_signature(5, 7)
    assert normalise_ecdsa(der, kind)
    numbers = [encode_dss_signature(r, s) for r, s in ((0, 7), (5, 0), (order, 7), (5, order))]
    spelled = [GOOD[kind], b"", der + b"\0", der[:-1], b"\x30\x81" + der[1:], b"\x30\x07\x02\x02\0\5\x02\1\7"]
    negative = b"\x30\x06\x02\1\xfb\x02\1\7"
    for bad in (*numbers, *spelled, negative):
        with pytest.raises(NotEcdsa) as refused:
            normalise_ecdsa(bad, kind)
        assert (refused.value.rule, refused.value.exit_code) == ("KY-2", 21)
        assert kind in str(refused.value)
        assert refused.value.hint()


def test_the_tests_own_ml_dsa_is_the_standards() -> None:
    """The plain signer of the vectors makes the library's keys, signs the same twice, and what it signs is good."""
    for n in range(4):
        seed = bytes([n]) * 32
        key = MLDSA65PrivateKey.from_seed_bytes(seed).public_key()
        assert ml_dsa.public_of(seed) == key.public_bytes_raw()
        key.verify(ml_dsa.sign(seed, MESSAGE), MESSAGE)
        key.verify(ml_dsa.sign(seed, MESSAGE, before=b"\0\1x"), MESSAGE, b"x")


def test_a_z_that_is_too_long_is_what_refuses_the_vector() -> None:
    """KY-2: the equation of `ml-dsa/long-z.vec` holds, so a verifier that does not measure z would take it."""
    seed = b"\7" * 32
    good, long = ml_dsa.sign(seed, MESSAGE), ml_dsa.sign(seed, MESSAGE, long_z=True)
    public = ml_dsa.public_of(seed)
    assert ml_dsa.equation_holds(public, good, MESSAGE)
    assert ml_dsa.equation_holds(public, long, MESSAGE)
    assert not ml_dsa.equation_holds(public, long, MESSAGE + b".")
    assert signed_by(PublicKey("m", "ml-dsa-65", public), good, MESSAGE)
    assert not signed_by(PublicKey("m", "ml-dsa-65", public), long, MESSAGE)


def _flipped(raw: bytes, bit: int) -> bytes:
    return raw[: bit // 8] + bytes([raw[bit // 8] ^ 1 << bit % 8]) + raw[bit // 8 + 1 :]

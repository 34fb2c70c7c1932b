"""Keys, thresholds and signatures at their very bounds (SPEC KY, TH, ST-3)."""

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sealring.algorithm import ORDERS, fixed_ecdsa
from sealring.envelope import seal
from sealring.errors import TrustError
from sealring.keys import BadKeySet, FamilyThreshold, KeySet, PublicKey, signed_by
from sealring.statement import Brand, parse_statement
from sealring.strict import Malformed, encode
from sealring.threshold import TooFewSigners, check_threshold, signing_progress
from tests.world import Key, World, hybrid_set, key_set, sign

WORLD = World()
ONE, TWO, LATTICE = Key("one"), Key("two"), Key("lattice", "ml-dsa-65")
CURVED = {"ecdsa-p256": ec.SECP256R1(), "ecdsa-p384": ec.SECP384R1()}
MESSAGE = b"DSSEv1 any bytes"


def rule_of(keys: KeySet) -> str | None:
    """The rule by which a brand with these keys is refused, if it is."""
    try:
        found = parse_statement(encode(WORLD.brand(keys=keys)))
    except TrustError as err:
        return err.rule
    assert isinstance(found, Brand)
    return None


def test_one_key_under_two_names_is_one_key() -> None:
    """KY-3, KY-1: else a set says "two people", and one of them is enough."""
    with pytest.raises(BadKeySet) as refused:
        KeySet([ONE.public, PublicKey("again", ONE.public.type, ONE.public.public)], key_set(2, ONE).thresholds).check()
    assert refused.value.rule == "KY-3"


@pytest.mark.parametrize(("family", "able"), [("classical", 2), ("ml-dsa", 1)])
def test_keys_of_one_family_bring_no_other_within_reach(family: str, able: int) -> None:
    """TH-3: a threshold that nobody can meet would lock the brand out, found only on the day it is needed."""
    keys = [ONE.public, TWO.public, LATTICE.public]
    KeySet(keys, [FamilyThreshold(family, able, "required")]).check()
    with pytest.raises(BadKeySet) as refused:
        KeySet(keys, [FamilyThreshold(family, able + 1, "required")]).check()
    assert f"with {able} such keys" in str(refused.value)


def test_a_set_has_at_most_32_keys_and_asks_for_at_most_as_many() -> None:
    """ST-3: all of which may be needed."""
    keys = [PublicKey(f"key-{n}", "ed25519", bytes([n + 1]) * 32) for n in range(33)]
    assert rule_of(KeySet(keys[:32], [FamilyThreshold("classical", 32, "required")])) is None
    assert rule_of(KeySet(keys, [FamilyThreshold("classical", 1, "required")])) == "ST-3"
    assert rule_of(KeySet(keys[:32], [FamilyThreshold("classical", 33, "required")])) == "ST-3"


@pytest.mark.parametrize("place", [(), ("keys", 0), ("thresholds", 0)])
def test_a_member_that_a_key_set_does_not_have_is_told_as_such(place: tuple[Any, ...]) -> None:
    """ST-3: in the set, in a key and in a threshold; who misread it would count by other rules than its signers."""
    brand = msgspec.json.decode(encode(WORLD.brand()))
    at = brand["keys"]
    for step in place:
        at = at[step]
    at["weight"] = 2
    with pytest.raises(Malformed) as refused:
        parse_statement(encode(brand))
    assert refused.value.rule == "ST-3"


@pytest.mark.parametrize("held", [ONE.public, key_set(1, ONE), *key_set(1, ONE).thresholds])
def test_what_was_checked_stays_as_it_was_checked(held: msgspec.Struct) -> None:
    """KY-3, TH-3: whoever is handed a set can't widen it for the next."""
    for one in msgspec.structs.fields(held):
        with pytest.raises(AttributeError):
            setattr(held, one.name, getattr(held, one.name))


@pytest.mark.parametrize(
    ("public", "needed"),
    [
        (PublicKey("e", "ed25519", b"\4" * 31), "key e: 32 bytes make a key of ed25519"),
        (PublicKey("p", "ecdsa-p256", b"\4" * 64), "key p: 65 bytes that begin with 04 make a key of ecdsa-p256"),
    ],
)
def test_who_lists_a_wrong_key_is_told_what_a_right_one_looks_like(public: PublicKey, needed: str) -> None:
    """KY-2."""
    with pytest.raises(BadKeySet) as refused:
        public.check()
    assert str(refused.value) == f"key set: {needed}"


def test_progress_counts_each_family_by_itself() -> None:
    """TH-1: who gathers signatures asks the right person for the next."""
    keys = hybrid_set(2, 1, ONE, TWO, LATTICE)
    for by, found in ((ONE, (1, 0)), (LATTICE, (0, 1))):
        progress = signing_progress(sign(WORLD.revision(), by), keys)
        assert progress.needed == (("classical", found[0], 2), ("ml-dsa", found[1], 1))


def test_a_signature_under_a_good_keys_id_must_be_that_keys() -> None:
    """TH-1: its id alone, with any bytes of the right length, says nothing."""
    good = sign(WORLD.revision(), ONE)
    with pytest.raises(TooFewSigners):
        check_threshold(seal(good.payload, {ONE.id: b"\1" * 64}), key_set(1, ONE), "it")


@pytest.mark.parametrize("moved", [-1, 1])
def test_where_a_signature_ends_is_not_its_senders_choice(moved: int) -> None:
    """KY-2: Ed25519's library takes signature and message as one; a byte across would be a second pair that counts."""
    whole = ONE.sign(MESSAGE) + MESSAGE
    assert signed_by(ONE.public, whole[:64], whole[64:])
    assert not signed_by(ONE.public, whole[: 64 + moved], whole[64 + moved :])


@pytest.mark.parametrize("kind", CURVED)
def test_a_point_in_another_spelling_never_counts(kind: str) -> None:
    """KY-2, KY-1: or one key would have two ids, and count twice in one set."""
    key = Key("one", kind)
    public, good = key.public.public, key.sign(MESSAGE)
    half, odd = len(public) // 2, public[-1] & 1
    assert signed_by(key.public, good, MESSAGE)
    for spelled in (bytes([2 + odd]) + public[1 : half + 1], bytes([6 + odd]) + public[1:]):
        assert not signed_by(PublicKey("again", kind, spelled), good, MESSAGE)


@pytest.mark.parametrize("kind", CURVED)
def test_the_orders_are_those_of_the_curves(kind: str) -> None:
    """KY-2: the lower of s and n - s depends on the last digit of n; the ends of its range are signatures too."""
    n, half = ORDERS[kind], CURVED[kind].group_order.bit_length() // 8
    assert CURVED[kind].group_order == n
    one = (1).to_bytes(half, "big")
    assert fixed_ecdsa(1, 1, kind) == one + one
    assert fixed_ecdsa(n - 1, n - 1, kind) == (n - 1).to_bytes(half, "big") + one


@pytest.mark.parametrize("length", [1, 63])
def test_a_signature_is_not_completed_from_the_message(length: int) -> None:
    """KY-2: a library that takes both in one piece would read the missing bytes from what was signed."""
    rest = b"any bytes"
    signature = ONE.sign(rest)
    assert signed_by(ONE.public, signature, rest)
    assert not signed_by(ONE.public, signature[:length], signature[length:] + rest)


@pytest.mark.parametrize("kind", sorted(CURVED))
def test_the_lowest_numbers_of_a_signature_are_spelt(kind: str) -> None:
    """KY-2: r and s are from 1."""
    half = CURVED[kind].key_size // 8
    assert fixed_ecdsa(1, 1, kind) == (1).to_bytes(half, "big") * 2


@pytest.mark.parametrize(
    ("at", "what"),
    [('"keys":[{', "a key"), ('"thresholds":[{', "a threshold"), ('"keys":{', "a key set")],
)
def test_an_unknown_member_of_a_key_set_is_out_of_bounds(at: str, what: str) -> None:
    """ST-3: refused while it is read, and not only for its spelling."""
    raw = encode(WORLD.brand()).decode()
    with pytest.raises(TrustError) as refused:
        parse_statement(raw.replace(at, at + '"aaa":1,', 1).encode())
    assert refused.value.rule == "ST-3", what


@pytest.mark.parametrize("one", [ONE.public, key_set(1, ONE), key_set(1, ONE).thresholds[0]])
def test_what_was_judged_stays_as_it_was(one: Any) -> None:
    """KY-3, TH-3: a set that was checked can't be given another threshold, nor a key other material."""
    name = one.__struct_fields__[0]
    with pytest.raises(AttributeError):
        setattr(one, name, getattr(one, name))
